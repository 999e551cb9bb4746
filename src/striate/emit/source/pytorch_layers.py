"""Each simple layer as the call that a person who writes PyTorch would write for it."""

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
from striate.emit.source.text import Call, call
from striate.emit.source.values import Used, averages, number, pair, rows_text, sizes, unless

FIRST_WRONG = 41
"""The smallest factor by which PyTorch's "nearest" repeats some pixels wrongly, as `striate.modules` has it."""


def layer_call(part: Part, scope: Scope, used: Used) -> Call:
    """The module of a simple layer; its numbers are the scope's."""
    layer = part.simple
    match layer:
        case Conv():
            return _conv(part, layer, scope, used)
        case Pool():
            return _pool(part, layer, scope, used)
        case Subsample():
            kernel, stride = sizes(part, scope, "kernel"), sizes(part, scope, "stride")
            return call(
                used.own("Subsample"), scope.value("inputs"), kernel, stride=None if stride == kernel else stride
            )
        case Activation():
            return _activation(layer, used)
        case BatchNorm():
            kind = "nn.BatchNorm2d" if len(part.input) == 3 else "nn.BatchNorm1d"
            momentum = None if layer.momentum == 0.1 else layer.momentum
            return call(
                kind,
                scope.value("inputs"),
                eps=None if layer.epsilon == 1e-5 else number(max(layer.epsilon, LEAST_EPSILON)),
                momentum=momentum,
            )
        case LocalResponseNorm():
            alpha, k = number(layer.alpha * layer.size), number(layer.k)
            beta = None if layer.beta == 0.75 else number(layer.beta)
            return call("nn.LocalResponseNorm", layer.size, alpha=alpha, beta=beta, k=None if layer.k == 1 else k)
        case Softmax():
            return call("nn.Softmax", dim=1)
        case Dropout():
            return call("nn.Dropout", None if layer.rate == 0.5 else number(layer.rate))
        case Flatten():
            return call("nn.Flatten")
        case GlobalAveragePool():
            return call("nn.Sequential", call("nn.AdaptiveAvgPool2d", 1), call("nn.Flatten"))
        case PadChannels():
            return call(used.own("PadChannels"), scope.value("filters"))
        case Upsample():
            factor = cast("tuple[int, int]", layer.factor)
            mode = '"nearest-exact"' if max(factor) >= FIRST_WRONG else None
            return call("nn.Upsample", scale_factor=pair(factor), mode=mode)
        case Shuffle():
            return call("nn.ChannelShuffle", scope.value("groups"))
        case Scale():
            return call(used.own("Scale"), scope.value("inputs"), 3 if len(part.input) == 3 else None)
        case Linear():
            return call("nn.Linear", scope.value("inputs"), scope.value("units"), bias=None if layer.bias else False)
        case RBF():
            centres = used.constant(f"{part.name.upper()}_CENTRES", rows_text(layer.centres))
            return call(used.own("RBF"), centres)
        case PositionBias():
            return call(used.own("PositionBias"), *part.input)
        case _:
            assert_never(layer)


def _conv(part: Part, layer: Conv, scope: Scope, used: Used) -> Call:
    moved, kind = windowed(part), conv_kind(layer, part.input[0])
    inputs, kernel = scope.value("inputs"), sizes(part, scope, "kernel")
    filters = inputs if kind == "depthwise" else scope.value("filters")
    stride = unless(1, sizes(part, scope, "stride"))
    dilation = unless(1, pair((moved.height.dilation, moved.width.dilation)))
    bias = None if layer.bias else False
    top, bottom, left, right = moved.padding
    even = top == bottom and left == right
    padding = unless(0, scope.value("padding") if scope.has("padding") else pair((top, left))) if even else None
    sides = None if even else (left, right, top, bottom)
    if kind == "table":
        table = used.constant(f"{part.name.upper()}_TABLE", rows_text(layer.table or ()))
        sides = (left, right, top, bottom) if any(moved.padding) else None
        own = used.own("TableConv2d")
        return call(own, inputs, table, kernel, stride=stride, sides=sides, dilation=dilation, bias=bias)
    groups = None if kind == "plain" else inputs if kind == "depthwise" else scope.value("groups")
    name = "nn.Conv2d" if even else used.own("PaddedConv2d")
    return call(
        name,
        inputs,
        filters,
        kernel,
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
        bias=bias,
        sides=sides,
    )


def _pool(part: Part, layer: Pool, scope: Scope, used: Used) -> Call:
    """PyTorch takes the same padding on opposite sides, of half the kernel at most."""
    axes = windowed(part).axes
    kernel, stride = sizes(part, scope, "kernel"), sizes(part, scope, "stride")
    stride = None if stride == kernel else stride
    hangs = any(axis.hangs for axis in axes)
    mixed = hangs and any(axis.drops for axis in axes)
    plain = not mixed and all(axis.before == axis.after and 2 * axis.before <= axis.kernel for axis in axes)
    average = averages(layer)
    kind = "nn.AvgPool2d" if average else "nn.MaxPool2d"
    if plain:
        padding = unless(0, scope.value("padding") if scope.has("padding") else pair((axes[0].before, axes[1].before)))
        counted = False if average and padding is not None and not layer.count_padding else None
        return call(kind, kernel, stride=stride, padding=padding, ceil_mode=hangs or None, count_include_pad=counted)
    height, width = axes
    sides = (width.before, reach(width), height.before, reach(height))
    if not average:
        return call(
            "nn.Sequential", call("nn.ConstantPad2d", sides, 'float("-inf")'), call(kind, kernel, stride=stride)
        )
    if layer.count_padding and not hangs:
        return call("nn.Sequential", call("nn.ZeroPad2d", sides), call(kind, kernel, stride=stride))
    counted = (width.before, min(width.after, reach(width)), height.before, min(height.after, reach(height)))
    if not layer.count_padding:
        counted = (0, 0, 0, 0)
    return call(used.own("PaddedAvgPool2d"), kernel, stride=stride, sides=sides, counted=counted)


def _activation(layer: Activation, used: Used) -> Call:
    match layer.function:
        case "relu":
            return call("nn.ReLU")
        case "relu6":
            return call("nn.ReLU6")
        case "tanh":
            return call("nn.Tanh")
        case "scaled_tanh":
            return call(used.own("ScaledTanh"))
        case "sigmoid":
            return call("nn.Sigmoid")
        case "leaky_relu":
            return call("nn.LeakyReLU", None if layer.alpha == 0.01 else number(layer.alpha or 0))
        case "elu":
            return call("nn.ELU", None if layer.alpha == 1 else number(layer.alpha or 0))
        case "silu":
            return call("nn.SiLU")
        case "gelu":
            return call("nn.GELU")
        case "gelu_tanh":
            return call("nn.GELU", approximate='"tanh"')
        case "hard_sigmoid":
            return call("nn.Hardsigmoid")
        case "hard_swish":
            return call("nn.Hardswish")
        case _:
            assert_never(layer.function)
