"""Nodes that move a window over maps, and paddings before them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from striate.description.axis import Axis, window
from striate.description.layers import Conv, GlobalAveragePool, Linear, PadChannels, Pool, Upsample
from striate.description.shapes import Shape, show
from striate.errors import FormatError
from striate.exchange.reading.constants import axes_of, wholes
from striate.exchange.reading.graph import Array, Node
from striate.exchange.reading.pieces import ChannelMean, Padding
from striate.exchange.reading.reader import Reader
from striate.exchange.reading.views import View, is_batched, order_of, plain_dims, straight


@dataclass(frozen=True)
class Moves:
    """A window's numbers along height and width; padding is (before, after) for each."""

    kernel: tuple[int, int]
    stride: tuple[int, int]
    dilation: tuple[int, int]
    padding: tuple[tuple[int, int], tuple[int, int]]
    ceil: bool = False

    @property
    def sides(self) -> tuple[int, int, int, int]:
        """(top, bottom, left, right)."""
        return (*self.padding[0], *self.padding[1])

    def output(self, shape: Shape) -> tuple[int, int]:
        """The number of windows along height and width."""
        rows, columns = (self.axis(which, shape[which + 1]).output for which in (0, 1))
        if not rows or not columns:
            raise FormatError(f"moves a window of {show(self.kernel)} over {show(shape)}.", "The window must fit.")
        return rows, columns

    def axis(self, which: int, size: int) -> Axis:
        """One axis, 0 for the height, on an input of this size."""
        before, after = self.padding[which]
        return Axis(size, self.kernel[which], self.stride[which], before, after, self.dilation[which], self.ceil)


def convolution(reader: Reader, node: Node) -> View:
    """Conv; over one value of each map it is a linear layer."""
    view, weight = reader.view(node), reader.weight(node, 1, ndim=4)
    bias = reader.constant(node, 2)
    if bias is not None and node.input(2) not in reader.graph.constants and not bias.any():
        bias = None  # zeros that the file computes are no weight
    groups = node.whole("group", 1)
    if len(view.shape) == 1:
        return _on_vector(reader, node, view, weight, bias)
    maps = reader.maps(view, node)
    kernel = (weight.shape[2], weight.shape[3])
    moves = moves_of(node, kernel, maps.shape)
    if groups < 1 or weight.shape[1] * groups != maps.shape[0] or weight.shape[0] % groups:
        raise FormatError(
            f"has filters of {show(weight.shape[1:])} in {groups} groups over {show(maps.shape)}.",
            "Its filters must have the channels of its input.",
        )
    layer = Conv(
        weight.shape[0],
        kernel=kernel,
        stride=moves.stride,
        padding=moves.sides,
        dilation=moves.dilation,
        groups=groups,
        bias=bias is not None,
    )
    shape = (weight.shape[0], *moves.output(maps.shape))
    weights = {"weight": weight} | ({} if bias is None else {"bias": bias})
    return straight(reader.add(layer, [maps.piece], shape, node, weights), shape, reader.batch)


def _on_vector(reader: Reader, node: Node, view: View, weight: Array, bias: Array | None) -> View:
    fits = is_batched(view) and view.rank == 4 and view.dims[2:] == ((), ()) and node.whole("group", 1) == 1
    if not fits or weight.shape[2:] != (1, 1) or any(node.wholes("pads")) or weight.shape[1] != view.shape[0]:
        raise FormatError(
            f"moves a window over one value of each of {view.shape[0]} maps.", "There it must be 1×1, in one group."
        )
    made = linear_piece(reader, node, view, weight[:, :, 0, 0], bias)
    return View(made.piece, made.shape, (*made.dims, (), ()))


def linear_piece(reader: Reader, node: Node, view: View, weight: Array, bias: Array | None) -> View:
    """A linear layer over a vector; `weight` is (units, features) as the file orders the features."""
    flat, order = reader.vector(view, node)
    if weight.shape[1] != flat.shape[0]:
        raise FormatError(f"has weights of {show(weight.shape)} over {flat.shape[0]} values.", "One for each value.")
    units = weight.shape[0]
    layer = Linear(units, bias=bias is not None)
    if order is not None:
        placed = np.empty(weight.shape, weight.dtype)
        placed[:, order] = weight
        weight = placed
    weights = {"weight": weight} | ({} if bias is None else {"bias": _bias(bias, units)})
    return straight(reader.add(layer, [flat.piece], (units,), node, weights), (units,), reader.batch)


def _bias(bias: Array, units: int) -> Array:
    if bias.size not in (1, units):
        raise FormatError(f"has a bias of {show(bias.shape)} for {units} units.", "One for each unit.")
    return np.ascontiguousarray(np.broadcast_to(bias.reshape(-1), (units,)))


def pooling(reader: Reader, node: Node) -> View:
    """MaxPool and AveragePool."""
    view = reader.view(node)
    kernel = node.wholes("kernel_shape")
    average = node.operator == "AveragePool"
    if len(kernel) == 3 and average:
        return _channel_mean(reader, node, view, kernel)
    if len(kernel) != 2:
        raise FormatError(f"has a window of {show(kernel)}.", "Windows move along height and width.")
    if any(node.outputs[1:]) and any(each in reader.graph.outputs for each in node.outputs[1:]):
        raise FormatError("gives the places of its maxima.", "A pooling gives the maxima.")
    maps = reader.maps(view, node)
    moves = moves_of(node, (kernel[0], kernel[1]), maps.shape, ceil=bool(node.whole("ceil_mode", 0)))
    if moves.dilation != (1, 1):
        raise FormatError(f"has a dilation of {show(moves.dilation)}.", "Windows of poolings have no gaps.")
    layer = Pool(
        "average" if average else "max",
        kernel=moves.kernel,
        stride=moves.stride,
        padding=moves.sides,
        ceil=moves.ceil,
        count_padding=bool(node.whole("count_include_pad", 0)) or not any(moves.sides) if average else True,
    )
    shape = (maps.shape[0], *moves.output(maps.shape))
    return straight(reader.add(plainest(layer, maps.shape), [maps.piece], shape, node), shape, reader.batch)


def plainest(layer: Pool, shape: Shape) -> Pool:
    """The same windows as a person writes them: one padding for opposite sides, rounding up where windows hang over."""
    top, bottom, left, right = window(layer, shape).padding
    if layer.ceil or (top, left) == (bottom, right):
        return layer
    for ceil in (False, True):
        other = replace(layer, padding=(top, top, left, left), ceil=ceil)
        counts = ceil and layer.function == "average" and layer.count_padding
        if not counts and _outputs(other, shape) == _outputs(layer, shape):
            return other
    return layer


def _outputs(layer: Pool, shape: Shape) -> tuple[int, int]:
    moved = window(layer, shape)
    return moved.height.output, moved.width.output


def _channel_mean(reader: Reader, node: Node, view: View, kernel: tuple[int, ...]) -> View:
    """A mean over adjacent maps, as PyTorch writes local response normalisation."""
    plain = plain_dims(view.shape)
    own = (len(view.shape) == 3, view.rank == 5, view.dims[1:] == ((), *plain), kernel[1:] == (1, 1))
    if not all(own) or set(node.wholes("strides")) - {1} or any(node.wholes("pads")):
        raise FormatError(f"has a window of {show(kernel)}.", "Windows move along height and width.")
    shape = (view.shape[0] - kernel[0] + 1, *view.shape[1:])
    made = straight(reader.add(ChannelMean(kernel[0], 0), [view.piece], shape, node), shape, reader.batch)
    return View(made.piece, shape, (made.dims[0], (), *made.dims[1:]))


def global_pooling(reader: Reader, node: Node) -> View:
    """GlobalAveragePool and GlobalMaxPool."""
    maps = reader.maps(reader.view(node), node)
    return _pooled(reader, node, maps, maximum=node.operator == "GlobalMaxPool")


def _pooled(reader: Reader, node: Node, maps: View, *, maximum: bool) -> View:
    """One value of each map, (batch, channels, 1, 1)."""
    if maximum:
        layer, shape = Pool("max", kernel=(maps.shape[1], maps.shape[2])), (maps.shape[0], 1, 1)
        return straight(reader.add(layer, [maps.piece], shape, node), shape, reader.batch)
    shape = maps.shape[:1]
    made = straight(reader.add(GlobalAveragePool(), [maps.piece], shape, node), shape, reader.batch)
    return View(made.piece, shape, (*made.dims, (), ()))


def whole_maps(reader: Reader, node: Node) -> View:
    """ReduceMean and ReduceMax over height and width, which may be one dimension."""
    view = reader.view(node)
    axes = sorted({axis % view.rank for axis in axes_of(node, [None, reader.constant(node, 1)], reader.opset)})
    maximum = node.operator == "ReduceMax"
    gone = [atom for each in axes for atom in view.dims[each]]
    left = [dim for each, dim in enumerate(view.dims) if each not in axes]
    channels, *spatial = plain_dims(view.shape)
    whole = len(view.shape) == 3 and set(gone) == set(sum(spatial, ())) and sum(left[1:], ()) == channels
    if not whole or not is_batched(view) or 0 in axes:
        shown = "maximum" if maximum else "mean"
        raise FormatError(f"takes a {shown} along dimensions {axes} of {view.rank}.", "It must be of whole maps.")
    made = _pooled(reader, node, straight(view.piece, view.shape, reader.batch), maximum=maximum)
    kept = tuple(() if each in axes else dim for each, dim in enumerate(view.dims))
    return View(made.piece, made.shape, kept if node.whole("keepdims", 1) else tuple(left))


def padding(reader: Reader, node: Node) -> View:
    """Pad with one value or the outermost ones, along height, width and channels."""
    view = reader.view(node)
    mode = node.text("mode", "constant")
    if mode not in ("constant", "edge"):
        raise FormatError(f"pads by mode {mode}.", "Paddings have one value.")
    given, filled = reader.constant(node, 1), reader.single(node, 2)
    pads = list(node.wholes("pads") or node.wholes("paddings")) if given is None else wholes(given)
    if (axes := reader.constant(node, 3)) is not None:
        every, half = [0] * (2 * view.rank), len(pads) // 2
        for place, axis in enumerate(int(n) % view.rank for n in wholes(axes)):
            every[axis], every[axis + view.rank] = pads[place], pads[place + half]
        pads = every
    value = node.number("value", 0.0) if filled is None else filled
    value = math.nan if mode == "edge" else value
    if len(pads) != 2 * view.rank or not is_batched(view) or pads[0] or pads[view.rank]:
        raise FormatError(f"pads {view.rank} dimensions by {pads}.", "Maps are padded at their sides.")
    before, after = [0] * len(view.shape), [0] * len(view.shape)
    axes_in_file = _axes(view, [dim for dim in range(view.rank) if pads[dim] or pads[dim + view.rank]])
    for dim in range(1, view.rank):
        low, high = pads[dim], pads[dim + view.rank]
        if low or high:
            axis = axes_in_file[dim]
            if axis is None or low < 0 or high < 0:
                raise FormatError(f"pads {show(view.sizes[1:])} by {pads}.", "Maps are padded at their sides.")
            before[axis], after[axis] = low, high
    if not any(before) and not any(after):
        return view
    shape = tuple(low + size + high for low, size, high in zip(before, view.shape, after, strict=True))
    only_channels = len(shape) == 3 and shape[1:] == view.shape[1:] and not before[0] and value == 0
    what = Padding(tuple(before), tuple(after), value, mode == "edge")
    if only_channels and view.rank == 4:
        what = PadChannels(shape[0])
    piece = reader.add(what, [view.piece], shape, node)
    dims = [view.dims[0], *((() if axis is None else plain_dims(shape)[axis]) for axis in axes_in_file[1:])]
    return View(piece, shape, tuple(dims))


def _axes(view: View, padded: list[int]) -> list[int | None]:
    """The axis of the piece that each dimension is as a whole; None where it is none.

    Which dimension of one value is an axis of one value is told by those that are `padded`, where there are more.
    """
    plain = plain_dims(view.shape)
    found: list[int | None] = [None]
    for dim in view.dims[1:]:
        whole = [axis for axis, own in enumerate(plain) if own and own == dim]
        found.append(whole[0] if whole else None)
    left = [axis for axis in range(len(view.shape)) if axis not in found]
    single = [dim for dim in range(1, view.rank) if found[dim] is None]
    if len(single) > len(left):
        single = [dim for dim in single if dim in padded]
    if len(single) == len(left):
        for dim, axis in zip(single, left, strict=True):  # axes of one value, in the order that is left
            found[dim] = axis
    return found


def upsampling(reader: Reader, node: Node) -> View:
    """Resize and Upsample: each value repeated a whole number of times."""
    view = reader.view(node)
    if node.text("mode", "nearest") != "nearest":
        raise FormatError(f"resizes by mode {node.text('mode', '')}.", "Values are repeated: nearest.")
    scales, sizes = (reader.constant(node, 1 if reader.opset < 11 else 2), reader.constant(node, 3))
    if reader.opset < 9 or "scales" in node.attributes:
        scales = np.asarray(node.attributes.get("scales", ()), np.float64)
    order = (0, 1, 2, 3) if view.dims[1] == plain_dims(view.shape)[0] else (0, 3, 1, 2)
    if view.rank != 4:
        raise FormatError(f"resizes {view.rank} dimensions.", "Maps are resized.")
    if scales is not None and scales.size == 4:
        factors = [float(scales.reshape(-1)[each]) for each in order]
    elif sizes is not None and sizes.size == 4:
        factors = [int(sizes.reshape(-1)[each]) / view.sizes[each] for each in order]
    else:
        raise FormatError("has no sizes that are known.", "A factor for each dimension must be a constant.")
    rows, columns = factors[2], factors[3]
    if factors[:2] != [1, 1] or rows != round(rows) or columns != round(columns) or min(rows, columns) < 1:
        raise FormatError(f"resizes by {factors}.", "Height and width grow by whole factors.")
    corner, down = node.text("coordinate_transformation_mode", "half_pixel"), node.text("nearest_mode", "")
    rounded = corner in ("half_pixel", "pytorch_half_pixel") and down in ("", "round_prefer_floor", "round_prefer_ceil")
    cut = corner in ("asymmetric", "tf_half_pixel_for_nn") and down == "floor"
    if node.operator == "Resize" and reader.opset > 10 and not (rounded or cut):
        raise FormatError("repeats values by another rule.", "Each value is repeated as often.")
    maps = reader.maps(View(view.piece, view.shape, tuple(view.dims[each] for each in order)), node)
    shape = (maps.shape[0], maps.shape[1] * int(rows), maps.shape[2] * int(columns))
    made = straight(reader.add(Upsample((int(rows), int(columns))), [maps.piece], shape, node), shape, reader.batch)
    return View(made.piece, shape, tuple(made.dims[order.index(each)] for each in range(4)))


def moves_of(node: Node, kernel: tuple[int, int], shape: Shape, *, ceil: bool = False) -> Moves:
    """The numbers of a window; `auto_pad` is worked out for maps of `shape`."""
    stride = _pair(node, "strides", 1)
    dilation = _pair(node, "dilations", 1)
    pads = node.wholes("pads") or (0, 0, 0, 0)
    if len(pads) != 4 or min(pads) < 0:
        raise FormatError(f"has a padding of {list(pads)}.", "Padding is at four sides.")
    padding = ((pads[0], pads[2]), (pads[1], pads[3]))
    named = node.text("auto_pad", "NOTSET")
    if named in ("SAME_UPPER", "SAME_LOWER"):
        sides: list[tuple[int, int]] = []
        for which in (0, 1):
            extent = dilation[which] * (kernel[which] - 1) + 1
            size = shape[which + 1]
            total = max(0, (math.ceil(size / stride[which]) - 1) * stride[which] + extent - size)
            less, more = total // 2, total - total // 2
            sides.append((less, more) if named == "SAME_UPPER" else (more, less))
        padding = (sides[0], sides[1])
    elif named == "VALID":
        padding = ((0, 0), (0, 0))
    elif named not in ("NOTSET", ""):
        raise FormatError(f"pads by {named}.", "auto_pad is NOTSET, SAME_UPPER, SAME_LOWER or VALID.")
    return Moves(kernel, stride, dilation, padding, ceil and named in ("NOTSET", ""))


def _pair(node: Node, attribute: str, default: int) -> tuple[int, int]:
    given = node.wholes(attribute) or (default, default)
    if len(given) != 2 or min(given) < 1:
        raise FormatError(f"has {attribute} of {list(given)}.", "Height and width have one each, 1 or more.")
    return given[0], given[1]


def ordered(values: Array, view: View) -> Array:
    """A value for each feature, as the file orders them, in the order of the piece."""
    order = order_of(view)
    if order is None:
        return values
    placed = np.empty_like(values)
    placed[order] = values
    return placed


def sides_of(layer: Conv | Pool) -> tuple[int, int, int, int]:
    """The padding of a layer that was read: top, bottom, left, right."""
    return layer.padding  # pyright: ignore[reportReturnType] - read windows have numbers
