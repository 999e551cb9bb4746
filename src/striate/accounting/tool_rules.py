"""The rules by which other tools count: for one layer, the differences from Striate's figure, each with its reason."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import prod
from typing import assert_never

from striate.accounting.rows import Row
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
from striate.description.shapes import Window, show, window
from striate.errors import SpecError

BIASES = "one for each bias, at every place"
NOT_SUBSAMPLING = "subsampling, which it does not know"
NOT_RBF = "RBF units, which it does not know"
NOT_SCALE = "a learned scale, which it does not know"
DENSE = "a connection table, as if every filter saw every map"
OWN = "convolutions that are not plain nn.Conv2d (a table, padding that differs between sides)"

Reasons = Iterator[tuple[str, int]]


def _torchinfo(row: Row) -> Reasons:
    layer, counts, positions = row.step.layer, row.counts, prod(row.step.output[1:])
    match layer:
        case Conv() | Linear():
            yield BIASES, counts.biases * positions
        case PositionBias():
            yield BIASES, counts.biases
        case BatchNorm():
            yield "batch norm: its parameters, once each", counts.parameters
        case Subsample():
            yield "subsampling: its parameters once each, not a product for each value", counts.parameters - counts.macs
        case Scale():
            yield "a scale: its parameters once each, not a product for each value", counts.parameters - counts.macs
        case RBF():
            yield NOT_RBF, -counts.macs
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
            | Residual()
            | Gate()
            | Branches()
        ):
            return
        case _:
            assert_never(layer)


def _fvcore(row: Row) -> Reasons:
    yield from _products(row)
    values = prod(row.step.output)
    if isinstance(row.step.layer, BatchNorm):
        yield "batch norm: two for each value", 2 * values
    elif isinstance(row.step.layer, Upsample):
        yield "upsampling: one for each output", values


def _products(row: Row) -> Reasons:
    """The differences for tools that count only linear layers and convolutions, the latter as dense."""
    layer = row.step.layer
    match layer:
        case Conv(table=table) if table is not None:
            links = sum(map(len, table))
            yield DENSE, row.counts.macs * (len(table) * row.step.inputs[0][0] - links) // links
        case Subsample():
            yield NOT_SUBSAMPLING, -row.counts.macs
        case Scale():
            yield NOT_SCALE, -row.counts.macs
        case RBF():
            yield NOT_RBF, -row.counts.macs
        case (
            Conv()
            | Linear()
            | Pool()
            | BatchNorm()
            | LocalResponseNorm()
            | Activation()
            | Softmax()
            | Dropout()
            | Flatten()
            | GlobalAveragePool()
            | PadChannels()
            | Upsample()
            | Shuffle()
            | PositionBias()
            | Residual()
            | Gate()
            | Branches()
        ):
            return
        case _:
            assert_never(layer)


def _thop(row: Row) -> Reasons:
    layer, values = row.step.layer, prod(row.step.output)
    match layer:
        case Conv() if not _plain(row):
            yield OWN, -row.counts.macs
        case Subsample():
            yield NOT_SUBSAMPLING, -row.counts.macs
        case Scale():
            yield NOT_SCALE, -row.counts.macs
        case RBF():
            yield NOT_RBF, -row.counts.macs
        case BatchNorm():
            yield "batch norm: four for each value", 4 * values
        case Pool(function="average") if _plain(row):
            yield "average pooling: one for each output", values
        case Softmax():
            yield "softmax: exponentials, additions and divisions", 3 * values - 1
        case (
            Conv()
            | Linear()
            | Pool()
            | LocalResponseNorm()
            | Activation()
            | Dropout()
            | Flatten()
            | GlobalAveragePool()
            | PadChannels()
            | Upsample()
            | Shuffle()
            | PositionBias()
            | Residual()
            | Gate()
            | Branches()
        ):
            return
        case _:
            assert_never(layer)


def _thop_parameters(row: Row) -> Reasons:
    layer = row.step.layer
    if isinstance(layer, Conv) and not _plain(row):
        yield OWN, -row.counts.parameters
    elif isinstance(layer, Subsample):
        yield NOT_SUBSAMPLING, -row.counts.parameters
    elif isinstance(layer, Scale):
        yield NOT_SCALE, -row.counts.parameters
    elif isinstance(layer, PositionBias):
        yield "position biases, which it does not know", -row.counts.parameters


def _ptflops(row: Row) -> Reasons:
    layer, shape = row.step.layer, row.step.inputs[0]
    read, values = prod(shape), prod(row.step.output)
    match layer:
        case Conv() if not _plain(row):
            yield OWN, -row.counts.macs
        case Conv() | Linear():
            yield BIASES, row.counts.biases * prod(row.step.output[1:])
        case Activation():
            yield from _ptflops_activation(layer.function, values)
        case Pool() if _plain(row):
            yield "pooling: every input twice, as a module and as a function", 2 * read
        case Pool():
            moved = window(layer, shape)
            reach = shape[0] * prod((axis.output - 1) * axis.stride + axis.kernel for axis in moved.axes)
            yield "pooling that PyTorch has no module for: its padded input", reach
        case Subsample():
            yield "subsampling: its inputs, not a product for each output", read - row.counts.macs
        case BatchNorm():
            yield "batch norm: two for each value", 2 * values
        case LocalResponseNorm():
            squares = (shape[0] + layer.size - 1) * prod(shape[1:])
            yield "local response norm: its products, sums and pooling", 3 * values + squares
        case Softmax():
            yield "softmax: one for each value", values
        case Upsample():
            yield "upsampling: one for each output", values
        case Scale():
            yield NOT_SCALE, -row.counts.macs
        case RBF():
            yield NOT_RBF, -row.counts.macs
        case (
            Dropout()
            | Flatten()
            | GlobalAveragePool()
            | PadChannels()
            | Shuffle()
            | PositionBias()
            | Residual()
            | Gate()
            | Branches()
        ):
            return
        case _:
            assert_never(layer)


def _ptflops_activation(function: ActivationFunction, values: int) -> Reasons:
    match function:
        case "relu":
            yield "ReLU: every value twice, as a module and as a function", 2 * values
        case "elu" | "gelu" | "gelu_tanh":
            yield "ELU and GELU: every value twice, as a module and as a function", 2 * values
        case "leaky_relu" | "relu6" | "silu":
            yield "leaky ReLU, ReLU6 and SiLU: one for each value", values
        case "tanh" | "scaled_tanh" | "sigmoid" | "hard_sigmoid" | "hard_swish":
            return
        case _:
            assert_never(function)


def _keras_parameters(row: Row) -> Reasons:
    layer = row.step.layer
    if isinstance(layer, (Subsample, Scale, RBF, PositionBias)) or (
        isinstance(layer, Conv) and layer.table is not None
    ):
        raise SpecError(
            f"Keras has no layer for {row.path}: {row.words}.",
            "It has convolutions, pooling, linear layers and batch norm, whose parameters it prints.",
            f"Its input is {show(row.step.inputs[0])}; a layer of your own would have {row.counts.parameters:,}.",
        )
    if isinstance(layer, BatchNorm):
        yield "batch norm: moving mean and variance, as non-trainable parameters", row.counts.fixed


def _nothing(_: Row) -> Reasons:
    yield from ()


def _plain(row: Row) -> bool:
    """Whether the layer is built as PyTorch's own module."""
    layer = row.step.layer
    if not isinstance(layer, (Conv, Pool)):
        return False
    moved: Window = window(layer, row.step.inputs[0])
    symmetric = all(axis.before == axis.after for axis in moved.axes)
    if isinstance(layer, Conv):
        return symmetric and layer.table is None
    mixed = any(axis.hangs for axis in moved.axes) and any(axis.drops for axis in moved.axes)
    return symmetric and not mixed and all(2 * axis.before <= axis.kernel for axis in moved.axes)


PARAMETERS: dict[str, tuple[str, Callable[[Row], Reasons]]] = {
    "torchinfo": ("Total params", _nothing),
    "fvcore": ("parameters", _nothing),
    "ptflops": ("params", _nothing),
    "thop": ("params", _thop_parameters),
    "keras": ("Total params", _keras_parameters),
}
"""For each tool that prints parameters: its label and its rule."""
MACS: dict[str, tuple[str, Callable[[Row], Reasons]]] = {
    "torchinfo": ("Total mult-adds", _torchinfo),
    "fvcore": ("flops", _fvcore),
    "ptflops": ("MACs", _ptflops),
    "thop": ("macs", _thop),
    "flopcounter": ("total FLOPs", _products),
}
"""For each tool that prints MACs or FLOPs: its label and its rule."""
