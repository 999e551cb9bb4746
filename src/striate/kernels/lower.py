"""Translates the layers of a sequential network for the engine, or says why the engine cannot run it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from functools import cache
from typing import Any, assert_never, cast

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
    Simple,
    Softmax,
    Subsample,
    Table,
    Upsample,
)
from striate.description.network import Network, Plan, Step, plan
from striate.description.properties import properties
from striate.description.shapes import Shape, output_shape, window
from striate.description.simple import ALPHAS

KINDS = (
    "convolution",
    "maximum",
    "average",
    "subsampling",
    "linear",
    "radial",
    "elementwise",
    "dropout",
    "response",
    "position-bias",
)
"""The kinds of layers of the kernels, in the order of `StriateKind`."""
PARAMETERS = ("convolution", "subsampling", "linear", "position-bias")
"""The kinds of layers with parameters that are learned."""
IDENTITY = "identity"
TRAINING = (IDENTITY, "relu", "tanh", "scaled_tanh", "sigmoid", "relu6", "leaky_relu", "elu", "hard_sigmoid")
"""The activation functions with which the kernels train: the derivative follows from the function's value."""
FUNCTIONS = (*TRAINING, "silu", "gelu", "gelu_tanh", "hard_swish")
"""The activation functions of the kernels, in the order of `StriateFunction`."""

Mapped = Conv | Pool | Subsample | GlobalAveragePool | LocalResponseNorm
"""Layers that turn maps into maps and treat each image by itself."""


@dataclass(frozen=True)
class Lowered:
    """One layer of the kernels: `path` is the path of its parameters, `function` is applied to its output.

    A layer that runs by itself, as an operator, first applies the activation `reads` to its input. `response` is
    (alpha, beta, k) of a local response normalisation over kernel[0] maps.
    """

    kind: str
    path: str
    input: tuple[int, int, int]
    output: tuple[int, int, int]
    function: str = "identity"
    reads: str = "identity"
    kernel: tuple[int, int] = (1, 1)
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    count_padding: bool = False
    rate: float = 0.0
    response: tuple[float, float, float] = (0.0, 0.0, 0.0)
    groups: int = 1
    table: Table | None = None

    @property
    def links(self) -> list[tuple[int, int]]:
        """(filter, channel) of each kernel that a convolution's weight holds."""
        if self.kind != "convolution":
            return []
        if self.table is not None:
            return [(row, channel) for row, seen in enumerate(self.table) for channel in seen]
        each, channels = self.output[0] // self.groups, self.input[0] // self.groups
        return [(row, row // each * channels + channel) for row in range(self.output[0]) for channel in range(channels)]

    def text(self) -> str:
        """All members but the path, as JSON; `parsed` reads it."""
        return json.dumps(asdict(replace(self, path="")))


@cache
def parsed(text: str) -> Lowered:
    """A layer from its `text`."""
    members: dict[str, Any] = json.loads(text)
    return Lowered(**{name: _tuples(value) for name, value in members.items()})


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value  # pyright: ignore[reportUnknownArgumentType]


class NotLoweredError(Exception):
    """The engine cannot run a network; the text says why."""


def has_function(layer: Activation, *, answering: bool = False) -> bool:
    """Whether the kernels have an activation function: for training, or for `answering` alone.

    >>> silu, steep = Activation("silu"), Activation("leaky_relu", alpha=0.2)
    >>> has_function(silu), has_function(silu, answering=True), has_function(steep)
    (False, True, False)
    """
    return layer.function in (FUNCTIONS if answering else TRAINING) and layer.alpha == ALPHAS.get(layer.function)


def lower(network: Network, *, answering: bool = False) -> list[Lowered]:
    """The layers of a sequential network; a closing softmax is left out. Raises NotLoweredError.

    For `answering` alone auxiliary heads are left out, and activation functions without a derivative are taken.
    """
    planned = plan(network)
    if planned.heads and not answering:
        raise NotLoweredError("it has auxiliary heads")
    layers: list[Lowered] = []
    padded = last_padded(planned)
    for number, step in enumerate(planned.steps):
        if step.head or (network.probabilities and number == planned.last):
            continue
        match step.layer:
            case Residual() | Gate() | Branches():
                raise NotLoweredError(f"{step.path} is not sequential")
            case Activation() as layer if not has_function(layer, answering=answering):
                raise NotLoweredError(f"{step.path} is a {layer.function}")
            case Conv() as layer if number > padded:
                layers = [*layers, as_linear(lowered(layer, step.inputs[0], path=step.path))]
            case layer:
                layers = _with(layers, layer, step)
    if not any(each.kind in PARAMETERS for each in layers):
        raise NotLoweredError("it has no layer with parameters")
    return layers


def _with(layers: list[Lowered], layer: Simple, step: Step) -> list[Lowered]:
    shape, output = step.inputs[0], step.output
    given = layers[-1].output if layers else three(shape)
    match layer:
        case Conv():
            return [*layers, lowered(layer, shape, path=step.path)]
        case Pool() | Subsample() | GlobalAveragePool() | LocalResponseNorm():
            return _pooled(layers, lowered(layer, shape, path=step.path))
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
        case PositionBias():
            return [*layers, Lowered("position-bias", step.path, given, given)]
        case BatchNorm() | PadChannels() | Upsample() | Shuffle() | Scale() | Softmax():
            raise NotLoweredError(f"{step.path} is a {type(layer).__name__}")
        case _:
            assert_never(layer)


def _pooled(layers: list[Lowered], pool: Lowered) -> list[Lowered]:
    """The layers and a pooling. Max pooling goes before a convolution's activation where the activation is monotone.

    The result is the same, and the activation is applied to fewer values.
    """
    if pool.kind == "maximum" and layers and layers[-1].kind == "convolution" and _never_falls(layers[-1].function):
        return [*layers[:-1], replace(layers[-1], function="identity"), replace(pool, function=layers[-1].function)]
    return [*layers, pool]


def _never_falls(function: str) -> bool:
    return function == IDENTITY or properties(Activation(cast("ActivationFunction", function))).monotone


def last_padded(planned: Plan) -> int:
    """The number of the last step that slides padded windows over maps of 1×1; −1 where there is none.

    Its input has margins in memory, which a linear layer does not write.
    """
    found = -1
    for number, step in enumerate(planned.steps):
        layer, shape = step.layer, step.inputs[0]
        if isinstance(layer, Conv | Pool | Subsample) and shape[1:] == (1, 1) and any(window(layer, shape).padding):
            found = number
    return found


def as_linear(layer: Lowered) -> Lowered:
    """The same layer as a linear one, where it is a convolution with one window that covers all of its maps."""
    is_dense = layer.kind == "convolution" and layer.table is None and layer.groups == 1
    if is_dense and layer.kernel == layer.input[1:] and not any(layer.padding):
        return Lowered("linear", layer.path, layer.input, layer.output)
    return layer


def lowered(layer: Mapped, shape: Shape, *, path: str = "") -> Lowered:
    """A layer that reads maps of `shape`, translated for the kernels."""
    match layer:
        case Conv():
            made = _windowed("convolution", layer, shape, path)
            return replace(made, dilation=_pair(layer.dilation), groups=layer.groups, table=layer.table)
        case Pool():
            kind = "maximum" if layer.function == "max" else "average"
            return replace(_windowed(kind, layer, shape, path), count_padding=layer.count_padding)
        case Subsample():
            return _windowed("subsampling", layer, shape, path)
        case GlobalAveragePool():
            whole = (shape[1], shape[2])
            return Lowered("average", path, three(shape), three(shape[:1]), kernel=whole, stride=whole)
        case LocalResponseNorm():
            own = (layer.alpha, layer.beta, layer.k)
            return Lowered("response", path, three(shape), three(shape), kernel=(layer.size, 1), response=own)
        case _:
            assert_never(layer)


def _windowed(kind: str, layer: Conv | Pool | Subsample, shape: Shape, path: str) -> Lowered:
    moved = window(layer, shape)
    return Lowered(
        kind,
        path,
        three(shape),
        three(output_shape(layer, shape)),
        kernel=(moved.height.kernel, moved.width.kernel),
        stride=(moved.height.stride, moved.width.stride),
        padding=moved.padding,
    )


def _pair(value: object) -> tuple[int, int]:
    assert isinstance(value, tuple)  # noqa: S101 - a description stores both axes
    return value


def three(shape: Shape) -> tuple[int, int, int]:
    """A shape with three sizes: a flat vector of n features is (n, 1, 1)."""
    padded = (*shape, 1, 1)
    return padded[0], padded[1], padded[2]
