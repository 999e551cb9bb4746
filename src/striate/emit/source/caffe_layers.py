"""Each simple layer as Caffe's layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import assert_never, cast

from striate.description.axis import Axis, Window
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
    Simple,
    Softmax,
    Subsample,
    Upsample,
)
from striate.description.network import Step
from striate.description.shapes import show, window
from striate.emit.source.prototxt import Prototxt, refuse
from striate.emit.source.pytorch_layers import number


def simple(file: Prototxt, step: Step, name: str, bottom: str, *, in_place: bool) -> str:
    """Add the layers of a step; gives the blob of its output."""
    layer, shape = cast(Simple, step.layer), step.output
    top = bottom if in_place else name
    match layer:
        case Conv():
            return _conv(file, step, layer, name, bottom)
        case Pool():
            return _pool(file, step, layer, name, bottom)
        case Subsample():
            return _subsample(file, step, layer, name, bottom)
        case BatchNorm():
            kept = None if layer.momentum == 1e-3 else number(round(1 - layer.momentum, 12))
            epsilon = None if layer.epsilon == 1e-5 else number(layer.epsilon)
            members = ("batch_norm_param", [("moving_average_fraction", kept), ("eps", epsilon)])
            made = file.layer("BatchNorm", name, [bottom], *([members] if kept or epsilon else []), top=top)
            learned = ("scale_param", [("bias_term", "true")])
            return file.layer("Scale", file.part(name, "scale"), [made], learned, top=made)
        case Scale():
            return file.layer("Scale", name, [bottom], top=top)
        case PositionBias():
            return file.layer("Bias", name, [bottom], ("bias_param", [("axis", 1), ("num_axes", -1)]), shape=shape)
        case LocalResponseNorm():
            if layer.size % 2 == 0:
                raise refuse(f"LRN over {layer.size} maps", step, "It takes an odd number of adjacent maps.")
            members = [("local_size", layer.size), ("alpha", number(layer.alpha * layer.size))]
            members += [("beta", number(layer.beta)), ("k", number(layer.k))]
            return file.layer("LRN", name, [bottom], ("lrn_param", members))
        case Activation():
            return _activation(file, step, layer, name, bottom, top)
        case Softmax():
            return file.layer("Softmax", name, [bottom], shape=shape)
        case Dropout():
            ratio = ("dropout_param", [("dropout_ratio", number(layer.rate))])
            return file.layer("Dropout", name, [bottom], ratio, top=top)
        case Flatten():
            return file.layer("Flatten", name, [bottom], shape=shape)
        case GlobalAveragePool():
            pooled = ("pooling_param", [("pool", "AVE"), ("global_pooling", "true")])
            made = file.layer("Pooling", file.part(name, "mean"), [bottom], pooled)
            return file.layer("Flatten", name, [made], shape=shape)
        case PadChannels():
            return _pad_channels(file, step, layer, name, bottom)
        case Upsample():
            rows, columns = cast("tuple[int, int]", layer.factor)
            members = [("num_output", shape[0]), ("group", shape[0]), ("bias_term", "false")]
            members += [*_both("kernel_size", rows, columns), *_both("stride", rows, columns)]
            members += [("weight_filler", [("type", '"constant"'), ("value", 1)])]
            fixed = ("param", [("lr_mult", 0)])
            return file.layer("Deconvolution", name, [bottom], fixed, ("convolution_param", members), shape=shape)
        case Shuffle():
            return file.layer("ShuffleChannel", name, [bottom], ("shuffle_channel_param", [("group", layer.groups)]))
        case Linear():
            bias = None if layer.bias else "false"
            members = [("num_output", layer.units), ("bias_term", bias)]
            return file.layer("InnerProduct", name, [bottom], ("inner_product_param", members), shape=shape)
        case RBF():
            return _rbf(file, step, layer, name, bottom)
        case _:
            assert_never(layer)


def _conv(file: Prototxt, step: Step, layer: Conv, name: str, bottom: str) -> str:
    moved = window(layer, step.inputs[0])
    height, width = moved.axes
    pads = _padding(height), _padding(width)
    made = [(axis.size + 2 * pad - axis.extent) // axis.stride + 1 for axis, pad in zip(moved.axes, pads, strict=True)]
    members = [*_both("kernel_size", height.kernel, width.kernel)]
    members += _both("pad", *pads) if any(pads) else []
    members += _both("stride", height.stride, width.stride) if (height.stride, width.stride) != (1, 1) else []
    if (height.dilation, width.dilation) != (1, 1):
        each = [("dilation", height.dilation), ("dilation", width.dilation)]
        members += each[:1] if height.dilation == width.dilation else each
    members += [] if layer.bias else [("bias_term", "false")]
    cut = _Cut(moved, pads, (made[0], made[1]))
    if layer.table is None:
        groups = [("group", layer.groups)] if layer.groups > 1 else []
        param = ("convolution_param", [("num_output", layer.filters), *members, *groups])
        return _cut(file, step, name, cut, lambda own: file.layer("Convolution", own, [bottom], param))
    return _cut(file, step, name, cut, lambda own: _table(file, step, layer, own, bottom, members))


def _table(file: Prototxt, step: Step, layer: Conv, name: str, bottom: str, members: list[tuple[str, object]]) -> str:
    """A convolution for each filter, of the maps that it sees, and their outputs side by side."""
    maps = [file.part(name, f"map{each}") for each in range(step.inputs[0][0])]
    if len(maps) > 1:
        file.slices(file.part(name, "maps"), bottom, 1, maps, range(1, len(maps)))
    else:
        maps = [bottom]
    ends: list[str] = []
    for place, row in enumerate(layer.table or ()):
        reads = [maps[each] for each in row]
        seen = reads[0] if len(reads) == 1 else file.layer("Concat", file.part(name, f"sees{place}"), reads)
        own = ("convolution_param", [("num_output", 1), *members])
        ends.append(file.layer("Convolution", file.part(name, f"filter{place}"), [seen], own))
    unread = [each for place, each in enumerate(maps) if not any(place in row for row in layer.table or ())]
    file.drop(*unread)
    return file.layer("Concat", name, ends, shape=step.output)


def _pool(file: Prototxt, step: Step, layer: Pool, name: str, bottom: str) -> str:
    moved = window(layer, step.inputs[0])
    average = layer.function == "average"
    if average and any(moved.padding) and not layer.count_padding:
        raise refuse("average pooling that leaves padding out", step, "It counts padding as zeros.")
    height, width = moved.axes
    pads = _padding(height), _padding(width)
    if any(pad >= axis.kernel for axis, pad in zip(moved.axes, pads, strict=True)):
        expected = "It takes the same on opposite sides, and less than the kernel."
        raise refuse(f"pooling padded by {moved.padding} under a kernel of this size", step, expected)
    if average and any(axis.hangs and axis.after != pad for axis, pad in zip(moved.axes, pads, strict=True)):
        what = "average over a window that hangs over the edge, with other padding before than after"
        raise refuse(what, step, "Its padding is the same on opposite sides.")
    made = [_pooled(axis, pad, any(pads)) for axis, pad in zip(moved.axes, pads, strict=True)]
    members = [("pool", "AVE" if average else "MAX"), *_both("kernel_size", height.kernel, width.kernel)]
    members += _both("pad", *pads) if any(pads) else []
    members += _both("stride", height.stride, width.stride) if (height.stride, width.stride) != (1, 1) else []
    cut = _Cut(moved, pads, (made[0], made[1]))
    return _cut(file, step, name, cut, lambda own: file.layer("Pooling", own, [bottom], ("pooling_param", members)))


def _padding(axis: Axis) -> int:
    """What Caffe pads on both sides, so that its windows are ours, and some more before and after."""
    more = -(-max(0, axis.after - axis.before) // axis.stride)
    return axis.before + more * axis.stride


def _pooled(axis: Axis, pad: int, padded: bool) -> int:
    """How many windows Caffe's pooling has: it rounds up, but for a window that begins beyond the padding."""
    count = -(-(axis.size + 2 * pad - axis.kernel) // axis.stride) + 1
    return count - 1 if padded and (count - 1) * axis.stride >= axis.size + pad else count


class _Cut:
    """What Caffe makes more of than there should be: windows before the first, and after the last."""

    def __init__(self, moved: Window, pads: tuple[int, int], made: tuple[int, int]) -> None:
        self.ranges = [
            ((pad - axis.before) // axis.stride, axis.output, count)
            for axis, pad, count in zip(moved.axes, pads, made, strict=True)
        ]

    @property
    def needed(self) -> bool:
        return any(first or kept < made for first, kept, made in self.ranges)


def _cut(file: Prototxt, step: Step, name: str, cut: _Cut, make: Callable[[str], str]) -> str:
    """Make a layer, and cut off the rows and columns that it has more than there should be."""
    if not cut.needed:
        before = len(file.text)
        top = make(name)
        _comment_last(file, before, top, show(step.output))
        return top
    blob = make(file.part(name, "more"))
    for axis, (first, kept, made) in zip((2, 3), cut.ranges, strict=True):
        points = [each for each in (first, first + kept) if 0 < each < made]
        if not points:
            continue
        last = axis == 3 or not _more(cut.ranges[1])
        own = name if last else file.part(name, "rows")
        tops = [own]
        tops = [file.part(name, "before"), *tops] if first else tops
        tops = [*tops, file.part(name, "after")] if first + kept < made else tops
        file.slices(file.part(name, f"cut{axis}"), blob, axis, tops, points)
        file.drop(*(each for each in tops if each != own))
        blob = own
    return blob


def _more(own: tuple[int, int, int]) -> bool:
    first, kept, made = own
    return first > 0 or kept < made


def _comment_last(file: Prototxt, start: int, top: str, shape: str) -> None:
    for place in range(len(file.text) - 1, start - 1, -1):
        if file.text[place] == f'  top: "{top}"':
            file.text[place] += f"  # {shape}"
            return


def _subsample(file: Prototxt, step: Step, layer: Subsample, name: str, bottom: str) -> str:
    """The mean of each window times its size, which is its sum; then a learned weight and bias for each map."""
    height, width = window(layer, step.inputs[0]).axes
    members = [("pool", "AVE"), *_both("kernel_size", height.kernel, width.kernel)]
    members += _both("stride", height.stride, width.stride) if (height.stride, width.stride) != (1, 1) else []
    made = [_pooled(axis, 0, False) for axis in (height, width)]
    cut = _Cut(window(layer, step.inputs[0]), (0, 0), (made[0], made[1]))
    param = ("pooling_param", members)
    mean = _cut(file, step, file.part(name, "mean"), cut, lambda own: file.layer("Pooling", own, [bottom], param))
    area = ("power_param", [("scale", height.kernel * width.kernel)])
    total = file.layer("Power", file.part(name, "sum"), [mean], area)
    return file.layer("Scale", name, [total], ("scale_param", [("bias_term", "true")]), shape=step.output)


def _activation(file: Prototxt, step: Step, layer: Activation, name: str, bottom: str, top: str) -> str:
    match layer.function:
        case "relu":
            return file.layer("ReLU", name, [bottom], top=top)
        case "leaky_relu":
            slope = ("relu_param", [("negative_slope", number(layer.alpha or 0))])
            return file.layer("ReLU", name, [bottom], slope, top=top)
        case "elu":
            return file.layer("ELU", name, [bottom], ("elu_param", [("alpha", number(layer.alpha or 0))]), top=top)
        case "tanh":
            return file.layer("TanH", name, [bottom], top=top)
        case "sigmoid":
            return file.layer("Sigmoid", name, [bottom], top=top)
        case "scaled_tanh":
            inner = _power(file, file.part(name, "slope"), bottom, scale=2 / 3)
            made = file.layer("TanH", file.part(name, "tanh"), [inner])
            return _power(file, name, made, scale=1.7159)
        case "relu6":
            return _relu6(file, name, bottom)
        case "hard_sigmoid":
            return _hard_sigmoid(file, name, bottom)
        case "hard_swish":
            gate = _hard_sigmoid(file, file.part(name, "gate"), bottom)
            return file.layer("Eltwise", name, [bottom, gate], ("eltwise_param", [("operation", "PROD")]))
        case "silu":
            gate = file.layer("Sigmoid", file.part(name, "gate"), [bottom])
            return file.layer("Eltwise", name, [bottom, gate], ("eltwise_param", [("operation", "PROD")]))
        case "gelu" | "gelu_tanh":
            expected = "It has relu, leaky_relu, elu, tanh and sigmoid, and what they make up."
            raise refuse(layer.function, step, expected)
        case _:
            assert_never(layer.function)


def _power(file: Prototxt, name: str, bottom: str, *, scale: float = 1, shift: float = 0) -> str:
    members = [("scale", number(scale) if scale != 1 else None), ("shift", number(shift) if shift else None)]
    return file.layer("Power", name, [bottom], ("power_param", members))


def _relu6(file: Prototxt, name: str, bottom: str) -> str:
    """relu(x) − relu(x − 6)."""
    low = file.layer("ReLU", file.part(name, "relu"), [bottom])
    shifted = _power(file, file.part(name, "shifted"), bottom, shift=-6)
    high = file.layer("ReLU", file.part(name, "above6"), [shifted])
    members = [("operation", "SUM"), ("coeff", 1), ("coeff", -1)]
    return file.layer("Eltwise", name, [low, high], ("eltwise_param", members))


def _hard_sigmoid(file: Prototxt, name: str, bottom: str) -> str:
    shifted = _power(file, file.part(name, "plus3"), bottom, shift=3)
    return _power(file, name, _relu6(file, file.part(name, "relu6"), shifted), scale=1 / 6)


def _pad_channels(file: Prototxt, step: Step, layer: PadChannels, name: str, bottom: str) -> str:
    """Maps times 0, behind the maps."""
    have, more = step.inputs[0][0], layer.channels - step.inputs[0][0]
    if not more:
        return file.layer("Power", name, [bottom])
    zeros = _power(file, file.part(name, "zeros"), bottom, scale=0)
    blobs = [zeros] * (more // have)
    if rest := more % have:
        part, unread = file.part(name, "some"), file.part(name, "others")
        file.slices(file.part(name, "slice"), zeros, 1, [part, unread], [rest])
        file.drop(unread)
        blobs.append(part)
    return file.layer("Concat", name, [bottom, *blobs], shape=step.output)


def _rbf(file: Prototxt, step: Step, layer: RBF, name: str, bottom: str) -> str:
    """Σ x² − 2 w·x + Σ w², as a fully connected layer over x² and x whose weights are 1 and −2 w, its bias Σ w²."""
    squares = file.layer("Power", file.part(name, "squares"), [bottom], ("power_param", [("power", 2)]))
    both = file.layer("Concat", file.part(name, "both"), [squares, bottom])
    members = ("inner_product_param", [("num_output", len(layer.centres))])
    fixed = ("param", [("lr_mult", 0)])
    file.text.append(f"# {name}: its weights are 1 for the squares and -2 times a centre for the values;")
    file.text.append("# its bias is the sum of the centre's squares; they are not trained.")
    return file.layer("InnerProduct", name, [both], fixed, fixed, members, shape=step.output)


def _both(field: str, height: int, width: int) -> list[tuple[str, object]]:
    """A size of both axes, or of each."""
    if height == width:
        return [(field, height)]
    word = field.removesuffix("_size")
    return [(f"{word}_h", height), (f"{word}_w", width)]
