"""A network, and how long it is trained, that suit the images where neither is given."""

from __future__ import annotations

import math
from dataclasses import replace

from striate.description.layers import Activation, Conv, Flatten, Layer, Linear, Pool
from striate.description.network import Network
from striate.description.shapes import Shape
from striate.train.recipe import Recipe

SMALL = 8
"""The least side, in pixels, that pooling halves; a smaller map goes to the linear layers."""
FEWEST, MOST = 16, 128
"""The filters of the first convolution, and the most of a later one."""
UNITS = 64
"""The units of the hidden linear layer."""
STEPS = 300
"""The least steps of a training whose epochs are not given."""


def network_for(shape: Shape, classes: int) -> Network:
    """A small network for images of (channels, height, width): convolutions of 3 × 3, each halving what is large.

    >>> from striate.description.notation.writing import to_text
    >>> print(to_text(network_for((1, 8, 8), 10), one_line=True))
    name for-8x8 1x8x8: conv 16 3x3 same, relu, max 2x2, conv 32 3x3 same, relu, flatten, linear 64, relu, linear 10
    """
    _, *sides = shape
    filters, layers = FEWEST, list[Layer]()
    while True:
        window = tuple(3 if side > 1 else 1 for side in sides)
        layers += [Conv(filters, kernel=(window[0], window[1]), padding="same"), Activation("relu")]
        halved = [2 if side >= SMALL else 1 for side in sides]
        if filters > FEWEST and max(halved) == 1:
            break
        if max(halved) > 1:
            layers.append(Pool("max", kernel=(halved[0], halved[1])))
        sides = [side // by for side, by in zip(sides, halved, strict=True)]
        filters = min(MOST, 2 * filters)
    layers += [Flatten(), Linear(UNITS), Activation("relu"), Linear(classes)]
    return Network(f"for-{shape[1]}x{shape[2]}", shape, layers)


def for_few(recipe: Recipe, images: int) -> Recipe:
    """A recipe with steps enough where images are few: smaller batches, and more epochs.

    >>> for_few(Recipe(), 200).epochs, for_few(Recipe(), 200).batch, for_few(Recipe(), 55_000) == Recipe()
    (15, 10, True)
    """
    batch = min(recipe.batch, max(8, images // 20))
    steps = max(1, math.ceil(images / batch))
    return replace(recipe, batch=batch, epochs=max(recipe.epochs, math.ceil(STEPS / steps)))
