"""The rules by name: which moves they forbid, and how they count."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, assert_never

from striate.go.position import BLACK, WHITE, Position, Rules
from striate.go.score import Score, area

Name = Literal["chinese", "japanese", "tromp-taylor"]


@dataclass(frozen=True)
class PlayRules:
    """Rules of play: `moves` are the forbidden ones, `counts` is what a player has at the end, `komi` the usual one.

    `gives_back`: whether White has a point for each stone of a handicap.
    """

    name: Name
    moves: Rules
    counts: Literal["area", "territory"]
    komi: float
    gives_back: bool = False


RULES: dict[Name, PlayRules] = {
    "chinese": PlayRules("chinese", Rules("positional"), "area", 7.5, gives_back=True),
    "japanese": PlayRules("japanese", Rules("simple"), "territory", 6.5),
    "tromp-taylor": PlayRules("tromp-taylor", Rules("positional", suicide=True), "area", 7.5),
}
"""The rules that can be chosen. By Japanese rules a game that repeats a position has no result; here it goes on."""


@dataclass(frozen=True)
class Counted:
    """Points of both players, without komi, and the area that they were counted from."""

    black: int
    white: int
    area: Score


def score(position: Position, rules: PlayRules) -> Counted:
    """The score of the board as it stands: no stone is judged to be dead."""
    found = area(position)
    match rules.counts:
        case "area":
            return Counted(found.black, found.white, found)
        case "territory":
            black, white = (
                sum(own == colour and not stone for own, stone in zip(found.owners, position.stones, strict=True))
                for colour in (BLACK, WHITE)
            )
            return Counted(black + position.captured[0], white + position.captured[1], found)
        case never:
            assert_never(never)


def lead(counted: Counted, komi: float) -> float:
    """Black's points less White's and komi; `komi` has what a handicap gives back, too."""
    return counted.black - counted.white - komi


def result(counted: Counted, komi: float) -> str:
    """The result as the protocol has it: "B+3.5", "W+7.5", or "0" for a draw."""
    ahead = lead(counted, komi)
    return "0" if ahead == 0 else f"{'B' if ahead > 0 else 'W'}+{abs(ahead):g}"
