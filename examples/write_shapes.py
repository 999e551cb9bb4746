"""Write a small folder of pictures in colour, to try commands on: shapes/train/CLASS/*.jpg and shapes/test/CLASS/*.jpg.

    python examples/write_shapes.py FOLDER [--count 150] [--seed 0]

Four classes, disc, ring, stripes and triangle, on backgrounds of any colour, in pictures of many sizes. One training
picture in fifty is in the folder of another class, and one test picture of each class is a training picture too.
"""

from __future__ import annotations

import argparse
import random
import shutil
from pathlib import Path

from PIL import Image, ImageDraw, ImageFilter

CLASSES = ("disc", "ring", "stripes", "triangle")


def picture(kind: str, dice: random.Random) -> Image.Image:
    """A picture of one shape."""
    size = dice.randint(56, 120), dice.randint(56, 120)
    colours = [tuple(dice.randint(low, low + 90) for _ in range(3)) for low in (0, 40, 165)]
    upper, lower = (Image.new("RGB", size, colour) for colour in colours[:2])
    page = Image.composite(upper, lower, Image.linear_gradient("L").resize(size))
    pen, reach = ImageDraw.Draw(page), dice.uniform(0.3, 0.45) * min(size)
    x, y = (dice.uniform(reach, side - reach) for side in size)
    box, colour = (x - reach, y - reach, x + reach, y + reach), colours[2]
    if kind == "disc":
        pen.ellipse(box, fill=colour)
    elif kind == "ring":
        pen.ellipse(box, outline=colour, width=max(3, int(reach / 3)))
    elif kind == "stripes":
        for number in range(4):
            top = y - reach + number * reach / 2
            pen.rectangle((x - reach, top, x + reach, top + reach / 4), fill=colour)
    else:
        pen.polygon([(x, y - reach), (x - reach, y + reach), (x + reach, y + reach)], fill=colour)
    return page.filter(ImageFilter.GaussianBlur(dice.uniform(0, 1)))


def main() -> None:
    """Write them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=150, help="training pictures of each class; a fifth more for test")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    dice = random.Random(arguments.seed)
    for split, count in (("train", arguments.count), ("test", arguments.count // 5)):
        for kind in CLASSES:
            place = arguments.folder / split / kind
            place.mkdir(parents=True, exist_ok=True)
            for number in range(count):
                shown = kind
                if split == "train" and number % 50 == 49:
                    shown = CLASSES[(CLASSES.index(kind) + 1) % len(CLASSES)]
                picture(shown, dice).save(place / f"{number:03}.jpg", quality=90)
            if split == "test":
                again = arguments.folder / "train" / kind / "000.jpg"
                shutil.copy(again, place / "again.jpg")


if __name__ == "__main__":
    main()
