"""Separates ink from paper: the background, the noise, dust, and the width of strokes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

import numpy as np
from jaxtyping import Bool, Float32, Shaped
from numpy import ndarray
from PIL import Image, ImageFilter

Plane = Float32[ndarray, "height width"]
Mask = Bool[ndarray, "height width"]

EVEN = 10.0
"""The range of grey levels of an even background: the middle 80 % of the border's pixels lie within it.

A background is also even where most of the border lies within it and the rest far away: ink that reaches the border of
a picture that is cut close.
"""
FAINTEST = 12.0
"""Ink differs from its paper by more levels than this, of 255, and by more than `ABOVE_NOISE` times the noise."""
ABOVE_NOISE = 5.0
DUST = 0.04
"""Pieces with less ink than this share of the largest piece are dust."""
THINNEST = 1.7
"""Strokes thinner than this many pixels in MNIST's box of 20 are thickened; MNIST's own have about 2 to 4."""


@dataclass(frozen=True, eq=False)
class Sheet:
    """The background of a drawing: its grey `levels` everywhere, whether they are one `even` level, the `noise` around
    them (a standard deviation, in levels), and whether the ink on it is `dark`."""

    levels: Plane
    even: bool
    noise: float
    dark: bool


def levels_of(grey: Image.Image) -> tuple[Plane, Sheet]:
    """The grey levels of an image, smoothed where it is noisy, and its background."""
    levels = np.asarray(grey, dtype=np.float32)
    paper = find_paper(levels)
    if paper.noise > 2 and min(levels.shape) >= 64:
        levels = np.asarray(grey.filter(ImageFilter.MedianFilter(3)), dtype=np.float32)
        paper = find_paper(levels)
    return levels, paper


def find_paper(grey: Plane) -> Sheet:
    """The background of a grey drawing, 0 to 255: the border's median, or a smooth surface where the light is uneven.

    >>> drawing = np.full((40, 40), 250, dtype=np.float32)
    >>> drawing[10:30, 20] = 30
    >>> paper = find_paper(drawing)
    >>> paper.even, paper.dark, float(paper.levels[0, 0])
    (True, True, 250.0)
    """
    edge = grey[_border(grey.shape)]
    low, middle, high = np.percentile(edge, (10, 50, 90))
    apart = np.abs(edge - middle)
    cut_close = (apart <= EVEN / 2).mean() >= 0.6 and (apart > 6 * EVEN).mean() >= 0.9 * (apart > EVEN / 2).mean()
    even = bool(high - low <= EVEN or cut_close)
    levels = np.full_like(grey, middle) if even else _surface(grey)
    rest = grey - levels
    noise = _spread(rest[np.abs(rest) <= max(3 * _spread(rest), EVEN)])
    strong = rest[np.abs(rest) > 4 * noise + FAINTEST / 2]
    dark = bool(np.square(strong[strong < 0]).sum() > np.square(strong[strong > 0]).sum())
    return Sheet(levels, even, noise, dark)


def lift_ink(grey: Plane, paper: Sheet, *, dust: float = DUST) -> Plane | None:
    """The ink alone, light on dark, 0 to 255, without noise and dust; None where there is no ink."""
    above = np.maximum(paper.levels - grey if paper.dark else grey - paper.levels, 0)
    strong = above[above > otsu(above)]
    if not strong.size:
        return None
    full = float(np.percentile(strong, 90))
    if full <= max(FAINTEST, ABOVE_NOISE * paper.noise):
        return None
    floor = min(3.5 * paper.noise, full / 2)
    ink = np.clip((above - floor) * (255 / (full - floor)), 0, 255).astype(np.float32)
    return ink * without_dust(ink, dust=dust) if dust else ink


def otsu(values: ndarray) -> float:
    """Otsu's threshold (1979): the level that separates values, 0 to 255, into the two most distinct groups.

    >>> otsu(np.array([1.0, 2, 3, 200, 210]))
    3.0
    """
    counts = np.bincount(values.astype(np.int64).clip(0, 255).ravel(), minlength=256).astype(np.float64)
    below = counts.cumsum()
    sums = (counts * np.arange(256)).cumsum()
    above = below[-1] - below
    with np.errstate(divide="ignore", invalid="ignore"):
        between = below * above * np.square(sums / below - (sums[-1] - sums) / above)
    return float(np.nan_to_num(between).argmax())


def without_dust(ink: Plane, *, dust: float = DUST) -> Mask:
    """A mask of the ink that is not dust: the surroundings of every piece with enough of the largest piece's ink."""
    step = max(1, max(ink.shape) // 128)
    height, width = (-(-side // step) for side in ink.shape)
    padded = np.zeros((height * step, width * step), dtype=np.float32)
    padded[: ink.shape[0], : ink.shape[1]] = ink
    blocks = padded.reshape(height, step, width, step)
    pieces = _pieces(blocks.max(axis=(1, 3)) > 127)
    weights = np.bincount(pieces.ravel(), weights=blocks.sum(axis=(1, 3)).ravel())
    weights[0] = 0
    kept = np.flatnonzero(weights >= dust * weights.max())
    near = thickened(np.isin(pieces, kept[kept > 0]), 1)
    return near.repeat(step, axis=0).repeat(step, axis=1)[: ink.shape[0], : ink.shape[1]]


def stroke_width(ink: Plane) -> float:
    """The mean width of the strokes, in pixels: twice their area over their outline.

    >>> line = np.zeros((50, 50), dtype=np.float32)
    >>> line[5:45, 20:24] = 255
    >>> 3 < stroke_width(line) < 5
    True
    """
    inside = np.pad(ink > 127, 1)
    edges = (inside[1:] != inside[:-1]).sum() + (inside[:, 1:] != inside[:, :-1]).sum()
    # A slanted outline is counted along its steps; over all directions these are 4/π times as long.
    return float(2 * inside.sum() / max(1.0, edges * np.pi / 4))


def missing_width(ink: Plane, ratio: float) -> int:
    """The pixels by which strokes must grow on each side to stay visible when the ink is shrunk by `ratio`."""
    return max(0, round((THINNEST * ratio - stroke_width(ink)) / 2))


def thickened(ink: Shaped[ndarray, "height width"], radius: int) -> Shaped[ndarray, "height width"]:
    """The ink with every stroke wider by `radius` pixels on each side.

    >>> thickened(np.eye(3, dtype=np.float32)[1:2], 1)
    array([[1., 1., 1.]], dtype=float32)
    """
    for axis in (0, 1):
        padded = np.pad(ink, [(radius, radius) if axis == one else (0, 0) for one in (0, 1)])
        size = ink.shape[axis]
        views = [
            padded[start : start + size] if axis == 0 else padded[:, start : start + size]
            for start in range(2 * radius + 1)
        ]
        ink = reduce(np.maximum, views)
    return ink


def _border(shape: tuple[int, ...]) -> Mask:
    """The frame around an image: 6 % of its shorter side, at least one pixel."""
    wide = max(1, round(min(shape) * 0.06))
    frame = np.ones(shape, dtype=bool)
    frame[wide:-wide, wide:-wide] = False
    return frame


def _surface(grey: Plane) -> Plane:
    """A quadratic surface through the background: fitted to the border, then again to all pixels near the fit."""
    height, width = grey.shape
    down, across = np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij")
    terms = np.stack([np.ones_like(down), down, across, down * across, down**2, across**2], axis=-1)
    step = max(1, max(grey.shape) // 96)
    sample, points = grey[::step, ::step].astype(np.float64), terms[::step, ::step]
    chosen = _border(sample.shape)
    fitted = np.zeros_like(sample)
    for used in (3, 3, 3, 6, 6, 6, 6, 6):
        solution = np.linalg.lstsq(points[chosen][:, :used], sample[chosen], rcond=None)[0]
        fitted = points[..., :used] @ solution
        rest = sample - fitted
        near = np.abs(rest) <= max(EVEN, 2.5 * _spread(rest[chosen]))
        chosen = near & _border(sample.shape) if used == 3 else near
        solution_terms = used
    return (terms[..., :solution_terms] @ solution).astype(np.float32)


def _spread(values: ndarray) -> float:
    """A standard deviation that is robust to outliers: 1.4826 times the median distance from the median."""
    return float(1.4826 * np.median(np.abs(values - np.median(values)))) if values.size else 0.0


def _pieces(mask: Mask) -> ndarray:
    """Numbers above 0, one for each connected piece (also across corners); 0 outside."""
    numbers = np.where(mask, np.arange(1, mask.size + 1).reshape(mask.shape), 0)
    while True:
        grown = thickened(numbers, 1) * mask
        # A number is also a position; the number at that position belongs to the same piece and is larger.
        grown = np.where(mask, grown.ravel()[grown - 1], 0)
        if np.array_equal(grown, numbers):
            return numbers
        numbers = grown
