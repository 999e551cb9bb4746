"""Draw docs/images/distortions.png: the digits that the recipe lenet5-best learns from, and what changes them.

    python examples/distorted_digits.py [FILE]

A column for each digit: as it is, moved in the plane, distorted elastically, and both at once, drawn three times.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import torch
from PIL import Image, ImageDraw
from torch import Tensor

from striate import find
from striate.data import Augmentation, augment, load, preprocessing_for
from striate.train import find_recipe

ENLARGED, GAP, LABEL = 2, 6, 70
"""Pixels to a side of a digit's pixel, between digits, and for the words at the left."""


def first_of_each(count: int = 10) -> Tensor:
    """The first training digit of every class, on 32×32, from 0 (paper) to 1 (ink)."""
    images = load("mnist")
    chosen = [int((images.labels == label).nonzero()[0]) for label in range(count)]
    preprocessing = preprocessing_for(find("lenet5").input, images, low=0.0, high=1.0)
    return preprocessing.normalise(preprocessing.pack(images.images[chosen]))


def rows(digits: Tensor, augmentation: Augmentation) -> list[tuple[str, Tensor]]:
    """Each row's word, and its digits."""
    elastic = Augmentation(elastic=augmentation.elastic, smoothness=augmentation.smoothness)
    planar = replace(augmentation, elastic=0.0)
    kinds = [("planar", planar), ("elastic", elastic), ("both", augmentation), ("", augmentation), ("", augmentation)]
    generator = torch.Generator().manual_seed(1)
    made = [(word, augment(digits, kind, generator=generator, fill=0.0)) for word, kind in kinds]
    return [("as it is", digits), *made]


def main() -> None:
    """Draw it."""
    file = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parents[1] / "docs/images/distortions.png")
    found = rows(first_of_each(), find_recipe("lenet5-best").augmentation)
    side = 32 * ENLARGED
    page = Image.new("L", (LABEL + 10 * (side + GAP), len(found) * (side + GAP) + GAP), 255)
    draw = ImageDraw.Draw(page)
    for row, (word, digits) in enumerate(found):
        top = GAP + row * (side + GAP)
        draw.text((GAP, top + side // 2 - 6), word, fill=0, font_size=14)
        for column, digit in enumerate(digits[:, 0]):
            levels = (255 * (1 - digit)).round().to(torch.uint8).numpy()
            tile = Image.fromarray(levels).resize((side, side), Image.Resampling.NEAREST)
            page.paste(tile, (LABEL + column * (side + GAP), top))
            draw.rectangle(
                (LABEL + column * (side + GAP), top, LABEL + column * (side + GAP) + side, top + side), outline=210
            )
    page.save(file, optimize=True)


if __name__ == "__main__":
    main()
