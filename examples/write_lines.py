"""Write the pictures in examples/lines: numbers in digits of MNIST's test images, which no network learns from.

    python examples/write_lines.py [FOLDER]

A number on paper, photographed a little askew in uneven light; two lines of chalk on a board.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from draw_digits import photographed
from PIL import Image

from striate.data import load
from striate.data.strips import Letters, set_strip


def written(number: str, letters: Letters, *, gap: int, seed: int) -> Image.Image:
    """A number in digits drawn by chance, each a little higher or lower than its neighbours, light on dark."""
    generator = np.random.default_rng(seed)
    chosen = [int(generator.choice(np.flatnonzero(letters.labels == int(digit)))) for digit in number]
    drops = generator.integers(-1, 2, size=len(chosen)).tolist()
    strip = set_strip(letters, chosen, gaps=[gap] * (len(chosen) - 1), drops=drops, margin=12)
    ink = Image.fromarray(strip.pixels)
    return ink.resize((ink.width * 3, ink.height * 3), Image.Resampling.BICUBIC)


def on_paper(ink: Image.Image, *, dark: int, light: int) -> Image.Image:
    """What is light becomes `dark`, what is dark becomes `light`."""
    share = np.asarray(ink, dtype=np.float64) / 255
    return Image.fromarray((light + (dark - light) * share).round().astype(np.uint8))


def pictures() -> dict[str, Image.Image]:
    """The pictures by file name; each is named by what is on it."""
    letters = Letters.of(load("mnist", "test"))
    turned = written("3141592", letters, gap=2, seed=7).rotate(3, Image.Resampling.BICUBIC, expand=True)
    lines = [written(number, letters, gap=4, seed=number_seed) for number, number_seed in (("60000", 1), ("1998", 2))]
    board = Image.new("L", (max(line.width for line in lines), sum(line.height for line in lines)))
    top = 0
    for line in lines:
        board.paste(line, (0, top))
        top += line.height
    return {
        "3141592-photo.png": photographed(on_paper(turned, dark=50, light=235), seed=3),
        "60000-1998-chalk.png": on_paper(board, dark=235, light=38),
    }


def main() -> None:
    """Write them all."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "lines"
    folder.mkdir(parents=True, exist_ok=True)
    for name, picture in pictures().items():
        picture.save(folder / name, optimize=True)


if __name__ == "__main__":
    main()
