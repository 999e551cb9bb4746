"""The costs of one layer: weights, biases, fixed values, connections, MACs and activations."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
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
from striate.description.network import Step
from striate.description.shapes import Shape, window

CONVENTION = {
    "parameters": "weights + biases: every number that is trained, shared ones once",
    "fixed": "numbers kept but not trained: RBF centres, batch norm's running mean and variance",
    "connections": "links into units that own weights, plus their biases, at every position (LeCun's count)",
    "macs": "multiplies by a weight; 1 MAC = 2 FLOPs; biases, pooling and activations add none, and batch norm none, "
    "as it folds into the convolution before it",
    "activations": "the input and the outputs of convolutions, pooling, subsampling, linear and RBF layers; "
    "all other layers work in place",
}
"""The definition of each figure, printed beside the totals."""


@dataclass(frozen=True)
class Counts:
    """The figures of one layer for one image, or of several layers added up."""

    weights: int = 0
    biases: int = 0
    fixed: int = 0
    connections: int = 0
    macs: int = 0
    activations: int = 0

    @property
    def parameters(self) -> int:
        """The number of trained parameters."""
        return self.weights + self.biases

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(getattr(self, field.name) + getattr(other, field.name) for field in fields(self)))

    def per_batch(self, images: int) -> Counts:
        """The figures for a batch: parameters stay, figures per image are multiplied."""
        return Counts(
            self.weights,
            self.biases,
            self.fixed,
            self.connections * images,
            self.macs * images,
            self.activations * images,
        )


def count(step: Step, *, biases: bool = True) -> Counts:
    """The figures of one step for one image; `biases=False` leaves all biases out, as the blog posts count."""
    found = _count(step, step.inputs[0], math.prod(step.output))
    if biases:
        return found
    positions = math.prod(step.output[1:]) if found.weights else 1
    links = found.connections - found.biases * positions
    return Counts(found.weights, 0, found.fixed, links, found.macs, found.activations)


def _count(step: Step, shape: Shape, values: int) -> Counts:
    layer = step.layer
    positions = math.prod(step.output[1:])
    match layer:
        case Conv():
            moved = window(layer, shape)
            taps = moved.height.kernel * moved.width.kernel
            maps = _links(layer, shape[0])
            biases = layer.filters if layer.bias else 0
            return _weighted(maps * taps, biases, positions, values)
        case Subsample():
            moved = window(layer, shape)
            taps = moved.height.kernel * moved.width.kernel
            return Counts(shape[0], shape[0], 0, values * (taps + 1), values, values)
        case Linear():
            return _weighted(shape[0] * layer.units, layer.units if layer.bias else 0, 1, values)
        case RBF():
            centres = len(layer.centres) * len(layer.centres[0])
            return Counts(fixed=centres, connections=centres, macs=centres, activations=values)
        case BatchNorm():
            return Counts(shape[0], shape[0], 2 * shape[0], connections=2 * values)
        case Scale():
            return Counts(weights=shape[0], connections=values, macs=values)
        case PositionBias():
            return Counts(biases=values, connections=values)
        case Pool() | GlobalAveragePool():
            return Counts(activations=values)
        case (
            LocalResponseNorm()
            | Activation()
            | Softmax()
            | Dropout()
            | Flatten()
            | PadChannels()
            | Upsample()
            | Shuffle()
            | Gate()
            | Residual()
            | Branches()
        ):
            return Counts()
        case _:
            assert_never(layer)


def _weighted(weights: int, biases: int, positions: int, values: int) -> Counts:
    return Counts(weights, biases, 0, positions * (weights + biases), positions * weights, values)


def _links(layer: Conv, channels: int) -> int:
    """The number of (input map, filter) pairs that are linked."""
    if layer.table is not None:
        return sum(len(maps) for maps in layer.table)
    return layer.filters * channels // layer.groups
