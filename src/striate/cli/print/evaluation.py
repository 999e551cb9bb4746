"""The figures of an evaluation, in lines: of one run, of a committee, and of each class."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from striate.data import ImageSet
from striate.description.labels import one_line
from striate.train.metrics import TOP, Evaluation
from striate.train.rejection import PAPER_ERROR, Rejection
from striate.wording import cells, counted, padded, percent

NAMED = 5
"""The most classes that are named as never recognised, and the most images that are named as left out."""


def figures(found: Evaluation) -> Iterator[str]:
    """The lines for all classes together, and the classes that are never recognised."""
    more = "".join(f", {name} {text}" for name, text in _more(found).items() if name != "balanced")
    wrong = f"wrong {percent(found.error_rate)} ({counted(found.errors, 'image')})"
    yield f"right {percent(found.top1)}, {wrong}{more}"
    if found.uneven:
        yield f"balanced accuracy {percent(found.balanced_accuracy)}, the mean of the classes' recalls"
    if found.missed:
        named = ", ".join(f"{name} (recall 0% of {_images(found, name)})" for name in found.missed[:NAMED])
        others = f" and {len(found.missed) - NAMED:,} more" if len(found.missed) > NAMED else ""
        yield f"never recognised: {named}{others}"
    yield f"mean confidence {percent(found.confidence)}"


def left_out(images: ImageSet) -> Iterator[str]:
    """The files that could not be read and were left out, the first of them with the reasons; nothing for none."""
    bad = images.unreadable
    if not bad:
        return
    yield f"Left out {counted(len(bad), 'image')} that cannot be read:"
    yield from (f"  {one_line(name)}: {reason}" for name, reason in bad[:NAMED])
    if len(bad) > NAMED:
        yield f"  and {len(bad) - NAMED:,} more"


def _more(found: Evaluation) -> dict[str, str]:
    """Figures, by name, that apply only to some sets of classes: with five classes, all are among the top 5."""
    some = {"top 5": percent(found.top5)} if len(found.per_class) > TOP else {}
    return some | ({"balanced": percent(found.balanced_accuracy)} if found.uneven else {})


def _images(found: Evaluation, name: str) -> str:
    return counted(int(found.per_class[name]["images"]), "image")


def committee_lines(
    names: Sequence[str], evaluations: Sequence[Evaluation], rejections: Sequence[Rejection]
) -> Iterator[str]:
    """A row for each member, and one for all together."""
    width = max(map(cells, names))
    more = [head for head in ("top 5", "balanced") if head in _more(evaluations[0])]
    heads = "".join(f"  {head:>7}" for head in more)
    yield f"  {'run':{width}}  errors   wrong{heads}  confidence  rejected for {PAPER_ERROR:.1%}"
    for name, evaluation, rejection in zip(names, evaluations, rejections, strict=True):
        kept = rejection.reach()
        share = "never" if kept is None else percent(kept.share)
        others = "".join(f"  {_more(evaluation)[head]:>{max(7, len(head))}}" for head in more)
        yield (
            f"  {padded(name, width)}  {evaluation.errors:6,}  {percent(evaluation.error_rate):>6}{others}  "
            f"{percent(evaluation.confidence):>10}  {share:>17}"
        )


def class_lines(found: Evaluation) -> Iterator[str]:
    """A row for each class: its images, errors, recall and precision."""
    width = max(5, *map(cells, found.per_class))
    yield f"  {'class':{width}}  images  errors  recall   precision"
    for name, row in found.per_class.items():
        yield (
            f"  {padded(name, width)}  {row['images']:6.0f}  {row['errors']:6.0f}  {percent(row['recall']):>7}  "
            f"{percent(row['precision']):>7}"
        )
