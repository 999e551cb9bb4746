"""The training images of a network that reads lines: windows of 32 × 32 on lines of MNIST's digits.

A window is labelled with the digit whose middle is near its own, or "blank" where there is none: a gap between two
digits, halves of both, the margin. LeNet-5's paper, section VII, describes the set: a digit flanked by two others, the
gap between their bounding boxes −1 to 4 pixels, samples without a digit in the middle, and 10 % of the pixels inverted.
The meaning of "near", and all numbers below that the paper does not give, are ours.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from striate.data.augment import Augmentation, augment
from striate.data.cache import Cached, CacheEntry, cache_folder
from striate.data.mnist import CLASSES, mnist
from striate.data.packing import keep
from striate.data.store import ImageSet, hold_out
from striate.data.strips import Letters, salted, set_strip

SIDE = 32
BLANK = len(CLASSES)
"""The label of a window without a digit in its middle."""
NEAR = 3.0
"""A window is labelled with a digit whose middle is within this many pixels of its own, left or right.

Columns of scores are 4 pixels apart, so at least one column and at most two see each digit.
"""
GAPS = (-1, 4)
"""The least and the greatest gap between the boxes of neighbours, in pixels."""
FLANKS = 2
"""The number of digits on each side of the middle one: a window can reach over a narrow neighbour."""
DIGITS, ENDS, NOISY, NOISE = 0.75, 0.12, 0.25, 0.1
"""The shares of windows on a digit, of sides at which the line ends, of windows with noise, and of pixels inverted."""
ROLL = 2
"""The most pixels by which each digit, and the line as a whole, is higher or lower than in MNIST."""
WARP = Augmentation(rotation=4, scale=0.12, shear=15)
"""The amplitudes by which a window is turned, scaled and slanted about its middle."""
COUNTS = {"train": 200_000, "validation": 10_000, "test": 20_000}
"""The number of windows that are made of the digits of each part."""

_CANVAS = 48
_VERSION = 1


@dataclass(frozen=True, eq=False)
class _Layout:
    """The random draws for some windows: five digits each, their gaps and drops, the line's drop, and its position.

    `places` are distances in pixels from the middle of the middle digit; `kept` says which of the five are present.
    """

    digits: np.ndarray
    gaps: np.ndarray
    drops: np.ndarray
    rolls: np.ndarray
    kept: np.ndarray
    places: np.ndarray
    labels: np.ndarray


def mnist_lines(split: str) -> ImageSet:
    """Windows of the "train" or the "test" digits: ten digits and "blank". Only the files of that split are opened.

    The validation windows are made of training digits that no other window uses. All are drawn from one seed, and the
    pixels are kept in the cache.
    """
    digits = mnist(split)
    parts = {"test": digits} if split == "test" else dict(zip(("train", "validation"), hold_out(digits), strict=True))
    images, labels, held = [], [], []
    for part, own in parts.items():
        letters = Letters.of(own)
        layout = _laid_out(letters, COUNTS[part], _generator(part))
        images.append(_kept(part, letters, layout))
        labels.append(torch.from_numpy(layout.labels))
        held.append(torch.full((COUNTS[part],), part == "validation"))
    return ImageSet(
        torch.cat(images),
        torch.cat(labels),
        (*CLASSES, "blank"),
        "mnist-lines",
        split,
        "line",
        held=None if split == "test" else torch.cat(held),
    )


def _generator(part: str) -> np.random.Generator:
    return np.random.default_rng([1998, *part.encode()])


def _laid_out(letters: Letters, count: int, generator: np.random.Generator) -> _Layout:
    """The draws for each window. The numbers of times that digits are in the middle differ by one at most."""
    across = 2 * FLANKS + 1
    digits = generator.integers(len(letters), size=(count, across))
    rounds = -(-count // len(letters))
    digits[:, FLANKS] = np.concatenate([generator.permutation(len(letters)) for _ in range(rounds)])[:count]
    gaps = generator.integers(GAPS[0], GAPS[1] + 1, size=(count, across - 1))
    drops = generator.integers(-ROLL, ROLL + 1, size=(count, across))
    rolls = generator.integers(-ROLL, ROLL + 1, size=count)
    kept = np.ones((count, across), dtype=bool)
    kept[:, :FLANKS] = generator.random((count, 1)) >= ENDS
    kept[:, FLANKS + 1 :] = generator.random((count, 1)) >= ENDS
    near = generator.uniform(-NEAR, NEAR, size=count)
    share, chosen = generator.random(count), generator.random(count) < DIGITS
    # Blank: anywhere between the zones of two neighbours, or up to a window beyond the line's end.
    widths = letters.widths[digits]
    to_next = (widths[:, FLANKS] + widths[:, FLANKS + 1]) / 2 + gaps[:, FLANKS]
    to_last = (widths[:, FLANKS] + widths[:, FLANKS - 1]) / 2 + gaps[:, FLANKS - 1]
    right = np.where(kept[:, FLANKS + 1], to_next - NEAR, SIDE)
    left = np.where(kept[:, FLANKS - 1], to_last - NEAR, SIDE)
    room = np.stack([left, right]) - NEAR
    side = (room[1] > room[0]).astype(int)
    blank = np.where(side == 1, 1, -1) * (NEAR + share * np.take_along_axis(room, side[None], 0)[0])
    on_digit = chosen | (room.max(axis=0) < 1)
    labels = np.where(on_digit, letters.labels[digits[:, FLANKS]], BLANK).astype(np.int64)
    return _Layout(digits, gaps, drops, rolls, kept, np.where(on_digit, near, blank), labels)


def _kept(part: str, letters: Letters, layout: _Layout) -> Tensor:
    """The windows' pixels, from the cache or drawn."""
    numbers = (_VERSION, part, COUNTS[part], NEAR, GAPS, FLANKS, DIGITS, ENDS, NOISY, NOISE, ROLL, WARP)
    key = hashlib.sha256(repr(numbers).encode())
    key.update(letters.images.tobytes())
    root = cache_folder()
    entry = CacheEntry(
        None if root is None else root / f"mnist-lines-{part}.safetensors", key.hexdigest(), len(layout.labels)
    )
    found = entry.read()
    if found is None:
        found = Cached(_drawn(letters, layout, part), ())
        keep(entry, found)
    return found.images


def _drawn(letters: Letters, layout: _Layout, part: str) -> Tensor:
    images = torch.empty(len(layout.labels), 1, SIDE, SIDE, dtype=torch.uint8)
    warp = torch.Generator().manual_seed(int.from_bytes(part.encode()) % 2**31)
    generator = _generator(f"noise of {part}")
    for start in range(0, len(images), 4096):
        end = min(start + 4096, len(images))
        canvases = torch.from_numpy(np.stack([_canvas(letters, layout, number) for number in range(start, end)]))
        warped = augment(canvases[:, None].float(), WARP, generator=warp, fill=0.0)
        edge = (_CANVAS - SIDE) // 2
        windows = warped[:, 0, edge : edge + SIDE, edge : edge + SIDE].round().clamp(0, 255).to(torch.uint8).numpy()
        noisy = generator.random(end - start) < NOISY
        windows[noisy] = salted(windows[noisy], NOISE, generator=generator)
        images[start:end, 0] = torch.from_numpy(windows)
    return images


def _canvas(letters: Letters, layout: _Layout, number: int) -> np.ndarray:
    """A window before it is warped and cut, with a small margin on every side."""
    kept = np.flatnonzero(layout.kept[number])
    drops = layout.drops[number, kept] + layout.rolls[number]
    strip = set_strip(
        letters,
        layout.digits[number, kept].tolist(),
        gaps=layout.gaps[number, kept[:-1]].tolist(),
        drops=drops.tolist(),
    )
    first, end = strip.spans[int(np.searchsorted(kept, FLANKS))]
    left = round((first + end) / 2 + layout.places[number]) - _CANVAS // 2
    top = (_CANVAS - 28) // 2 + min(0, int(drops.min()))
    canvas = np.zeros((_CANVAS, _CANVAS), dtype=np.uint8)
    cut = strip.pixels[:, max(0, left) : max(0, left + _CANVAS)]
    canvas[top : top + len(cut), max(0, -left) : max(0, -left) + cut.shape[1]] = cut
    return canvas
