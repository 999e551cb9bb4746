"""Generated pictures, for networks that have no images of their own yet."""

from __future__ import annotations

import random

import torch
from jaxtyping import UInt8
from PIL import Image, ImageDraw
from torch import Tensor

from striate.data.decode import tensor_of
from striate.description.shapes import Shape

COLOURS = ("#c0392b", "#2980b9", "#27ae60", "#f1c40f", "#8e44ad", "#e67e22", "#ecf0f1", "#34495e")


def scene(shape: Shape, seed: int) -> Image.Image:
    """A picture of discs, bars, stripes and triangles on a gradient; the same seed gives the same picture."""
    height, width = shape[1], shape[2]
    dice = random.Random(seed)
    scale = 4
    size = (width * scale, height * scale)
    upper, lower = (Image.new("RGB", size, dice.choice(COLOURS)) for _ in range(2))
    page = Image.composite(upper, lower, Image.linear_gradient("L").resize(size))
    for _ in range(dice.randint(3, 6)):
        _shape(page, dice)
    page = page.resize((width, height), Image.Resampling.BOX)
    return page.convert("L") if shape[0] == 1 else page


def scenes(shape: Shape, count: int) -> UInt8[Tensor, "count channels height width"]:
    """The pictures of the first seeds."""
    return torch.stack([tensor_of(scene(shape, seed)) for seed in range(count)])


def _shape(page: Image.Image, dice: random.Random) -> None:
    pen, (width, height), colour = ImageDraw.Draw(page), page.size, dice.choice(COLOURS)
    reach = dice.uniform(0.12, 0.4) * min(width, height)
    x, y = dice.uniform(0, width), dice.uniform(0, height)
    box = (x - reach, y - reach, x + reach, y + reach)
    kind, upright = dice.choice(["disc", "ring", "bar", "stripes", "triangle"]), dice.random() < 0.5
    if kind == "disc":
        pen.ellipse(box, fill=colour)
    elif kind == "ring":
        pen.ellipse(box, outline=colour, width=max(2, int(reach / 4)))
    elif kind == "bar":
        pen.line((x - reach, y, x + reach, y + dice.uniform(-reach, reach)), fill=colour, width=int(reach / 3))
    elif kind == "stripes":
        for number in range(5):
            across = x - reach + number * reach / 2
            ends = ((across, y - reach), (across, y + reach)) if upright else ((x, across), (x + reach, across))
            pen.line([*ends[0], *ends[1]], fill=colour, width=max(2, int(reach / 6)))
    else:
        pen.polygon([(x, y - reach), (x - reach, y + reach), (x + reach, y + reach)], fill=colour)
