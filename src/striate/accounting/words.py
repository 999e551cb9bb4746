"""The short description of a layer in tables: its kind, then those of K, F, S, P that differ from their defaults."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from striate.description.checks import Pair, Sides
from striate.description.layers import (
    ALPHAS,
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
from striate.description.network import Step
from striate.description.shapes import Window, window


def words(step: Step) -> str:
    """The short description of a step.

    >>> from striate.description.network import Network, plan
    >>> net = Network("alexnet's first", (3, 227, 227), [Conv(96, kernel=11, stride=4)])
    >>> words(plan(net).steps[0])
    'conv 96 11×11 /4'
    """
    layer, shape = step.layer, step.inputs[0]
    match layer:
        case Conv():
            extra = f" groups {layer.groups}" if layer.groups > 1 else ""
            extra += " table" if layer.table is not None else ""
            dilation = layer.dilation if isinstance(layer.dilation, tuple) else (1, 1)
            extra += f" dilation {_one_or_two(dilation)}" if dilation != (1, 1) else ""
            return f"conv {layer.filters} {_moves(window(layer, shape), (1, 1))}{extra}"
        case Pool():
            ceil = " ceil" if layer.ceil else ""
            return f"{layer.function} {_moves(window(layer, shape), None)}{ceil}"
        case Subsample():
            return f"subsample {_moves(window(layer, shape), None)}"
        case Activation():
            own = "" if layer.alpha is None or layer.alpha == ALPHAS[layer.function] else f" {layer.alpha:g}"
            return layer.function.replace("_", " ") + own
        case Linear():
            return f"linear {layer.units}"
        case RBF():
            return f"rbf {len(layer.centres)}"
        case Dropout():
            return f"dropout {layer.rate:g}"
        case PadChannels():
            return f"pad channels to {layer.channels}"
        case Upsample():
            return f"upsample ×{_one_or_two(layer.factor if isinstance(layer.factor, tuple) else (1, 1))}"
        case Shuffle():
            return f"shuffle {layer.groups} groups"
        case Scale():
            return "scale"
        case Residual():
            return "sum"
        case Gate():
            return "product"
        case Branches():
            return "concatenation"
        case BatchNorm():
            return "batch norm"
        case LocalResponseNorm():
            return f"local response norm {layer.size}"
        case Flatten():
            return "flatten"
        case GlobalAveragePool():
            return "global average pool"
        case Softmax():
            return "softmax"
        case PositionBias():
            return "position bias"
        case _:
            assert_never(layer)


@dataclass(frozen=True)
class Hyperparameters:
    """K, F, S, P of a step and its dilation: `filters` are the units of a linear layer; None where it has none."""

    filters: int | None = None
    kernel: Pair | None = None
    stride: Pair | None = None
    padding: Sides | None = None
    dilation: Pair | None = None


def hyperparameters(step: Step) -> Hyperparameters:
    """The numbers of a step's windows, and how many filters or units it has."""
    layer = step.layer
    if isinstance(layer, (Conv, Pool, Subsample)):
        moved = window(layer, step.inputs[0])
        filters = layer.filters if isinstance(layer, Conv) else None
        high, wide = moved.axes
        kernel, stride = (high.kernel, wide.kernel), (high.stride, wide.stride)
        return Hyperparameters(filters, kernel, stride, moved.padding, (high.dilation, wide.dilation))
    units = layer.units if isinstance(layer, Linear) else len(layer.centres) if isinstance(layer, RBF) else None
    return Hyperparameters(units)


def _moves(moved: Window, usual_stride: Pair | None) -> str:
    kernel = (moved.height.kernel, moved.width.kernel)
    stride = (moved.height.stride, moved.width.stride)
    text = "×".join(map(str, kernel))
    if stride != usual_stride:
        text += f" /{_one_or_two(stride)}"
    if any(moved.padding):
        text += f" pad {_padding(moved.padding)}"
    return text


def _padding(sides: Sides) -> str:
    top, bottom, left, right = sides
    if top == bottom and left == right:
        return _one_or_two((top, left))
    return ",".join(map(str, sides))


def _one_or_two(pair: Pair) -> str:
    return str(pair[0]) if pair[0] == pair[1] else "×".join(map(str, pair))
