"""report.html: the report of a run on one page that needs no other file, from its network to its mistakes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import torch
from jinja2 import Environment, StrictUndefined, Template
from PIL import Image

from striate.accounting import CONVENTION, account
from striate.data import ImageSet
from striate.description.labels import one_line
from striate.description.layers import Conv
from striate.description.network import plan
from striate.description.shapes import show
from striate.files import make_folder, write_whole
from striate.language import FONTS
from striate.language.say import language, retold, say, say_count, say_html
from striate.look.examples import keep_examples
from striate.look.learning import learning
from striate.look.pictures import colour_filter_picture, data_uri, filter_picture, image_picture, png, sheet
from striate.look.rejection_figure import rejection_chart
from striate.modules import Built
from striate.train.curves import learning_charts
from striate.train.metrics import Evaluation, Outputs, evaluation_of
from striate.train.rejection import PAPER_ERROR, rejection_of, scores_compared
from striate.train.run import Run
from striate.wording import percent

MISTAKES = 32
FILTERS = 96


@dataclass(frozen=True)
class Mistake:
    """A wrong answer: the image, its true class, the answer, and the answer's probability."""

    picture: Image.Image
    truth: str
    answer: str
    probability: float
    name: str


def write_report(run: Run, outputs: Outputs, images: ImageSet) -> None:
    """Write report.html and pictures/ of a run, with the evaluation of its outputs for `images`, and its examples."""
    mistakes = worst_mistakes(run, outputs, images)
    filters = first_filters(run.model())
    epochs = run.events("epoch")
    charts = _curves(run)
    rejection, evaluation = rejection_of(outputs), evaluation_of(outputs, run.classes)
    rejected = rejection_chart(rejection)
    make_folder(run.path("pictures"))
    if filters:
        write_whole(run.path("pictures/filters.png"), png(sheet(filters, side=80, columns=8)))
    if mistakes:
        labels = [say("{truth} as {answer}", truth=each.truth, answer=each.answer) for each in mistakes]
        pictures = [each.picture for each in mistakes]
        write_whole(run.path("pictures/mistakes.png"), png(sheet(pictures, side=80, columns=8, labels=labels)))
    _write_charts(run, {"loss": charts[0], "error": charts[1], "rejection": rejected})
    page = _template().render(
        run=run,
        fonts=FONTS,
        language=language(),
        why=retold,
        title=_title(run),
        evaluation=evaluation,
        shades=confusion_shades(evaluation),
        split=images.split,
        judging=run.judging,
        epochs=epochs,
        warnings=run.events("warning"),
        charts=charts,
        rejected=rejected,
        reached=rejection.reach(),
        paper_error=PAPER_ERROR,
        compared=scores_compared(run.network),
        account=_account(run),
        convention=CONVENTION,
        mistakes=[(data_uri(each.picture), each) for each in mistakes],
        filters=[data_uri(each) for each in filters],
        film=learning(run),
        recipe=run.recipe.to_dict() | {"augmentation": run.recipe.augmentation.words},
        finished=run.events("finished")[-1:],
    )
    write_whole(run.path("report.html"), page)
    keep_examples(run, images)


def write_curves(run: Run) -> None:
    """Write the learning curves of a run, pictures/loss.svg and pictures/error.svg."""
    make_folder(run.path("pictures"))
    loss, error = _curves(run)
    _write_charts(run, {"loss": loss, "error": error})


def _curves(run: Run) -> tuple[str, str]:
    return learning_charts(run.events("epoch"), run.judging)


def _write_charts(run: Run, charts: dict[str, str]) -> None:
    for name, chart in charts.items():
        write_whole(run.path(f"pictures/{name}.svg"), chart.replace('fill="currentColor"', 'fill="#444"', 1))


def worst_mistakes(run: Run, outputs: Outputs, images: ImageSet) -> list[Mistake]:
    """The wrong answers with the highest probabilities, the highest first."""
    wrong = torch.nonzero(outputs.predicted != outputs.labels)[:, 0]
    sure = outputs.probabilities[wrong].amax(1)
    worst = wrong[sure.argsort(descending=True)][:MISTAKES].tolist()
    return [
        Mistake(
            image_picture(images.images[number]),
            run.classes[int(outputs.labels[number])],
            run.classes[int(outputs.predicted[number])],
            outputs.probabilities[number].max().item(),
            images.names[number] if images.names else say("image {number}", number=number),
        )
        for number in worst
    ]


def confusion_shades(evaluation: Evaluation) -> list[list[float]]:
    """The darkness of each wrong answer's cell, 0 to 1: the square root of its share of the class's images, scaled.

    With shares, a class with few images is as visible as one with many; with roots, rare confusions remain visible.
    """
    shares = [
        [count / max(1, sum(row)) if answer != truth else 0.0 for answer, count in enumerate(row)]
        for truth, row in enumerate(evaluation.confusion)
    ]
    most = max(map(max, shares)) or 1.0
    return [[math.sqrt(share / most) for share in row] for row in shares]


def first_filters(model: Built) -> list[Image.Image]:
    """The filters of the first convolution: in colour where it reads three maps, else one picture per input map."""
    step = next((step for step in plan(model.network).steps if isinstance(step.layer, Conv)), None)
    if step is None:
        return []
    module = model.get_submodule(step.path)
    weights: torch.Tensor = module.weight.detach()  # pyright: ignore[reportAssignmentType, reportCallIssue]
    if weights.ndim == 4 and weights.shape[1] == 3:
        return [colour_filter_picture(each) for each in weights[:FILTERS]]
    return [filter_picture(each) for each in weights.flatten(0, -3)[:FILTERS]]


def _account(run: Run) -> dict[str, Any]:
    result = account(run.network)
    largest = max((row.counts.parameters for row in result.rows), default=0) or 1
    most = max((row.counts.macs for row in result.rows), default=0) or 1
    rows = [
        {
            "path": row.path,
            "words": row.words,
            "output": show(row.step.output),
            "counts": row.counts,
            "parameters_bar": 100 * row.counts.parameters / largest,
            "macs_bar": 100 * row.counts.macs / most,
            "field": show(row.receptive_field.size),
        }
        for row in result.rows
    ]
    return {"rows": rows, "totals": result.totals}


def _title(run: Run) -> str:
    source = run.network.source
    if source is None:
        return run.network.name
    return say("{network}, after {paper}, {year}", network=run.network.name, paper=source.paper, year=source.year)


@cache
def _template() -> Template:
    text = files("striate.look").joinpath("report.html.jinja").read_text(encoding="utf-8")
    page = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    page.globals.update(percent=percent, one_line=one_line, say=say_html, say_count=say_count)
    return page.from_string(text)
