"""The subject of figures: a network with weights, and images for it."""

from __future__ import annotations

import os.path
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import torch
from jaxtyping import Float32, UInt8
from torch import Tensor

from striate.data import ImageSet, Preprocessing, hold_out, load, preprocessing_for, read_image
from striate.description.header import names_run
from striate.description.network import Network, plan
from striate.description.shapes import show
from striate.errors import ShapeError
from striate.language.say import say
from striate.look.scenes import scenes
from striate.modules import Built, build, placed
from striate.networks import find
from striate.train.images import images_as
from striate.train.imported import require_data
from striate.train.losses import class_scores
from striate.train.recipes import recipe_for
from striate.train.run import Run, open_run

MOST = 512
"""The most images that are searched or averaged over."""
SMALL = 64
"""The side of a small image, in pixels; methods that run the network many times do fewer runs for larger images."""
DRAWN = 24
"""The number of pictures that are drawn for a colour network without images of its own."""
TRAINING = "{count} training images of {source}"


@dataclass(frozen=True, eq=False)
class Subject:
    """A network with its weights, and images for it.

    `data` are images in the network's own channels and size; `origin` describes them in words, and `weights` says where
    the weights come from. `trained` is whether they are those of a run; scores are divided by its `temperature` before
    they become probabilities. `run` is the run, where there is one.
    """

    network: Network
    model: Built
    preprocessing: Preprocessing
    classes: tuple[str, ...]
    data: ImageSet
    origin: str
    weights: str
    trained: bool
    temperature: float = 1.0
    run: Run | None = None

    @cached_property
    def blank(self) -> int:
        """The level of an empty pixel, 0 to 255: the median of the data; 0, black, where strokes lie on black."""
        return int(self.data.images[:, :, ::2, ::2].flatten().median())

    @property
    def empty(self) -> float | Tensor:
        """The value of an empty pixel after preprocessing; of each channel, (channels, 1, 1), where they differ."""
        blank = torch.full((self.network.input[0], 1, 1), self.blank, dtype=torch.uint8)
        found = self.preprocessing.normalise(blank)
        return found[0].item() if isinstance(self.preprocessing.low, float) else found

    def some(self, count: int) -> Float32[Tensor, "images channels height width"]:
        """The first `count` images of the data as network inputs; a quarter of that number if they are large."""
        small = max(self.network.input[1:]) <= SMALL
        return self.preprocessing.normalise(self.data.images[: count if small else max(1, count // 4)])

    def with_model(self, model: Built) -> Subject:
        """The same subject with other weights."""
        return replace(self, model=model)


@dataclass(frozen=True, eq=False)
class Shown:
    """One image for a network: its `name`, and its `pixels` in the network's channels and size."""

    name: str
    pixels: UInt8[Tensor, "1 channels height width"]


def subject(
    target: str | Path | Run | Network, *, data: str | None = None, seed: int = 0, device: str = "cpu"
) -> Subject:
    """The subject of a run, or of a network with random weights drawn from a `seed`.

    `target` is a run, its folder or its one file, a network, its name or its file. `data` names other images than the
    run's own, as for `striate train`. The network runs on a `device`, and takes and gives values of the CPU. Raises
    ShapeError for a network that takes no images.

    >>> found = subject("lenet5")
    >>> found.trained, len(found.data), found.data.images.shape[1:]
    (False, 512, torch.Size([1, 32, 32]))
    """
    if isinstance(target, str):
        target = Path(target) if names_run(target) or os.path.isdir(target) else find(target)
    if isinstance(target, Path):
        target = open_run(target)
    network = target.network if isinstance(target, Run) else target
    if network.input[0] not in (1, 3):
        raise ShapeError(
            f"{network.name} takes {show(network.input)}, which is no image.",
            "Figures need a network for images of 1 channel (grey) or 3 (colour).",
        )
    if len(output := plan(network).output) != 1:
        raise ShapeError(
            f"{network.name} ends in {show(output)}.",
            "Figures need a score for each class, a flat vector.",
            "End it in flatten, or global_average, and linear.",
        )
    found = _of_run(target, data) if isinstance(target, Run) else _of_network(target, data, seed)
    return found.with_model(placed(found.model, device))


def shown(subject: Subject, images: tuple[str, ...] = ()) -> list[Shown]:
    """The images of these files, prepared like the network's own; without files, the first image of its data."""
    if not images:
        label = subject.data.classes[int(subject.data.labels[0])]
        name = subject.data.names[0] if subject.data.names else say("one of {origin}", origin=subject.origin)
        told = name if subject.data.source == "drawn" else f"{name} ({label})"
        return [Shown(told, subject.data.images[:1])]
    return [Shown(Path(image).name, read_image(image, subject.preprocessing)[0]) for image in images]


def scores(model: Built, inputs: Tensor) -> Tensor:
    """The class scores, (images, classes), larger for more probable classes: logits, or negated RBF distances."""
    return class_scores(model.network, model.logits(inputs))


def randomised(subject: Subject, *, seed: int = 1) -> Subject:
    """The same network with untrained weights: the control for every attribution."""
    return subject.with_model(_fresh(subject.network, seed))


def _fresh(network: Network, seed: int) -> Built:
    drawn = recipe_for(network).initialisation
    return build(network, initialisation=drawn, generator=torch.Generator().manual_seed(seed)).eval()


def _of_run(run: Run, data: str | None) -> Subject:
    if not (data or run.data.source):
        return _elsewhere(run)
    source = require_data(run, data)
    images = images_as(run, source, way=run.preprocessing).load("train")
    held_out = data is None and run.recipe.hold_out > 0
    if held_out:
        _, images = hold_out(images, fraction=run.recipe.hold_out)
    some = _some(images, run.preprocessing)
    words = "{count} validation images of {source}" if held_out else TRAINING
    origin = say(words, count=len(some), source=Path(images.source).name)
    weights = say("The weights are those of the run {run}.", run=run.folder.name)
    return Subject(
        run.network, run.model(), run.preprocessing, run.classes, some, origin, weights, True, run.temperature, run
    )


def _of_network(network: Network, data: str | None, seed: int) -> Subject:
    recipe = recipe_for(network)
    images, words = _pictures(network, data)
    preprocessing = preprocessing_for(network.input, images, low=recipe.low, high=recipe.high)
    classes = images.classes
    if plan(network).output != (len(classes),):
        classes = tuple(say("class {number}", number=number) for number in range(plan(network).output[0]))
    some = _some(images, preprocessing)
    weights = say("The weights are random: this network is not trained yet.")
    origin = say(words, count=len(some), source=Path(images.source).name)
    return Subject(network, _fresh(network, seed), preprocessing, classes, some, origin, weights, False)


def _elsewhere(run: Run) -> Subject:
    """The subject of a run that was not trained here, and has no images of its own."""
    images, words = _pictures(run.network, None)
    some = _some(images, run.preprocessing)
    weights = say("The weights are those of {file}.", file=Path(run.origin["file"]).name if run.origin else run.name)
    origin = say(words, count=len(some), source=Path(images.source).name)
    return Subject(
        run.network, run.model(), run.preprocessing, run.classes, some, origin, weights, True, run.temperature, run
    )


def _pictures(network: Network, data: str | None) -> tuple[ImageSet, str]:
    """Images for a network, and the text on what they are: of `data`, MNIST for grey, or drawn by rule for colour."""
    if data is not None or network.input[0] == 1:
        images = load(data or "mnist", "train")
        return images, TRAINING
    labels = torch.zeros(DRAWN, dtype=torch.int64)
    images = ImageSet(scenes(network.input, DRAWN), labels, ("drawn",), "drawn", "train", "picture")
    return images, "{count} pictures drawn by rule"


def _some(images: ImageSet, preprocessing: Preprocessing) -> ImageSet:
    """Up to MOST of the images, in random order, in the network's channels and size."""
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))[:MOST]
    chosen = images.subset(order)
    return preprocessing.packed(chosen)
