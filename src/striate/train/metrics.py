"""How well a model does on a set of images."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypedDict

import torch
from torch import Tensor

from striate.data import Boards, ImageSet, Pixels, Preprocessing, Stream, View, parts_of
from striate.description.network import Network, plan
from striate.execution.choice import Choice
from striate.execution.executor import Executor
from striate.kernels.engine import Pictures
from striate.modules import evaluating
from striate.train.distributed import World
from striate.train.losses import class_scores, loss_of
from striate.train.notebook_html import evaluation_html
from striate.train.parts import rows_of
from striate.train.recipe import Recipe

BATCH, MOST_BYTES = 500, 2**30
"""The most images of a batch of an evaluation, and the most bytes that one layer may read and write for a batch."""
UNEVEN = 5
"""Classes are uneven where the largest has more than this many times the images of the smallest."""
TOP = 5
"""`top5` counts the images whose class is among this many likeliest ones."""


@dataclass(frozen=True)
class Outputs:
    """A model's outputs for every image of a set: class scores, (images, classes), on the CPU, and the mean loss.

    A score, divided by the `temperature`, is the logarithm of a probability plus a constant. `answered` is the choice
    of kernels of an evaluation.
    """

    scores: Tensor
    labels: Tensor
    loss: float
    temperature: float = 1.0
    answered: Choice | None = None

    @property
    def probabilities(self) -> Tensor:
        """The probability of each class for each image; for RBF outputs e^(−y_i/T) over its sum, as eq. 9 has it."""
        return (self.scores / self.temperature).softmax(1)

    @property
    def predicted(self) -> Tensor:
        """The likeliest class of each image."""
        return self.scores.argmax(1)

    @property
    def accuracy(self) -> float:
        """The share of the images that is right."""
        return (self.predicted == self.labels).double().mean().item()

    @property
    def recalls(self) -> Tensor:
        """The share of each class's images that is right; NaN for a class without images."""
        right = (self.predicted == self.labels).double()
        count = self.scores.shape[1]
        images = torch.bincount(self.labels, minlength=count)
        return torch.bincount(self.labels, right, minlength=count) / images

    @property
    def balanced_accuracy(self) -> float:
        """The mean recall of the classes that have images, so that each class counts alike.

        K. Brodersen, C. S. Ong, K. Stephan, J. Buhmann, The balanced accuracy and its posterior distribution, ICPR
        2010.

        >>> scores = torch.tensor([[1.0, 0.0]]).repeat(4, 1)
        >>> Outputs(scores, torch.tensor([0, 0, 0, 1]), loss=0.0).balanced_accuracy
        0.5
        """
        return self.recalls.nanmean().item()


class ClassFigures(TypedDict):
    """The figures of a class: how many images it has, how many of them were wrong, and two shares."""

    images: int
    errors: int
    recall: float | None
    precision: float


@dataclass(frozen=True)
class Evaluation:
    """Errors on a set of images; rates are fractions. `confusion[i][j]` counts images of class i called j.

    `balanced_accuracy` is the mean recall of the classes that have images; the recall of others is None. `confidence`
    is the mean probability of the answers: where a network is as sure as it is right, it equals `top1`.
    """

    images: int
    errors: int
    error_rate: float
    top1: float
    top5: float
    balanced_accuracy: float
    confidence: float
    per_class: dict[str, ClassFigures]
    confusion: list[list[int]]

    @property
    def uneven(self) -> bool:
        """Whether the classes of these images are `uneven`."""
        return uneven([int(row["images"]) for row in self.per_class.values()])

    @property
    def missed(self) -> list[str]:
        """The classes of which no image is right."""
        return [name for name, row in self.per_class.items() if row["recall"] == 0]

    def _repr_html_(self) -> str:
        """The figures as a notebook shows them."""
        return evaluation_html(self)


def uneven(counts: list[int]) -> bool:
    """Whether classes with these numbers of images are uneven, so that large ones dominate the accuracy.

    Classes without images are not counted.

    >>> uneven([300, 60, 0]), uneven([300, 59])
    (False, True)
    """
    some = [count for count in counts if count]
    return bool(some) and max(some) > UNEVEN * min(some)


def judged_by_class(images: ImageSet) -> bool:
    """Whether every class counts alike in judging: where classes are uneven, unless they are the points of a board."""
    return images.form != "board" and uneven(counts_of(images))


def counts_of(images: ImageSet) -> list[int]:
    """How many images each class has."""
    return torch.bincount(images.labels, minlength=len(images.classes)).tolist()


@torch.inference_mode()
def run_over(
    runs: Executor,
    images: ImageSet,
    preprocessing: Preprocessing,
    *,
    recipe: Recipe,
    temperature: float = 1.0,
    mirrored: bool = False,
) -> Outputs:
    """Run a network in evaluation mode over packed `images`, or their mirror images.

    Nothing of its module changes, and nothing is measured.
    """
    network, size = runs.module.network, batch_for(runs.module.network)
    found: list[Tensor] = []
    loss = 0.0
    with evaluating(runs.module):
        for some, own in zip(parts_of(images.images, size), images.labels.split(size), strict=True):
            outputs = runs.answers(pictures_of(some.flip(3) if mirrored else some, preprocessing))
            labels = own.to(outputs.device)
            loss += loss_of(outputs, labels, recipe).item() * len(labels)
            found.append(class_scores(network, outputs).cpu())
    return Outputs(torch.cat(found), images.labels, loss / len(images), temperature)


def shared_run_over(
    runs: Executor, images: ImageSet, preprocessing: Preprocessing, *, recipe: Recipe, world: World
) -> Outputs:
    """As `run_over`, with the images divided among the processes; every process gets the outputs of all images."""
    if world.size == 1:
        return run_over(runs, images, preprocessing, recipe=recipe)
    counts = rows_of(len(images), world.size)
    first, own = sum(counts[: world.rank]), counts[world.rank]
    classes = len(images.classes)
    scores, loss = torch.empty(0, classes), 0.0
    if own:
        some = images.subset(torch.arange(first, first + own))
        found = run_over(runs, some, preprocessing, recipe=recipe)
        scores, loss = found.scores.float(), found.loss * own
    losses = world.rows(torch.tensor([loss], dtype=torch.float64), [1] * world.size)
    return Outputs(world.rows(scores, counts), images.labels, losses.sum().item() / len(images))


def batch_for(network: Network) -> int:
    """The batch of an evaluation: at most 500 images, fewer where a layer would read and write more than 1 GiB.

    >>> from striate import find
    >>> batch_for(find("lenet5")), batch_for(find("vgg-d"))
    (500, 41)
    """
    values = max(sum(map(math.prod, step.inputs)) + math.prod(step.output) for step in plan(network).steps)
    return max(1, min(BATCH, MOST_BYTES // (4 * values)))


def pictures_of(images: Pixels, preprocessing: Preprocessing, *, chosen: Tensor | None = None) -> Pictures:
    """Packed images for an engine, which normalises bytes itself; images with a range per channel are normalised here.

    Images of a view stay in their store, and the engine gathers them by number, as `ImageSet.labels_of_store` does.
    """
    if isinstance(images, Stream):
        raise TypeError("images of a stream have no numbers in a store: take those that a Drawer has fetched")
    if isinstance(images, Boards):
        images, chosen = images[slice(None) if chosen is None else chosen], None
    if isinstance(images, View):
        images, chosen = images.store, images.rows if chosen is None else images.rows[chosen]
    low, high = preprocessing.ends()
    if isinstance(low, Tensor) or isinstance(high, Tensor):
        return Pictures(preprocessing.normalise(images if chosen is None else images[chosen]))
    return Pictures(images, chosen, low, (high - low) / 255)


def evaluation_of(outputs: Outputs, classes: tuple[str, ...]) -> Evaluation:
    """The figures of an evaluation."""
    count = len(classes)
    labels, predicted = outputs.labels, outputs.predicted
    confusion = torch.bincount(labels * count + predicted, minlength=count * count).view(count, count)
    best = outputs.scores.topk(min(TOP, count), 1).indices
    errors = int((predicted != labels).sum())
    per_class: dict[str, ClassFigures] = {
        name: {
            "images": int(confusion[number].sum()),
            "errors": int(confusion[number].sum() - confusion[number, number]),
            "recall": _share(confusion[number, number], confusion[number].sum()),
            "precision": _share(confusion[number, number], confusion[:, number].sum()) or 0.0,
        }
        for number, name in enumerate(classes)
    }
    return Evaluation(
        images=len(labels),
        errors=errors,
        error_rate=errors / len(labels),
        top1=(len(labels) - errors) / len(labels),
        top5=(best == labels[:, None]).any(1).double().mean().item(),
        balanced_accuracy=outputs.balanced_accuracy,
        confidence=outputs.probabilities.amax(1).double().mean().item(),
        per_class=per_class,
        confusion=confusion.tolist(),
    )


def _share(part: Tensor, whole: Tensor) -> float | None:
    return part.item() / whole.item() if whole.item() else None
