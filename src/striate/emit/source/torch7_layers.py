"""Each simple layer as the modules, one after the other, that a person who writes Torch7 would add for it."""

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
from striate.description.shapes import show
from striate.emit.source.parts import Part, conv_kind, windowed
from striate.emit.source.repeats import Scope, Value
from striate.emit.source.values import ODD, Used, averages, number, odd, refused, window_text


def modules(part: Part, scope: Scope, used: Used) -> list[str]:
    """The modules of a simple layer; its numbers are the scope's."""
    layer = part.simple
    match layer:
        case Conv():
            return _conv(part, layer, scope, used)
        case Pool():
            return _pool(part, layer, scope)
        case Subsample():
            kernel, stride = _pairs(part, scope)
            return [_made("SpatialSubSampling", scope.value("inputs"), *kernel, *stride)]
        case Activation():
            return _activation(part, layer, used)
        case BatchNorm():
            kind = "SpatialBatchNormalization" if len(part.input) == 3 else "BatchNormalization"
            values = [number(layer.epsilon), number(layer.momentum)]
            return [_made(kind, scope.value("inputs"), *([] if values == ["1e-5", "0.1"] else values))]
        case LocalResponseNorm():
            if layer.size % 2 == 0:
                what = f"SpatialCrossMapLRN over {layer.size} maps"
                raise refused("Torch7", part.path, what=what, expected=ODD, remedy=odd(layer))
            values = [number(each) for each in (layer.alpha * layer.size, layer.beta, layer.k)]
            return [_made("SpatialCrossMapLRN", layer.size, *values)]
        case Softmax():
            return ["nn.SoftMax()"]
        case Dropout():
            return [_made("Dropout", number(layer.rate))]
        case Flatten():
            if len(part.input) == 1:
                return ["nn.Identity()"]
            return [_flat(part, scope)]
        case GlobalAveragePool():
            return ["nn.SpatialAdaptiveAveragePooling(1, 1)", _flat(part, scope)]
        case PadChannels():
            more = _difference(scope.value("filters"), scope.value("inputs"))
            return [_made("Padding", 1, more, 3)]
        case Upsample():
            rows, columns = cast("tuple[int, int]", layer.factor)
            if rows != columns:
                what, expected = f"upsampling by {rows} and {columns}", "It takes one factor for both axes."
                remedy = f"Give both axes one factor, such as {rows}."
                raise refused("Torch7", part.path, what=what, expected=expected, remedy=remedy)
            return [_made("SpatialUpSamplingNearest", rows)]
        case Shuffle():
            return [f"{used.own('shuffle')}({scope.value('inputs')}, {scope.value('groups')})"]
        case Scale():
            # nn.CMul takes weights of fewer dimensions than its input for one weight for each value
            return [_made("CMul", 1, scope.value("inputs"), *([1, 1] if len(part.input) == 3 else []))]
        case Linear():
            return [_made("Linear", scope.value("inputs"), scope.value("units"), *([] if layer.bias else ["false"]))]
        case RBF():
            centres = used.constant(f"{part.name}_centres", _rows(layer.centres, used))
            return [f"{used.own('rbf')}({centres})"]
        case PositionBias():
            return [_made("CAdd", 1, *part.input)]
        case _:
            assert_never(layer)


def _flat(part: Part, scope: Scope) -> str:
    """Maps as a vector for each image; without the number of dimensions a batch of one image would lose its own."""
    return f"nn.View({part.output[0] if scope.fixed else -1}):setNumInputDims(3)"


def _made(kind: str, *values: object) -> str:
    return f"nn.{kind}({', '.join(map(str, values))})"


def _difference(one: Value, two: Value) -> Value:
    return one - two if isinstance(one, int) and isinstance(two, int) else f"{one} - {two}"


def _pairs(part: Part, scope: Scope) -> tuple[tuple[Value, Value], tuple[Value, Value]]:
    """(kW, kH) and (dW, dH): Torch7 says widths first."""
    height, width = windowed(part).axes
    kernel = (scope.value("kernel"),) * 2 if scope.has("kernel") else (width.kernel, height.kernel)
    stride = (scope.value("stride"),) * 2 if scope.has("stride") else (width.stride, height.stride)
    return (kernel[0], kernel[1]), (stride[0], stride[1])


def _window(part: Part, scope: Scope, *, strides: bool) -> tuple[list[Value], list[str]]:
    """kW, kH, dW, dH, padW, padH without what need not be said; and a module that pads sides that differ."""
    kernel, stride = _pairs(part, scope)
    top, bottom, left, right = windowed(part).padding
    before: list[str] = []
    padding: tuple[Value, Value] = (left, top)
    if scope.has("padding"):
        padding = scope.value("padding"), scope.value("padding")
    elif top != bottom or left != right:
        before, padding = [_made("SpatialZeroPadding", left, right, top, bottom)], (0, 0)
    values: list[Value] = [*kernel]
    if strides or stride != (1, 1) or padding != (0, 0):
        values += stride
    if padding != (0, 0):
        values += padding
    return values, before


def _conv(part: Part, layer: Conv, scope: Scope, used: Used) -> list[str]:
    kind, moved = conv_kind(layer, part.input[0]), windowed(part)
    dilation = (moved.width.dilation, moved.height.dilation)
    values, before = _window(part, scope, strides=False)
    inputs, bias = scope.value("inputs"), "" if layer.bias else ":noBias()"
    name = "SpatialConvolution"
    if dilation != (1, 1):
        if kind in ("depthwise", "table"):
            seen = "a connection table" if kind == "table" else f"{layer.groups} groups"
            what = f"convolution with a dilation of {show(dilation[::-1])} and {seen}"
            expected = "Its SpatialDilatedConvolution sees every map."
            remedy = "Give it a dilation of 1, or let every filter see every map."
            raise refused("Torch7", part.path, what=what, expected=expected, remedy=remedy)
        name = "SpatialDilatedConvolution"
        values = [*values, *(1,) * (4 - len(values)), *(0,) * (2 if len(values) < 6 else 0), *dilation]
    match kind:
        case "table":
            if not layer.bias:
                what, expected = (
                    "convolution with a connection table and no bias",
                    "Its SpatialConvolutionMap has a bias.",
                )
                raise refused("Torch7", part.path, what=what, expected=expected, remedy="Give it a bias.")
            if len(values) > 4:
                (top, bottom, left, right), values = moved.padding, values[:4]
                before = [_made("SpatialZeroPadding", left, right, top, bottom)]
            links = used.constant(f"{part.name}_table", _links(layer, used))
            return [*before, _made("SpatialConvolutionMap", links, *values)]
        case "depthwise":
            return [*before, _made("SpatialDepthWiseConvolution", inputs, 1, *values) + bias]
        case "grouped":
            own = f"function(i, o) return {_made(name, 'i', 'o', *values)}{bias} end"
            groups = f"{scope.value('groups')}, {inputs}, {scope.value('filters')}"
            return [*before, f"{used.own('grouped')}({groups}, {own})"]
        case "plain":
            return [*before, _made(name, inputs, scope.value("filters"), *values) + bias]
        case _:
            assert_never(kind)


def _pool(part: Part, layer: Pool, scope: Scope) -> list[str]:
    axes, average = windowed(part).axes, averages(layer)
    hangs, drops = any(axis.hangs for axis in axes), any(axis.drops for axis in axes)
    values, before = _window(part, scope, strides=True)
    wide = any(2 * axis.before > axis.kernel for axis in axes)
    exact = not average or (layer.count_padding and not hangs)
    if (hangs and drops) or ((before or wide) and (hangs or not exact)):
        over = "a window over the edge" if hangs else "padding that it leaves out"
        what = f"{layer.function} pooling with {window_text(windowed(part))}, and {over}"
        expected = "It pads opposite sides alike, by half the kernel at most, and rounds both axes up or none."
        remedy = "Give it such padding, and no ceil." if hangs else "Give it such padding, or count the padding."
        raise refused("Torch7", part.path, what=what, expected=expected, remedy=remedy)
    if before or wide:
        top, bottom, left, right = windowed(part).padding
        before = [_made("SpatialZeroPadding", left, right, top, bottom)]
        if not average:
            sides = (("2", -top), ("2", bottom), ("3", -left), ("3", right))
            before = [_made("Padding", axis, more, 3, "-math.huge") for axis, more in sides if more]
        values = values[:4]
    kind = "SpatialAveragePooling" if average else "SpatialMaxPooling"
    counted = ":setCountExcludePad()" if average and len(values) > 4 and not layer.count_padding else ""
    return [*before, f"{_made(kind, *values)}{':ceil()' if hangs else ''}{counted}"]


def _activation(part: Part, layer: Activation, used: Used) -> list[str]:
    match layer.function:
        case "relu":
            return ["nn.ReLU()"]
        case "relu6":
            return ["nn.ReLU6()"]
        case "tanh":
            return ["nn.Tanh()"]
        case "sigmoid":
            return ["nn.Sigmoid()"]
        case "scaled_tanh":
            return [f"{used.own('scaled_tanh')}()"]
        case "leaky_relu":
            return [_made("LeakyReLU", number(layer.alpha or 0))]
        case "elu":
            return [_made("ELU", number(layer.alpha or 0))]
        case "hard_sigmoid":
            return [f"{used.own('hard_sigmoid')}()"]
        case "silu":
            return [f"{used.own('times')}(nn.Sigmoid())"]
        case "hard_swish":
            own = used.own("hard_sigmoid")
            return [f"{used.own('times')}({own}())"]
        case "gelu" | "gelu_tanh":
            expected = "It has relu, relu6, leaky_relu, elu, tanh, sigmoid, and what they make up."
            remedy = "Put one of these in its place, such as silu, which is x times a sigmoid."
            raise refused("Torch7", part.path, what=layer.function, expected=expected, remedy=remedy)
        case _:
            assert_never(layer.function)


def _rows(rows: tuple[tuple[float, ...], ...], used: Used) -> str:
    if all(set(row) <= {1.0, -1.0} for row in rows):
        inner = ["   '" + "".join("+" if each > 0 else "-" for each in row) + "'," for row in rows]
        return "\n".join([f"{used.own('signs')}{{", *inner, "}"])
    return "\n".join(["torch.Tensor{", *(f"   {{{', '.join(map(number, row))}}}," for row in rows), "}"])


def _links(layer: Conv, used: Used) -> str:
    """The table of connections, the maps of each filter in a row, counted from 1."""
    rows = [f"   {{{', '.join(str(each + 1) for each in row)}}}," for row in layer.table or ()]
    return "\n".join([f"{used.own('connections')}{{", *rows, "}"])
