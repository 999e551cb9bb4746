"""The curves of a training, drawn from its events: loss and error by epoch."""

from __future__ import annotations

from typing import Any

from striate.charts import HEIGHT, WIDTH, Series, line_chart
from striate.language.say import say
from striate.picture import Picture

SPACE = 20


def both_charts(epochs: list[dict[str, Any]], judging: str) -> Picture:
    """The charts of `learning_charts` beside each other."""
    parts: list[str] = []
    for number, chart in enumerate(learning_charts(epochs, judging)):
        place = f'<svg x="{number * (WIDTH + SPACE)}" width="{WIDTH}" height="{HEIGHT}" '
        parts.append(chart.replace("<svg ", place, 1))
    whole = 2 * WIDTH + SPACE
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {whole} {HEIGHT}" width="{whole}" height="{HEIGHT}">'
    return Picture("\n".join([head, *parts, "</svg>"]) + "\n")


def learning_charts(epochs: list[dict[str, Any]], judging: str) -> tuple[str, str]:
    """The charts of loss and error; `judging` names the images by which the best epoch was chosen."""
    loss = Series(say("training"), "#d97706", tuple(each["loss"] for each in epochs))
    return (
        line_chart(say("Loss"), [loss], x=say("epoch")),
        line_chart(say("Error"), _error_series(epochs, judging), x=say("epoch"), unit=" %"),
    )


def _error_series(epochs: list[dict[str, Any]], judging: str) -> list[Series]:
    def errors(key: str) -> tuple[float, ...]:
        return tuple(100 * (1 - each[key]) for each in epochs)

    series = [
        Series(say("training"), "#d97706", errors("train_accuracy")),
        Series(say(judging), "#2563eb", errors("accuracy")),
    ]
    if all(isinstance(each.get("balanced_accuracy"), float) for each in epochs):
        series.append(Series(say("balanced"), "#059669", errors("balanced_accuracy")))
    return series
