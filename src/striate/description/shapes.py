"""The output shape of each layer, or the error that says why there is none; `axis` has the arithmetic.

A shape is (channels, height, width), or (features,) once flattened.
"""

from __future__ import annotations

import math
from typing import assert_never, cast

from striate.description.axis import Axis as Axis
from striate.description.axis import Shape as Shape
from striate.description.axis import Window as Window
from striate.description.axis import same_padding as same_padding
from striate.description.axis import window as window
from striate.description.checks import Pair
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
    Joined,
    Linear,
    LocalResponseNorm,
    PadChannels,
    Pool,
    PositionBias,
    Residual,
    Scale,
    Shuffle,
    Simple,
    Softmax,
    Subsample,
    Upsample,
    Windowed,
)
from striate.description.properties import properties
from striate.errors import ShapeError


def show(shape: Shape) -> str:
    """The text of a shape.

    >>> show((6, 28, 28)), show((84,))
    ('6×28×28', '84')
    """
    return "×".join(str(size) for size in shape)


def output_shape(layer: Simple, shape: Shape) -> Shape:
    """The output shape of a layer on an input of `shape`. Raises ShapeError where the layer does not take it."""
    match properties(layer).reads:
        case "maps":
            _maps(layer, shape)
        case "vector":
            _vector(layer, shape)
        case "either":
            pass
    match layer:
        case Conv():
            _check_channels(layer, shape[0])
            return (layer.filters, *_moved(layer, shape))
        case Pool() | Subsample():
            return (shape[0], *_moved(layer, shape))
        case LocalResponseNorm() | BatchNorm() | Activation() | Dropout() | PositionBias() | Scale() | Softmax():
            return shape
        case Flatten():
            return (math.prod(shape),)
        case GlobalAveragePool():
            return shape[:1]
        case Upsample():
            rows, columns = cast(Pair, layer.factor)
            return (shape[0], shape[1] * rows, shape[2] * columns)
        case Shuffle():
            if shape[0] % layer.groups:
                raise ShapeError(
                    f"{layer.groups} groups cannot share {shape[0]} maps evenly.", "The groups must divide the maps."
                )
            return shape
        case PadChannels():
            if layer.channels < shape[0]:
                raise ShapeError(f"PadChannels({layer.channels}) on {show(shape)} would drop maps.", "It only adds.")
            return (layer.channels, *shape[1:])
        case Linear():
            return (layer.units,)
        case RBF():
            if len(layer.centres[0]) != shape[0]:
                raise ShapeError(
                    f"an RBF with centres of {len(layer.centres[0])} values stands on {shape[0]} features.",
                    "Each centre has one value for each feature.",
                    f"Put a Linear({len(layer.centres[0])}) before it, or give centres of {shape[0]} values.",
                )
            return (len(layer.centres),)
        case _:
            assert_never(layer)


def joined_shape(layer: Joined, shapes: tuple[Shape, ...]) -> Shape:
    """The shape of a sum (Residual), a product (Gate) or a concatenation (Branches).

    Raises ShapeError where the parts do not fit together.
    """
    match layer:
        case Residual():
            return _sum(*shapes)
        case Gate():
            return _product(*shapes)
        case Branches():
            return _concatenation(shapes)
        case _:
            assert_never(layer)


def _sum(body: Shape, shortcut: Shape) -> Shape:
    if body != shortcut:
        raise ShapeError(
            f"adds {_tuple(body)} to {_tuple(shortcut)}.",
            "A residual adds its body to its shortcut, so both must have one shape.",
            _shortcut_remedy(body, shortcut),
        )
    return body


def _product(values: Shape, gate: Shape) -> Shape:
    if gate not in (values, values[:1], (values[0], 1, 1)):
        raise ShapeError(
            f"multiplies {_tuple(values)} by {_tuple(gate)}.",
            "A gate gives one value for each map of its input, or maps of the input's own shape.",
            f"End its layers with Linear({values[0]}).",
        )
    return values


def _concatenation(shapes: tuple[Shape, ...]) -> Shape:
    if len({shape[1:] for shape in shapes}) != 1 or len(shapes[0]) != 3:
        raise ShapeError(
            f"concatenates {', '.join(_tuple(shape) for shape in shapes)}.",
            "Branches put their maps side by side, so all must have one height and width.",
            "Give the branches the same strides, and padding='same' where the kernels differ.",
        )
    return (sum(shape[0] for shape in shapes), *shapes[0][1:])


def _moved(layer: Windowed, shape: Shape) -> tuple[int, int]:
    moved = window(layer, shape)
    for axis, sides in zip(moved.axes, ("top and bottom", "left and right"), strict=True):
        if not axis.output:
            short = axis.extent - axis.padded
            padding = "" if isinstance(layer, Subsample) else f"padding of {-(-short // 2)} more at {sides}, "
            raise ShapeError(
                f"a window {axis.extent} long does not fit an input of {show(shape)}: {axis.formula}.",
                f"The window must not be longer than the padded input, which is {axis.padded} long here.",
                f"What fits: kernel {_largest_kernel(axis)} or less, {padding}"
                f"or an input here of {axis.size + short} or more.",
            )
    if isinstance(layer, Pool):
        _reads_input(moved.height, ("top", "bottom"))
        _reads_input(moved.width, ("left", "right"))
    return moved.height.output, moved.width.output


def _reads_input(axis: Axis, sides: tuple[str, str]) -> None:
    """Raise ShapeError where the first or the last window of a pooling lies in padding: it has no maximum or mean."""
    last = (axis.output - 1) * axis.stride
    for side, padding, alone in zip(
        sides,
        (axis.before, axis.after),
        (axis.kernel <= axis.before, last >= axis.before + axis.size),
        strict=True,
    ):
        if alone:
            raise ShapeError(
                f"a pooling window of {axis.kernel} lies wholly in the padding of {padding} at the {side}.",
                "Each window must read at least one value of its input.",
                f"What fits: padding of {axis.kernel - 1} or less at the {side}, or kernel {padding + 1} or more.",
            )


def _largest_kernel(axis: Axis) -> int:
    return (axis.padded - 1) // axis.dilation + 1


def _check_channels(layer: Conv, channels: int) -> None:
    if channels % layer.groups:
        raise ShapeError(
            f"{layer.groups} groups cannot share {channels} input maps evenly.", "The groups must divide the maps."
        )
    if layer.table is not None and (top := max(row[-1] for row in layer.table)) >= channels:
        raise ShapeError(f"its table names input map {top}.", f"The input has {channels} maps, 0 to {channels - 1}.")


def _maps(layer: Simple, shape: Shape) -> None:
    if len(shape) != 3:
        raise ShapeError(
            f"{type(layer).__name__} stands on a flat vector of {show(shape)}.",
            "It needs maps: (channels, height, width).",
            "Put it before the layer that flattens: a Flatten or a GlobalAveragePool.",
        )


def _vector(layer: Simple, shape: Shape) -> None:
    if len(shape) != 1:
        raise ShapeError(
            f"{type(layer).__name__} stands on maps of {show(shape)}.",
            "It needs a flat vector.",
            "Put a Flatten() before it, or a GlobalAveragePool().",
        )


def _shortcut_remedy(body: Shape, shortcut: Shape) -> str:
    if len(body) != 3 or len(shortcut) != 3:
        return "Put the Flatten after the residual."
    stride = round(shortcut[1] / body[1]) or 1
    return f"Give the block a shortcut such as Conv({body[0]}, kernel=1, stride={stride}), BatchNorm()."


def _tuple(shape: Shape) -> str:
    return f"({', '.join(map(str, shape))})"
