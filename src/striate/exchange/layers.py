"""The nodes of each kind of layer."""

from __future__ import annotations

from typing import assert_never, cast

import numpy as np

from striate.description.layers import (
    RBF,
    Activation,
    BatchNorm,
    Branches,
    Conv,
    Dropout,
    Flatten,
    Gate,
    GlobalAveragePool,
    Linear,
    LocalResponseNorm,
    PadChannels,
    Pool,
    PositionBias,
    Residual,
    Scale,
    Shuffle,
    Softmax,
    Subsample,
    Upsample,
)
from striate.description.network import Step
from striate.description.shapes import Shape
from striate.exchange.activations import write_activation
from striate.exchange.graph import Attribute, Place, Weights
from striate.exchange.windows import write_convolution, write_pooling, write_subsampling


def write_layer(step: Step, values: list[str], place: Place, weights: Weights) -> str:
    """The nodes of a step that reads `values`; gives the name of its output."""
    layer, value, shape = step.layer, values[0], step.inputs[0]
    match layer:
        case Conv():
            return write_convolution(layer, value, shape, place, weights)
        case Pool():
            return write_pooling(layer, value, shape, place)
        case Subsample():
            return write_subsampling(layer, value, shape, place, weights)
        case BatchNorm():
            names = ("weight", "bias", "running_mean", "running_var")
            numbers = [place.parameter(name, weights[f"{place.path}.{name}"]) for name in names]
            return place.last("BatchNormalization", [value, *numbers], _norm_numbers(layer))
        case LocalResponseNorm():
            return _local_response(layer, value, shape, place)
        case Activation():
            return write_activation(layer, value, place)
        case Softmax():
            return place.last("Softmax", [value], {"axis": 1})
        case Dropout():
            return place.last("Identity", [value])
        case Flatten():
            return place.last("Flatten", [value], {"axis": 1})
        case GlobalAveragePool():
            return place.last("Flatten", [place.part("mean", "GlobalAveragePool", [value])], {"axis": 1})
        case PadChannels():
            before_and_after = [0, 0, 0, 0, 0, layer.channels - shape[0], 0, 0]
            return place.last("Pad", [value, place.whole("pads", before_and_after)], {"mode": "constant"})
        case Upsample():
            return _upsampling(layer, value, place)
        case Shuffle():
            return _shuffle(layer, value, shape, place)
        case Scale():
            return place.last("Mul", [value, _for_each_map("weight", shape, place, weights)])
        case Linear():
            inputs = [value, place.parameter("weight", weights[f"{place.path}.weight"])]
            bias = [place.parameter("bias", weights[f"{place.path}.bias"])] if layer.bias else []
            return place.last("Gemm", inputs + bias, {"transB": 1})
        case RBF():
            column = place.part("column", "Unsqueeze", [value, place.whole("axes", [1])])
            centres = place.parameter("centres", weights[f"{place.path}.centres"])
            difference = place.part("difference", "Sub", [column, centres])
            return place.last("ReduceSumSquare", [difference, place.whole("sum", [2])], {"keepdims": 0})
        case PositionBias():
            return place.last("Add", [value, place.parameter("bias", weights[f"{place.path}.bias"])])
        case Residual():
            return place.last("Add", values)
        case Gate():
            return _product(step, values, place)
        case Branches():
            return place.last("Concat", values, {"axis": 1})
        case _:
            assert_never(layer)


def _norm_numbers(layer: BatchNorm) -> dict[str, Attribute]:
    """ONNX's momentum weighs the statistics so far, ours a new batch's; after training it has no effect."""
    return {"epsilon": float(layer.epsilon), "momentum": 1 - float(layer.momentum)}


def _local_response(layer: LocalResponseNorm, value: str, shape: Shape, place: Place) -> str:
    """ONNX divides alpha by the size. Its runtimes take odd sizes only, and an alpha and a beta above 0 as float32.

    For others, the sum over adjacent maps is a convolution of their squares by 1×1.
    """
    if layer.size % 2 and np.float32(layer.alpha * layer.size) > 0 and np.float32(layer.beta) > 0:
        numbers = {"alpha": layer.alpha * layer.size, "beta": float(layer.beta), "bias": float(layer.k)}
        return place.last("LRN", [value], {"size": layer.size, **numbers})
    after = (layer.size - 1) // 2
    maps = np.arange(shape[0])
    ahead = maps - maps[:, None]
    near = (ahead >= after - layer.size + 1) & (ahead <= after)
    squares = place.part("square", "Mul", [value, value])
    band = place.floats("alpha", layer.alpha * near[:, :, None, None])
    sums = place.part("sum", "Conv", [squares, band, place.floats("k", np.full(shape[0], layer.k))])
    return place.last("Div", [value, place.part("power", "Pow", [sums, place.floats("beta", layer.beta)])])


def _upsampling(layer: Upsample, value: str, place: Place) -> str:
    """By the centres of pixels, which are never near where rounding changes.

    By their corners, ONNX Runtime repeats wrongly at a factor of 41: a quotient comes out just below a whole number.
    """
    scales = place.floats("scales", [1, 1, *cast("tuple[int, int]", layer.factor)])
    which = {"coordinate_transformation_mode": "half_pixel", "nearest_mode": "round_prefer_floor"}
    return place.last("Resize", [value, "", scales], {"mode": "nearest", **which})


def _shuffle(layer: Shuffle, value: str, shape: Shape, place: Place) -> str:
    """0 in the shape of a Reshape keeps the size of the batch."""
    maps, height, width = shape
    groups = [0, layer.groups, maps // layer.groups, height, width]
    split = place.part("groups", "Reshape", [value, place.whole("split", groups)])
    mixed = place.part("transpose", "Transpose", [split], {"perm": [0, 2, 1, 3, 4]})
    return place.last("Reshape", [mixed, place.whole("join", [0, maps, height, width])])


def _for_each_map(name: str, shape: Shape, place: Place, weights: Weights) -> str:
    numbers = weights[f"{place.path}.{name}"]
    return place.parameter(name, numbers.reshape(shape[0], *[1] * (len(shape) - 1)))


def _product(step: Step, values: list[str], place: Place) -> str:
    value, gate = values
    if len(step.inputs[1]) < len(step.inputs[0]):
        gate = place.part("factors", "Unsqueeze", [gate, place.whole("axes", [2, 3])])
    return place.last("Mul", [value, gate])
