"""Convolutions: PyTorch's own where it has them, else with different padding for each side or a connection table."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from striate.description.checks import Pair, Sides
from striate.description.layers import Conv
from striate.description.shapes import Shape, window
from striate.modules.unset import unset


def convolution(layer: Conv, shape: Shape, *, device: torch.device) -> nn.Module:
    """The module of a Conv on maps of `shape`, its weights not yet set."""
    moved = window(layer, shape)
    height, width = moved.axes
    stride, dilation = (height.stride, width.stride), (height.dilation, width.dilation)
    if layer.table is not None:
        return TableConvolution(layer, shape, device=device)
    arguments = {
        "in_channels": shape[0],
        "out_channels": layer.filters,
        "kernel_size": (height.kernel, width.kernel),
        "stride": stride,
        "dilation": dilation,
        "groups": layer.groups,
        "bias": layer.bias,
        "device": device,
    }
    if symmetric(moved.padding):
        return unset(nn.Conv2d, padding=(height.before, width.before), **arguments)
    return SidePaddedConvolution(unset(nn.Conv2d, **arguments), moved.padding)


class SidePaddedConvolution(nn.Module):
    """A convolution whose padding differs between sides: the maps are padded with zeros first.

    Its `weight` and `bias` are those of the inner convolution.
    """

    def __init__(self, convolution: nn.Conv2d, sides: Sides) -> None:
        super().__init__()
        self.weight = convolution.weight
        self.bias = convolution.bias
        self.sides = sides
        self.stride: Pair = (convolution.stride[0], convolution.stride[1])
        self.dilation: Pair = (convolution.dilation[0], convolution.dilation[1])
        self.groups = convolution.groups

    def forward(
        self, maps: Float[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch filters rows columns"]:
        padded = F.pad(maps, torch_sides(self.sides))
        return F.conv2d(padded, self.weight, self.bias, self.stride, 0, self.dilation, self.groups)


class TableConvolution(nn.Module):
    """A convolution in which each filter reads the input maps that a table lists (LeNet-5's C3).

    `weight` holds one kernel per link of the table, row by row, so maps without a link have no parameters. The
    convolution is computed with a dense weight whose other entries are zero.
    """

    index: Tensor

    def __init__(self, layer: Conv, shape: Shape, *, device: torch.device) -> None:
        super().__init__()
        assert layer.table is not None  # noqa: S101 - the caller dispatches on it
        moved = window(layer, shape)
        height, width = moved.axes
        links = [row * shape[0] + source for row, sources in enumerate(layer.table) for source in sources]
        self.filters, self.channels = layer.filters, shape[0]
        self.sides = moved.padding
        self.stride, self.dilation = (height.stride, width.stride), (height.dilation, width.dilation)
        self.weight = nn.Parameter(torch.empty(len(links), height.kernel, width.kernel, device=device))
        self.bias = nn.Parameter(torch.empty(layer.filters, device=device)) if layer.bias else None
        self.register_buffer("index", torch.tensor(links, device=device), persistent=False)

    def dense_weight(self) -> Float[Tensor, "filters channels rows columns"]:
        """The weight of the equivalent ordinary convolution, zero where there is no link."""
        kernel = self.weight.shape[1:]
        dense = self.weight.new_zeros(self.filters * self.channels, *kernel)
        return dense.index_copy(0, self.index, self.weight).view(self.filters, self.channels, *kernel)

    def forward(
        self, maps: Float[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch filters rows columns"]:
        padded = F.pad(maps, torch_sides(self.sides)) if any(self.sides) else maps
        return F.conv2d(padded, self.dense_weight(), self.bias, self.stride, 0, self.dilation)


def symmetric(sides: Sides) -> bool:
    """Whether opposite sides have the same padding, as PyTorch's own modules require."""
    top, bottom, left, right = sides
    return top == bottom and left == right


def torch_sides(sides: Sides) -> tuple[int, int, int, int]:
    """(top, bottom, left, right) in the order of `F.pad`: the last axis first."""
    top, bottom, left, right = sides
    return left, right, top, bottom
