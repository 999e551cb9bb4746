"""The box of each character on a line: the network gives its middle, and the ink its extent."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from jaxtyping import UInt8

Span = tuple[float, float, float, float]
"""(left, top, right, bottom) in pixels of a strip."""

FAINT = 64
"""The least level of a pixel, of 255, that counts as ink."""
WIDEST = 13
"""The largest distance of a character's ink from its middle, in pixels."""


def spans_of(strip: UInt8[np.ndarray, "height width"], middles: Sequence[float]) -> list[Span]:
    """The box of each character, from its middle: the ink up to the thinnest column between it and its neighbours.

    >>> strip = np.zeros((32, 64), dtype=np.uint8)
    >>> strip[6:26, 20:30] = strip[10:20, 31:41] = 255
    >>> spans_of(strip, [25, 36])
    [(20.0, 6.0, 30.0, 26.0), (31.0, 10.0, 41.0, 20.0)]
    """
    inked = strip > FAINT
    weights = strip.sum(axis=0, dtype=np.int64)
    cuts = [_thinnest(weights, before, after) for before, after in pairwise(middles)]
    sides = zip([0, *cuts], middles, [*cuts, strip.shape[1]], strict=True)
    return [_box(inked, left, right, middle) for left, middle, right in sides]


def _thinnest(weights: np.ndarray, before: float, after: float) -> int:
    """The column with the least ink between two middles; of several, the one nearest to halfway."""
    first, end = round(before), max(round(before) + 1, round(after))
    places = np.arange(first, end)
    return int(places[np.lexsort((np.abs(places - (before + after) / 2), weights[first:end]))[0]])


def _box(inked: np.ndarray, left: float, right: float, middle: float) -> Span:
    first, end = max(0, round(max(left, middle - WIDEST))), max(1, round(min(right, middle + WIDEST)))
    part = inked[:, first:end]
    rows, columns = np.flatnonzero(part.any(axis=1)), np.flatnonzero(part.any(axis=0))
    if not len(rows):
        return float(first), 0.0, float(max(end, first + 1)), float(len(inked))
    return float(first + columns[0]), float(rows[0]), float(first + columns[-1] + 1), float(rows[-1] + 1)
