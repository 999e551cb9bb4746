"""Output sizes: the one place where the arithmetic lives.

Along one axis, with N the input, F the kernel, S the stride, D the dilation and P the padding before and after:

    output = (N + P_before + P_after − D·(F − 1) − 1) / S + 1, rounded down (up, with `ceil`)

A shape is (channels, height, width), or (features,) once flattened.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import assert_never, cast

from striate.description.checks import Pair, Sides
from striate.description.coverage import Windows
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

Shape = tuple[int, ...]


def show(shape: Shape) -> str:
    """A shape as people write it.

    >>> show((6, 28, 28)), show((84,))
    ('6×28×28', '84')
    """
    return "×".join(str(size) for size in shape)


@dataclass(frozen=True)
class Axis:
    """A window that moves along one axis; sizes in pixels of its input.

    >>> Axis(32, kernel=5).output
    28
    """

    size: int
    kernel: int
    stride: int = 1
    before: int = 0
    after: int = 0
    dilation: int = 1
    ceil: bool = False

    @property
    def extent(self) -> int:
        """From the first to the last pixel of one window: D·(F − 1) + 1."""
        return self.dilation * (self.kernel - 1) + 1

    @property
    def padded(self) -> int:
        """The input with its padding."""
        return self.before + self.size + self.after

    @property
    def output(self) -> int:
        """The number of windows; 0 where not even one fits."""
        room = self.padded - self.extent
        if room < 0:
            return 0
        if not self.ceil:
            return room // self.stride + 1
        count = -(-room // self.stride) + 1
        starts_in_padding = (count - 1) * self.stride >= self.size + self.before
        return count - 1 if starts_in_padding else count

    @property
    def hangs(self) -> bool:
        """Whether the last window, with `ceil`, reaches beyond the padded input."""
        return (self.output - 1) * self.stride + self.extent > self.padded

    @property
    def drops(self) -> bool:
        """Whether `ceil` would give one window more, which is left out because it starts in the padding.

        PyTorch leaves it out; ONNX does so only in its newest version.
        """
        return self.ceil and not self.hangs and (self.padded - self.extent) % self.stride > 0

    @property
    def formula(self) -> str:
        """The formula with its numbers in it.

        >>> Axis(7, kernel=3, stride=3).formula
        '(7 − 3)/3 + 1 = 2.333'
        """
        padding = "".join(f" + {side}" for side in (self.before, self.after) if side)
        extent = str(self.extent) if self.dilation == 1 else f"({self.dilation}·{self.kernel - 1} + 1)"
        exact = (self.padded - self.extent) / self.stride + 1
        return f"({self.size}{padding} − {extent})/{self.stride} + 1 = {exact:.4g}"

    def unseen(self) -> tuple[int, int]:
        """How many pixels of the input, and how many of the padding, no window reads.

        >>> Axis(7, kernel=3, stride=3).unseen()
        (1, 0)
        """
        if self.output and self.stride <= self.kernel and self.dilation == 1:
            left = max(0, self.padded - ((self.output - 1) * self.stride + self.kernel))
            return max(0, left - self.after), min(left, self.after)
        windows = Windows(self.output, self.stride, self.kernel, self.dilation)
        start, end = windows.read_before(self.before), windows.read_before(self.before + self.size)
        return self.size - (end - start), self.before + self.after - start - (windows.read_before(self.padded) - end)


@dataclass(frozen=True)
class Window:
    """The two axes of a windowed layer on a given input."""

    height: Axis
    width: Axis

    @property
    def axes(self) -> tuple[Axis, Axis]:
        """(height, width)."""
        return self.height, self.width

    @property
    def padding(self) -> Sides:
        """(top, bottom, left, right), "same" worked out."""
        return self.height.before, self.height.after, self.width.before, self.width.after


def window(layer: Windowed, shape: Shape) -> Window:
    """How a layer's window moves over an input of `shape`."""
    kernel = cast(Pair, layer.kernel)
    stride = cast(Pair, layer.stride)
    dilation = cast(Pair, layer.dilation) if isinstance(layer, Conv) else (1, 1)
    ceil = layer.ceil if isinstance(layer, Pool) else False
    padding = (0, 0, 0, 0) if isinstance(layer, Subsample) else layer.padding
    axes: list[Axis] = []
    for axis, size in enumerate(shape[1:]):
        if padding == "same":
            before, after = same_padding(Axis(size, kernel[axis], stride[axis], dilation=dilation[axis]))
        else:
            before, after = cast(Sides, padding)[2 * axis : 2 * axis + 2]
        axes.append(Axis(size, kernel[axis], stride[axis], before, after, dilation[axis], ceil))
    return Window(*axes)


def same_padding(axis: Axis) -> tuple[int, int]:
    """(before, after) so that the output is ceil(size / stride), the odd pixel after.

    >>> same_padding(Axis(28, kernel=7)), same_padding(Axis(224, kernel=3, stride=2))
    ((3, 3), (0, 1))
    """
    total = max(0, (math.ceil(axis.size / axis.stride) - 1) * axis.stride + axis.extent - axis.size)
    return total // 2, total - total // 2


def output_shape(layer: Simple, shape: Shape) -> Shape:
    """The shape that a layer makes of `shape`; ShapeError where it cannot."""
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
    """The shape of a sum (Residual), a product (Gate) or a concatenation (Branches); ShapeError where parts differ."""
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
            raise ShapeError(
                f"a window {axis.extent} long does not fit an input of {show(shape)}: {axis.formula}.",
                f"The window must not be longer than the padded input, which is {axis.padded} long here.",
                f"What fits: kernel {_largest_kernel(axis)} or less, padding of {-(-short // 2)} more at {sides}, "
                f"or an input here of {axis.size + short} or more.",
            )
    if isinstance(layer, Pool):
        _reads_input(moved.height, ("top", "bottom"))
        _reads_input(moved.width, ("left", "right"))
    return moved.height.output, moved.width.output


def _reads_input(axis: Axis, sides: tuple[str, str]) -> None:
    """Raise ShapeError where the first or the last window of a pooling lies in padding: it has no maximum, no mean."""
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
            "Put it before the Flatten.",
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
