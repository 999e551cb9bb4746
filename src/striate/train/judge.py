"""Chooses the best epoch, and collects the findings of an epoch: missed classes, and why a training does not learn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from striate.data.part import spread
from striate.train.diagnose import Finding, dead_units, stuck
from striate.train.learner import Learner
from striate.train.loop import Epoch, Split
from striate.train.run import Run

JUDGED = 256
"""The most validation images on which dead units are looked for."""


def judged(epoch: Mapping[str, Any]) -> float:
    """The figure that decides which epoch is best: the balanced accuracy where there is one, else the accuracy."""
    balanced = epoch.get("balanced_accuracy")
    return balanced if isinstance(balanced, float) else epoch["accuracy"]


def is_best(epoch: Epoch, best: Mapping[str, Any]) -> bool:
    """Whether an epoch is no worse than the best so far; the best of an older run has only an accuracy."""
    if best["epoch"] and not isinstance(best.get("balanced_accuracy"), float):
        return epoch.accuracy >= best["accuracy"]
    return epoch.judged >= judged(best)


def epochs_without_better(history: Sequence[Mapping[str, Any]]) -> int:
    """How many epochs came after the first of the best ones.

    >>> epochs_without_better([{"accuracy": 0.5}, {"accuracy": 0.9}, {"accuracy": 0.9}, {"accuracy": 0.7}])
    2
    """
    figures = [judged(epoch) for epoch in history]
    return len(figures) - 1 - figures.index(max(figures)) if figures else 0


def missed(run: Run, history: list[dict[str, Any]], epoch: int) -> list[int]:
    """The numbers of the classes of which an epoch got no validation image right; none for older runs."""
    found = [each.get("missed") or () for each in history if each["epoch"] == epoch]
    return [number for number in range(len(run.classes)) if any(number in each for each in found)]


def findings(run: Run, learner: Learner, split: Split, history: list[dict[str, Any]]) -> Iterator[Finding]:
    """The findings after an epoch: layers with dead units on some validation images, and a loss that stays at chance.

    Each is also logged.
    """
    images = split.validation.images[spread(len(split.validation), JUDGED)]
    sample = run.preprocessing.normalise(images.to(run.device))
    found = dead_units(learner.model, sample)
    recipe = replace(run.recipe, batch=min(run.recipe.batch, len(split.train)))
    batches = len(split.train) // recipe.batch
    steps = min(batches, recipe.epoch_steps or batches)
    at_chance = stuck(history, classes=len(run.classes), recipe=recipe, batches=steps)
    for finding in [at_chance, *found] if at_chance else found:
        run.log("warning", epoch=history[-1]["epoch"], **asdict(finding))
        yield finding
