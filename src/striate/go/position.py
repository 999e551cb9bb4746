"""A position of Go is a value: stones, whose turn it is, and what the rules and the network need of the moves before.

    >>> position = start(9)
    >>> position = play(play(position, point_named("E5", 9)), PASS)
    >>> position.to_play, position.turn, name_of(position.stones.index(BLACK), 9)
    (1, 2, 'E5')

To take a move back, keep the position before it: nothing here changes a position.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias, assert_never

from striate.errors import MoveError
from striate.go.coordinates import PASS, check_size, name_of, neighbours, point_named

__all__ = [
    "BLACK", "EMPTY", "NAMES", "WHITE", "Colour", "Position", "Rules",
    "chain", "illegal", "is_over", "legal_moves", "liberties", "place", "play", "start", "to_move",
    "PASS", "name_of", "point_named",
]  # fmt: skip

EMPTY, BLACK, WHITE = 0, 1, 2
Colour: TypeAlias = int
"""BLACK or WHITE. The other one is 3 − colour."""
NAMES = ("empty", "black", "white")
OLDEST = 8
"""The network distinguishes ages of stones up to this one, which stands for all greater ones."""
_OLDER = bytes([0, *(min(age + 1, OLDEST) for age in range(1, 256))])


@dataclass(frozen=True)
class Rules:
    """Which moves the rules forbid, beside those on a stone.

    `ko`: "simple" forbids to take back at once, in a ko; "positional" any whole-board position that there was before
    (positional superko, as in the Tromp-Taylor rules). `suicide`: whether a move may take its own chain's last liberty.
    """

    ko: Literal["simple", "positional"] = "simple"
    suicide: bool = False


@dataclass(frozen=True)
class Position:
    """A position: bytes have size × size values, row by row from above left (the order of a network's input).

    `stones`: EMPTY, BLACK or WHITE. `ages`: 0 where empty, else turns since the stone was placed: 1 for the last move,
    at most 8; stones that were there at the start have 8. `ko`: the point where to take is forbidden by the simple ko,
    or PASS. `seen`: earlier whole boards, this one included, kept for positional superko alone.
    """

    size: int
    rules: Rules
    stones: bytes
    ages: bytes
    to_play: Colour = BLACK
    ko: int = PASS
    last: int | None = None
    """The last move, PASS for a pass; None before the first one."""
    turn: int = 0
    """Moves that were played, passes included."""
    passes: int = 0
    """Passes in a row, at the end."""
    captured: tuple[int, int] = (0, 0)
    """Stones that black, and white, have captured; of a suicide, the opponent."""
    seen: frozenset[bytes] = frozenset()

    def __post_init__(self) -> None:
        if self.rules.ko == "positional" and not self.seen:
            object.__setattr__(self, "seen", frozenset([self.stones]))


def start(size: int = 19, rules: Rules | None = None) -> Position:
    """The empty board. Raises MoveError for a size from 2 to 25."""
    nothing = bytes(check_size(size) ** 2)
    return Position(size, rules or Rules(), nothing, nothing)


def place(
    position: Position, black: Iterable[int] = (), white: Iterable[int] = (), empty: Iterable[int] = ()
) -> Position:
    """A position with stones placed or removed without a move: a handicap, a problem. Its history begins anew.

    Raises MoveError where a chain is left without a liberty, or a point is named for two purposes.
    """
    stones = bytearray(position.stones)
    used: set[int] = set()
    for colour, points in ((BLACK, black), (WHITE, white), (EMPTY, empty)):
        for point in points:
            if not 0 <= point < len(stones):
                raise MoveError(f"{point} is no point of a {position.size}×{position.size} board.")
            if point in used:
                raise MoveError(f"{name_of(point, position.size)} is placed twice.", "A point has one stone, or none.")
            used.add(point)
            stones[point] = colour
    board = bytes(stones)
    for point, colour in enumerate(board):
        if colour and not liberties(board, position.size, point):
            raise MoveError(
                f"the {NAMES[colour]} stone at {name_of(point, position.size)} has no liberty.",
                "Every chain of stones has an empty point beside it.",
            )
    ages = bytes(OLDEST if colour else 0 for colour in board)
    return replace(position, stones=board, ages=ages, ko=PASS, last=None, passes=0, seen=frozenset())


def to_move(position: Position, colour: Colour) -> Position:
    """The same position with `colour` to play. A ko is forbidden to one player alone: it is free for the other."""
    return position if position.to_play == colour else replace(position, to_play=colour, ko=PASS)


def play(position: Position, move: int) -> Position:
    """The position after a move of `to_play`, a point or PASS. Raises MoveError, which says why a move is illegal."""
    if move == PASS:
        return _after(position, position.stones, move, ko=PASS, taken=0)
    reason = illegal(position, move)
    if reason:
        raise MoveError(
            f"{NAMES[position.to_play]} cannot play {_named(move, position.size)}: {reason}.",
        )
    stones, taken = _with_stone(position.stones, position.size, move, position.to_play)
    ko = _ko_after(stones, position, move) if taken == 1 else PASS
    return _after(position, stones, move, ko=ko, taken=taken)


def illegal(position: Position, move: int) -> str:
    """Why the rules forbid a move, in words; "" for a legal one. A pass is always legal."""
    if move == PASS:
        return ""
    if not 0 <= move < len(position.stones):
        return f"it is no point of a {position.size}×{position.size} board"
    if position.stones[move]:
        return f"a {NAMES[position.stones[move]]} stone is there"
    if move == position.ko:
        return "the ko was just taken there"
    if position.rules.ko == "simple" and any(not position.stones[each] for each in neighbours(position.size)[move]):
        return ""  # it has a liberty at once: most moves end here
    stones, taken = _with_stone(position.stones, position.size, move, position.to_play)
    if taken < 0 and not position.rules.suicide:
        return "it takes its own last liberty (suicide)"
    match position.rules.ko:
        case "simple":
            return ""
        case "positional":
            return "it repeats an earlier position (superko)" if stones in position.seen else ""
        case never:
            assert_never(never)


def legal_moves(position: Position) -> list[int]:
    """Every point where `to_play` may play. A pass, which is always legal, is not among them."""
    return [point for point in range(len(position.stones)) if not illegal(position, point)]


def is_over(position: Position) -> bool:
    """Whether both players have passed, one after the other."""
    return position.passes >= 2


def chain(stones: bytes | bytearray, size: int, point: int) -> set[int]:
    """The stones connected with the one at `point`; of an empty point, the connected empty points."""
    colour, beside = stones[point], neighbours(size)
    found, edge = {point}, [point]
    while edge:
        for each in beside[edge.pop()]:
            if stones[each] == colour and each not in found:
                found.add(each)
                edge.append(each)
    return found


def liberties(stones: bytes | bytearray, size: int, point: int) -> set[int]:
    """The empty points beside the chain of the stone at `point`."""
    beside = neighbours(size)
    return {each for stone in chain(stones, size, point) for each in beside[stone] if not stones[each]}


def _with_stone(board: bytes, size: int, point: int, colour: Colour) -> tuple[bytes, int]:
    """The board after a move, and the stones that it takes: −n for n stones of its own."""
    stones = bytearray(board)
    stones[point] = colour
    taken = 0
    for each in neighbours(size)[point]:
        if stones[each] == 3 - colour and not liberties(stones, size, each):
            dead = chain(stones, size, each)
            taken += len(dead)
            for stone in dead:
                stones[stone] = EMPTY
    if not taken and not liberties(stones, size, point):
        dead = chain(stones, size, point)
        taken = -len(dead)
        for stone in dead:
            stones[stone] = EMPTY
    return bytes(stones), taken


def _ko_after(stones: bytes, before: Position, move: int) -> int:
    """Where the opponent must not take back: a lone stone that took one stone and has that one liberty."""
    if len(chain(stones, before.size, move)) > 1:
        return PASS
    free = liberties(stones, before.size, move)
    return free.pop() if len(free) == 1 else PASS


def _after(before: Position, stones: bytes, move: int, *, ko: int, taken: int) -> Position:
    ages = bytearray(before.ages.translate(_OLDER))
    if taken:
        for point, colour in enumerate(stones):
            if not colour:
                ages[point] = 0
    if move != PASS and stones[move]:
        ages[move] = 1
    black = before.to_play == BLACK
    gain = (taken, 0) if (taken > 0) == black else (0, taken)
    return replace(
        before,
        stones=stones,
        ages=bytes(ages),
        to_play=3 - before.to_play,
        ko=ko,
        last=move,
        turn=before.turn + 1,
        passes=before.passes + 1 if move == PASS else 0,
        captured=(before.captured[0] + abs(gain[0]), before.captured[1] + abs(gain[1])),
        seen=before.seen | {stones} if before.rules.ko == "positional" else before.seen,
    )


def _named(move: int, size: int) -> str:
    return name_of(move, size) if 0 <= move < size * size else str(move)
