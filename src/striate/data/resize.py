"""Resizing packed images: bilinear, antialiased, in chunks so that memory stays bounded."""

from __future__ import annotations

import torch
from jaxtyping import UInt8
from torch import Tensor
from torch.nn.functional import interpolate

from striate.data.store import room_for

CHUNK_BYTES = 16 * 2**20


def resized(
    images: UInt8[Tensor, "images channels height width"], size: tuple[int, int]
) -> UInt8[Tensor, "images channels height_out width_out"]:
    """The images at another (height, width), equal to Pillow's BILINEAR to within one level.

    Returns the same tensor where the images have that size already.

    >>> resized(torch.full((2, 1, 4, 4), 200, dtype=torch.uint8), (2, 3))[0, 0].tolist()
    [[200, 200, 200], [200, 200, 200]]
    """
    if tuple(images.shape[2:]) == size:
        return images
    out = room_for(len(images), (images.shape[1], *size))
    for part in chunks(len(images), bytes_each=images[:1].numel() + out[:1].numel()):
        out[part] = resized_at_once(images[part], size)
    return out


def resized_at_once(
    images: UInt8[Tensor, "images channels height width"], size: tuple[int, int]
) -> UInt8[Tensor, "images channels height_out width_out"]:
    """The same by nothing but operations of PyTorch, which can be traced; it takes memory for all images as floats."""
    shrunk = interpolate(images.float(), size=size, mode="bilinear", antialias=True)
    return shrunk.round_().clamp_(0, 255).to(torch.uint8)


def chunks(count: int, *, bytes_each: int) -> list[slice]:
    """Slices that cover `count` images, each of about 16 MiB of pixels at most.

    >>> chunks(3, bytes_each=10 * 2**20)
    [slice(0, 1, None), slice(1, 2, None), slice(2, 3, None)]
    """
    step = max(1, CHUNK_BYTES // max(1, bytes_each))
    return [slice(first, min(first + step, count)) for first in range(0, count, step)]
