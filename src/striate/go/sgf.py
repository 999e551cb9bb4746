"""One game from the bytes of an SGF file (FF[4]): its positions, move by move. Needs the extra `go`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from striate.errors import DataError, MoveError, quote
from striate.extras import require_extra
from striate.go.coordinates import LARGEST, PASS, SMALLEST
from striate.go.position import BLACK, WHITE, Position, Rules, place, play, start, to_move

LARGEST_FILE = 2**20
"""The most bytes of one game."""


@dataclass(frozen=True)
class GameRecord:
    """A game: `positions` has the one before the first move, and the one after each of `moves`. `komi` is None where
    the record has none that can be read.

    Where a move of the record is illegal, the game ends before it, and `broken` says why; else it is "". The last
    stones that it sets up are there after `placed` moves.
    """

    size: int
    komi: float | None
    positions: tuple[Position, ...]
    moves: tuple[int, ...]
    comment: str = ""
    broken: str = ""
    placed: int = 0


def read_game(content: bytes, *, rules: Rules | None = None, most: int | None = None) -> GameRecord:
    """The main line of the first game in an SGF file. Stones may be set up, and a player named, at any node.

    With `most` only so many moves are read; nothing after the next move counts. Raises DataError where the bytes are
    no such file.
    """
    if len(content) > LARGEST_FILE:
        raise DataError(f"{len(content):,} bytes are too many for a game.", f"At most {LARGEST_FILE:,} are read.")
    game = _parsed(content)
    if _raw(game.get_root(), "GM") not in (b"1", b""):
        raise DataError("a record of another game than Go.", "The property GM of Go is 1.", "Give a game of Go.")
    size: int = game.get_size()
    if not SMALLEST <= size <= LARGEST:
        raise DataError(f"a board of {size}×{size}.", f"A board has {SMALLEST} to {LARGEST} lines each way.")
    nodes: list[Any] = game.get_main_sequence()
    position = start(size, rules)
    positions: list[Position] = []
    moves: list[int] = []
    broken = ""
    placed = 0
    named = False
    for node in nodes:
        try:
            before = _set_up(position, node, named=named)
            named = named or bool(_raw(node, "PL"))
            move = _move(node, size)
            if before is not position:
                placed = placed if before.stones == position.stones else len(moves)
                position = before
                if positions:
                    positions[-1] = position
            if not positions:
                positions.append(position)
            if move is None:
                continue
            colour, point = move
            position = to_move(position, colour)
            positions[-1] = position  # the record says whose turn it was
            if most is not None and len(moves) >= most:
                break
            position = play(position, point)
        except MoveError as error:
            broken = f"move {len(moves) + 1}: {error.what}"
            break
        positions.append(position)
        moves.append(point)
    reached = tuple(positions or [position])
    return GameRecord(size, _komi(game), reached, tuple(moves), _comment(nodes[0]), broken, placed)


def write_game(record_size: int, moves: Iterable[tuple[int, int]], *, komi: float, result: str = "") -> str:
    """A game as SGF: (colour, move) one after the other.

    >>> write_game(9, [(BLACK, 40), (WHITE, PASS)], komi=7.5, result="B+1.5")
    '(;GM[1]FF[4]SZ[9]KM[7.5]RE[B+1.5]\\n;B[ee];W[])\\n'
    """
    letters = "abcdefghijklmnopqrstuvwxy"
    nodes: list[str] = []
    for colour, move in moves:
        at = "" if move == PASS else letters[move % record_size] + letters[move // record_size]
        nodes.append(f";{'B' if colour == BLACK else 'W'}[{at}]")
    lines = "\n".join("".join(nodes[at : at + 12]) for at in range(0, len(nodes), 12))
    ended = f"RE[{result}]" if result else ""
    return f"(;GM[1]FF[4]SZ[{record_size}]KM[{komi:g}]{ended}\n{lines})\n"


def _parsed(content: bytes) -> Any:
    require_extra("go", "records of Go games need")
    from sgfmill import sgf, sgf_grammar  # pyright: ignore[reportMissingTypeStubs]

    try:
        tree: Any = sgf_grammar.parse_sgf_game(content)
        _make_readable(tree.sequence[0])
        return sgf.Sgf_game.from_coarse_game_tree(tree)  # pyright: ignore[reportUnknownMemberType]
    except (ValueError, RecursionError) as error:
        reason = str(error) or "it breaks off"
        raise DataError(
            f"not a record of a game that can be read: {reason}.",
            "Expected a game in SGF, as in (;GM[1]FF[4]SZ[19];B[pd];W[dp]).",
        ) from None


def _make_readable(root: dict[str, list[bytes]]) -> None:
    """Write a square board's size, 19:19, as sgfmill reads it: 19; drop an encoding that is left empty."""
    square = re.fullmatch(rb"\s*0*([1-9]\d?)\s*:\s*0*\1\s*", root.get("SZ", [b""])[0])
    if square:
        root["SZ"] = [square[1]]
    if not root.get("CA", [b"UTF-8"])[0].strip():
        del root["CA"]


def _set_up(position: Position, node: Any, *, named: bool) -> Position:
    """The position with the stones that a node sets up, and the player that it names.

    Before the first move, black stones alone are a handicap, after which White plays; not where a player was `named`.
    """
    size = position.size
    try:
        black, white, empty = ([_point(each, size) for each in some] for some in node.get_setup_stones())
    except ValueError as error:
        raise MoveError(f"its stones cannot be read: {error}.") from None
    if black or white or empty:
        found = place(position, black, white, empty)
        if found.stones != position.stones:  # else its history goes on
            position = found
        if position.turn == 0 and not named:
            handicap = BLACK in position.stones and WHITE not in position.stones
            position = to_move(position, WHITE if handicap else BLACK)
    player = _raw(node, "PL")
    if not player:
        return position
    if player[:1].lower() not in (b"b", b"w"):
        raise MoveError(f"its player, {quote(player.decode('ascii', 'replace'))}, is neither B nor W.")
    return to_move(position, BLACK if player[:1].lower() == b"b" else WHITE)


def _raw(node: Any, name: str) -> bytes:
    """The first value of a property as it is written; nothing where the node has none."""
    value: bytes = node.get_raw(name) if node.has_property(name) else b""
    return value.strip()


def _move(node: Any, size: int) -> tuple[int, int] | None:
    try:
        colour, at = node.get_move()
    except ValueError as error:
        raise MoveError(f"it cannot be read: {error}.") from None
    if colour is None:
        return None
    return (BLACK if colour == "b" else WHITE), PASS if at is None else _point(at, size)


def _point(at: tuple[int, int], size: int) -> int:
    """A point from sgfmill's (row from below, column)."""
    return (size - 1 - at[0]) * size + at[1]


def _komi(game: Any) -> float | None:
    try:
        return float(game.get_komi()) if game.get_root().has_property("KM") else None
    except ValueError:
        return None


def _comment(root: Any) -> str:
    try:
        text = str(root.get("C")) if root.has_property("C") else ""
    except (ValueError, LookupError):  # bytes, or a charset, that are no text
        return ""
    return text.encode("utf-8", "replace").decode("utf-8")


def at_move(record: GameRecord, number: int) -> Position:
    """The position before move `number`, counted from 1. Raises DataError where there is none."""
    if not 1 <= number <= len(record.positions):
        ends = f" The record ends at an illegal one: {record.broken}" if record.broken else ""
        raise DataError(
            f"there is no move {quote(number)}: the game has {len(record.moves)} moves.{ends}",
            f"Moves are counted from 1; {len(record.positions)} stands for the position at the end.",
        )
    return record.positions[number - 1]
