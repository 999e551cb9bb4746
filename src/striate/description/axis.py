"""The arithmetic of sizes: a window that moves along one axis. All rooms use this file for it.

N is the input size, F the kernel, S the stride, D the dilation and P the padding before and after:

    output = (N + P_before + P_after − D·(F − 1) − 1) / S + 1, rounded down (up, with `ceil`)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import cast

from striate.description.checks import Pair, Sides
from striate.description.coverage import Windows
from striate.description.layers import (
    Conv,
    Pool,
    Subsample,
    Windowed,
)

Shape = tuple[int, ...]


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
        """The number of pixels from the first to the last pixel of one window: D·(F − 1) + 1."""
        return self.dilation * (self.kernel - 1) + 1

    @property
    def padded(self) -> int:
        """The size of the padded input."""
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
        """Whether `ceil` would add a window that is left out because it starts in the padding.

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
        thousandths = round(((self.padded - self.extent) / self.stride + 1) * 1000)
        exact = f"{thousandths / 1000:.3f}".rstrip("0").rstrip(".")
        return f"({self.size}{padding} − {extent})/{self.stride} + 1 = {exact}"

    def unseen(self) -> tuple[int, int]:
        """The numbers of pixels of the input, and of the padding, that no window reads.

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
        """(top, bottom, left, right) in pixels; "same" is already resolved to numbers."""
        return self.height.before, self.height.after, self.width.before, self.width.after


def window(layer: Windowed, shape: Shape) -> Window:
    """The two axes of a layer's window on an input of `shape`."""
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
