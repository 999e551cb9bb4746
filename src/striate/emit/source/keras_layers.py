"""Each simple layer as the calls, one after the other, that a person who writes Keras would write for it."""

from __future__ import annotations

from typing import assert_never, cast

from striate.description.axis import Window, same_padding
from striate.description.layers import (
    RBF,
    Activation,
    BatchNorm,
    Conv,
    Dropout,
    Flatten,
    GlobalAveragePool,
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
from striate.description.simple import LEAST_EPSILON
from striate.emit.source.parts import Part, conv_kind, reach, windowed
from striate.emit.source.repeats import Scope
from striate.emit.source.text import Argument, Call, call
from striate.emit.source.values import Used, averages, number, pair, refused, rows_text, sizes, unless


def activation_word(layer: Layer, used: Used) -> str | None:
    """The value of `activation=` of the layer before; None where no word stands for the layer."""
    if isinstance(layer, Softmax):
        return '"softmax"'
    made = _function(layer, used) if isinstance(layer, Activation) else None
    return made if isinstance(made, str) else None


def _function(layer: Activation, used: Used) -> str | Call:
    """An activation by Keras's name for it, or as the function that the source brings along; or a layer of its own."""
    match layer.function:
        case "relu" | "relu6" | "tanh" | "sigmoid" | "silu" | "gelu" | "hard_sigmoid":
            return f'"{layer.function}"'
        case "hard_swish":
            return '"hard_silu"'
        case "scaled_tanh" | "gelu_tanh":
            return used.own(layer.function)
        case "leaky_relu":
            return call("layers.LeakyReLU", number(layer.alpha or 0))
        case "elu":
            return call("layers.ELU", None if layer.alpha == 1 else number(layer.alpha or 0))
        case _:
            assert_never(layer.function)


def layer_calls(part: Part, scope: Scope, used: Used, name: str, activation: str | None = None) -> list[Call]:
    """The layers that a simple layer is; `activation` is the next one's, for a convolution or a fully connected layer.

    A call of `channel_shuffle` takes the maps as its first argument.
    """
    layer = part.simple
    match layer:
        case Conv():
            return _conv(part, layer, scope, used, named(name, activation))
        case Pool():
            return _pool(part, layer, scope, used, name)
        case Subsample():
            kernel, stride = sizes(part, scope, "kernel"), sizes(part, scope, "stride")
            own = used.own("Subsampling2D")
            return [call(own, kernel, strides=None if stride == kernel else stride, name=name)]
        case Linear():
            bias = None if layer.bias else False
            return [_with(call("layers.Dense", scope.value("units"), use_bias=bias), named(name, activation))]
        case BatchNorm():
            momentum = round(1 - layer.momentum, 12)
            epsilon = None if layer.epsilon == 1e-3 else number(max(layer.epsilon, LEAST_EPSILON))
            kept = None if momentum == 0.99 else number(momentum)
            return [call("layers.BatchNormalization", epsilon=epsilon, momentum=kept, name=name)]
        case Activation():
            made = _function(layer, used)
            return [call("layers.Activation", made) if isinstance(made, str) else made]
        case Softmax():
            return [call("layers.Softmax")]
        case Dropout():
            return [call("layers.Dropout", number(layer.rate))]
        case Flatten():
            # Keras flattens pixel by pixel, the description channel by channel
            mixed = len(part.input) == 3 and part.input[0] > 1 and part.input[1] * part.input[2] > 1
            return [*([call("layers.Permute", "(3, 1, 2)")] if mixed else []), call("layers.Flatten")]
        case GlobalAveragePool():
            return [call("layers.GlobalAveragePooling2D")]
        case LocalResponseNorm():
            own = used.own("LocalResponseNormalization")
            values = [number(each) for each in (layer.size, layer.alpha, layer.beta, layer.k)]
            usual = values == ["5", "0.0001", "0.75", "2"]
            return [call(own, *([] if usual else values))]
        case PadChannels():
            return [call(used.own("PadChannels"), scope.value("filters"))]
        case Upsample():
            return [call("layers.UpSampling2D", pair(cast("tuple[int, int]", layer.factor)))]
        case Shuffle():
            return [call(used.own("channel_shuffle"), "x", scope.value("groups"))]
        case Scale():
            return [call(used.own("Scale"), name=name)]
        case PositionBias():
            return [call(used.own("PositionBias"), name=name)]
        case RBF():
            centres = used.constant(f"{part.name.upper()}_CENTRES", rows_text(layer.centres))
            return [call(used.own("RBF"), centres, name=name)]
        case _:
            assert_never(layer)


def named(name: str, activation: str | None) -> tuple[Argument, ...]:
    """The arguments that stand last."""
    first = (Argument("activation", activation),) if activation else ()
    return (*first, Argument("name", name))


def _with(made: Call, arguments: tuple[Argument, ...]) -> Call:
    return Call(made.name, (*made.arguments, *arguments), made.spread)


def require(part: Part) -> None:
    """Raise SpecError for a convolution that Keras lacks."""
    if not isinstance(part.layer, Conv):
        return
    height, width = windowed(part).axes
    stride, dilation = pair((height.stride, width.stride)), pair((height.dilation, width.dilation))
    if stride != 1 and dilation != 1:
        what = f"convolution with both a stride and a dilation; this one has {stride} and {dilation}"
        remedy = "Give it a stride of 1 and a pooling behind it, or a dilation of 1."
        raise refused("Keras", part.path, what=what, expected="One of them must be 1.", remedy=remedy)


def _conv(part: Part, layer: Conv, scope: Scope, used: Used, last: tuple[Argument, ...]) -> list[Call]:
    moved, kind = windowed(part), conv_kind(layer, part.input[0])
    kernel, stride = sizes(part, scope, "kernel"), sizes(part, scope, "stride")
    dilation = pair((moved.height.dilation, moved.width.dilation))
    before: list[Call] = []
    padding = None
    if _is_padded(moved, scope):
        if _is_same(moved, scope, stride):
            padding = '"same"'
        else:
            before = [call("layers.ZeroPadding2D", _padding(moved, scope))]
    bias = None if layer.bias else False
    strides, rate = unless(1, stride), unless(1, dilation)
    if kind == "depthwise" and not str(stride).startswith("("):
        own = call(
            "layers.DepthwiseConv2D", kernel, strides=strides, padding=padding, dilation_rate=rate, use_bias=bias
        )
        return [*before, _with(own, last)]
    if kind == "table":
        table = used.constant(f"{part.name.upper()}_TABLE", rows_text(layer.table or ()))
        if padding:
            before = [call("layers.ZeroPadding2D", _padding(moved, scope))]
        own = call(used.own("TableConv2D"), table, kernel, strides=strides, dilation_rate=rate, use_bias=bias)
        return [*before, _with(own, last)]
    filters = part.output[0] if kind == "depthwise" else scope.value("filters")
    groups = scope.value("groups") if kind == "grouped" else layer.groups if kind == "depthwise" else None
    own = call(
        "layers.Conv2D",
        filters,
        kernel,
        strides=strides,
        padding=padding,
        dilation_rate=rate,
        groups=groups,
        use_bias=bias,
    )
    return [*before, _with(own, last)]


def _pool(part: Part, layer: Pool, scope: Scope, used: Used, name: str) -> list[Call]:
    moved = windowed(part)
    kernel, stride = sizes(part, scope, "kernel"), sizes(part, scope, "stride")
    strides = None if stride == kernel else stride
    average = averages(layer)
    kind = "layers.AveragePooling2D" if average else "layers.MaxPooling2D"
    hangs = any(axis.hangs for axis in moved.axes)
    if not _is_padded(moved, scope) and not hangs:
        return [call(kind, kernel, strides=strides, name=name)]
    if not average:
        if _is_same(moved, scope, stride):
            return [call(kind, kernel, strides=strides, padding='"same"', name=name)]
        sides = _padding(moved, scope)
        if not sides.startswith("(("):
            height, width = sides.strip("()").split(", ") if sides.startswith("(") else (sides, sides)
            sides = f"(({height}, {height}), ({width}, {width}))"
        return [call(used.own("LowestPadding2D"), sides), call(kind, kernel, strides=strides, name=name)]
    if layer.count_padding and not hangs:
        padded = call("layers.ZeroPadding2D", _padding(moved, scope))
        return [padded, call(kind, kernel, strides=strides, name=name)]
    sides = tuple((axis.before, max(axis.after, reach(axis))) for axis in moved.axes)
    counted = tuple((axis.before, axis.after) if layer.count_padding else (0, 0) for axis in moved.axes)
    return [call(used.own("PaddedAveragePooling2D"), kernel, stride, str(sides), str(counted), name=name)]


def _is_padded(moved: Window, scope: Scope) -> bool:
    """Whether there is any padding, in one of the layers at least that a definition is used for."""
    return any(moved.padding) or (scope.has("padding") and isinstance(scope.value("padding"), str))


def _is_same(moved: Window, scope: Scope, stride: object) -> bool:
    """Whether Keras's "same" pads just so, wherever the layer stands."""
    values = [scope.value(field) for field in ("kernel", "padding") if scope.has(field)]
    if any(isinstance(each, str) for each in values):
        plain = stride == 1 and all(axis.dilation == 1 for axis in moved.axes)
        return plain and len(values) == 2 and values[1] == f"{values[0]} // 2"
    if stride == 1:
        return all(axis.before == axis.after and 2 * axis.before + 1 == axis.extent for axis in moved.axes)
    return scope.fixed and all(
        same_padding(axis) == (axis.before, max(axis.after, reach(axis)))
        and axis.output == -(-axis.size // axis.stride)
        for axis in moved.axes
    )


def _padding(moved: Window, scope: Scope) -> str:
    """Zeros at each side: one number, (height, width), or ((top, bottom), (left, right))."""
    (top, bottom), (left, right) = ((axis.before, max(axis.after, reach(axis) * axis.hangs)) for axis in moved.axes)
    if scope.has("padding") and not any(axis.hangs for axis in moved.axes):
        return str(scope.value("padding"))
    if top == bottom and left == right:
        return str(pair((top, left)))
    return f"(({top}, {bottom}), ({left}, {right}))"
