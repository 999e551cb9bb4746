"""The answer of a run that plays Go to a position of a record: in lines, and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from striate.go.coordinates import name_of
from striate.go.position import NAMES, Position, illegal
from striate.go.show import board
from striate.wording import percent

MOST = 5
"""The moves that are printed."""


@dataclass(frozen=True)
class Answer:
    """A position before move `number` of a record, the move that was `played` (None: the record ends there), and the
    likeliest legal moves with their probabilities, the likeliest first. `rank` is the played move's among all legal
    ones, from 1; 0 for a pass or none. `broken` says why the record breaks off there, if it does."""

    record: str
    number: int
    position: Position
    played: int | None
    likeliest: tuple[tuple[int, float], ...]
    played_probability: float
    rank: int
    broken: str = ""

    def members(self) -> dict[str, Any]:
        """The members of the JSON; the board has a row of X, O and dots for each line, from above."""
        size = self.position.size
        signs = "".join(".XO"[colour] for colour in self.position.stones)
        return {
            "record": self.record,
            "move": self.number,
            "to_play": NAMES[self.position.to_play],
            "board": [signs[at : at + size] for at in range(0, len(signs), size)],
            "likeliest": [{"move": name_of(move, size), "probability": share} for move, share in self.likeliest],
            "played": None if self.played is None else name_of(self.played, size),
            "played_probability": self.played_probability,
            "played_rank": self.rank,
            "broken": self.broken,
        }

    def lines(self) -> Iterator[str]:
        """The board, on which 1 to 5 are the likeliest moves, and these moves."""
        size, colour = self.position.size, NAMES[self.position.to_play]
        yield f"{self.record}, before move {self.number}: {colour} to play"
        yield board(self.position, {move: str(at) for at, (move, _) in enumerate(self.likeliest, 1)})
        for at, (move, share) in enumerate(self.likeliest, 1):
            mark = "  <- played" if move == self.played else ""
            yield f"  {at}  {name_of(move, size):3}  {percent(share, 1, exact=False):>6}{mark}"
        if self.broken:
            yield f"The record breaks off here: {self.broken}"
        elif self.played is None:
            yield "The record ends here."
        elif not self.rank:
            yield f"Played: {name_of(self.played, size)}"
        else:
            sure = percent(self.played_probability, 1, exact=False)
            yield f"Played: {name_of(self.played, size)}, {sure}, number {self.rank} of the legal moves"


def answer_of(record: str, number: int, position: Position, played: int | None, shares: list[float]) -> Answer:
    """The answer whose points have these probabilities, row by row."""
    legal = [point for point in range(len(shares)) if not illegal(position, point)]
    ranked = sorted(legal, key=lambda point: -shares[point])
    rank = ranked.index(played) + 1 if played in ranked else 0
    share = shares[played] if played is not None and rank else 0.0
    return Answer(record, number, position, played, tuple((each, shares[each]) for each in ranked[:MOST]), share, rank)
