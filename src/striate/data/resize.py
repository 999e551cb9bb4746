"""Resizing and cropping packed images: antialiased, in chunks so that memory stays bounded."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import UInt8
from torch import Tensor
from torch.nn.functional import interpolate, pad

from striate.data.allocation import allocated
from striate.errors import DataError

CHUNK_BYTES = 16 * 2**20
MOST_SCALED = 16_000_000
"""The most pixels of an image whose shorter side was brought to a size: a long and narrow one would fill the memory."""
INTERPOLATIONS = ("bilinear", "bicubic")

Size = tuple[int, int]
"""(height, width)."""


def resized(
    images: UInt8[Tensor, "images channels height width"], size: Size, *, interpolation: str = "bilinear"
) -> UInt8[Tensor, "images channels height_out width_out"]:
    """The images at another (height, width), equal to Pillow's BILINEAR, or BICUBIC, to within one level.

    Returns the same tensor where the images have that size already.

    >>> resized(torch.full((2, 1, 4, 4), 200, dtype=torch.uint8), (2, 3))[0, 0].tolist()
    [[200, 200, 200], [200, 200, 200]]
    """
    if tuple(images.shape[2:]) == size:
        return images
    out = allocated(len(images), (images.shape[1], *size))
    for part in chunks(len(images), bytes_each=images[:1].numel() + out[:1].numel()):
        out[part] = resized_at_once(images[part], size, interpolation=interpolation)
    return out


def resized_at_once(
    images: UInt8[Tensor, "images channels height width"], size: Size, *, interpolation: str = "bilinear"
) -> UInt8[Tensor, "images channels height_out width_out"]:
    """The same by nothing but operations of PyTorch, which can be traced; it takes memory for all images as floats."""
    shrunk = images.float()
    for goal in passes(images.shape[2:], size, interpolation):
        shrunk = _antialiased(shrunk, goal, interpolation).round_().clamp_(0, 255)
    return shrunk.to(torch.uint8)


def _antialiased(images: Tensor, size: Size, interpolation: str) -> Tensor:
    """Resized along both axes. PyTorch 2.13 resizes the height of a single column wrongly: it gets a second one."""
    if size[1] > 1:
        return interpolate(images, size=size, mode=interpolation, antialias=True)
    column = interpolate(images, size=(images.shape[2], 1), mode=interpolation, antialias=True)
    return interpolate(column.expand(-1, -1, -1, 2), size=(size[0], 2), mode=interpolation, antialias=True)[..., :1]


def passes(size: Sequence[int], wanted: Size, interpolation: str) -> list[Size]:
    """The sizes after whose making levels are rounded: one, or with a cubic kernel also that after the first axis.

    A cubic kernel overshoots, and Pillow cuts that off after each axis, along the rows first.

    >>> passes((4, 6), (2, 3), "bicubic")
    [(4, 3), (2, 3)]
    """
    return [wanted] if interpolation == "bilinear" else [(size[0], wanted[1]), wanted]


def cropped(
    images: UInt8[Tensor, "images channels height width"], size: Size, *, shorter: int, interpolation: str = "bilinear"
) -> UInt8[Tensor, "images channels height_out width_out"]:
    """The middle of the images once their shorter side has `shorter` pixels.

    It is torchvision's `Resize(shorter)` and `CenterCrop(size)`. Raises DataError for an image that is so narrow that
    it would become very long.

    >>> cropped(torch.full((1, 3, 60, 90), 9, dtype=torch.uint8), (20, 20), shorter=30).shape
    torch.Size([1, 3, 20, 20])
    """
    whole = scaled(images.shape[2:], shorter)
    if whole[0] * whole[1] > MOST_SCALED:
        height, width = images.shape[2:]
        raise DataError(
            f"{height} × {width} pixels become {whole[0]:,} × {whole[1]:,} before the middle is cut out.",
            f"They may be {MOST_SCALED:,} at most.",
            "Cut the part of the picture out that is meant.",
        )
    images = resized(images, whole, interpolation=interpolation)
    top, left = corner(images.shape[2:], size)
    return images[:, :, top : top + size[0], left : left + size[1]]


def scaled(size: Sequence[int], shorter: int) -> Size:
    """The (height, width) of an image whose shorter side gets `shorter` pixels; the longer one is rounded down.

    >>> scaled((375, 500), 256), scaled((500, 375), 256)
    ((256, 341), (341, 256))
    """
    height, width = size
    longer = int(shorter * max(size) / min(size))
    return (shorter, longer) if height <= width else (longer, shorter)


def corner(size: Sequence[int], wanted: Size) -> Size:
    """The top row and the left column of a crop from the middle; halves are rounded to the even number.

    >>> corner((256, 341), (224, 224)), corner((235, 313), (224, 224))
    ((16, 58), (6, 44))
    """
    return round((size[0] - wanted[0]) / 2), round((size[1] - wanted[1]) / 2)


def letterboxed(
    images: UInt8[Tensor, "images channels height width"], size: Size, *, interpolation: str = "bilinear"
) -> UInt8[Tensor, "images channels height_out width_out"]:
    """The images as large as they fit into a size with their aspect ratio kept, in the middle of pixels of 0.

    >>> letterboxed(torch.full((1, 1, 2, 4), 9, dtype=torch.uint8), (4, 4))[0, 0, :, 0].tolist()
    [0, 9, 9, 0]
    """
    images = resized(images, within(images.shape[2:], size), interpolation=interpolation)
    return pad(images, margins(images.shape[2:], size))


def within(size: Sequence[int], wanted: Size) -> Size:
    """The largest (height, width) of the aspect ratio of `size` that fits into `wanted`; halves are rounded up.

    >>> within((375, 500), (32, 32)), within((500, 375), (32, 32)), within((1, 900), (32, 32))
    ((24, 32), (32, 24), (1, 32))
    """
    (height, width), (rows, columns) = size, wanted
    if height * columns >= width * rows:
        return rows, max(1, (2 * width * rows + height) // (2 * height))
    return max(1, (2 * height * columns + width) // (2 * width)), columns


def margins(size: Sequence[int], wanted: Size) -> tuple[int, int, int, int]:
    """(left, right, top, bottom) around an image in the middle of a larger one; 0 along an axis where it is not larger.

    >>> margins((24, 32), (32, 33))
    (0, 1, 4, 4)
    """
    rows, columns = max(0, wanted[0] - size[0]), max(0, wanted[1] - size[1])
    return columns // 2, columns - columns // 2, rows // 2, rows - rows // 2


def chunks(count: int, *, bytes_each: int) -> list[slice]:
    """Slices that cover `count` images, each of about 16 MiB of pixels at most.

    >>> chunks(3, bytes_each=10 * 2**20)
    [slice(0, 1, None), slice(1, 2, None), slice(2, 3, None)]
    """
    step = max(1, CHUNK_BYTES // max(1, bytes_each))
    return [slice(first, min(first + step, count)) for first in range(0, count, step)]
