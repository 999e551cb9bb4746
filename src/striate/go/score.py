"""The score by area: stones on the board, and empty points that reach stones of one colour alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from striate.go.coordinates import neighbours
from striate.go.position import BLACK, EMPTY, WHITE, Position, chain


@dataclass(frozen=True)
class Score:
    """Points of both players; `neutral` points are nobody's. `owners`: for each point BLACK, WHITE or EMPTY."""

    black: int
    white: int
    neutral: int
    owners: bytes


def area(position: Position, dead: Iterable[int] = ()) -> Score:
    """The area of both players, komi not included. Stones at the `dead` points count as taken off.

    No stone is judged to be dead here: play until all dead ones are taken, or name them.
    """
    stones = bytearray(position.stones)
    for point in dead:
        stones[point] = EMPTY
    owners = bytearray(stones)
    beside = neighbours(position.size)
    known: set[int] = set()
    for point, colour in enumerate(stones):
        if colour or point in known:
            continue
        region = chain(stones, position.size, point)
        known |= region
        reached = {stones[each] for empty in region for each in beside[empty]} - {EMPTY}
        if len(reached) == 1:
            owner = reached.pop()
            for empty in region:
                owners[empty] = owner
    return Score(owners.count(BLACK), owners.count(WHITE), owners.count(EMPTY), bytes(owners))


def result(score: Score, komi: float) -> str:
    """The result as records have it: "B+3.5", "W+7.5", or "0" for a draw.

    >>> result(Score(184, 177, 0, b""), 6.5)
    'B+0.5'
    """
    lead = score.black - score.white - komi
    return "0" if lead == 0 else f"{'B' if lead > 0 else 'W'}+{abs(lead):g}"
