"""Slides a network along a wide image as one large convolution (LeNet-5's paper, section VII).

Layers that move a window continue to the right. A linear layer on flattened maps becomes a convolution whose kernel has
the size of those maps. Linear layers after it, and RBF units, are applied at one position after another. Values that
neighbouring windows share are computed once. The column of scores at position k equals the network's output for the
crop that begins at pixel k · step; this is exact as long as no layer pads at the sides.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import assert_never, cast

from striate.accounting import account
from striate.description.checks import Pair, Sides
from striate.description.layers import (
    RBF,
    Activation,
    Auxiliary,
    BatchNorm,
    Block,
    Conv,
    Dropout,
    Flatten,
    GlobalAveragePool,
    Joined,
    Layer,
    Linear,
    LocalResponseNorm,
    PadChannels,
    Pool,
    PositionBias,
    Scale,
    Shuffle,
    Softmax,
    Subsample,
    Upsample,
)
from striate.description.network import Network, names, plan
from striate.description.shapes import Shape, window
from striate.errors import ShapeError


@dataclass(frozen=True)
class Slid:
    """A network that can slide, as a network of convolutions only.

    `network` takes images of its own height and of any width from `window` on, and gives (features, 1, columns), a
    column every `step` pixels. The features are the logits, or the inputs of the RBF `units` at the end. `kernels` has,
    by path, the shape of the maps that each linear layer reads.
    """

    network: Network
    units: RBF | None
    window: int
    step: int
    kernels: dict[str, Shape]

    def columns(self, width: int) -> int:
        """The number of columns for an image of some width."""
        return max(0, (width - self.window) // self.step + 1)

    def macs(self, width: int) -> int:
        """The multiply-accumulates for an image of some width."""
        channels, height, _ = self.network.input
        found = account(self.network, input=(channels, height, width))
        units = 0 if self.units is None else len(self.units.centres) * len(self.units.centres[0])
        return found.totals.macs + units * found.rows[-1].step.output[2]


def slide(network: Network) -> Slid:
    """A network as one large convolution. Layers keep their paths; weights keep their values, but may change shape.

    Raises ShapeError, naming the layer, where columns would differ from the network's outputs for crops, or where the
    layers are not sequential.

    >>> from striate.networks import find
    >>> slid = slide(find("lenet5-reader"))
    >>> slid.step, [slid.columns(width) for width in (32, 36, 64, 96)]
    (4, [1, 2, 9, 17])
    """
    walk = _Walk({step.path: step.inputs[0] for step in plan(network).steps})
    try:
        layers = list(walk.chain(network.layers, ""))
        if walk.maps[1:] != (1, 1) and plan(network).output[1:] != (1, 1):
            raise _unlike(walk.last, "gives a map and not one score for each class")
    except ShapeError as error:
        raise error.at(network.name) from None
    body = replace(network, layers=layers)
    return Slid(body, walk.units, network.input[2], walk.step, walk.kernels)


@dataclass
class _Walk:
    """The state of the walk over the layers.

    `maps` is the shape of the maps before a flatten; `step` is the product of the strides.
    """

    shapes: dict[str, Shape]
    maps: Shape = (0, 0, 0)
    step: int = 1
    units: RBF | None = None
    last: str = ""
    kernels: dict[str, Shape] = field(default_factory=dict)

    def chain(self, layers: Sequence[Layer], prefix: str) -> Iterator[Layer]:
        """The slid forms of layers, with their names; layers that are not needed are left out."""
        for name, layer in zip(names(layers), layers, strict=True):
            yield from self.slid(layer, name, prefix + name)

    def slid(self, layer: Layer, name: str, path: str) -> Iterator[Layer]:
        """The slid form of one layer, or nothing."""
        if isinstance(layer, Block):
            yield replace(layer, layers=tuple(self.chain(layer.layers, f"{path}.")), name=name)
            return
        if isinstance(layer, Joined | Auxiliary):
            raise _unlike(path, "is not one layer after another")
        if self.units is not None or self.last == "softmax":
            raise _unlike(path, "comes after class scores")
        shape = self.shapes[path]
        match layer:
            case Conv() | Pool() | Subsample():
                yield replace(self.moved(layer, shape, path), name=name)
            case Flatten():
                self.maps = shape if len(shape) == 3 else self.maps
            case GlobalAveragePool():
                self.maps = (shape[0], 1, 1)
                yield Pool("average", kernel=cast(Pair, shape[1:]), stride=1, name=name)
            case Linear():
                self.kernels[path] = self.maps
                yield Conv(layer.units, kernel=cast(Pair, self.maps[1:]), bias=layer.bias, name=name)
                self.maps = (layer.units, 1, 1)
            case BatchNorm() if len(shape) == 1 and self.maps[1:] != (1, 1):
                raise _unlike(path, "normalises each place of its maps apart")
            case Scale() if len(shape) == 1 and self.maps[1:] != (1, 1):
                raise _unlike(path, "scales each place of its maps apart")
            case BatchNorm() | LocalResponseNorm() | Activation() | Dropout() | PadChannels() | Shuffle() | Scale():
                yield replace(layer, name=name)
            case RBF():
                if self.maps[1:] != (1, 1):
                    raise _unlike(path, "looks at whole maps; put a linear layer before it")
                self.units = layer
            case Softmax():
                self.last = "softmax"
            case Upsample():
                raise _unlike(path, "makes columns that are no place of a window")
            case PositionBias():
                raise _unlike(path, "has a bias for each place")
            case _:
                assert_never(layer)
        self.last = self.last if self.last == "softmax" else path

    def moved(self, layer: Conv | Pool | Subsample, shape: Shape, path: str) -> Conv | Pool | Subsample:
        """A layer that moves a window, with its padding at the top and bottom as numbers."""
        height, width = window(layer, shape).axes
        self.step *= width.stride
        if width.before or width.after:
            raise _unlike(path, f"pads {max(width.before, width.after)} columns at the sides")
        if (width.output - 1) * width.stride + width.extent > width.padded:
            raise _unlike(path, "lets its last window hang over the edge")
        if isinstance(layer, Subsample):
            return layer
        sides = cast(Sides, (height.before, height.after, 0, 0))
        return replace(layer, padding=sides)


def _unlike(path: str, why: str) -> ShapeError:
    return ShapeError(
        f"{path} {why}, so the network cannot slide.",
        "Slid along a line, each layer must do at every place what it does on a crop of the input's size.",
        "Layers in a row that do not pad at the sides can: lenet5-reader, lenet5 and lenet5-dense do.",
    )
