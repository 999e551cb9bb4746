"""The properties of each kind of layer that several rooms need.

Rooms call `properties(layer)` instead of listing kinds. A kind without an entry here is a type error.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, assert_never

from striate.description.layers import (
    RBF,
    Activation,
    ActivationFunction,
    BatchNorm,
    Branches,
    Conv,
    Dropout,
    Flatten,
    Gate,
    GlobalAveragePool,
    Joined,
    Linear,
    LocalResponseNorm,
    PadChannels,
    Pool,
    PositionBias,
    Residual,
    Scale,
    Shuffle,
    Simple,
    Softmax,
    Subsample,
    Upsample,
)

Stand = Literal["maps", "vector", "either"]
"""The inputs that a layer can read: maps of (channels, height, width), a flat vector, or either."""


@dataclass(frozen=True, kw_only=True)
class Properties:
    """The properties of one layer."""

    reads: Stand
    trained: tuple[str, ...] = ()
    """The names of its trained parameters, as in the PyTorch module."""
    joins: bool = False
    """Whether it reads several values: a sum, a product, a concatenation."""
    flattens: bool = False
    """Whether maps become a flat vector, each of whose values may depend on every pixel."""
    monotone: bool = False
    """Whether it is a non-decreasing function of each value by itself, so that it can be swapped with a maximum."""


_FALLS: dict[ActivationFunction, bool] = {
    "relu": False,
    "tanh": False,
    "scaled_tanh": False,
    "sigmoid": False,
    "leaky_relu": False,
    "relu6": False,
    "elu": False,
    "hard_sigmoid": False,
    "silu": True,
    "gelu": True,
    "gelu_tanh": True,
    "hard_swish": True,
}
"""Whether an activation function decreases anywhere."""


def properties(layer: Simple | Joined) -> Properties:
    """The properties of a layer.

    >>> properties(Conv(6, kernel=5)).trained, properties(Activation("silu")).monotone
    (('weight', 'bias'), False)
    """
    match layer:
        case Conv():
            return Properties(reads="maps", trained=_weight_and(bias=layer.bias))
        case Pool():
            return Properties(reads="maps")
        case Subsample():
            return Properties(reads="maps", trained=("weight", "bias"))
        case Linear():
            return Properties(reads="vector", trained=_weight_and(bias=layer.bias))
        case RBF() | Softmax():
            return Properties(reads="vector")
        case BatchNorm():
            return Properties(reads="either", trained=("weight", "bias"))
        case Scale():
            return Properties(reads="either", trained=("weight",))
        case PositionBias():
            return Properties(reads="either", trained=("bias",))
        case LocalResponseNorm():
            return Properties(reads="maps")
        case Activation():
            return Properties(reads="either", monotone=not _FALLS[layer.function])
        case Dropout():
            return Properties(reads="either")
        case Flatten():
            return Properties(reads="either", flattens=True)
        case GlobalAveragePool():
            return Properties(reads="maps", flattens=True)
        case PadChannels() | Upsample() | Shuffle():
            return Properties(reads="maps")
        case Residual() | Gate():
            return Properties(reads="either", joins=True)
        case Branches():
            return Properties(reads="maps", joins=True)
        case _:
            assert_never(layer)


def _weight_and(*, bias: bool) -> tuple[str, ...]:
    return ("weight", "bias") if bias else ("weight",)
