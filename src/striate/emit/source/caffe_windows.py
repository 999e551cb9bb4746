"""Convolution, pooling and subsampling as Caffe's layers, whose windows are not everywhere ours."""

from __future__ import annotations

from collections.abc import Callable

from striate.description.axis import Axis, Window
from striate.description.layers import Conv, Pool, Subsample
from striate.description.network import Step
from striate.description.shapes import show, window
from striate.emit.source.prototxt import Prototxt
from striate.emit.source.values import averages, refused, window_text


def conv(file: Prototxt, step: Step, layer: Conv, name: str, bottom: str) -> str:
    moved = window(layer, step.inputs[0])
    height, width = moved.axes
    pads = _padding(height), _padding(width)
    made = [(axis.size + 2 * pad - axis.extent) // axis.stride + 1 for axis, pad in zip(moved.axes, pads, strict=True)]
    members = [*both("kernel_size", height.kernel, width.kernel)]
    members += both("pad", *pads) if any(pads) else []
    members += both("stride", height.stride, width.stride) if (height.stride, width.stride) != (1, 1) else []
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


def pool(file: Prototxt, step: Step, layer: Pool, name: str, bottom: str) -> str:
    moved = window(layer, step.inputs[0])
    average = averages(layer)
    if average and any(moved.padding) and not layer.count_padding:
        what = f"average pooling that leaves padding out, as this one does with {window_text(moved)}"
        remedy = "Count the padding, or give it none."
        raise refused("Caffe", step.path, what=what, expected="It counts padding as zeros.", remedy=remedy)
    height, width = moved.axes
    pads = _padding(height), _padding(width)
    if any(pad >= axis.kernel for axis, pad in zip(moved.axes, pads, strict=True)):
        expected = "Its padding is the same on opposite sides, and less than the kernel."
        remedy = "Pad opposite sides alike, by less than the kernel."
        raise refused("Caffe", step.path, what=f"pooling with {window_text(moved)}", expected=expected, remedy=remedy)
    if average and any(axis.hangs and axis.after != pad for axis, pad in zip(moved.axes, pads, strict=True)):
        what = f"average pooling with {window_text(moved)} whose last window hangs over the edge"
        expected, remedy = "Its padding is the same on opposite sides.", "Pad opposite sides alike, or give it no ceil."
        raise refused("Caffe", step.path, what=what, expected=expected, remedy=remedy)
    made = [_pooled(axis, pad, any(pads)) for axis, pad in zip(moved.axes, pads, strict=True)]
    members = [("pool", "AVE" if average else "MAX"), *both("kernel_size", height.kernel, width.kernel)]
    members += both("pad", *pads) if any(pads) else []
    members += both("stride", height.stride, width.stride) if (height.stride, width.stride) != (1, 1) else []
    cut = _Cut(moved, pads, (made[0], made[1]))
    return _cut(file, step, name, cut, lambda own: file.layer("Pooling", own, [bottom], ("pooling_param", members)))


def _padding(axis: Axis) -> int:
    """The padding with which Caffe, which pads both sides alike, has our windows, and perhaps more before and after."""
    more = -(-max(0, axis.after - axis.before) // axis.stride)
    return axis.before + more * axis.stride


def _pooled(axis: Axis, pad: int, padded: bool) -> int:
    """How many windows Caffe's pooling has: it rounds up, but for a window that begins beyond the padding."""
    count = -(-(axis.size + 2 * pad - axis.kernel) // axis.stride) + 1
    return count - 1 if padded and (count - 1) * axis.stride >= axis.size + pad else count


class _Cut:
    """The surplus windows that Caffe makes before the first and after the last, which are cut off."""

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


def subsample(file: Prototxt, step: Step, layer: Subsample, name: str, bottom: str) -> str:
    """The mean of each window times its size, which is its sum; then a learned weight and bias for each map."""
    height, width = window(layer, step.inputs[0]).axes
    members = [("pool", "AVE"), *both("kernel_size", height.kernel, width.kernel)]
    members += both("stride", height.stride, width.stride) if (height.stride, width.stride) != (1, 1) else []
    made = [_pooled(axis, 0, False) for axis in (height, width)]
    cut = _Cut(window(layer, step.inputs[0]), (0, 0), (made[0], made[1]))
    param = ("pooling_param", members)
    mean = _cut(file, step, file.part(name, "mean"), cut, lambda own: file.layer("Pooling", own, [bottom], param))
    area = ("power_param", [("scale", height.kernel * width.kernel)])
    total = file.layer("Power", file.part(name, "sum"), [mean], area)
    return file.layer("Scale", name, [total], ("scale_param", [("bias_term", "true")]), shape=step.output)


def both(field: str, height: int, width: int) -> list[tuple[str, object]]:
    """A size of both axes, or of each."""
    if height == width:
        return [(field, height)]
    word = field.removesuffix("_size")
    return [(f"{word}_h", height), (f"{word}_w", width)]
