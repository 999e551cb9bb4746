"""Max and average pooling, and LeNet's trainable subsampling."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from striate.description.layers import Pool, Subsample
from striate.description.shapes import Axis, Shape, Window, window
from striate.modules.convolution import symmetric

Maps = Float[Tensor, "batch channels height width"]
Pooled = Float[Tensor, "batch channels rows columns"]


def pooling(layer: Pool, shape: Shape) -> nn.Module:
    """The module of a Pool on maps of `shape`."""
    moved = window(layer, shape)
    height, width = moved.axes
    kernel, stride = (height.kernel, width.kernel), (height.stride, width.stride)
    padding = (height.before, width.before)
    # ONNX's `ceil_mode` may add a last window on an axis where PyTorch leaves it out.
    ceil = any(axis.hangs for axis in moved.axes)
    mixed = ceil and any(axis.drops for axis in moved.axes)
    if mixed or not symmetric(moved.padding) or any(2 * axis.before > axis.kernel for axis in moved.axes):
        return SidePaddedPooling(layer, moved)
    if layer.function == "max":
        return nn.MaxPool2d(kernel, stride, padding, ceil_mode=ceil)
    return nn.AvgPool2d(kernel, stride, padding, ceil_mode=ceil, count_include_pad=layer.count_padding)


class SidePaddedPooling(nn.Module):
    """Pooling that PyTorch's own modules do not offer.

    Its padding differs between sides or is more than half the kernel, or a last window reaches over the edge on one
    axis and is left out on the other.
    """

    def __init__(self, layer: Pool, moved: Window) -> None:
        super().__init__()
        self.function = layer.function
        self.moved = moved
        self.count_padding = layer.count_padding

    def forward(self, maps: Maps) -> Pooled:
        height, width = self.moved.axes
        kernel, stride = (height.kernel, width.kernel), (height.stride, width.stride)
        sides = (width.before, _after(width), height.before, _after(height))
        if self.function == "max":
            return F.max_pool2d(F.pad(maps, sides, value=-torch.inf), kernel, stride)
        sums = _sums(F.pad(maps, sides), kernel, stride)
        counts = [_counts(axis, padding=self.count_padding).to(maps) for axis in self.moved.axes]
        return sums / (counts[0][:, None] * counts[1])


class Subsampling(nn.Module):
    """The sum of each window, times one coefficient (`weight`), plus one `bias`, for each map (LeNet-5's S2, S4)."""

    def __init__(self, layer: Subsample, shape: Shape, *, device: torch.device) -> None:
        super().__init__()
        height, width = window(layer, shape).axes
        self.kernel, self.stride = (height.kernel, width.kernel), (height.stride, width.stride)
        self.weight = nn.Parameter(torch.empty(shape[0], device=device))
        self.bias = nn.Parameter(torch.empty(shape[0], device=device))

    def forward(self, maps: Maps) -> Pooled:
        sums = _sums(maps, self.kernel, self.stride)
        return torch.addcmul(self.bias[:, None, None], sums, self.weight[:, None, None])


def _sums(maps: Maps, kernel: tuple[int, int], stride: tuple[int, int]) -> Pooled:
    """The sum of each window, computed as its mean times its size: exporters to ONNX drop `divisor_override`."""
    return F.avg_pool2d(maps, kernel, stride) * (kernel[0] * kernel[1])


def _after(axis: Axis) -> int:
    """The padding after the maps with which the last window ends exactly at their end; a negative value crops."""
    return (axis.output - 1) * axis.stride + axis.kernel - axis.before - axis.size


def _counts(axis: Axis, *, padding: bool) -> Tensor:
    """The number of values by which each window's sum is divided."""
    first, end = (-axis.before, axis.size + axis.after) if padding else (0, axis.size)
    starts = [number * axis.stride - axis.before for number in range(axis.output)]
    return torch.tensor([min(start + axis.kernel, end) - max(start, first) for start in starts])
