"""Nodes that make maps larger: paddings, and values that are repeated."""

from __future__ import annotations

import math

import numpy as np

from striate.description.layers import PadChannels, Upsample
from striate.description.shapes import show
from striate.errors import FormatError
from striate.exchange.reading.constants import wholes
from striate.exchange.reading.graph import Node
from striate.exchange.reading.pieces import Padding
from striate.exchange.reading.reader import Reader
from striate.exchange.reading.views import View, is_batched, plain_dims, straight


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
    """The axis of the piece that each dimension of the file is; None for a dimension that is no whole axis.

    Axes of size 1 fit every dimension of size 1. Where there are more such dimensions than axes, the `padded` ones are
    taken.
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
    if node.wholes("axes") not in ((), (0, 1, 2, 3)) or node.text("keep_aspect_ratio_policy", "stretch") != "stretch":
        raise FormatError("resizes some dimensions, or keeps a ratio.", "A factor for each dimension must be there.")
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
