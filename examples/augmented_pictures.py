"""Draw docs/images/augmentation.png: what each member of a recipe's augmentation does to pictures in colour.

    python examples/augmented_pictures.py [FILE]

A row for each member: the first picture as it is, then as five steps of a training would show it. The pictures are made
by the functions that a training calls.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from PIL import Image, ImageDraw
from torch import Tensor

from striate.data import Augmentation, ImageSet, Preprocessing
from striate.look.scenes import scenes
from striate.train import Recipe
from striate.train.step_images import Drawer

SIDE, GAP, LABEL, STEPS = 96, 6, 210, 5
ROWS = {
    "shift = 12, flip = true": Recipe(augmentation=Augmentation(shift=12, flip=True)),
    'shift = 12, outside = "reflected"': Recipe(augmentation=Augmentation(shift=12, outside="reflected")),
    "alternating_flip = true": Recipe(augmentation=Augmentation(alternating_flip=True)),
    "crop = 0.75": Recipe(augmentation=Augmentation(crop=0.75)),
    "rotation = 20, scale = 0.2": Recipe(augmentation=Augmentation(rotation=20, scale=0.2)),
    "elastic = 3, smoothness = 6": Recipe(augmentation=Augmentation(elastic=3, smoothness=6)),
    "brightness = 0.4, contrast = 0.4": Recipe(augmentation=Augmentation(brightness=0.4, contrast=0.4)),
    "saturation = 0.7, hue = 40": Recipe(augmentation=Augmentation(saturation=0.7, hue=40)),
    "lighting = 0.5": Recipe(augmentation=Augmentation(lighting=0.5)),
    "cutout = 40": Recipe(augmentation=Augmentation(cutout=40)),
    "mixup = 1 (of the recipe)": Recipe(mixup=1.0),
}


def drawn(recipe: Recipe, images: ImageSet, way: Preprocessing) -> list[Tensor]:
    """The first picture in the first batch of some epochs, its pixels from −1 to 1."""
    drawer = Drawer(images, way, recipe)
    device = torch.device("cpu")
    return [
        drawer.draw(torch.arange(len(images)), step=step, epoch=step, device=device).pixels[0] for step in range(STEPS)
    ]


def main() -> None:
    """Draw it."""
    file = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parents[1] / "docs/images/augmentation.png")
    pixels = scenes((3, SIDE, SIDE), 8)
    images = ImageSet(pixels, torch.arange(8) % 2, ("even", "odd"), "scenes", "train", "picture")
    way = Preprocessing((3, SIDE, SIDE), "resize", low=-1.0, high=1.0, form="picture")
    page = Image.new("RGB", (LABEL + (STEPS + 1) * (SIDE + GAP), len(ROWS) * (SIDE + GAP) + GAP), "white")
    draw = ImageDraw.Draw(page)
    for row, (words, recipe) in enumerate(ROWS.items()):
        top = GAP + row * (SIDE + GAP)
        draw.text((GAP, top + SIDE // 2 - 8), words, fill="black", font_size=13)
        for column, picture in enumerate([way.normalise(pixels)[0], *drawn(recipe, images, way)]):
            levels = ((picture + 1) * 127.5).round().clamp(0, 255).to(torch.uint8).permute(1, 2, 0).contiguous()
            page.paste(Image.fromarray(levels.numpy()), (LABEL + column * (SIDE + GAP), top))
    page.quantize(128).save(file, optimize=True)


if __name__ == "__main__":
    main()
