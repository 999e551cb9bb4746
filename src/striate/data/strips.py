"""Composes lines of MNIST's digits, side by side as in handwriting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import UInt8

from striate.data.store import ImageSet

Digit = UInt8[np.ndarray, "28 28"]
Pixels = UInt8[np.ndarray, "height width"]


@dataclass(frozen=True, eq=False)
class Letters:
    """MNIST's digits for lines: the `images`, their `labels`, and the columns of each digit's ink."""

    images: UInt8[np.ndarray, "digits 28 28"]
    labels: np.ndarray

    @classmethod
    def of(cls, digits: ImageSet) -> Letters:
        """The digits of a set of 28 × 28 images."""
        return cls(digits.images[:, 0].numpy(), digits.labels.numpy())

    def __len__(self) -> int:
        return len(self.labels)

    @cached_property
    def columns(self) -> np.ndarray:
        """(first, end) of each digit's columns with ink: its bounding box, from left to right."""
        inked = np.max(self.images, axis=1) > 0
        return np.stack([inked.argmax(axis=1), 28 - inked[:, ::-1].argmax(axis=1)], axis=1)

    @cached_property
    def widths(self) -> np.ndarray:
        """The width of each digit's bounding box, in columns."""
        return self.columns[:, 1] - self.columns[:, 0]


@dataclass(frozen=True, eq=False)
class Strip:
    """A composed line: its `pixels`, light on dark; `labels` and (left, right) of each digit, in pixels."""

    pixels: Pixels
    labels: tuple[int, ...]
    spans: tuple[tuple[int, int], ...]


def set_strip(
    letters: Letters, chosen: Sequence[int], *, gaps: Sequence[int], drops: Sequence[int] | None = None, margin: int = 0
) -> Strip:
    """A line of digits: `gaps` are the pixels between the boxes of neighbours, below 0 where they overlap.

    Each digit is as high up as in its own image, or `drops` pixels lower; where digits overlap, the lighter pixel
    counts. The line has `margin` pixels around it, and above and below as many more as the drops need.

    >>> one = np.zeros((1, 28, 28), dtype=np.uint8)
    >>> one[0, 4:24, 12:15] = 255
    >>> strip = set_strip(Letters(one, np.array([1])), [0, 0], gaps=[2], margin=1)
    >>> strip.pixels.shape, strip.spans
    ((30, 10), ((1, 4), (6, 9)))
    """
    falls = list(drops) if drops is not None else [0] * len(chosen)
    highest, lowest = max(0, -min(falls)), max(0, *falls)
    spans: list[tuple[int, int]] = []
    left = margin
    for index, gap in zip(chosen, (*gaps, 0), strict=True):
        right = left + int(letters.widths[index])
        spans.append((left, right))
        left = right + gap
    width = max(right for _, right in spans) + margin
    pixels = np.zeros((28 + highest + lowest + 2 * margin, width), dtype=np.uint8)
    for index, fall, (left, right) in zip(chosen, falls, spans, strict=True):
        first, end = letters.columns[index]
        top = margin + highest + fall
        place = pixels[top : top + 28, left:right]
        np.maximum(place, letters.images[index, :, first:end], out=place)
    return Strip(pixels, tuple(int(letters.labels[index]) for index in chosen), tuple(spans))


def salted(pixels: Pixels, share: float, *, generator: np.random.Generator) -> Pixels:
    """The pixels with a `share` of them inverted, each by chance (salt-and-pepper noise).

    >>> salted(np.zeros((2, 2), dtype=np.uint8), 1.0, generator=np.random.default_rng(0)).tolist()
    [[255, 255], [255, 255]]
    """
    return np.where(generator.random(pixels.shape) < share, 255 - pixels, pixels)
