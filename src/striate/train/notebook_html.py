"""A run and an evaluation as HTML, for notebooks."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from striate.wording import counted, percent

if TYPE_CHECKING:
    from striate.train.metrics import Evaluation
    from striate.train.run import Run

_RIGHT = ' style="text-align:right;font-variant-numeric:tabular-nums"'
SHOWN = 12
"""The last epochs, and the classes with the most errors, that are shown."""


def evaluation_html(evaluation: Evaluation) -> str:
    """The figures of an evaluation, and each class's; of many classes those with the most errors."""
    found = evaluation
    head = (
        f"<p><b>{counted(found.errors, 'error')} in {counted(found.images, 'image')}: "
        f"{percent(found.error_rate)}</b><br>top 5 {percent(found.top5)}, balanced "
        f"accuracy {percent(found.balanced_accuracy)}, confidence {percent(found.confidence)}</p>"
    )
    by_errors = sorted(found.per_class.items(), key=lambda item: -item[1]["errors"])
    rows = [
        (name, f"{row['images']:,.0f}", f"{row['errors']:,.0f}", percent(row["recall"]), percent(row["precision"]))
        for name, row in (by_errors[:SHOWN] if len(by_errors) > SHOWN else found.per_class.items())
    ]
    return head + _table(("class", "images", "errors", "recall", "precision"), rows)


def run_html(run: Run) -> str:
    """A run: its network, images and recipe, and its last epochs."""
    data, recipe = run.data, run.recipe
    epochs = run.events("epoch")
    lines = [
        f"<b>{escape(run.name)}</b>: {escape(run.network.name)}, {counted(len(run.classes), 'class')}",
        f"{counted(data.train_images, 'image')} for training, {data.validation_images:,} for validation"
        if data.train_images
        else "not trained here",
        f"{counted(recipe.epochs, 'epoch')}, batches of {recipe.batch}, {recipe.optimiser} at {recipe.rate:g}, seed "
        f"{recipe.seed}",
    ]
    rows = [
        (str(each["epoch"]), f"{each['loss']:.4f}", percent(each["train_accuracy"]), percent(each["accuracy"]))
        for each in epochs[-SHOWN:]
    ]
    table = _table(("epoch", "loss", "training", run.judging), rows) if rows else ""
    return f"<p>{'<br>'.join(lines)}</p>{table}"


def _table(heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [f"<tr>{''.join(f'<th{_RIGHT}>{escape(each)}</th>' for each in heads)}</tr>"]
    lines += [f"<tr>{''.join(f'<td{_RIGHT}>{escape(each)}</td>' for each in row)}</tr>" for row in rows]
    return f"<table>{''.join(lines)}</table>"
