"""Convolutions and linear layers, and the numbers of a window that moves."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from striate.description.axis import Axis
from striate.description.layers import Conv, Linear, Pool
from striate.description.shapes import Shape, show
from striate.errors import FormatError
from striate.exchange.reading.graph import Array, Node
from striate.exchange.reading.reader import Reader
from striate.exchange.reading.views import View, is_batched, straight


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
    if bias is not None and bias.shape != (weight.shape[0],):
        raise FormatError(f"has a bias of {show(bias.shape)} for {weight.shape[0]} filters.", "It has one for each.")
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
    if bias.size != 1 and (bias.size, bias.shape[-1]) != (units, units):
        raise FormatError(f"has a bias of {show(bias.shape)} for {units} units.", "One for each unit.")
    return np.ascontiguousarray(np.broadcast_to(bias.reshape(-1), (units,)))


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
            total = (math.ceil(size / stride[which]) - 1) * stride[which] + extent - size
            if total < -1:  # TensorFlow begins at the first value, ONNX Runtime in the middle of what is left over
                raise FormatError(f"pads by {named} where windows leave {-total} values out.", "Give its pads.")
            less, more = max(0, total) // 2, max(0, total + 1) // 2
            sides.append((less, more) if named == "SAME_UPPER" else (more, less))
        padding = (sides[0], sides[1])
    elif named == "VALID":
        padding = ((0, 0), (0, 0))
    elif named not in ("NOTSET", ""):
        raise FormatError(f"pads by {named}.", "auto_pad is NOTSET, SAME_UPPER, SAME_LOWER or VALID.")
    return Moves(kernel, stride, dilation, padding, ceil and named in ("NOTSET", "", "VALID"))


def _pair(node: Node, attribute: str, default: int) -> tuple[int, int]:
    given = node.wholes(attribute) or (default, default)
    if len(given) != 2 or min(given) < 1:
        raise FormatError(f"has {attribute} of {list(given)}.", "Height and width have one each, 1 or more.")
    return given[0], given[1]


def sides_of(layer: Conv | Pool) -> tuple[int, int, int, int]:
    """The padding of a layer that was read: top, bottom, left, right."""
    return layer.padding  # pyright: ignore[reportReturnType] - read windows have numbers
