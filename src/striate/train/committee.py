"""A committee: several trained networks that answer together, by the mean of their probabilities."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float64
from torch import Tensor
from torch.nn.functional import nll_loss

from striate.data import ImageSet
from striate.errors import DataError, RunError
from striate.train.evaluation import evaluate
from striate.train.metrics import Outputs
from striate.train.run import Run

COMPARED = "the logarithms of the two largest mean probabilities"
"""The scores whose difference decides what a committee rejects.

For a single network this difference is that of its logits, times a constant.
"""


@dataclass(frozen=True, eq=False)
class Committee:
    """The outputs of networks for the same images: each alone, in `members`, and `together`.

    The classes are in the order of the first run's.
    """

    members: tuple[Outputs, ...]
    together: Outputs
    images: ImageSet

    @property
    def missed_by_all(self) -> int:
        """The number of images that no member gets right."""
        return int(self._right.logical_not().all(0).sum())

    @property
    def missed_by_some(self) -> int:
        """The number of images that at least one member gets wrong."""
        return int(self._right.logical_not().any(0).sum())

    @property
    def _right(self) -> Tensor:
        return torch.stack([outputs.predicted == outputs.labels for outputs in self.members])


def committee(
    runs: Sequence[Run],
    *,
    split: str = "test",
    source: str | None = None,
    kernels: str = "auto",
    flips: bool = False,
    device: str = "cpu",
) -> Committee:
    """The best weights of several runs on their "test" or "validation" images, or on those of another `source`.

    Each network gets the images with its own preprocessing: size, channels and range; with `flips` also their mirror
    images. Classes are matched by name. Raises RunError where the runs have different classes or were trained on
    different images, and DataError where they cannot be given the same images.
    """
    first = runs[0]
    for run in runs[1:]:
        _same_classes(first, run)
        _same_images(first, run, split, source)
    outputs, images = evaluate(first, split=split, source=source, kernels=kernels, flips=flips, device=device)
    members = [outputs]
    for run in runs[1:]:
        outputs, shown = evaluate(run, split=split, source=source, kernels=kernels, flips=flips, device=device)
        members.append(in_order(outputs, run.classes, first.classes))
        if shown.names != images.names or not torch.equal(members[0].labels, members[-1].labels):
            raise DataError(
                f"{run.folder} sees other images of {shown.source} than {first.folder}.",
                "A committee answers for one image at a time.",
                "Did they change meanwhile? Evaluate once more.",
            )
    return Committee(tuple(members), together(members), images)


def together(members: Sequence[Outputs]) -> Outputs:
    """The committee's outputs, whose scores are the logarithms of the mean of the members' probabilities.

    The probabilities of each member are calibrated by its own temperature.

    >>> one, other = torch.tensor([[0.8, 0.2]]), torch.tensor([[0.2, 0.8]])
    >>> right = torch.tensor([0])
    >>> together([Outputs(each.log(), right, loss=0.0) for each in (one, one, other)]).probabilities
    tensor([[0.6000, 0.4000]], dtype=torch.float64)
    """
    scores = torch.stack([_log_probabilities(outputs) for outputs in members]).logsumexp(0) - math.log(len(members))
    labels = members[0].labels
    return Outputs(scores, labels, nll_loss(scores, labels).item())


def in_order(outputs: Outputs, own: tuple[str, ...], wanted: tuple[str, ...]) -> Outputs:
    """The same outputs with the classes in the order `wanted`."""
    if own == wanted:
        return outputs
    places = torch.tensor([own.index(name) for name in wanted])
    labels = torch.tensor([wanted.index(name) for name in own])
    return replace(outputs, scores=outputs.scores[:, places], labels=labels[outputs.labels])


def _log_probabilities(outputs: Outputs) -> Float64[Tensor, "images classes"]:
    return (outputs.scores.double() / outputs.temperature).log_softmax(1)


def _same_classes(first: Run, run: Run) -> None:
    if set(run.classes) == set(first.classes):
        return
    sides = ((first, set(first.classes) - set(run.classes)), (run, set(run.classes) - set(first.classes)))
    only = [f"only {one.folder} knows {', '.join(sorted(names))}" for one, names in sides if names]
    raise RunError(
        f"{first.folder} and {run.folder} learned different classes.",
        f"The networks of a committee know the same classes, matched by name; {'; '.join(only)}.",
        "Evaluate them one by one.",
    )


def _same_images(first: Run, run: Run, split: str, source: str | None) -> None:
    if source is None and run.data.source != first.data.source:
        raise RunError(
            f"{first.folder} was trained on {first.data.source}, {run.folder} on {run.data.source}.",
            "A committee is judged on the same images.",
            "Name them: --data SOURCE.",
        )
    parts = first.recipe.hold_out, run.recipe.hold_out
    if split == "validation" and parts[0] != parts[1]:
        raise RunError(
            f"{first.folder} held out {parts[0]:.4g} of its images, {run.folder} {parts[1]:.4g}.",
            "One's validation images are among those that the other learned from.",
            "Evaluate them on the test images.",
        )
