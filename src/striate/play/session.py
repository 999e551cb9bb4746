"""A game that is being played: its positions, so that moves can be taken back, and who chooses the next one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from striate.errors import MoveError
from striate.go.position import BLACK, WHITE, Colour, Position, place, play, start, to_move
from striate.go.sgf import GameRecord
from striate.play.choose import RESIGN, Style, choose
from striate.play.policy import Policy
from striate.play.rules import Counted, PlayRules, score


@dataclass
class Session:
    """A game against a network. `positions` has the first position and the one after each move."""

    policy: Policy
    rules: PlayRules
    style: Style
    random: Random
    komi: float
    positions: list[Position] = field(default_factory=list)
    given: int = 0
    """The stones of the handicap."""

    def __post_init__(self) -> None:
        self.clear()

    @property
    def size(self) -> int:
        """The lines of the board."""
        return self.policy.size

    @property
    def position(self) -> Position:
        """The position now."""
        return self.positions[-1]

    @property
    def empty(self) -> bool:
        """Whether the board is empty."""
        return not any(self.position.stones)

    @property
    def whites(self) -> float:
        """White's points beside those of the board: komi, and by Chinese rules one for each stone of a handicap."""
        return self.komi + self.given * self.rules.gives_back

    def clear(self) -> None:
        """Begin a new game."""
        self.given = 0
        self.positions = [start(self.size, self.rules.moves)]

    def play(self, colour: Colour, move: int) -> None:
        """A move, of either colour. Raises MoveError where the rules forbid it."""
        self.positions.append(play(to_move(self.position, colour), move))

    def generate(self, colour: Colour) -> int:
        """The network's move, which is played; PASS, or RESIGN, which is not played."""
        position = to_move(self.position, colour)
        moves = self.policy.moves(position)
        move = choose(position, moves, self.rules, self.style, komi=self.whites, random=self.random)
        if move != RESIGN:
            self.positions.append(play(position, move))
        return move

    def undo(self) -> None:
        """Take the last move back. Raises MoveError where there is none."""
        if len(self.positions) < 2:
            raise MoveError("there is no move to take back.")
        self.positions.pop()

    def handicap(self, points: Sequence[int]) -> None:
        """Black's stones before the first move; White plays then."""
        self.positions = [to_move(place(start(self.size, self.rules.moves), points), WHITE)]
        self.given = len(points)

    def load(self, record: GameRecord, most: int) -> None:
        """The first `most` moves of a record, and its komi, if it has one.

        Two black stones or more at its beginning, and no white one, are a handicap.
        """
        first = record.positions[0].stones
        self.given = first.count(BLACK) if WHITE not in first and first.count(BLACK) > 1 else 0
        self.positions = list(record.positions[: most + 1])
        self.komi = self.komi if record.komi is None else record.komi

    def score(self) -> Counted:
        """The score of the board as it stands."""
        return score(self.position, self.rules)


def handicap_points(size: int, stones: int) -> list[int]:
    """The fixed handicap of the protocol, 2 to 9 stones; a board of even size, or of 7, has up to 4 of them.

    Raises MoveError for another number.

    >>> from striate.go.coordinates import name_of
    >>> [name_of(each) for each in handicap_points(19, 3)]
    ['D4', 'Q16', 'D16']
    """
    most = 0 if size < 7 else 4 if size % 2 == 0 or size == 7 else 9
    if not 2 <= stones <= most:
        raise MoveError(f"a board of {size}×{size} has no fixed handicap of {stones} stones.", f"At most {most}.")
    near, middle = (2 if size < 13 else 3), size // 2
    far = size - 1 - near
    corners = [(far, near), (near, far), (near, near), (far, far)]
    sides = [(middle, near), (middle, far), (near, middle), (far, middle)]
    centre = [(middle, middle)]
    # D4, Q16, D16, Q4; then left and right, above and below; an odd number from five on has the centre.
    places = {2: corners[:2], 3: corners[:3], 4: corners, 5: corners + centre, 6: corners + sides[:2]}
    places |= {7: corners + sides[:2] + centre, 8: corners + sides, 9: corners + sides + centre}
    return [row * size + column for row, column in places[stones]]
