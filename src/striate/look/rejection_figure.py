"""The error of the answers that are kept, against the share that is rejected, as a chart."""

from __future__ import annotations

from striate.charts import Series, line_chart
from striate.language.say import say
from striate.train.rejection import PAPER_ERROR, Rejection

POINTS = 100
ENDS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
"""The values at which the axis may end."""


def rejection_chart(rejection: Rejection) -> str:
    """The chart as an SVG; its axis ends where a tenth of the error is left, or at half of the images."""
    error = rejection.steps[0].error
    left = rejection.reach(error / 10)
    end = next((end for end in ENDS if left is not None and end >= left.share), ENDS[-1])
    shares = [end * place / POINTS for place in range(POINTS + 1)]
    series = [Series(say("kept"), "#2563eb", tuple(100 * rejection.at(share).error for share in shares))]
    if error > PAPER_ERROR:
        series.append(Series(f"{100 * PAPER_ERROR:.1f} %", "#8b8f99", (100 * PAPER_ERROR,) * len(shares)))
    return line_chart(
        say("Error of the kept answers"),
        series,
        x=say("rejected, % of the images"),
        unit=" %",
        start=0,
        step=100 * end / POINTS,
    )
