"""The lines about a run that plays Go: how often it is right, by phase of the game."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from striate.description.labels import one_line
from striate.train.boards import BoardEvaluation
from striate.wording import counted, percent


@dataclass(frozen=True)
class Figure:
    """What others reached, from Silver et al. 2016, page 485 and Extended Data Table 3: on games of other players."""

    name: str
    top1: float


OTHERS = (
    Figure("AlphaGo's rollout policy", 0.242),
    Figure("the best before AlphaGo", 0.444),
    Figure("AlphaGo's policy, board and history alone", 0.557),
    Figure("AlphaGo's policy, 192 filters", 0.570),
)


def evaluation_lines(name: str, found: BoardEvaluation) -> Iterator[str]:
    """The figures of an evaluation, and a row for each phase of the game."""
    games = counted(found.games, f"{found.split} game")
    yield f"{name} on {counted(found.positions, 'position')} of {games} of {one_line(found.source)}"
    yield f"  the move played is the likeliest: {percent(found.top1)}, among the five likeliest: {percent(found.top5)}"
    mean = ", the mean over the eight symmetries" if found.symmetries > 1 else ""
    yield f"  loss {found.loss:.4f}; answered by {found.answered.words}{mean}"
    yield ""
    yield "  moves      positions    top 1    top 5"
    for phase in found.phases:
        span = f"{phase.first}–{phase.last}" if phase.last else f"{phase.first}–"
        top1, top5 = (percent(each) if phase.positions else "-" for each in (phase.top1, phase.top5))
        yield f"  {span:9}  {phase.positions:9,}  {top1:>7}  {top5:>7}"
    yield ""
    others = "; ".join(f"{each.name} {percent(each.top1, 1)}" for each in OTHERS)
    yield f"  For comparison, top 1 in Silver et al. 2016, on games of other players: {others}."
