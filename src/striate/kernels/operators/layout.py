"""The operators that bring images into blocks, and back."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from striate.kernels.binary import GROUP
from striate.kernels.operators.binding import Operator, binary, prepared


def _to_blocks(images: Tensor) -> Tensor:
    made, images = _to_blocks_shape(images), prepared(images)
    count, channels, height, width = images.shape
    arguments = (images.data_ptr(), made.data_ptr(), count, channels, height * width, torch.get_num_threads())
    binary().calls.striate_to_groups(*arguments)
    return made


def _to_blocks_shape(images: Tensor) -> Tensor:
    return images.new_empty((images.shape[0] + GROUP - 1) // GROUP, *images.shape[1:], GROUP)


def _from_blocks(blocks: Tensor, images: int) -> Tensor:
    made, blocks = _from_blocks_shape(blocks, images), prepared(blocks)
    _, channels, height, width, _ = blocks.shape
    arguments = (blocks.data_ptr(), made.data_ptr(), images, channels, height * width, torch.get_num_threads())
    binary().calls.striate_from_groups(*arguments)
    return made


def _from_blocks_shape(blocks: Tensor, images: int) -> Tensor:
    return blocks.new_empty(images, *blocks.shape[1:4])


def _keep_count(ctx: Any, inputs: tuple[Tensor], output: Tensor) -> None:
    ctx.images = inputs[0].shape[0]


def _from_blocks_gradient(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
    """Nobody reads the empty lanes, so they get zeros."""
    made = torch.ops.striate.to_blocks(gradient)
    if lanes := gradient.shape[0] % GROUP:
        made[-1, ..., lanes:] = 0
    return made, None


LAYOUT = (
    Operator(
        "to_blocks(Tensor images) -> Tensor",
        work=_to_blocks,
        shapes=_to_blocks_shape,
        keep=_keep_count,
        gradients=lambda ctx, gradient: torch.ops.striate.from_blocks(gradient, ctx.images),
    ),
    Operator(
        "from_blocks(Tensor blocks, int images) -> Tensor",
        work=_from_blocks,
        shapes=_from_blocks_shape,
        keep=lambda ctx, inputs, output: None,
        gradients=_from_blocks_gradient,
    ),
)
