"""Brings a drawing or a photograph of one digit to MNIST's form, in steps that can be displayed."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32
from PIL import Image, ImageDraw, ImageFont

from striate.data.decode import flattened
from striate.data.ink import Plane, levels_of, lift_ink, missing_width, stroke_width, thickened
from striate.errors import DataError

SIDE, BOX = 28, 20
"""MNIST's images are 28 × 28; each digit was scaled to fit 20 × 20 and placed by its centre of mass."""
CENTRE = 14
"""The row and the column, counted from 0, of the centre of mass, to the nearest whole pixel.

By this rule MNIST's own digits stay where they are.
"""

Smaller = Float32[np.ndarray, "rows columns"]
"""A part of a plane, or one scaled."""

_LONGEST = 512
_FAINT = 40


@dataclass(frozen=True, eq=False)
class PreparationStep:
    """One step: its `name`, the `image` after it, and a `note` on its effect."""

    name: str
    image: Image.Image
    note: str


def digit_steps(image: Image.Image) -> tuple[PreparationStep, ...]:
    """The steps from any picture of one digit to 28 × 28, light on dark; the last one holds the result, in mode L.

    An image that already has MNIST's form stays unchanged, in one step. Raises DataError where no ink is found.

    >>> from PIL import ImageDraw
    >>> drawing = Image.new("RGB", (200, 100), "white")
    >>> ImageDraw.Draw(drawing).line((120, 20, 120, 80), fill="black", width=8)
    >>> [step.name for step in digit_steps(drawing)], digit_steps(drawing)[-1].image.size
    (['grey', 'polarity', 'crop', 'scale', 'centre'], (28, 28))
    """
    grey = flattened(image).convert("L")
    if _in_form(grey):
        return (PreparationStep("unchanged", grey, "28 × 28, light on dark, centred: MNIST's form"),)
    grey, note = _bounded(grey)
    steps = [PreparationStep("grey", grey, note)]
    levels, paper = levels_of(grey)
    if not paper.even:
        flat = np.clip(levels - paper.levels + float(np.median(paper.levels)), 0, 255)
        steps.append(PreparationStep("background", _image(flat), "uneven light: a smooth surface taken away"))
    ink = lift_ink(levels, paper)
    if ink is None:
        raise DataError(
            "no ink found.",
            "Expected one digit that stands out from its background.",
            "Draw it darker, or photograph it closer and in more light.",
        )
    note = "dark on light: inverted" if paper.dark else "light on dark: kept"
    steps.append(PreparationStep("polarity", _image(ink), note))
    ink = _cropped(ink)
    steps.append(PreparationStep("crop", _image(ink), f"the ink's box: {ink.shape[0]} × {ink.shape[1]}"))
    small, note = _scaled(ink)
    steps.append(PreparationStep("scale", _image(small), note))
    steps.append(PreparationStep("centre", _image(_centred(small)), "28 × 28, the centre of mass in the middle"))
    return tuple(steps)


def steps_strip(steps: Sequence[PreparationStep]) -> Image.Image:
    """The steps side by side, enlarged, with names and notes.

    >>> steps_strip([PreparationStep("unchanged", Image.new("L", (28, 28)), "")] * 3).size
    (552, 264)
    """
    side, gap, below = 168, 12, 72
    strip = Image.new("RGB", (gap + len(steps) * (side + gap), gap + side + gap + below), "white")
    draw = ImageDraw.Draw(strip)
    name_font, note_font = ImageFont.load_default(14), ImageFont.load_default(12)
    for place, step in enumerate(steps):
        left = gap + place * (side + gap)
        ratio = side / max(step.image.size)
        size = (max(1, round(step.image.width * ratio)), max(1, round(step.image.height * ratio)))
        shown = step.image.resize(size, Image.Resampling.NEAREST if ratio > 1 else Image.Resampling.BILINEAR)
        corner = (left + (side - size[0]) // 2, gap + (side - size[1]) // 2)
        draw.rectangle((left - 1, gap - 1, left + side, gap + side), fill="#e4e4e4", outline="#b0b0b0")
        strip.paste(shown.convert("RGB"), corner)
        draw.text((left, gap + side + 8), f"{place + 1}. {step.name}", fill="black", font=name_font)
        draw.text(
            (left, gap + side + 28),
            textwrap.fill(step.note.replace("×", "x"), 27),
            fill="#505050",
            font=note_font,
            spacing=3,
        )
    return strip


def _in_form(grey: Image.Image) -> bool:
    """Whether an image is 28 × 28, dark around, its ink about as large as the box of 20 and centred by mass."""
    if grey.size != (SIDE, SIDE):
        return False
    levels = _plane(grey)
    ring = np.concatenate([levels[0], levels[-1], levels[:, 0], levels[:, -1]])
    if np.median(ring) > _FAINT or not (levels > _FAINT).any():
        return False
    return BOX - 4 <= max(_cropped(levels).shape) <= BOX and bool(np.abs(_middle(levels) - CENTRE).max() <= 1)


def _bounded(grey: Image.Image) -> tuple[Image.Image, str]:
    longer = max(grey.size)
    if longer <= _LONGEST:
        return grey, f"{grey.height} × {grey.width}, one channel"
    size = (max(1, round(grey.width * _LONGEST / longer)), max(1, round(grey.height * _LONGEST / longer)))
    note = f"{grey.height} × {grey.width}, one channel, shrunk to {size[1]} × {size[0]}"
    return grey.resize(size, Image.Resampling.BILINEAR), note


def _cropped(ink: Plane) -> Smaller:
    inked = ink > _FAINT
    rows, columns = np.flatnonzero(inked.any(axis=1)), np.flatnonzero(inked.any(axis=0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _scaled(ink: Plane) -> tuple[Smaller, str]:
    """The ink scaled to a longer side of 20; thin strokes are thickened first, because they would fade when shrunk."""
    ratio = max(ink.shape) / BOX
    note = f"longer side {BOX}"
    wide = stroke_width(ink)
    radius = missing_width(ink, ratio)
    if radius > 0:
        ink = _cropped(thickened(np.pad(ink, radius), radius))
        ratio = max(ink.shape) / BOX
        note += f"; strokes of {wide:.0f} pixels thickened by {2 * radius}"
    size = (max(1, round(ink.shape[1] / ratio)), max(1, round(ink.shape[0] / ratio)))
    small = np.asarray(Image.fromarray(ink).resize(size, Image.Resampling.BILINEAR), dtype=np.float32)
    return np.clip(small * min(2.0, 255 / max(1.0, float(small.max()))), 0, 255).astype(np.float32), note


def _centred(small: Smaller) -> Float32[np.ndarray, "28 28"]:
    out = np.zeros((SIDE, SIDE), dtype=np.float32)
    wanted = np.rint(CENTRE - _middle(small)).astype(int)
    top, left = (int(np.clip(place, 0, SIDE - side)) for place, side in zip(wanted, small.shape, strict=True))
    out[top : top + small.shape[0], left : left + small.shape[1]] = small
    return out


def _middle(levels: Plane) -> np.ndarray:
    """(row, column) of the centre of mass."""
    mass = max(1e-6, float(levels.sum()))
    rows, columns = levels.sum(axis=1), levels.sum(axis=0)
    return np.array([(rows * np.arange(len(rows))).sum() / mass, (columns * np.arange(len(columns))).sum() / mass])


def _plane(grey: Image.Image) -> Plane:
    return np.asarray(grey, dtype=np.float32)


def _image(levels: Plane) -> Image.Image:
    return Image.fromarray(np.rint(levels).astype(np.uint8))
