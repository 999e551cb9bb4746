"""The paper's figure 5 for a run: errors on training and test images, pass by pass."""

from __future__ import annotations

from striate.charts import Series, line_chart
from striate.reproduce import paper
from striate.reproduce.learner import Pass
from striate.reproduce.method import Method

TRAINING, TESTING, PAPER = "#d97706", "#2563eb", "#7c8190"


def curves(passes: list[Pass], method: Method) -> str:
    """The curves as an SVG; a line at the paper's test error where it prints one."""
    judging = "held out" if method.hold_out else "test"
    series = [
        Series("training", TRAINING, tuple(100 * each.train_error for each in passes)),
        Series(judging, TESTING, tuple(100 * each.test_error for each in passes)),
    ]
    theirs = paper.test_error(method, method.passes)
    if theirs is not None and not method.hold_out:
        series.append(Series("paper, test", PAPER, (100 * theirs,) * len(passes)))
    return line_chart("Wrong, of training and test images", series, x="pass", unit=" %")
