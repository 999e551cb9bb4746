"""The memory that a network keeps between its forward and its backward pass, layer by layer, to the byte.

These are the rules by which PyTorch's autograd keeps tensors, for the modules that `striate.modules` makes, on a CPU,
in training; the tests compare them with `saved_tensors_hooks`:

* convolution and linear keep their input, or its padded copy where the padding differs between sides; with a connection
  table also the kernels as one dense weight;
* pooling keeps its input; max pooling also the index of each maximum, as an 8-byte whole number; average pooling with
  padding that differs between sides also the size of each window;
* subsampling keeps its input and the sums before the coefficient;
* batch norm keeps its input, and the mean and inverse deviation of each map;
* ReLU, tanh, sigmoid and softmax keep their output; the scaled tanh its tanh, before the scale; all other activations
  their input;
* a scale keeps its input; a gate its input and the values that it is multiplied by, each for the other's gradient;
* dropout keeps its mask, one value per element (a GPU keeps one byte);
* local response norm keeps its input, the squares padded with empty maps, the sums and their powers;
* RBF keeps the differences to its centres;
* flatten, sums, concatenations, global averages, upsampling, padding and shuffling of channels, and position biases
  keep nothing.

A tensor that two layers keep is counted once: a ReLU's output is the next convolution's input. A layer whose input and
weights need no gradient keeps nothing. Parameters are not counted here, nor is the loss, to which a final softmax
belongs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import assert_never

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
from striate.description.network import INPUT, Plan, Step
from striate.description.properties import properties
from striate.description.shapes import Window, window

INDEX_BYTES = 8


@dataclass(frozen=True)
class Piece:
    """A tensor that a step keeps: its name, its number of values per image and per batch, the bytes of each value.

    `storage` is the step whose output it is (INPUT for the images), None where the step made it only for itself;
    `width` is None where values have the network's own type.
    """

    word: str
    storage: int | None
    values: int
    once: int = 0
    width: int | None = None

    def bytes(self, batch: int, width: int) -> int:
        """The bytes for a batch of images whose values take `width` bytes each."""
        return (self.values * batch + self.once) * (width if self.width is None else self.width)


def gradients_needed(plan: Plan) -> list[bool]:
    """For each step, whether a gradient of its output is needed: it has parameters, or a step before it has."""
    needed: list[bool] = []
    for step in plan.steps:
        trained = properties(step.layer).trained
        needed.append(bool(trained) or any(source != INPUT and needed[source] for source in step.sources))
    return needed


def storages(plan: Plan, *, training: bool) -> list[int]:
    """For each step, the step whose memory holds its output: itself, or the step that it is a view of."""
    owners: list[int] = []
    for number, step in enumerate(plan.steps):
        source = step.sources[0]
        owners.append((INPUT if source == INPUT else owners[source]) if _is_view(step, training) else number)
    return owners


def _is_view(step: Step, training: bool) -> bool:
    """Whether a step's output is a view of its input."""
    layer = step.layer
    match layer:
        case Flatten():
            return True
        case Dropout():
            return not (training and layer.rate)
        case Shuffle():
            return layer.groups in (1, step.inputs[0][0])
        case (
            Conv()
            | Pool()
            | Subsample()
            | BatchNorm()
            | LocalResponseNorm()
            | Activation()
            | Softmax()
            | GlobalAveragePool()
            | PadChannels()
            | Upsample()
            | Scale()
            | Linear()
            | RBF()
            | PositionBias()
            | Residual()
            | Gate()
            | Branches()
        ):
            return False
        case _:
            assert_never(layer)


def kept(plan: Plan, *, closing_softmax: bool) -> list[tuple[Piece, ...]]:
    """The pieces that each step keeps for the backward pass, each at the first step that keeps it.

    A piece that an auxiliary head keeps, too, stands at a step outside of heads. `closing_softmax` says whether the
    last step is a softmax that the loss takes over.
    """
    needed, owners = gradients_needed(plan), storages(plan, training=True)
    before: set[int] = set()
    found: dict[int, tuple[Piece, ...]] = {}
    for number, step in sorted(enumerate(plan.steps), key=lambda each: bool(each[1].head)):
        own: list[Piece] = []
        needs = [source != INPUT and needed[source] for source in step.sources]
        if needed[number] and not (closing_softmax and number == plan.last):
            for piece in _pieces(step, number, needs=needs):
                storage = piece.storage
                if storage is not None and storage != INPUT:
                    storage = owners[storage]
                if storage is not None and storage in before:
                    continue
                if storage is not None:
                    before.add(storage)
                own.append(Piece(piece.word, storage, piece.values, piece.once, piece.width))
        found[number] = tuple(own)
    return [found[number] for number in range(len(plan.steps))]


def _pieces(step: Step, number: int, *, needs: list[bool]) -> Iterator[Piece]:
    """The tensors that a step keeps; `needs` says for each of its sources whether its gradient is needed."""
    layer, shape = step.layer, step.inputs[0]
    values = prod(step.output)
    read, made = Piece("input", step.sources[0], prod(shape)), Piece("output", number, values)
    match layer:
        case Conv():
            yield from _convolution(layer, window(layer, shape), shape[0], read)
        case Linear():
            yield read
        case Pool():
            yield from _pooling(layer, window(layer, shape), shape[0], read)
        case Subsample():
            if needs[0]:
                yield read
            yield Piece("sums", None, values)
        case BatchNorm():
            yield read
            yield Piece("mean and deviation", None, 0, once=2 * shape[0])
        case LocalResponseNorm():
            yield read
            yield Piece("squares", None, (shape[0] + layer.size - 1) * prod(shape[1:]))
            yield Piece("sums", None, values)
            yield Piece("powers", None, values)
        case Activation():
            yield from _activation(layer.function, read, made)
        case Scale():
            yield read
        case Gate():
            if needs[1]:
                yield read
            if needs[0]:
                yield Piece("gate", step.sources[1], prod(step.inputs[1]))
        case Softmax():
            yield made
        case Dropout():
            if layer.rate:
                yield Piece("mask", None, values)
        case RBF():
            yield Piece("differences", None, values * shape[0])
        case (
            GlobalAveragePool()
            | Flatten()
            | PadChannels()
            | Upsample()
            | Shuffle()
            | PositionBias()
            | Residual()
            | Branches()
        ):
            return
        case _:
            assert_never(layer)


def _activation(function: ActivationFunction, read: Piece, made: Piece) -> Iterator[Piece]:
    match function:
        case "relu" | "tanh" | "sigmoid":
            yield made
        case "scaled_tanh":
            yield Piece("tanh", None, made.values)
        case "leaky_relu" | "relu6" | "elu" | "silu" | "gelu" | "gelu_tanh" | "hard_sigmoid" | "hard_swish":
            yield read
        case _:
            assert_never(function)


def _convolution(layer: Conv, moved: Window, channels: int, read: Piece) -> Iterator[Piece]:
    differs = not _symmetric(moved)
    if differs or (layer.table is not None and any(moved.padding)):
        padded = prod(axis.padded for axis in moved.axes)
        yield Piece("padded input", None, channels * padded)
    else:
        yield read
    if layer.table is not None:
        taps = prod(axis.kernel for axis in moved.axes)
        yield Piece("dense weight", None, 0, once=layer.filters * channels * taps)


def _pooling(layer: Pool, moved: Window, channels: int, read: Piece) -> Iterator[Piece]:
    outputs = prod(axis.output for axis in moved.axes)
    wide = any(2 * axis.before > axis.kernel for axis in moved.axes)
    mixed = any(axis.hangs for axis in moved.axes) and any(axis.drops for axis in moved.axes)
    copied = not _symmetric(moved) or wide or mixed
    if copied:
        reach = prod((axis.output - 1) * axis.stride + axis.kernel for axis in moved.axes)
        yield Piece("padded input", None, channels * reach)
    else:
        yield read
    if layer.function == "max":
        yield Piece("indices", None, channels * outputs, width=INDEX_BYTES)
    elif copied:
        yield Piece("window sizes", None, 0, once=outputs)


def _symmetric(moved: Window) -> bool:
    return all(axis.before == axis.after for axis in moved.axes)
