"""The images that a training step learns from: gathered, changed at random, normalised."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from striate.data import (
    Boards,
    ImageSet,
    Preprocessing,
    Stream,
    alternated,
    augment,
    colour_axes,
    cut_out,
    draw_symmetries,
    draw_warp,
    recolour,
    relight,
    symmetric,
)
from striate.kernels.engine import Engine, Pictures
from striate.train.losses import Mixed
from striate.train.metrics import pictures_of
from striate.train.recipe import Recipe


@dataclass(frozen=True)
class StepImages:
    """The images of a step, on the device that learns, and their labels; of mixed images also the second ones."""

    pixels: Tensor
    labels: Tensor
    mixed: Mixed | None = None


class Drawer:
    """Draws the images of each step from a packed set; what it draws is a function of the recipe and of the step.

    Where the channels have ranges of their own, all changes but the last are made to pixels from 0 to 1.
    """

    def __init__(self, images: ImageSet, preprocessing: Preprocessing, recipe: Recipe) -> None:
        self.images, self.preprocessing, self.recipe = images, preprocessing, recipe
        self.ranges = preprocessing.ends() if isinstance(preprocessing.low, tuple) else None
        self.first = replace(preprocessing, low=0.0, high=1.0) if self.ranges else preprocessing
        self.low, self.high = self.first.range()
        lighting = recipe.augmentation.lighting
        self.labels = images.labels_of_store
        self.feed: Iterator[Tensor] | None = None
        self.fetched: Tensor | None = None
        self.axes = colour_axes(images.images) * ((self.high - self.low) / 255) if lighting else None

    @property
    def untouched(self) -> bool:
        """Whether images are only normalised, which an engine does itself."""
        return self.recipe.augmentation.is_none

    def begin(self, order: Tensor, size: int) -> None:
        """Begin to decode the images of a stream, in this order, `size` for each step."""
        if isinstance(self.images.images, Stream):
            self.feed = self.images.images.batches(order, size)

    def fetch(self) -> bool:
        """Wait for the images of the next step; False where they are in a store, and there is nothing to wait for."""
        if self.feed is not None:
            self.fetched = next(self.feed)
        return self.feed is not None

    def pictures(self, chosen: Tensor) -> tuple[Pictures, Tensor]:
        """Some images as they are, and labels by the numbers that the pictures have: those of what was fetched last."""
        if self.fetched is not None:
            return pictures_of(self.fetched, self.preprocessing), self.images.labels[chosen]
        if isinstance(self.images.images, Boards):
            return pictures_of(self.images.images[chosen], self.preprocessing), self.images.labels[chosen]
        return pictures_of(self.images.images, self.preprocessing, chosen=chosen), self.labels

    def draw(
        self, chosen: Tensor, *, step: int, epoch: int, device: torch.device, engine: tuple[Engine, int] | None = None
    ) -> StepImages:
        """Some images, by their numbers in the set, changed as a step of an epoch changes them.

        An `engine` with its number of threads moves them faster, to the same values.
        """
        recipe, augmentation = self.recipe, self.recipe.augmentation
        labels = self.images.labels[chosen].to(device)
        generator = torch.Generator().manual_seed(step_seed(recipe.seed, step))
        turned = augmentation.symmetries != "none" or augmentation.alternating_flip  # before they are moved
        if engine and augmentation.resamples and not turned and self.ranges is None:
            warp = draw_warp(len(chosen), self.preprocessing.shape[1:], augmentation, generator=generator)
            pixels = engine[0].warped(self.pictures(chosen)[0], warp, threads=engine[1])
        else:
            pixels, labels = self._turned(chosen, labels, generator)
            if augmentation.alternating_flip:
                pixels = alternated(pixels, chosen, seed=recipe.seed, epoch=epoch)
            pixels = augment(pixels, augmentation, generator=generator, fill=self.low)
        if self.axes is not None:
            pixels = relight(pixels, self.axes, augmentation.lighting, generator=generator)
        pixels = recolour(pixels, augmentation, low=self.low, high=self.high, generator=generator)
        if self.ranges:
            low, high = (torch.as_tensor(each, device=device) for each in self.ranges)
            pixels = pixels * (high - low) + low
        pixels = cut_out(pixels, augmentation.cutout, generator=generator)
        return self._mixed(pixels, labels, step, generator) if recipe.mixup else StepImages(pixels, labels)

    def _turned(self, chosen: Tensor, labels: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """The images normalised and turned by symmetries; positions of Go are computed turned, to the same values."""
        images, kind = self.images.images, self.recipe.augmentation.symmetries
        if isinstance(images, Boards) and kind == "boards":
            drawn = draw_symmetries(len(chosen), generator=generator)
            some, moved = images.turned(chosen, labels.cpu(), drawn)
            return self.first.normalise(some.to(labels.device)), moved.to(labels.device)
        some = images[chosen] if self.fetched is None else self.fetched
        return symmetric(self.first.normalise(some.to(labels.device)), labels, kind, generator=generator)

    def _mixed(self, pixels: Tensor, labels: Tensor, step: int, generator: torch.Generator) -> StepImages:
        """Each image mixed with another one of the batch."""
        alpha = self.recipe.mixup
        part = np.random.default_rng(step_seed(self.recipe.seed, step, "mixup")).beta(alpha, alpha)
        others = torch.randperm(len(labels), generator=generator).to(labels.device)
        return StepImages(pixels * part + pixels[others] * (1 - part), labels, Mixed(labels[others], part))


def step_seed(seed: int, step: int, purpose: str = "augmentation") -> int:
    """The seed of a step's random numbers: a function of its arguments alone."""
    return int.from_bytes(hashlib.blake2b(f"{purpose} {seed} {step}".encode(), digest_size=7).digest())
