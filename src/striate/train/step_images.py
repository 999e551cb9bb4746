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
    Part,
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
from striate.train.losses import Mixed, share_of
from striate.train.metrics import pictures_of
from striate.train.recipe import Recipe


@dataclass(frozen=True)
class StepImages:
    """The images of a step on the training device, their labels, and with mixup the second labels.

    For a part of a batch, `whole` has the labels of the whole batch; its pixels are not read.
    """

    pixels: Tensor
    labels: Tensor
    mixed: Mixed | None = None
    whole: StepImages | None = None

    def cut(self, rows: slice) -> StepImages:
        """The images of some rows, as a part of the same batch."""
        if rows.stop - rows.start == len(self.labels):
            return self
        mixed = self.mixed and Mixed(self.mixed.labels[rows], self.mixed.part)
        return StepImages(self.pixels[rows], self.labels[rows], mixed, self.whole or self)

    def shares(self, weights: Tensor | None) -> tuple[float, float]:
        """The images' shares of the whole batch's loss, for the first and for the second labels."""
        whole = self.whole or self
        first = share_of(self.labels, whole.labels, weights)
        if self.mixed is None or whole.mixed is None:
            return first, first
        return first, share_of(self.mixed.labels, whole.mixed.labels, weights)


class Drawer:
    """Draws the images of each step from a packed set; the result depends on the recipe and the step's number alone.

    Where each channel has its own range, all changes but the last are made to pixels from 0 to 1. With a `part` given
    to `begin`, it draws only that part of each batch, with the same changes as in the whole batch. Mixup mixes images
    of the whole batch, so there the whole batch is read.
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
        self.part: Part | None = None
        self.axes = colour_axes(images.images) * ((self.high - self.low) / 255) if lighting else None

    @property
    def untouched(self) -> bool:
        """Whether images are only normalised, which an engine does itself."""
        return self.recipe.augmentation.is_none

    def begin(self, order: Tensor, size: int, part: Part | None = None) -> None:
        """Begin an epoch in this order, `size` images per step; a stream begins to decode them."""
        self.part = part if part and len(part) < size else None
        if isinstance(self.images.images, Stream):
            if self.part and not self.recipe.mixup:
                order, size = order.view(-1, size)[:, self.part.first : self.part.end].flatten(), len(self.part)
            self.feed = self.images.images.batches(order, size)

    def fetch(self) -> bool:
        """Wait for the next step's images of a stream; False where images are in a store and no wait is needed."""
        if self.feed is not None:
            self.fetched = next(self.feed)
        return self.feed is not None

    def pictures(self, chosen: Tensor, *, part: Part | None = None) -> tuple[Pictures, Tensor]:
        """Some images as they are, and labels by the numbers that the pictures have: those of what was fetched last.

        With a `part` they are those of a part of the batch.
        """
        fetched = self.fetched
        if part is not None:
            chosen = part.of(chosen)
            first = self.part.first if self.part else 0
            fetched = None if fetched is None else fetched[part.first - first : part.end - first]
        if fetched is not None:
            return pictures_of(fetched, self.preprocessing), self.images.labels[chosen]
        if self.ranges or isinstance(self.images.images, Boards):  # an engine cannot gather these by number
            return pictures_of(self.images.images[chosen], self.preprocessing), self.images.labels[chosen]
        return pictures_of(self.images.images, self.preprocessing, chosen=chosen), self.labels

    def draw(
        self, chosen: Tensor, *, step: int, epoch: int, device: torch.device, engine: tuple[Engine, int] | None = None
    ) -> StepImages:
        """Some images, by their numbers in the set, changed as a step of an epoch changes them.

        An `engine` with its number of threads moves them faster, to the same values.
        """
        recipe, augmentation = self.recipe, self.recipe.augmentation
        batch = StepImages(torch.empty(0), self.images.labels[chosen])
        part = Part(0, len(chosen), len(chosen))
        if self.part and not recipe.mixup:
            part = self.part
            chosen = part.of(chosen)
        labels = self.images.labels[chosen].to(device)
        generator = torch.Generator().manual_seed(step_seed(recipe.seed, step))
        turned = augmentation.symmetries != "none" or augmentation.alternating_flip  # before they are moved
        if engine and augmentation.resamples and not turned and self.ranges is None:
            warp = draw_warp(part.total, self.preprocessing.shape[1:], augmentation, generator=generator)
            warp = warp.part(part.first, part.end)
            pixels = engine[0].warped(self.pictures(chosen)[0], warp, threads=engine[1])
        else:
            pixels, labels = self._turned(chosen, labels, generator, part)
            if augmentation.alternating_flip:
                pixels = alternated(pixels, chosen, seed=recipe.seed, epoch=epoch)
            pixels = augment(pixels, augmentation, generator=generator, fill=self.low, part=part)
        if self.axes is not None:
            pixels = relight(pixels, self.axes, augmentation.lighting, generator=generator, part=part)
        pixels = recolour(pixels, augmentation, low=self.low, high=self.high, generator=generator, part=part)
        if self.ranges:
            low, high = (torch.as_tensor(each, device=device) for each in self.ranges)
            pixels = pixels * (high - low) + low
        pixels = cut_out(pixels, augmentation.cutout, generator=generator, part=part)
        if recipe.mixup:
            mixed = self._mixed(pixels, labels, step, generator)
            return mixed.cut(slice(self.part.first, self.part.end)) if self.part else mixed
        return StepImages(pixels, labels, whole=batch if len(part) < part.total else None)

    def _turned(self, chosen: Tensor, labels: Tensor, generator: torch.Generator, part: Part) -> tuple[Tensor, Tensor]:
        """The images normalised and turned by symmetries; positions of Go are computed turned, to the same values."""
        images, kind = self.images.images, self.recipe.augmentation.symmetries
        if isinstance(images, Boards) and kind == "boards":
            drawn = part.of(draw_symmetries(part.total, generator=generator))
            some, moved = images.turned(chosen, labels.cpu(), drawn)
            return self.first.normalise(some.to(labels.device)), moved.to(labels.device)
        some = images[chosen] if self.fetched is None else self.fetched
        return symmetric(self.first.normalise(some.to(labels.device)), labels, kind, generator=generator, part=part)

    def _mixed(self, pixels: Tensor, labels: Tensor, step: int, generator: torch.Generator) -> StepImages:
        """Each image mixed with another one of the batch."""
        alpha = self.recipe.mixup
        part = np.random.default_rng(step_seed(self.recipe.seed, step, "mixup")).beta(alpha, alpha)
        others = torch.randperm(len(labels), generator=generator).to(labels.device)
        return StepImages(pixels * part + pixels[others] * (1 - part), labels, Mixed(labels[others], part))


def step_seed(seed: int, step: int, purpose: str = "augmentation") -> int:
    """The seed of a step's random numbers: a function of its arguments alone."""
    return int.from_bytes(hashlib.blake2b(f"{purpose} {seed} {step}".encode(), digest_size=7).digest())
