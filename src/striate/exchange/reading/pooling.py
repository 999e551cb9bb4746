"""Nodes that pool: maxima and means of windows, and of whole maps."""

from __future__ import annotations

from dataclasses import replace

from striate.description.axis import window
from striate.description.layers import GlobalAveragePool, Pool
from striate.description.shapes import Shape, show
from striate.errors import FormatError
from striate.exchange.reading.constants import axes_of
from striate.exchange.reading.graph import Node
from striate.exchange.reading.pieces import ChannelMean
from striate.exchange.reading.reader import Reader
from striate.exchange.reading.views import View, is_batched, plain_dims, straight
from striate.exchange.reading.windows import moves_of


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
    given = axes_of(node, [None, reader.constant(node, 1)], reader.opset)
    if not given and node.whole("noop_with_empty_axes", 0):
        return view
    axes = sorted({axis % view.rank for axis in given or range(view.rank)})
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
