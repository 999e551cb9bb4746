"""A network's layers as the engine takes them, or why it does not take them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import assert_never

from striate.spec.layers import (
    RBF,
    Activation,
    BatchNorm,
    Branches,
    Conv,
    Dropout,
    Flatten,
    GlobalAveragePool,
    Linear,
    LocalResponseNorm,
    PadChannels,
    Pool,
    PositionBias,
    Residual,
    Simple,
    Softmax,
    Subsample,
)
from striate.spec.network import Network, Step, plan
from striate.spec.shapes import Shape, window

KINDS = ("convolution", "maximum", "average", "subsampling", "linear", "radial", "elementwise", "dropout")
"""In the order of `StriateKind`."""
FUNCTIONS = ("identity", "relu", "tanh", "scaled_tanh", "sigmoid")
"""In the order of `StriateFunction`."""


@dataclass(frozen=True)
class Lowered:
    """One layer of the engine: `path` is where its parameters are; `links` are (filter, channel), a kernel each."""

    kind: str
    path: str
    input: tuple[int, int, int]
    output: tuple[int, int, int]
    function: str = "identity"
    kernel: tuple[int, int] = (1, 1)
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    count_padding: bool = False
    rate: float = 0.0
    links: tuple[tuple[int, int], ...] = field(default=(), repr=False)


class NotLoweredError(Exception):
    """Why a network cannot run on the engine."""


def lower(network: Network) -> list[Lowered]:
    """The layers of a sequential network; a closing softmax is left out. Raises NotLoweredError."""
    planned = plan(network)
    if planned.heads:
        raise NotLoweredError("it has auxiliary heads")
    layers: list[Lowered] = []
    for number, step in enumerate(planned.steps):
        if isinstance(step.layer, Softmax) and number == len(planned.steps) - 1:
            break
        match step.layer:
            case Residual() | Branches():
                raise NotLoweredError(f"{step.path} is not sequential")
            case layer:
                layers = _with(layers, layer, step)
    if not any(each.kind in ("convolution", "subsampling", "linear") for each in layers):
        raise NotLoweredError("it has no layer with parameters")
    return layers


def _with(layers: list[Lowered], layer: Simple, step: Step) -> list[Lowered]:
    shape, output = step.inputs[0], step.output
    given = layers[-1].output if layers else three(shape)
    match layer:
        case Conv():
            return [*layers, _convolution(layer, step)]
        case Pool():
            kind = "maximum" if layer.function == "max" else "average"
            return _pooled(layers, replace(_windowed(kind, layer, step), count_padding=layer.count_padding))
        case Subsample():
            return [*layers, _windowed("subsampling", layer, step)]
        case GlobalAveragePool():
            whole = (shape[1], shape[2])
            return [*layers, Lowered("average", step.path, three(shape), three(output), kernel=whole, stride=whole)]
        case Activation():
            if layers and layers[-1].function == "identity" and layers[-1].kind != "dropout":
                return [*layers[:-1], replace(layers[-1], function=layer.function)]
            return [*layers, Lowered("elementwise", step.path, given, given, layer.function)]
        case Flatten():
            return layers
        case Linear():
            return [*layers, Lowered("linear", step.path, given, three(output))]
        case RBF():
            return [*layers, Lowered("radial", step.path, given, three(output))]
        case Dropout():
            return [*layers, Lowered("dropout", step.path, given, given, rate=layer.rate)]
        case BatchNorm() | LocalResponseNorm() | PadChannels() | PositionBias() | Softmax():
            raise NotLoweredError(f"{step.path} is a {type(layer).__name__}")
        case _:
            assert_never(layer)


def _pooled(layers: list[Lowered], pool: Lowered) -> list[Lowered]:
    """A maximum before an activation finds the same value as after it, as activations never fall, and at less work."""
    if pool.kind == "maximum" and layers and layers[-1].kind == "convolution":
        return [*layers[:-1], replace(layers[-1], function="identity"), replace(pool, function=layers[-1].function)]
    return [*layers, pool]


def _convolution(layer: Conv, step: Step) -> Lowered:
    shape = step.inputs[0]
    lowered = _windowed("convolution", layer, step)
    each, channels = layer.filters // layer.groups, shape[0] // layer.groups
    if layer.table is not None:
        links = tuple((row, channel) for row, seen in enumerate(layer.table) for channel in seen)
    elif layer.groups == 1 and lowered.kernel == shape[1:] and not any(lowered.padding):
        return replace(lowered, kind="linear", kernel=(1, 1), stride=(1, 1), dilation=(1, 1))  # one window: all of it
    else:
        links = tuple(
            (filter_, filter_ // each * channels + channel)
            for filter_ in range(layer.filters)
            for channel in range(channels)
        )
    return replace(lowered, links=links, dilation=_pair(layer.dilation))


def _windowed(kind: str, layer: Conv | Pool | Subsample, step: Step) -> Lowered:
    moved = window(layer, step.inputs[0])
    return Lowered(
        kind,
        step.path,
        three(step.inputs[0]),
        three(step.output),
        kernel=(moved.height.kernel, moved.width.kernel),
        stride=(moved.height.stride, moved.width.stride),
        padding=moved.padding,
    )


def _pair(value: object) -> tuple[int, int]:
    assert isinstance(value, tuple)  # noqa: S101 - a description stores both axes
    return value


def three(shape: Shape) -> tuple[int, int, int]:
    """A shape as the engine has it: a flat vector of n features is (n, 1, 1)."""
    padded = (*shape, 1, 1)
    return padded[0], padded[1], padded[2]
