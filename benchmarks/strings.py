"""How well a run reads strings of digits: 1,000 strings of 3 to 8 of MNIST's test digits, at each gap, plain and worse.

    python benchmarks/strings.py RUN [--strings 1000] [--seed 0] [--validation] [--json]

Every string is a page, dark on light, that goes the whole way of `striate read`. A gap is the number of pixels between
the bounding boxes of neighbours, any ink counted, where a digit is 20 pixels high. Plain: as MNIST has the digits.
Noise: a tenth of the page's pixels is inverted. Slant: three times as large, each string sheared by up to 15° and the
page turned by up to 5°. Then the strings in which digits touch, at gaps from −4 to −1. With --validation the digits are
those training digits that no reader learns from: that is how numbers were chosen; test digits are for the report.
"""

from __future__ import annotations

import argparse
import json
import math
import platform
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import pairwise

import numpy as np
import torch
from PIL import Image

from striate.data import hold_out, load
from striate.data.ink import thickened
from striate.data.strips import Letters, Strip, salted, set_strip
from striate.read import Reader, reader_of

GAPS, OVERLAPS = (-1, 0, 1, 2, 3, 4), (-4, -3, -2, -1)
LENGTHS = (3, 8)
MARGIN, PAPER, INK = 20, 255, 0
NOISE, SHEAR, TURN, LARGER = 0.1, 15.0, 5.0, 3


@dataclass(frozen=True)
class Row:
    """Strings of one kind: how many, the share that is exactly right, edits a digit, the mean confidence."""

    kind: str
    gap: str
    strings: int
    exact: float
    character_error: float
    confidence: float


def main() -> None:
    """Read and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run")
    parser.add_argument("--strings", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--validation", action="store_true", help="held-out training digits instead of test digits")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()

    reader = reader_of(arguments.run)
    digits = hold_out(load("mnist"))[1] if arguments.validation else load("mnist", "test")
    letters = Letters.of(digits)
    rows: list[Row] = []
    for row in measured(reader, letters, strings=arguments.strings, seed=arguments.seed):
        rows.append(row)
        if not arguments.json:
            print(
                f"{row.kind:9} gap {row.gap:>8}  {row.strings:5,} strings  exact {row.exact:6.1%}  "
                f"character error {row.character_error:6.2%}  mean confidence {row.confidence:5.1%}",
                flush=True,
            )
    if arguments.json:
        print(json.dumps([asdict(row) for row in rows]))
        return
    source = "held-out training" if arguments.validation else "test"
    print(
        f"{reader.run.network.name}, {arguments.strings:,} strings of {LENGTHS[0]} to {LENGTHS[1]} {source} digits, "
        f"seed {arguments.seed}; torch {torch.__version__}, {platform.platform()}"
    )


def measured(reader: Reader, letters: Letters, *, strings: int, seed: int) -> Iterator[Row]:
    """A row for each kind and gap, all of the same digits, then one for those that touch."""
    chosen = drawn(letters, strings, seed)
    for kind in ("plain", "noise", "slant"):
        for gap in GAPS:
            yield row_of(reader, kind, f"{gap:+d}".replace("+0", "0"), [_set(letters, each, gap) for each in chosen])
    touching = [(each, gap) for gap in OVERLAPS for each in chosen if touches(letters, each, gap)]
    yield row_of(
        reader, "touching", f"{OVERLAPS[0]}…{OVERLAPS[-1]}", [_set(letters, each, gap) for each, gap in touching]
    )


def drawn(letters: Letters, count: int, seed: int) -> list[list[int]]:
    """The digits of the strings of a seed."""
    generator = np.random.default_rng(seed)
    lengths = generator.integers(LENGTHS[0], LENGTHS[1] + 1, size=count)
    return [generator.integers(len(letters), size=length).tolist() for length in lengths]


def _set(letters: Letters, chosen: list[int], gap: int) -> Strip:
    return set_strip(letters, chosen, gaps=[gap] * (len(chosen) - 1))


def row_of(reader: Reader, kind: str, gap: str, lines: list[Strip]) -> Row:
    """Read some strings; what is drawn by chance is the same each time."""
    generator = np.random.default_rng(len(lines))
    exact, edits, digits, confidence = 0, 0, 0, 0.0
    for line in lines:
        text = "".join(str(label) for label in line.labels)
        found = reader.read(page(line, kind, generator))
        read = "".join(each.text for each in found)
        exact += len(found) == 1 and read == text
        edits += edit_distance(read, text)
        digits += len(text)
        confidence += math.prod(each.confidence for each in found)
    return Row(kind, gap, len(lines), exact / len(lines), edits / digits, confidence / len(lines))


def page(line: Strip, kind: str, generator: np.random.Generator) -> Image.Image:
    """A string on paper."""
    ink = Image.fromarray(np.pad(line.pixels, MARGIN))
    if kind == "slant":
        ink = slanted(ink, generator)
    levels = PAPER + (INK - PAPER) * (np.asarray(ink, dtype=np.float64) / 255)
    pixels = levels.round().astype(np.uint8)
    return Image.fromarray(salted(pixels, NOISE, generator=generator) if kind == "noise" else pixels)


def slanted(ink: Image.Image, generator: np.random.Generator) -> Image.Image:
    """Larger, sheared and turned."""
    size = (ink.width * LARGER, ink.height * LARGER)
    shear = math.tan(math.radians(generator.uniform(-SHEAR, SHEAR)))
    ink = ink.resize(size, Image.Resampling.BICUBIC)
    matrix = (1, shear, -shear * size[1] / 2, 0, 1, 0)
    ink = ink.transform(size, Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)
    return ink.rotate(generator.uniform(-TURN, TURN), Image.Resampling.BILINEAR, expand=True)


def touches(letters: Letters, chosen: list[int], gap: int) -> bool:
    """Whether some neighbours' ink overlaps or lies side by side, corners included."""
    for one, other in pairwise(chosen):
        first, second = (set_strip(letters, [each], gaps=[]).pixels > 127 for each in (one, other))
        canvas = np.zeros((2, 28, 28 + 28), dtype=bool)
        canvas[0, :, : first.shape[1]] = first
        start = max(0, first.shape[1] + gap)
        canvas[1, :, start : start + second.shape[1]] = second
        if (thickened(canvas[0], 1) & canvas[1]).any():
            return True
    return False


def edit_distance(one: str, other: str) -> int:
    """The fewest insertions, deletions and replacements that turn one text into the other."""
    row = list(range(len(other) + 1))
    for number, letter in enumerate(one, 1):
        before, row = row, [number]
        for place, each in enumerate(other, 1):
            row.append(min(before[place] + 1, row[-1] + 1, before[place - 1] + (letter != each)))
    return row[-1]


if __name__ == "__main__":
    main()
