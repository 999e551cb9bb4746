"""Checks that a network fits into memory before it is built: one line may describe a network that does not."""

from __future__ import annotations

from math import prod
from typing import assert_never

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
from striate.description.network import Network, Plan, Step
from striate.description.shapes import show, window
from striate.errors import SpecError
from striate.memory import machine_memory

BYTES = 4
"""The bytes of a weight or a value, which are 32-bit floats."""
MOST = 2**60
"""The most bytes of a tensor on the device "meta", which has no memory."""


def require_memory(network: Network, planned: Plan, device: str) -> None:
    """Raise SpecError where the weights, or the feature map of one image, are larger than the machine's memory."""
    available = machine_memory() if device == "cpu" else MOST
    step = max(planned.steps, key=lambda each: max(_weights(each), prod(each.output)))
    weights = BYTES * sum(map(_weights, planned.steps))
    largest = BYTES * max(prod(planned.input), *(prod(each.output) for each in planned.steps))
    if max(weights, largest) > available:
        raise SpecError(
            f"{network.name} is too large to run here: its weights take {weights / 1e9:,.3g} GB, its largest feature "
            f"map {largest / 1e9:,.3g} GB for one image.",
            f"This machine has {available / 1e9:,.3g} GB of memory; the largest layer is {step.path}, whose output is "
            f"{show(step.output)}.",
            "Make it, or the input, smaller; `striate account --memory` says what every layer takes.",
        )


def _weights(step: Step) -> int:
    """The number of values that the module of a step holds."""
    layer, shape = step.layer, step.inputs[0]
    match layer:
        case Conv():
            moved = window(layer, shape)
            return layer.filters * (shape[0] // layer.groups * moved.height.kernel * moved.width.kernel + 1)
        case Linear():
            return (shape[0] + 1) * layer.units
        case RBF():
            return len(layer.centres) * shape[0]
        case BatchNorm():
            return 4 * shape[0]
        case Subsample():
            return 2 * shape[0]
        case Scale():
            return shape[0]
        case PositionBias():
            return prod(shape)
        case (
            Pool()
            | LocalResponseNorm()
            | Activation()
            | Softmax()
            | Dropout()
            | Flatten()
            | GlobalAveragePool()
            | PadChannels()
            | Upsample()
            | Shuffle()
            | Gate()
            | Residual()
            | Branches()
        ):
            return 0
        case _:
            assert_never(layer)
