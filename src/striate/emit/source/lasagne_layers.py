"""Each simple layer as the calls, one after the other, that a person who writes Lasagne would write for it.

The layer that a call reads is its first argument, which is put in where it is placed.
"""

from __future__ import annotations

from typing import assert_never, cast

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
from striate.description.shapes import show
from striate.emit.source.parts import Part, conv_kind, windowed
from striate.emit.source.repeats import Scope
from striate.emit.source.text import Call, call
from striate.emit.source.values import (
    ODD,
    Used,
    averages,
    number,
    odd,
    pair,
    refused,
    rows_text,
    sizes,
    unless,
    window_text,
)

OWN = {"relu": "rectify", "tanh": "tanh", "sigmoid": "sigmoid"}
"""Activations that `lasagne.nonlinearities` has."""


def activation_word(layer: Layer, used: Used) -> str | None:
    """The argument of `nonlinearity=` for an activation; None for other layers."""
    if isinstance(layer, Softmax):
        return "softmax"
    return _function(layer, used) if isinstance(layer, Activation) else None


def _function(layer: Activation, used: Used) -> str:
    match layer.function:
        case "relu" | "tanh" | "sigmoid":
            return OWN[layer.function]
        case "leaky_relu":
            return f"LeakyRectify({number(layer.alpha or 0)})"
        case "elu":
            return "elu" if layer.alpha == 1 else f"{used.own('sloped_elu')}({number(layer.alpha or 0)})"
        case "scaled_tanh" | "relu6" | "silu" | "gelu" | "gelu_tanh" | "hard_sigmoid" | "hard_swish":
            return used.own(layer.function)
        case _:
            assert_never(layer.function)


def layer_calls(part: Part, scope: Scope, used: Used, name: str, activation: str | None = None) -> list[Call]:
    """The layers that a simple layer is; `activation` is the next one's, for a convolution or a Linear."""
    layer = part.simple
    match layer:
        case Conv():
            return _conv(part, layer, scope, used, (name, activation))
        case Pool():
            return _pool(part, layer, scope, name)
        case Subsample():
            kernel, stride = sizes(part, scope, "kernel"), sizes(part, scope, "stride")
            stride = None if stride == kernel else stride
            scaled, shifted = call("ScaleLayer", name=name), call("BiasLayer", name=f'{name[:-1]}_bias"')
            return [call("Pool2DLayer", kernel, stride=stride, mode='"sum"'), scaled, shifted]
        case Linear():
            bias = None if layer.bias else "None"
            units = scope.value("units")
            return [call("DenseLayer", units, b=bias, nonlinearity=activation or "None", name=name)]
        case BatchNorm():
            epsilon = None if layer.epsilon == 1e-4 else number(layer.epsilon)
            alpha = None if layer.momentum == 0.1 else number(layer.momentum)
            return [call("BatchNormLayer", epsilon=epsilon, alpha=alpha, name=name)]
        case LocalResponseNorm():
            if layer.size % 2 == 0:
                what = f"normalisation over {layer.size} maps"
                raise refused("Lasagne", part.path, what=what, expected=ODD, remedy=odd(layer))
            values = [number(each) for each in (layer.alpha, layer.k, layer.beta, layer.size)]
            usual = values == ["0.0001", "2", "0.75", "5"]
            return [call("LocalResponseNormalization2DLayer", *([] if usual else values))]
        case Activation() | Softmax():
            return [call("NonlinearityLayer", activation_word(layer, used))]
        case Dropout():
            return [call("DropoutLayer", None if layer.rate == 0.5 else number(layer.rate))]
        case Flatten():
            return [call("FlattenLayer")]
        case GlobalAveragePool():
            return [call("GlobalPoolLayer")]
        case PadChannels():
            more = f"{scope.value('filters')} - \0.output_shape[1]"
            return [call("PadLayer", f"[(0, {more}), (0, 0), (0, 0)]", batch_ndim=1)]
        case Upsample():
            return [call("Upscale2DLayer", pair(cast("tuple[int, int]", layer.factor)))]
        case Shuffle():
            return [call(used.own("shuffle"), scope.value("groups"))]
        case Scale():
            return [call("ScaleLayer", name=name)]
        case PositionBias():
            return [call("BiasLayer", shared_axes="(0,)", name=name)]
        case RBF():
            centres = used.constant(f"{part.name.upper()}_CENTRES", rows_text(layer.centres))
            return [call(used.own("RBFLayer"), centres, name=name)]
        case _:
            assert_never(layer)


def require(part: Part) -> None:
    """Raise SpecError for a convolution that Lasagne lacks."""
    layer = part.layer
    if not isinstance(layer, Conv) or layer.table is not None:
        return
    axes = windowed(part).axes
    dilation, stride = (tuple(axis.dilation for axis in axes), tuple(axis.stride for axis in axes))
    if dilation == (1, 1) or (stride == (1, 1) and layer.groups == 1):
        return
    second = f"a stride of {show(stride)}" if stride != (1, 1) else f"{layer.groups} groups"
    what = f"convolution with a dilation of {show(dilation)} and {second}"
    remedy = f"Give it a dilation of 1, or {'a stride of 1' if stride != (1, 1) else 'one group'}."
    expected = "Its DilatedConv2DLayer has neither strides nor groups."
    raise refused("Lasagne", part.path, what=what, expected=expected, remedy=remedy)


def _conv(part: Part, layer: Conv, scope: Scope, used: Used, last: tuple[str, str | None]) -> list[Call]:
    moved, kind = windowed(part), conv_kind(layer, part.input[0])
    kernel, stride = sizes(part, scope, "kernel"), unless(1, sizes(part, scope, "stride"))
    dilation = unless(1, pair((moved.height.dilation, moved.width.dilation)))
    bias = None if layer.bias else "None"
    name, nonlinearity = last[0], last[1] or "None"
    top, bottom, left, right = moved.padding
    even = top == bottom and left == right
    pad = scope.value("padding") if scope.has("padding") else pair((top, left)) if even else None
    before: list[Call] = []
    if pad is None or (pad != 0 and (dilation is not None or kind == "table")):
        sides = f"[({top}, {bottom}), ({left}, {right})]" if pad is None else pad
        before, pad = [call("PadLayer", sides)], None
    if kind == "table":
        table = used.constant(f"{part.name.upper()}_TABLE", rows_text(layer.table or ()))
        own = used.own("TableConv2DLayer")
        made = call(own, table, kernel, stride=stride, dilation=dilation, nonlinearity=nonlinearity, b=bias, name=name)
        return [*before, made]
    if dilation is not None:
        own = call(
            "DilatedConv2DLayer", scope.value("filters"), kernel, dilation, nonlinearity=nonlinearity, b=bias, name=name
        )
        return [*before, own]
    groups = None if kind == "plain" else scope.value("groups") if kind == "grouped" else "\0.output_shape[1]"
    filters = "\0.output_shape[1]" if kind == "depthwise" else scope.value("filters")
    own = call(
        "Conv2DLayer",
        filters,
        kernel,
        stride=stride,
        pad=None if pad is None else unless(0, pad),
        num_groups=groups,
        nonlinearity=nonlinearity,
        b=bias,
        flip_filters=False,
        name=name,
    )
    return [*before, own]


def _pool(part: Part, layer: Pool, scope: Scope, name: str) -> list[Call]:
    """Theano pads opposite sides alike, and lets no window hang over padding: there the maps are padded before."""
    axes, average = windowed(part).axes, averages(layer)
    kernel, stride = sizes(part, scope, "kernel"), sizes(part, scope, "stride")
    stride = None if stride == kernel else stride
    hangs = any(axis.hangs for axis in axes)
    given = scope.value("padding") if scope.has("padding") else pair((axes[0].before, axes[1].before))
    padded = isinstance(given, str) or any(axis.before or axis.after for axis in axes)
    even = all(axis.before == axis.after for axis in axes)
    _require_pool(part, layer)
    border = False if hangs else None
    mode = None
    if average:
        mode = '"average_exc_pad"' if hangs or not layer.count_padding else '"average_inc_pad"'
    if padded and (hangs or not even):
        sides = ", ".join(f"({axis.before}, {axis.after})" for axis in axes)
        lowest = None if average else "-numpy.inf"
        before = call("PadLayer", f"[{sides}]", val=lowest)
        return [before, call("Pool2DLayer", kernel, stride=stride, ignore_border=border, mode=mode, name=name)]
    kind = "Pool2DLayer" if average else "MaxPool2DLayer"
    return [call(kind, kernel, stride=stride, pad=unless(0, given), ignore_border=border, mode=mode, name=name)]


def _require_pool(part: Part, layer: Pool) -> None:
    """Raise SpecError for a pooling that Lasagne lacks."""
    moved = windowed(part)
    hangs, drops = any(axis.hangs for axis in moved.axes), any(axis.drops for axis in moved.axes)
    even = all(axis.before == axis.after for axis in moved.axes)
    left_out = averages(layer) and any(moved.padding) and not layer.count_padding
    expected, remedy = "", ""
    if hangs and drops:
        expected, remedy = "Its ignore_border is for both axes.", "Give it other padding, or no ceil."
        what = "whose last window hangs over the edge of one axis only"
    elif left_out and hangs:
        expected, remedy = "Where it goes over the edge, padding counts.", "Count the padding, or give it none."
        what = "that leaves padding out and goes over the edge"
    elif left_out and not even:
        expected, remedy = "It pads opposite sides alike.", "Count the padding, or pad opposite sides alike."
        what = "that leaves padding out"
    else:
        return
    what = f"{layer.function} pooling with {window_text(moved)} {what}"
    raise refused("Lasagne", part.path, what=what, expected=expected, remedy=remedy)
