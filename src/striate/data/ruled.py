"""Finds the lines of writing on a picture, and scales each to the height of MNIST's digits in a window of 32.

The ink is separated from the paper. The page is turned by the angle that separates rows of ink from empty rows best.
Each row of ink is a line, and it is scaled so that the median height of its characters is 20 pixels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image, ImageFilter

from striate.data.decode import flattened
from striate.data.digits import BOX
from striate.data.ink import Plane, levels_of, lift_ink, missing_width, thickened, without_dust
from striate.errors import DataError

HEIGHT = 32
"""The height of a strip, in pixels: that of the windows that slide along it."""
LONGEST = 2400
"""The size to which larger pictures are shrunk first."""
DUST = 0.004
"""Pieces with less ink than this share of the largest piece are dust; a piece may be a line of touching digits."""
STEEPEST = 12.0
"""The largest angle, in degrees, by which a page is turned."""
MOST = 64
"""The most lines that are read from one picture; a picture with more is no writing, or too much of it."""
LEAST = 6
"""The least height of a line, in pixels."""
_INKED = 127
_MIDDLE = 16
"""The row, counted from 0, of the ink's centre of mass: MNIST's 14, with 2 rows of padding above."""


Point = tuple[float, float]
"""(x, y)."""


@dataclass(frozen=True)
class StripPlacement:
    """The position of a strip in a picture: the point (x, y) of the strip, in pixels from its top left corner, is at
    `corner` + x · `along` + y · `down`."""

    corner: Point
    along: Point
    down: Point

    def box(self, left: float, top: float, right: float, bottom: float) -> tuple[float, float, float, float]:
        """The upright box, (left, top, right, bottom) in the picture, around a box of the strip.

        >>> StripPlacement((10, 20), (2, 0), (0, 2)).box(1, 0, 3, 5)
        (12, 20, 16, 30)
        """
        (x, y), (right_x, right_y), (down_x, down_y) = self.corner, self.along, self.down
        across = [x + one * right_x + other * down_x for one in (left, right) for other in (top, bottom)]
        downward = [y + one * right_y + other * down_y for one in (left, right) for other in (top, bottom)]
        return min(across), min(downward), max(across), max(downward)

    def enlarged(self, by: float) -> StripPlacement:
        """The position in a picture that is larger by a factor."""
        corner, along, down = ((x * by, y * by) for x, y in (self.corner, self.along, self.down))
        return StripPlacement(corner, along, down)


@dataclass(frozen=True, eq=False)
class Ruled:
    """One line of a picture: its `strip`, light on dark, 32 pixels high, with half a window of paper at both ends, and
    the `placement` from the strip into the picture."""

    strip: UInt8[np.ndarray, "32 width"]
    placement: StripPlacement


def ruled(image: Image.Image) -> tuple[Ruled, ...]:
    """The lines of a picture from top to bottom; none where there is no ink. Raises DataError for more than 64.

    >>> from PIL import ImageDraw
    >>> page = Image.new("L", (200, 100), 255)
    >>> for left in (40, 80, 120):
    ...     ImageDraw.Draw(page).line((left, 30, left, 69), fill=0, width=4)
    >>> [line] = ruled(page)
    >>> line.strip.shape, [round(each) for each in line.placement.box(16, 6.5, 60, 26.5)]
    ((32, 76), [39, 30, 127, 70])
    """
    grey = flattened(image).convert("L")
    shrunk = min(1.0, LONGEST / max(grey.size))
    if shrunk < 1:
        size = (max(1, round(grey.width * shrunk)), max(1, round(grey.height * shrunk)))
        grey = grey.resize(size, Image.Resampling.BILINEAR)
    ink = lift_ink(*levels_of(grey), dust=0)
    if ink is None:
        return ()
    if _is_speckled(ink):
        solid = np.asarray(Image.fromarray(ink.astype(np.uint8)).filter(ImageFilter.MedianFilter(3)), dtype=np.float32)
    else:
        solid = ink = ink * without_dust(ink, dust=DUST)
    rows, columns = np.nonzero(solid > _INKED)
    if not len(rows):
        return ()
    page = _Page(ink, np.stack([columns + 0.5, rows + 0.5]), _slope(columns, rows), shrunk)
    rows_of_ink = _rows(page)
    if len(rows_of_ink) > MOST:
        raise DataError(
            f"{len(rows_of_ink)} rows of ink were found.",
            f"At most {MOST} lines are read from one picture.",
            "Cut the part out that is to be read.",
        )
    return tuple(line for top, bottom in rows_of_ink if (line := _line(page, top, bottom)) is not None)


@dataclass(frozen=True, eq=False)
class _Page:
    """The ink, the middles of its pixels as points (x, y), the angle of its lines, and the factor of shrinking."""

    ink: Plane
    points: Float[np.ndarray, "2 points"]
    angle: float
    shrunk: float

    def turned(self) -> Float[np.ndarray, "2 points"]:
        """The points after turning the page straight: (along the lines, across them)."""
        sine, cosine = math.sin(self.angle), math.cos(self.angle)
        return np.array([[cosine, sine], [-sine, cosine]]) @ self.points


def _is_speckled(ink: Plane) -> bool:
    """Whether there is salt-and-pepper noise: many pixels of ink are alone or in pairs."""
    inked = ink > _INKED
    near = np.lib.stride_tricks.sliding_window_view(np.pad(inked, 1).astype(np.int8), (3, 3)).sum(axis=(2, 3))
    return bool(inked.any() and (near[inked] <= 2).mean() > 0.3)


def _slope(columns: np.ndarray, rows: np.ndarray) -> float:
    """The angle of the lines, in radians: the one at which rows differ most in ink, if the difference is clear."""
    step = max(1, len(rows) // 40_000)
    across, down = columns[::step].astype(np.float64), rows[::step].astype(np.float64)

    def sharpness(angle: float) -> float:
        places = down - across * math.tan(angle)
        counts = np.bincount((places - places.min()).round().astype(np.int64))
        return float(np.square(counts, dtype=np.float64).sum())

    angles = np.radians(np.arange(-STEEPEST, STEEPEST + 0.25, 0.5))
    sharp = np.array([sharpness(angle) for angle in angles])
    best = int(sharp.argmax())
    return float(angles[best]) if sharp[best] > 1.15 * sharpness(0.0) else 0.0


def _rows(page: _Page) -> list[tuple[float, float]]:
    """(top, bottom) of each line on the straightened page."""
    across = page.turned()[1]
    lowest = math.floor(across.min())
    counts = np.bincount((across - lowest).astype(np.int64))
    inked = counts > max(1.0, 0.02 * counts.max())
    edges = np.flatnonzero(np.diff(np.concatenate([[False], inked, [False]]).astype(np.int8)))
    runs = [(int(first), int(end)) for first, end in edges.reshape(-1, 2)]
    joined: list[tuple[int, int]] = []
    for first, end in runs:
        if joined and first - joined[-1][1] < 0.12 * max(end - first, joined[-1][1] - joined[-1][0]):
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((first, end))
    tallest = max((end - first for first, end in joined), default=0)
    kept = [(first, end) for first, end in joined if end - first >= max(LEAST, tallest / 4)]
    return [(lowest + first, lowest + end) for first, end in kept]


def _line(page: _Page, top: float, bottom: float) -> Ruled | None:
    """One line, cut out, turned and scaled."""
    along, across = page.turned()
    chosen = (across >= top) & (across < bottom)
    along, across = along[chosen], across[chosen]
    ratio = _height(along, across) / BOX
    if abs(ratio - 1) < 0.1 and not page.angle:
        ratio = 1.0
    left, middle = float(along.min()) - 0.5, float(across.mean())
    width = HEIGHT + 4 * math.ceil((float(along.max()) + 0.5 - left) / ratio / 4)
    start, above = left - HEIGHT / 2 * ratio, middle - (_MIDDLE + 0.5) * ratio
    if ratio == 1.0:
        start, above = round(start), round(above)
    sine, cosine = math.sin(page.angle), math.cos(page.angle)
    corner = (cosine * start - sine * above, sine * start + cosine * above)
    placement = StripPlacement(corner, (cosine * ratio, sine * ratio), (-sine * ratio, cosine * ratio))
    strip = _cut(page.ink, placement, width, ratio)
    first, end = math.floor((top - above) / ratio), math.ceil((bottom - above) / ratio)
    strip[: max(0, first)] = 0
    strip[max(0, end) :] = 0
    if not (strip > _INKED).any():
        return None
    return Ruled(strip, placement.enlarged(1 / page.shrunk))


def _height(along: np.ndarray, across: np.ndarray) -> float:
    """The height of a line's characters: the median over the pieces between gaps, without much lower pieces.

    A piece that is wider than the line is high holds several characters, some of which may be higher up than others. It
    is cut into parts of about one character.
    """
    places = (along - math.floor(along.min())).astype(np.int64)
    inked = np.bincount(places) > 0
    edges = np.flatnonzero(np.diff(np.concatenate([[False], inked, [False]]).astype(np.int8))).reshape(-1, 2)
    high = float(across.max() - across.min()) + 1
    parts = np.concatenate(
        [np.linspace(first, end, 1 + max(1, round((end - first) / (0.8 * high))))[:-1] for first, end in edges]
    )
    part = np.searchsorted(parts, places, side="right") - 1
    lowest, highest = np.full(len(parts), np.inf), np.full(len(parts), -np.inf)
    np.minimum.at(lowest, part, across)
    np.maximum.at(highest, part, across)
    heights = highest - lowest + 1
    return float(np.median(heights[heights >= 0.5 * heights.max()]))


def _cut(ink: Plane, placement: StripPlacement, width: int, ratio: float) -> UInt8[np.ndarray, "32 width"]:
    """A strip cut out of the page, which is first shrunk smoothly to the strip's scale."""
    first, upmost, last, lowest = placement.box(0, 0, width, HEIGHT)
    edge = math.ceil(2 * ratio)
    left, upper = max(0, math.floor(first) - edge), max(0, math.floor(upmost) - edge)
    right, lower = min(ink.shape[1], math.ceil(last) + edge), min(ink.shape[0], math.ceil(lowest) + edge)
    part = ink[upper:lower, left:right]
    radius = missing_width(part, ratio)
    picture = Image.fromarray(thickened(part, radius) if radius else part)
    if ratio != 1.0:
        small = (max(1, round(picture.width / ratio)), max(1, round(picture.height / ratio)))
        picture = picture.resize(small, Image.Resampling.BILINEAR)
    wide, high = picture.width / part.shape[1], picture.height / part.shape[0]
    matrix = (
        *(placement.along[0] * wide, placement.down[0] * wide, (placement.corner[0] - left) * wide),
        *(placement.along[1] * high, placement.down[1] * high, (placement.corner[1] - upper) * high),
    )
    strip = picture.transform((width, HEIGHT), Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)
    values = np.array(strip, dtype=np.float32)
    return (values * min(2.0, 255 / max(1.0, float(values.max())))).round().clip(0, 255).astype(np.uint8)
