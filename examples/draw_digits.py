"""Draw the pictures in examples/digits: digits as people bring them, none of which looks like MNIST's.

    python examples/draw_digits.py [FOLDER]

Every stroke is a line through points on a page of 0 to 100, drawn with a round pen: on white paper, on a blackboard,
in uneven light with noise as from a camera, with a thin pen far from the middle.
"""

from __future__ import annotations

import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

Stroke = list[tuple[float, float]]

STROKES: dict[str, list[Stroke]] = {
    "0": [
        [(52, 15), (36, 22), (28, 40), (28, 62), (36, 80), (52, 86), (68, 78), (74, 58), (72, 36), (64, 20), (52, 15)]
    ],
    "2": [[(30, 32), (36, 20), (50, 14), (64, 20), (68, 34), (60, 50), (44, 66), (28, 84), (50, 82), (74, 84)]],
    "3": [
        [(30, 20), (46, 13), (62, 20), (64, 34), (54, 45), (42, 48), (58, 52), (68, 66), (60, 82), (44, 87), (28, 78)]
    ],
    "4": [[(40, 14), (32, 38), (26, 54), (48, 55), (76, 52)], [(62, 28), (60, 56), (56, 88)]],
    "5": [[(68, 16), (38, 16), (34, 44), (52, 40), (66, 50), (68, 68), (56, 83), (40, 84), (28, 74)]],
    "7": [[(26, 20), (48, 18), (72, 17), (60, 42), (50, 62), (44, 88)]],
}


def drawn(digit: str, *, size: int, pen: float, ink: int, paper: int) -> Image.Image:
    """A digit on a square page; `pen` is the width of its stroke, as a share of the page."""
    page = Image.new("L", (2 * size, 2 * size), paper)
    draw = ImageDraw.Draw(page)
    width = max(1, round(2 * size * pen))
    for stroke in STROKES[digit]:
        points = [(x * size / 50, y * size / 50) for x, y in _rounded(stroke)]
        draw.line(points, fill=ink, width=width, joint="curve")
        for x, y in (points[0], points[-1]):
            draw.ellipse((x - width / 2, y - width / 2, x + width / 2, y + width / 2), fill=ink)
    return page.resize((size, size), Image.Resampling.LANCZOS)


def photographed(page: Image.Image, *, seed: int) -> Image.Image:
    """A page in uneven light, a little out of focus, with noise."""
    height, width = page.height, page.width
    down, across = np.mgrid[0:height, 0:width] / max(height, width)
    light = 0.55 + 0.4 * across - 0.15 * down
    noise = np.random.default_rng(seed).normal(0, 4, (height, width))
    levels = np.asarray(page.filter(ImageFilter.GaussianBlur(1.5)), dtype=float) * light + noise
    return Image.fromarray(levels.clip(0, 255).astype(np.uint8))


def placed(page: Image.Image, *, size: tuple[int, int], corner: tuple[int, int]) -> Image.Image:
    """A page laid on a larger one of the same paper, (width, height)."""
    larger = Image.new("L", size, page.getpixel((0, 0)))
    larger.paste(page, corner)
    return larger


def pictures() -> dict[str, Image.Image]:
    """The pictures by file name; each begins with the digit that is on it."""
    return {
        "0-pen.png": drawn("0", size=280, pen=0.07, ink=20, paper=255),
        "2-thin-pen.png": placed(drawn("2", size=400, pen=0.012, ink=40, paper=250), size=(900, 600), corner=(440, 40)),
        "3-chalk.png": drawn("3", size=240, pen=0.06, ink=235, paper=30),
        "4-pen.png": drawn("4", size=280, pen=0.07, ink=20, paper=255),
        "5-photo.png": photographed(drawn("5", size=320, pen=0.06, ink=45, paper=235), seed=5),
        "7-photo.png": photographed(drawn("7", size=320, pen=0.05, ink=60, paper=225), seed=7),
    }


def _rounded(stroke: Stroke) -> Stroke:
    """The stroke's corners cut three times, as a hand does (Chaikin's curve); its ends stay."""
    for _ in range(3):
        cut = [stroke[0]]
        for (x, y), (next_x, next_y) in pairwise(stroke):
            cut.append((0.75 * x + 0.25 * next_x, 0.75 * y + 0.25 * next_y))
            cut.append((0.25 * x + 0.75 * next_x, 0.25 * y + 0.75 * next_y))
        stroke = [*cut, stroke[-1]]
    return stroke


def main() -> None:
    """Draw them all."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "digits"
    folder.mkdir(parents=True, exist_ok=True)
    for name, picture in pictures().items():
        picture.save(folder / name, optimize=True)


if __name__ == "__main__":
    main()
