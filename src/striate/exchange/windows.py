"""Layers that move a window: convolutions, poolings and LeNet's subsampling, each with explicit padding.

No node rounds up by `ceil_mode`, whose last window differs between versions of ONNX and its runtimes, and none pads by
`auto_pad`. Padding is written out for each side instead: just as far as the last window reaches.
"""

from __future__ import annotations

import numpy as np

from striate.description.layers import Conv, Pool, Subsample
from striate.description.shapes import Axis, Shape, Window, window
from striate.exchange.graph import Array, Attribute, Place, Weights


def write_convolution(layer: Conv, value: str, shape: Shape, place: Place, weights: Weights) -> str:
    """A Conv on maps of `shape`; a connection table becomes a dense weight with zeros where there is no link."""
    moved = window(layer, shape)
    weight = weights[f"{place.path}.weight"]
    if layer.table is not None:
        weight = _dense(layer.table, weight, channels=shape[0])
    inputs = [value, place.parameter("weight", weight)]
    if layer.bias:
        inputs.append(place.parameter("bias", weights[f"{place.path}.bias"]))
    padding = [axis.before for axis in moved.axes] + [axis.after for axis in moved.axes]
    own: dict[str, Attribute] = {"dilations": [axis.dilation for axis in moved.axes], "group": layer.groups}
    return place.last("Conv", inputs, _moves(moved, padding) | own)


def write_pooling(layer: Pool, value: str, shape: Shape, place: Place) -> str:
    """A Pool on maps of `shape`."""
    moved = window(layer, shape)
    padding = _reached(moved)
    if layer.function == "max":
        return place.last("MaxPool", [value], _moves(moved, padding))
    counts_padding = layer.count_padding and any(moved.padding)
    attributes = _moves(moved, padding) | {"count_include_pad": int(counts_padding)}
    if not (counts_padding and any(axis.hangs for axis in moved.axes)):
        return place.last("AveragePool", [value], attributes)
    # The node divides every sum by the kernel's size; a window that hangs over the padding's edge has fewer values.
    mean = place.part("mean", "AveragePool", [value], attributes)
    rows, columns = (axis.kernel / _counts(axis) for axis in moved.axes)
    return place.last("Mul", [mean, place.floats("share", rows[:, None] * columns)])


def write_subsampling(layer: Subsample, value: str, shape: Shape, place: Place, weights: Weights) -> str:
    """A Subsample: each window's mean, times its size and the coefficient, plus the bias."""
    moved = window(layer, shape)
    mean = place.part("mean", "AveragePool", [value], _moves(moved, [0, 0, 0, 0]))
    size = moved.height.kernel * moved.width.kernel
    coefficients = place.floats("coefficients", _for_maps(weights[f"{place.path}.weight"]) * size)
    scaled = place.part("scale", "Mul", [mean, coefficients])
    return place.last("Add", [scaled, place.parameter("bias", _for_maps(weights[f"{place.path}.bias"]))])


def _for_maps(values: Array) -> Array:
    return values[:, None, None]


def _dense(table: tuple[tuple[int, ...], ...], kernels: Array, *, channels: int) -> Array:
    dense = np.zeros((len(table), channels, *kernels.shape[1:]), np.float32)
    rows = [row for row, sources in enumerate(table) for _ in sources]
    dense[rows, [source for sources in table for source in sources]] = kernels
    return dense


def _moves(moved: Window, padding: list[int]) -> dict[str, Attribute]:
    """Kernel and stride, and the padding as (top, left, bottom, right)."""
    return {
        "kernel_shape": [axis.kernel for axis in moved.axes],
        "strides": [axis.stride for axis in moved.axes],
        "pads": padding,
    }


def _reached(moved: Window) -> list[int]:
    """The padding that windows read. Left out is what none reads; added is what a last window hangs over by."""
    ends = [(axis.output - 1) * axis.stride + axis.kernel - axis.before - axis.size for axis in moved.axes]
    return [axis.before for axis in moved.axes] + [max(0, end) for end in ends]


def _counts(axis: Axis) -> Array:
    """How many values of the maps and their padding each window reads."""
    starts = np.arange(axis.output) * axis.stride
    return np.minimum(starts + axis.kernel, axis.padded) - starts
