"""Single layers of the C++ kernels as PyTorch operators, with autograd, on lane groups of sixteen images.

The operators' tensors, called blocks, are (lane groups, channels, height, width, 16), float32, on the CPU: image
16·g + i is lane i of group g. Lanes beyond the last image hold any finite values and get gradients of zero. The
argument `images` is the number of images.

Importing this module registers the operators as `torch.ops.striate`.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import torch
from torch import Tensor

from striate.kernels.binary import GROUP as GROUP
from striate.kernels.lower import Mapped, lowered
from striate.kernels.operators.binding import register
from striate.kernels.operators.joining import JOINING
from striate.kernels.operators.layout import LAYOUT
from striate.kernels.operators.single import SINGLE
from striate.kernels.operators.single import forget_layers as forget_layers

Affine = tuple[Tensor, Tensor]
"""A scale and a shift for each channel, (channels,) each."""


def to_blocks(images: Tensor) -> Tensor:
    """Images of (images, channels, height, width) as blocks; empty lanes are copies of the last image.

    >>> to_blocks(torch.ones(3, 2, 4, 4)).shape
    torch.Size([1, 2, 4, 4, 16])
    """
    return torch.ops.striate.to_blocks(images)


def from_blocks(blocks: Tensor, images: int) -> Tensor:
    """The first `images` images of blocks as (images, channels, height, width)."""
    return torch.ops.striate.from_blocks(blocks, images)


def run_layer(
    blocks: Tensor,
    layer: Mapped,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    *,
    images: int,
    function: str = "identity",
) -> Tensor:
    """A convolution, pooling, subsampling or local response normalisation, followed by an activation `function`.

    `weight` and `bias` have the shapes that `build` gives them. Values are PyTorch's to float32 accuracy.

    >>> from striate.description.layers import Conv
    >>> maps = to_blocks(torch.ones(3, 2, 4, 4))
    >>> made = run_layer(maps, Conv(5, kernel=3), torch.ones(5, 2, 3, 3), images=3, function="relu")
    >>> from_blocks(made, 3)[0, 0]
    tensor([[18., 18.],
            [18., 18.]])
    """
    text = text_of(layer, blocks, function)
    return torch.ops.striate.layer(blocks, weight, bias, None, None, text, images, False)[0]


def join(
    one: Tensor, other: Tensor | None, affines: tuple[Affine | None, Affine | None], *, images: int, function: str
) -> Tensor:
    """function(scale · one + shift + scale · other + shift): batch normalisation's last step, a residual's sum."""
    (scale1, shift1), (scale2, shift2) = (each or (None, None) for each in affines)
    return torch.ops.striate.join(one, other, scale1, shift1, scale2, shift2, function, images)


def text_of(layer: Mapped, blocks: Tensor, function: str, reads: str = "identity") -> str:
    """The operator's description of a layer on `blocks`, which first applies the activation `reads` to them."""
    return _text(layer, (blocks.shape[1], blocks.shape[2], blocks.shape[3]), function, reads)


@cache
def _text(layer: Mapped, shape: tuple[int, int, int], function: str, reads: str) -> str:
    made = lowered(layer, shape)
    return replace(made, function=function, reads=reads).text()


for _operator in (*LAYOUT, *SINGLE, *JOINING):
    register(_operator)
