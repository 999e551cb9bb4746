"""From the pixels of stored images to a network's input, as nodes: what `Preprocessing.pack` and `normalise` do.

Names begin with a slash, so that no layer has one of them.
"""

from __future__ import annotations

import numpy as np
import torch
from torch.nn.functional import interpolate

from striate.data import Preprocessing
from striate.data.preprocess import LUMA
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
    scaled = place.part("scale", "Mul", [pixels, place.floats("step", (way.high - way.low) / 255)])
    graph.shapes[place.output] = way.shape
    return place.last("Add", [scaled, place.floats("low", way.low)])


def _with_channels(place: Place, pixels: str, channels: int, wanted: int) -> str:
    if channels == wanted:
        return pixels
    if wanted == 3:
        return place.part("rgb", "Concat", [pixels] * 3, {"axis": 1})
    weights = place.floats("luma", np.asarray(LUMA).reshape(1, 3, 1, 1))
    return _whole(place, "grey", place.part("grey", "Conv", [pixels, weights], {"kernel_shape": [1, 1]}))


def _fitted(place: Place, pixels: str, way: Preprocessing, size: Size) -> str:
    """As `Preprocessing.pack` has it: with "pad" first to the size of the data, then padded or resized."""
    wanted = way.shape[1:]
    if way.fit == "pad":
        if way.size is not None:
            pixels, size = _resized(place, "data", pixels, size, way.size), way.size
        if size[0] <= wanted[0] and size[1] <= wanted[1]:
            return _padded(place, pixels, size, wanted)
    return _resized(place, "resize", pixels, size, wanted)


def _padded(place: Place, pixels: str, size: Size, wanted: Size) -> str:
    rows, columns = (goal - side for side, goal in zip(size, wanted, strict=True))
    if not rows and not columns:
        return pixels
    before, after = [0, 0, rows // 2, columns // 2], [0, 0, rows - rows // 2, columns - columns // 2]
    return place.part("pad", "Pad", [pixels, place.whole("margins", before + after)], {"mode": "constant"})


def _resized(place: Place, name: str, pixels: str, size: Size, wanted: Size) -> str:
    """Bilinear and antialiased: along each axis a product with one matrix, of which PyTorch's own function is asked."""
    if size == wanted:
        return pixels
    (height, width), (rows, columns) = size, wanted
    if columns != width:
        along = place.floats(f"{name}_columns", _matrix(width, columns).T)
        pixels = place.part(f"{name}_width", "MatMul", [pixels, along])
    if rows != height:
        along = place.floats(f"{name}_rows", _matrix(height, rows))
        pixels = place.part(f"{name}_height", "MatMul", [along, pixels])
    return _whole(place, name, pixels)


def _matrix(size: int, wanted: int) -> Array:
    """What each of the `wanted` values takes of each of `size`: (wanted, size)."""
    each = torch.eye(size)[:, None, :, None].expand(-1, -1, -1, 2)
    made = interpolate(each, (wanted, 2), mode="bilinear", antialias=True)
    return made[:, 0, :, 0].T.numpy()


def _whole(place: Place, name: str, pixels: str) -> str:
    """Levels of grey are whole numbers from 0 to 255."""
    rounded = place.part(f"{name}_round", "Round", [pixels])
    limits = [place.floats(f"{name}_least", 0.0), place.floats(f"{name}_most", 255.0)]
    return place.part(f"{name}_levels", "Clip", [rounded, *limits])
