"""What keeps a run from answering: values that are no scores of classes, that are maps, or that are not finite."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from striate.description.layers import Activation, Dropout, Flatten, GlobalAveragePool, Pool
from striate.description.network import INPUT, plan
from striate.description.shapes import Shape, show
from striate.errors import RunError
from striate.train.run import Run

_KEEPING = (Dropout, Flatten, GlobalAveragePool, Pool)
"""Layers that give values between 0 and 1 where they are given such values."""


def require_scores(run: Run) -> None:
    """Raises RunError where a network that was brought in gives no scores of classes, of which one is the answer.

    A network that Striate has trained learned by a softmax over its values, whatever its last layer.
    """
    planned, origin = plan(run.network), run.origin or {}
    last = planned.steps[planned.last]
    while isinstance(last.layer, _KEEPING) and last.sources != (INPUT,):
        last = planned.steps[last.sources[0]]
    alone = isinstance(last.layer, Activation) and last.layer.function in ("sigmoid", "hard_sigmoid")
    if origin.get("producer", "striate") != "striate" and (alone or planned.output == (1,)):
        values = show(planned.output)
        raise RunError(
            f"{origin['file']} answers with {'one value' if values == '1' else f'{values} values, each for itself'}.",
            "A run answers with one of two classes or more, by a softmax over their scores.",
            "Its account and figures need no run: give the file in place of a NETWORK.",
        )


def require_answers(probabilities: Tensor, folder: Path) -> None:
    """Raises RunError where a run's probabilities, a row for each image, are not finite, or are those of maps."""
    if probabilities.ndim > 2:
        raise no_classes(tuple(probabilities.shape[-3:]), folder)
    count = int(probabilities.isfinite().all(-1).logical_not().sum())
    if count:
        raise RunError(
            f"{folder} has no answer for {count:,} of {max(1, probabilities.shape[:-1].numel()):,} images: not finite.",
            "Its weights are finite, but so large that sums of them are not.",
            "Train anew at a lower rate, or take the run from a copy.",
        )


def no_classes(output: Shape, folder: Path) -> RunError:
    """The error for a run whose output is maps."""
    return RunError(
        f"{folder} gives {show(output)} and no value for each class.",
        "An image is answered with a flat vector of values.",
        "Take an output before it, or export the network anew with a flatten at its end.",
    )
