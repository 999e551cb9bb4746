"""The pieces that a file's nodes become: layers, joins, and arithmetic that later rules turn into layers.

A piece has one output, of one image. Layers and joins are what a description can say; arithmetic (an addition of a
constant, a limit, an exponential) is what exporters write layers as, and must become one (`simplify`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from striate.description.layers import Simple
from striate.description.shapes import Shape
from striate.exchange.reading.graph import Array, Node

INPUT = -1
"""The source of a piece that reads the network's input."""
OUTSIDE = -2
"""The reader of the network's output."""


@dataclass(frozen=True)
class Affine:
    """`scale` · a + `shift`: numbers, or arrays laid out for the value, (channels, 1, 1) or (features,)."""

    scale: Array
    shift: Array

    @property
    def scalar(self) -> bool:
        """Whether both are single numbers."""
        return self.scale.size == 1 == self.shift.size


@dataclass(frozen=True)
class Function:
    """A function of each value: a name of `functions.FUNCTIONS` with its numbers."""

    name: str
    numbers: tuple[float, ...] = ()


@dataclass(frozen=True)
class Product:
    """The product of two values, the second to the power of `sign`, 1 or -1."""

    sign: int = 1


@dataclass(frozen=True)
class Sum:
    """The sum of two or more values."""


@dataclass(frozen=True)
class Concatenation:
    """Maps side by side."""


@dataclass(frozen=True)
class Padding:
    """`before` and `after` along channels, height and width, filled with one value.

    With `edge` it is filled with the outermost values of the maps, and `value` is NaN.
    """

    before: tuple[int, ...]
    after: tuple[int, ...]
    value: float
    edge: bool = False


@dataclass(frozen=True)
class ChannelMean:
    """The mean over `size` adjacent maps, `before` of them before its own; maps beyond the ends count as zeros."""

    size: int
    before: int


@dataclass(frozen=True)
class Difference:
    """A vector less each of some centres, (centres, features)."""

    centres: Array


Joining = Sum | Product | Concatenation
Arithmetic = Affine | Function | Padding | ChannelMean | Difference


@dataclass
class Piece:
    """One value of the network and what makes it. `weights` are those of the layer, by name."""

    what: Simple | Joining | Arithmetic
    sources: list[int]
    shape: Shape
    node: Node
    weights: Mapping[str, Array] = field(default_factory=dict[str, Array])


def number(value: float) -> Array:
    """A single number as an array."""
    return np.asarray(value, np.float64)


def users(pieces: Mapping[int, Piece], last: int) -> dict[int, list[int]]:
    """The pieces that read each piece; `OUTSIDE` reads the `last`."""
    found: dict[int, list[int]] = {INPUT: [], **{each: [] for each in pieces}}
    for each, piece in pieces.items():
        for source in piece.sources:
            found[source].append(each)
    found[last].append(OUTSIDE)
    return found


def each_map(values: Array, channels: int) -> Array | None:
    """A number for each map, (channels,); None where the values differ within a map."""
    if values.size not in (1, channels) or (values.ndim and values.shape[0] != channels and values.size != 1):
        return None
    return np.array(np.broadcast_to(values.reshape(-1), (channels,)))
