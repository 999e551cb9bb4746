"""The families of layers that a figure tells apart, and their colours on a light and on a dark page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, assert_never

from striate.description.layers import (
    RBF,
    Activation,
    BatchNorm,
    Conv,
    Dropout,
    Flatten,
    GlobalAveragePool,
    Linear,
    LocalResponseNorm,
    PadChannels,
    Pool,
    PositionBias,
    Scale,
    Shuffle,
    Simple,
    Softmax,
    Subsample,
    Upsample,
)

Family = Literal[
    "data",
    "convolution",
    "pooling",
    "dense",
    "normalisation",
    "activation",
    "dropout",
    "reshape",
    "block",
    "join",
]


@dataclass(frozen=True)
class Look:
    """A family's name in the legend, and its colours: the fill and the line on a light page, and on a dark one."""

    name: str
    fill: str
    line: str
    dark_fill: str
    dark_line: str


LOOKS: dict[Family, Look] = {
    "data": Look("input and output", "#f3f4f6", "#4b5563", "#262b33", "#aeb6c2"),
    "convolution": Look("convolution", "#cfe2ff", "#2563b0", "#1d3d6b", "#7fb2f5"),
    "pooling": Look("pooling", "#ffd8cc", "#b8451f", "#66301f", "#f59b7f"),
    "dense": Look("fully connected", "#d3efcd", "#2f7d28", "#224d1d", "#86d07c"),
    "normalisation": Look("normalisation", "#fdedb8", "#8f6d00", "#54430c", "#e3c04f"),
    "activation": Look("activation", "#fbdcec", "#a8326f", "#5b1f40", "#ee8fc0"),
    "dropout": Look("dropout", "#e8e8e8", "#6b6b6b", "#3a3d42", "#a5abb5"),
    "reshape": Look("reshaping", "#e2dcf8", "#5b46a8", "#352a66", "#b0a0f0"),
    "block": Look("block, not opened", "#dde5ec", "#4a5d70", "#2b3742", "#9fb2c4"),
    "join": Look("sum, product, concatenation", "#ffffff", "#1f2328", "#14161a", "#e8eaed"),
}
"""In the order of the legend."""


def family(layer: Simple) -> Family:
    """The family of a layer.

    >>> family(Conv(6, kernel=5)), family(Subsample())
    ('convolution', 'pooling')
    """
    match layer:
        case Conv():
            return "convolution"
        case Pool() | Subsample() | GlobalAveragePool():
            return "pooling"
        case Linear() | RBF():
            return "dense"
        case BatchNorm() | LocalResponseNorm() | Scale() | PositionBias():
            return "normalisation"
        case Activation() | Softmax():
            return "activation"
        case Dropout():
            return "dropout"
        case Flatten() | PadChannels() | Upsample() | Shuffle():
            return "reshape"
        case _:
            assert_never(layer)


def leads(layer: Simple) -> bool:
    """Whether a layer begins a box of its own; others stand in the box of the layer before them."""
    match layer:
        case Conv() | Pool() | Subsample() | GlobalAveragePool() | Linear() | RBF() | PadChannels() | Upsample():
            return True
        case BatchNorm() | LocalResponseNorm() | Scale() | PositionBias() | Activation() | Softmax() | Dropout():
            return False
        case Flatten() | Shuffle():
            return False
        case _:
            assert_never(layer)
