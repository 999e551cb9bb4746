"""The smallest input that the windows of a network need, computed from its last layer back to its input."""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never, cast

from striate.description.layers import (
    RBF,
    Activation,
    BatchNorm,
    Branches,
    Conv,
    Dropout,
    Flatten,
    Gate,
    GlobalAveragePool,
    Linear,
    LocalResponseNorm,
    PadChannels,
    Pool,
    PositionBias,
    Residual,
    Scale,
    Shuffle,
    Softmax,
    Subsample,
    Upsample,
)
from striate.description.limits import NUMBER
from striate.description.network import INPUT, Outline
from striate.description.shapes import Axis, window


def least_side(outlined: Outline) -> int:
    """A lower bound of the side of square inputs that the network takes; other rules may need a larger one.

    >>> from striate.networks import find
    >>> from striate.description.network import outline
    >>> least_side(outline(find("lenet5"))), least_side(outline(find("resnet18")))
    (32, 1)
    """
    needed = {INPUT: (1, 1)}
    for number in range(len(outlined.nodes) - 1, INPUT, -1):
        node = outlined.nodes[number]
        here = needed.pop(number, (1, 1))
        match node.layer:
            case Conv() | Pool() | Subsample():
                moved = window(node.layer, (1, 1, 1))
                padded = isinstance(node.layer, (Conv, Pool)) and node.layer.padding == "same"
                here = _least(moved.height, here[0], same=padded), _least(moved.width, here[1], same=padded)
            case Upsample():
                down, across = cast("tuple[int, int]", node.layer.factor)
                here = -(-here[0] // down), -(-here[1] // across)
            case Flatten() | GlobalAveragePool():
                here = (1, 1)
            case Activation() | BatchNorm() | Branches() | Dropout() | Gate() | Linear() | LocalResponseNorm():
                pass  # the input has the height and width of the output
            case PadChannels() | PositionBias() | RBF() | Residual() | Scale() | Shuffle() | Softmax():
                pass  # so it has here
            case _:
                assert_never(node.layer)
        for place, source in enumerate(node.sources):
            is_factor = place > 0 and isinstance(node.layer, Gate)  # a gate's factor may be one value per map
            height, width = needed.get(source, (1, 1))
            needed[source] = (height, width) if is_factor else (max(height, here[0]), max(width, here[1]))
    return max(needed[INPUT])


def _least(axis: Axis, windows: int, *, same: bool) -> int:
    """The least input size with `windows` windows; a size beyond the limit where there is none."""
    if same:
        return min(NUMBER + 1, (windows - 1) * axis.stride + 1)
    low, high = 1, NUMBER + 1
    while low < high:
        middle = (low + high) // 2
        if replace(axis, size=middle).output >= windows:
            high = middle
        else:
            low = middle + 1
    return low
