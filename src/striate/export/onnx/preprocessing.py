"""From the pixels of stored images to a network's input, as nodes: what `Preprocessing.pack` and `normalise` do.

Names begin with a slash, so that no layer has one of them.
"""

from __future__ import annotations

import numpy as np
import torch
from torch.nn.functional import interpolate

from striate.data import Preprocessing
from striate.data.preprocess import LUMA, unknown_fit
from striate.data.resize import corner, margins, scaled, within
from striate.exchange.graph import Array, Graph, Place

Size = tuple[int, int]
PATH = "/images"


def write_preprocessing(graph: Graph, way: Preprocessing, source: str, *, channels: int, size: Size) -> str:
    """Nodes from `source`, uint8 pixels of (batch, height, width, channels) and of this size, to normalised images.

    They give float32, (batch, channels, height, width), of the network's shape.
    """
    place = Place(graph, PATH, f"{PATH}/input")
    pixels = place.part("float", "Cast", [source], {"to": 1})
    pixels = place.part("channels_first", "Transpose", [pixels], {"perm": [0, 3, 1, 2]})
    pixels = _with_channels(place, pixels, channels, way.shape[0])
    pixels = _fitted(place, pixels, way, size)
    low, high = (_of_channels(each) for each in (way.low, way.high))
    stretched = place.part("scale", "Mul", [pixels, place.floats("step", (high - low) / 255)])
    graph.shapes[place.output] = way.shape
    return place.last("Add", [stretched, place.floats("low", low)])


def _with_channels(place: Place, pixels: str, channels: int, wanted: int) -> str:
    if channels == wanted:
        return pixels
    if wanted == 3:
        return place.part("rgb", "Concat", [pixels] * 3, {"axis": 1})
    weights = place.floats("luma", np.asarray(LUMA).reshape(1, 3, 1, 1))
    return _whole(place, "grey", place.part("grey", "Conv", [pixels, weights], {"kernel_shape": [1, 1]}))


def _fitted(place: Place, pixels: str, way: Preprocessing, size: Size) -> str:
    """As `Preprocessing.fitted`: cropped, letterboxed, or padded or resized once it has the size of the data."""
    wanted, how = way.shape[1:], way.interpolation
    match way.fit:
        case "crop":
            whole = scaled(size, way.shorter or max(wanted))
            return _middle(place, _resized(place, "shorter", pixels, size, whole, how), whole, wanted)
        case "letterbox":
            inner = within(size, wanted)
            return _padded(place, _resized(place, "inner", pixels, size, inner, how), inner, wanted)
        case "pad" | "resize":
            if way.size is not None:
                pixels, size = _resized(place, "data", pixels, size, way.size, how), way.size
            if way.fit == "pad" and size[0] <= wanted[0] and size[1] <= wanted[1]:
                return _padded(place, pixels, size, wanted)
            return _resized(place, "resize", pixels, size, wanted, how)
        case _:
            raise unknown_fit(way.fit)


def _of_channels(ends: float | tuple[float, ...]) -> Array:
    """A number, or one for each channel, as a tensor that images are multiplied by."""
    return np.asarray(ends).reshape(1, -1, 1, 1) if isinstance(ends, tuple) else np.asarray(ends)


def _middle(place: Place, pixels: str, size: Size, wanted: Size) -> str:
    if size == wanted:
        return pixels
    starts = corner(size, wanted)
    ends = [start + side for start, side in zip(starts, wanted, strict=True)]
    places = [place.whole("first", list(starts)), place.whole("end", ends), place.whole("axes", [2, 3])]
    return place.part("crop", "Slice", [pixels, *places])


def _padded(place: Place, pixels: str, size: Size, wanted: Size) -> str:
    left, right, top, bottom = margins(size, wanted)
    if size == wanted:
        return pixels
    sides = place.whole("margins", [0, 0, top, left, 0, 0, bottom, right])
    return place.part("pad", "Pad", [pixels, sides], {"mode": "constant"})


def _resized(place: Place, name: str, pixels: str, size: Size, wanted: Size, how: str) -> str:
    """Antialiased: along each axis a product with one matrix, of which PyTorch's own function is asked."""
    if size == wanted:
        return pixels
    (height, width), (rows, columns) = size, wanted
    if columns != width:
        along = place.floats(f"{name}_columns", _matrix(width, columns, how).T)
        pixels = place.part(f"{name}_width", "MatMul", [pixels, along])
        if how == "bicubic":  # which overshoots, and is cut off after each axis
            pixels = _whole(place, f"{name}_width", pixels)
    if rows != height:
        along = place.floats(f"{name}_rows", _matrix(height, rows, how))
        pixels = place.part(f"{name}_height", "MatMul", [along, pixels])
    return _whole(place, name, pixels)


def _matrix(size: int, wanted: int, how: str) -> Array:
    """The matrix (wanted, size) that resizes along one axis: the weight of each input value in each output value."""
    each = torch.eye(size)[:, None, :, None].expand(-1, -1, -1, 2)
    made = interpolate(each, (wanted, 2), mode=how, antialias=True)
    return made[:, 0, :, 0].T.numpy()


def _whole(place: Place, name: str, pixels: str) -> str:
    """Levels of grey are whole numbers from 0 to 255."""
    rounded = place.part(f"{name}_round", "Round", [pixels])
    limits = [place.floats(f"{name}_least", 0.0), place.floats(f"{name}_most", 255.0)]
    return place.part(f"{name}_levels", "Clip", [rounded, *limits])
