"""The solids of the style `volumes`: maps as boxes or as stacked sheets, vectors as bars; sizes on a square-root scale.

Edges grow with the square root of a size, so that 224×224 and 7×7 fit into one figure; bars with the logarithm of
their units.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from striate.description.shapes import Shape
from striate.emit.draw.marks import Face, Point

EDGE, FACING, LEAST = 190, 140, 9
"""Pixels: the longest edge of boxes, that of sheets, which face the reader, and the shortest of both."""
THICK, THIN = 46, 4
"""Pixels of a box along its channels, beside THIN: at the most, and at least."""
BAR, HIGH, LOW = 12, 150, 14
"""Pixels of a bar: its width, and how high it is at the most, above LOW."""
LEAN = (0.34, 0.24)
"""How far the far edge of a box stands to the right of and above the near one, as shares of its width."""
SHEETS, STEP = 64, 5
"""The most maps that are drawn as sheets, and pixels from sheet to sheet."""
COPIES, BETWEEN = 4, 3
"""How often a solid is drawn that follows itself, at the most, and pixels between."""


@dataclass(frozen=True)
class LargestSizes:
    """The sizes that others are drawn against: the longest edge of maps, the most channels, the longest vector."""

    edge: int
    channels: int
    units: int

    @property
    def sheets(self) -> bool:
        """Whether maps are few enough for sheets."""
        return self.channels <= SHEETS

    def long(self, size: int) -> float:
        """An edge of maps in pixels."""
        return max(LEAST, (FACING if self.sheets else EDGE) * math.sqrt(size / self.edge))


@dataclass(frozen=True)
class Solid:
    """Faces from x = 0 to `width`, from `up` above y = 0 to as far below it; `front` is the middle of its front."""

    faces: tuple[Face, ...]
    width: float
    up: float


def largest_sizes(shapes: Iterable[Shape]) -> LargestSizes:
    """The largest sizes among values of these shapes.

    >>> largest_sizes([(1, 32, 32), (6, 28, 28), (120, 1, 1), (84,)])
    LargestSizes(edge=32, channels=6, units=120)
    """
    maps = [shape for shape in shapes if not is_flat(shape)]
    flat = [shape[0] for shape in shapes if is_flat(shape)]
    edge = max((max(shape[1:]) for shape in maps), default=1)
    return LargestSizes(edge, max((shape[0] for shape in maps), default=1), max(flat, default=1))


def is_flat(shape: Shape) -> bool:
    """Whether a value is a vector, or maps of one pixel."""
    return len(shape) == 1 or shape[1:] == (1, 1)


def solid(shape: Shape, largest: LargestSizes, *, times: int = 1) -> Solid:
    """The solid of a shape; one that follows itself is drawn up to four times."""
    if is_flat(shape):
        one = _bar(shape[0], largest)
    elif largest.sheets:
        one = _sheets(shape, largest)
    else:
        one = _box(shape, largest)
    copies = min(times, COPIES)
    lean = one.width - _thickness(shape, largest)
    step = one.width - lean + BETWEEN
    faces = [
        Face(tuple((x + copy * step, y) for x, y in face.points), face.shade)
        for copy in range(copies)
        for face in one.faces
    ]
    return Solid(tuple(faces), one.width + (copies - 1) * step, one.up)


def _thickness(shape: Shape, largest: LargestSizes) -> float:
    """How wide the front of a solid is, by which the next one of several stands beside it."""
    if is_flat(shape):
        return BAR
    if largest.sheets:
        return largest.long(shape[2]) + (_number(shape[0]) - 1) * STEP
    return THIN + THICK * math.sqrt(shape[0] / largest.channels)


def _bar(units: int, largest: LargestSizes) -> Solid:
    high = LOW + HIGH * math.log2(units + 1) / math.log2(largest.units + 1)
    return Solid((Face(_rectangle(0, -high / 2, BAR, high)),), BAR, high / 2)


def _sheets(shape: Shape, largest: LargestSizes) -> Solid:
    """Sheets, the first one farthest away, at the upper right."""
    high, wide, number = largest.long(shape[1]), largest.long(shape[2]), _number(shape[0])
    span = (number - 1) * STEP
    top = -(high + span) / 2
    faces = [Face(_rectangle(span - STEP * place, top + STEP * place, wide, high)) for place in range(number)]
    return Solid(tuple(faces), wide + span, (high + span) / 2)


def _number(channels: int) -> int:
    """The sheets that stand for maps: as many up to eight, then fewer than there are.

    >>> [_number(channels) for channels in (1, 6, 8, 16, 64)]
    [1, 6, 8, 10, 14]
    """
    return channels if channels <= 8 else 8 + round(2 * math.log2(channels / 8))


def _box(shape: Shape, largest: LargestSizes) -> Solid:
    high, deep, thick = largest.long(shape[1]), largest.long(shape[2]), _thickness(shape, largest)
    right, up = LEAN[0] * deep, LEAN[1] * deep
    top = (up - high) / 2
    bottom = top + high
    front = Face(_rectangle(0, top, thick, high))
    above = Face(((0, top), (right, top - up), (right + thick, top - up), (thick, top)), 1)
    side = Face(((thick, top), (thick + right, top - up), (thick + right, bottom - up), (thick, bottom)), 2)
    return Solid((front, above, side), thick + right, (high + up) / 2)


def _rectangle(x: float, y: float, width: float, height: float) -> tuple[Point, ...]:
    return (x, y), (x + width, y), (x + width, y + height), (x, y + height)
