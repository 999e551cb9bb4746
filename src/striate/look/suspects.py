"""Images whose label looks wrong: two small networks each learn half of a data set and judge the other half."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from striate.data import Augmentation, ImageSet, Preprocessing
from striate.data.thumbnails import SIDE, Thumbnails
from striate.description.notation.reading import from_text
from striate.modules import build
from striate.train.learner import Learner
from striate.train.loop import Epoch, Split, train
from striate.train.metrics import run_over
from striate.train.recipe import Recipe

NETWORK = (
    "name judge 3x32x32: conv 16 3x3 pad 1, relu, max 2, conv 32 3x3 pad 1, relu, max 2, conv 64 3x3 pad 1, relu, "
    "max 2, linear 128, relu, linear {}"
)
RECIPE = Recipe(epochs=8, batch=64, rate=2e-3, augmentation=Augmentation(shift=2))
LEAST_STEPS = 500
"""The least number of training steps; small data sets get more epochs to reach it."""
LEAST = 8
"""The least number of images that are judged."""


@dataclass(frozen=True)
class Suspect:
    """An image, by its number, whose label looks wrong: the probabilities of its label, and of the likely `other`."""

    number: int
    label: int
    other: int
    own: float
    likely: float


@dataclass(frozen=True)
class Judged:
    """The suspects, the most suspicious first, and the share of all images whose label both networks gave."""

    suspects: tuple[Suspect, ...]
    accuracy: float


def judge(images: Thumbnails, *, watch: Callable[[float], None] = lambda _: None) -> Judged | None:
    """The images whose label looks wrong; None where they are too few, or of one class.

    A label looks wrong where another class is likelier than it is for that class's own images on average (C. Northcutt,
    L. Jiang, I. Chuang, Confident learning: estimating uncertainty in dataset labels, 2021, eq. 1 and section 3.2); the
    order is by the label's probability less that of the other. The networks see 32 × 32 pixels: they are often wrong
    themselves, so look before you believe. `watch` is told the share that is done.
    """
    if len(images) < LEAST or len(images.labels.unique()) < 2:
        return None
    everything = ImageSet(images.pixels, images.labels, images.classes, "thumbnails", "train", "picture")
    halves = _halves(images.labels)
    probabilities = torch.zeros(len(images), len(images.classes))
    for turn, (learned, judged) in enumerate((halves, halves[::-1])):
        sets = everything.subset(learned), everything.subset(judged)
        probabilities[judged] = _answers(*sets, lambda done, turn=turn: watch((turn + done) / 2))
    return Judged(_suspects(probabilities, images.labels), _share_right(probabilities, images.labels))


def _halves(labels: Tensor) -> tuple[Tensor, Tensor]:
    """The numbers of two halves of the images, drawn within each class."""
    shuffled = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))
    shuffled = shuffled[labels[shuffled].argsort(stable=True)]
    return shuffled[::2], shuffled[1::2]


def _answers(learned: ImageSet, judged: ImageSet, watch: Callable[[float], None]) -> Tensor:
    """Train a network on one half; returns its probabilities for the other half, (images, classes)."""
    network = from_text(NETWORK.format(len(learned.classes)))
    way = Preprocessing((3, SIDE, SIDE), "resize", low=-1.0, high=1.0, form="picture")
    steps = max(1, len(learned) // min(RECIPE.batch, len(learned)))
    recipe = Recipe(
        epochs=max(RECIPE.epochs, -(-LEAST_STEPS // steps)),
        batch=min(RECIPE.batch, len(learned)),
        rate=RECIPE.rate,
        augmentation=RECIPE.augmentation,
        hold_out=0.0,
    )
    learner = Learner(build(network, generator=torch.Generator().manual_seed(0)), recipe)
    few = judged.subset(torch.arange(min(len(judged), 100)))
    for event in train(learner, Split(learned, few), way):
        if isinstance(event, Epoch):
            watch(event.epoch / recipe.epochs)
    return run_over(learner.runs, judged, way, recipe=recipe).probabilities


def _suspects(probabilities: Tensor, labels: Tensor) -> tuple[Suspect, ...]:
    count = probabilities.shape[1]
    own = probabilities.gather(1, labels[:, None])[:, 0]
    images = torch.bincount(labels, minlength=count)
    usual = torch.bincount(labels, own.double(), minlength=count).float() / images.clamp_min(1)
    usual[images == 0] = 2.0  # no probability exceeds 2, so a class without images is never suggested
    others = probabilities.masked_fill(probabilities < usual, 0.0).scatter(1, labels[:, None], 0.0)
    likely, other = others.max(1)
    order = (own - likely).argsort()
    found = [
        Suspect(number, int(labels[number]), int(other[number]), float(own[number]), float(likely[number]))
        for number in order.tolist()
        if likely[number] > own[number]
    ]
    return tuple(found)


def _share_right(probabilities: Tensor, labels: Tensor) -> float:
    return (probabilities.argmax(1) == labels).double().mean().item()
