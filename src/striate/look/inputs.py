"""Images as a program has them (paths, PIL's images, arrays, tensors, lists of these) as a network's stored pixels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
from jaxtyping import UInt8
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from striate.data import Preprocessing
from striate.data.image_file import open_picture, prepare
from striate.data.workers import in_order
from striate.errors import DataError, StriateError, quote

Picture: TypeAlias = str | Path | Image.Image
"""A picture as people have it: a file's path, or PIL's image. A drawing of a digit is brought to MNIST's form."""
Values: TypeAlias = NDArray[Any] | Tensor
Images: TypeAlias = Values | Sequence[Picture | Values]
"""Several images: an array or a tensor with an axis of images, or a list of pictures, and of arrays of one image."""

CHANNELS = (1, 3)
_EXPECTED = (
    "Images are paths, PIL's images, arrays or tensors of bytes (0 to 255) or of floats (0 to 1), or a list of these."
)


def is_one(images: Picture | Images) -> bool:
    """Whether it is one image: a picture, or an array or a tensor of (height, width)."""
    return isinstance(images, Picture) or (isinstance(images, np.ndarray | Tensor) and images.ndim == 2)


def batches(
    images: Images, preprocessing: Preprocessing, size: int
) -> Iterator[UInt8[Tensor, "images channels height width"]]:
    """The images in the network's channels and size, `size` at once. Pictures are decoded by threads.

    Arrays hold images as a data set has them: (images, height, width), or with 1 or 3 channels behind, or, as tensors
    have them, before height and width; as one of a list without the axis of images. Raises DataError, naming the image
    by its path or its number in the list, where one cannot be read or is of another type, shape or range.
    """
    if isinstance(images, np.ndarray | Tensor):
        several = _with_channels(_bytes(images), last=not isinstance(images, Tensor))
        for first in range(0, len(several), size):
            yield preprocessing.pack(several[first : first + size])
        return
    if isinstance(images, str | bytes) or not isinstance(images, Sequence):
        raise DataError(f"{quote(images)} is no image.", _EXPECTED)
    for first in range(0, len(images), size):
        numbered = list(enumerate(images[first : first + size], first))
        found: list[Tensor] = []
        for each in in_order(lambda one: _one_or_error(one, preprocessing), numbered):
            if not isinstance(each, Tensor):
                raise each if isinstance(each, StriateError) else DataError(str(each))
            found.append(each)
        yield torch.cat(found)


def pixels_of(image: Picture | Values, preprocessing: Preprocessing) -> UInt8[Tensor, "1 channels height width"]:
    """One image in the network's channels and size. Raises DataError."""
    if isinstance(image, Picture):
        picture = open_picture(image)
        try:
            return prepare(picture, preprocessing)[0]
        except DataError as error:
            raise error if isinstance(image, Image.Image) else error.at(str(image)) from None
    if not isinstance(image, np.ndarray | Tensor):
        raise DataError(f"{quote(image)} is no image.", _EXPECTED)
    values = _bytes(image)
    if not values.numel():
        raise _shape(values, "Each image has at least one pixel.")
    if values.ndim not in (2, 3) or (values.ndim == 3 and not {values.shape[0], values.shape[2]} & {*CHANNELS}):
        raise _shape(values, "One image is (height, width), or has 1 or 3 channels behind or before these.")
    if values.ndim == 2:
        return preprocessing.pack(values[None, None])
    return preprocessing.pack(_with_channels(values[None], last=not isinstance(image, Tensor)))


def _one_or_error(numbered: tuple[int, Any], preprocessing: Preprocessing) -> Tensor | StriateError:
    """One image of a list, or its error with its place: threads hand over only the first line of an error."""
    number, image = numbered
    try:
        return pixels_of(image, preprocessing)
    except DataError as error:
        return error.at(f"image {number}")


def _bytes(values: Values) -> UInt8[Tensor, ...]:
    """The values as bytes: floats from 0 to 1 become 0 to 255. Raises DataError for other types and ranges."""
    if isinstance(values, np.ndarray):
        if values.dtype.kind not in "uifb":
            raise DataError(f"the array is of type {values.dtype}.", _EXPECTED)
        # Of this machine's byte order, in a type that PyTorch has, and writable, as PyTorch wants it.
        own = np.float64 if values.dtype.kind == "f" and values.dtype.itemsize > 8 else values.dtype.newbyteorder("=")
        array = np.ascontiguousarray(values, own)
        values = torch.from_numpy(array if array.flags.writeable else array.copy())
    values = values.detach().cpu()
    if values.dtype == torch.uint8:
        return values
    kind = str(values.dtype).removeprefix("torch.")
    if not values.is_floating_point():
        raise DataError(
            f"the values are of type {kind}.",
            "They are bytes (uint8) from 0 to 255, or floats from 0 to 1.",
            "Bytes are made by images.astype('uint8').",
        )
    least, most = (each.item() for each in values.aminmax()) if values.numel() else (0.0, 1.0)
    if not (least >= 0 and most <= 1):
        raise DataError(
            f"the values are {kind} from {least:.4g} to {most:.4g}.",
            "Floats run from 0 (black) to 1 (white), and none is NaN; bytes (uint8) from 0 to 255.",
            "Take the values before they were normalised, divided by their range.",
        )
    return (values * 255).round().to(torch.uint8)


def _with_channels(values: Tensor, *, last: bool) -> UInt8[Tensor, "images channels height width"]:
    """Several images as (images, channels, height, width); where either may be, the channels are `last` or first."""
    if 0 in values.shape[1:]:
        raise _shape(values, "Each image has at least one pixel.")
    if values.ndim == 3:
        if (values.shape[2] if last else values.shape[0]) in CHANNELS and min(values.shape) in CHANNELS:
            raise _unsure(values, last=last)
        return values[:, None]
    if values.ndim == 4:
        for axis in (3, 1) if last else (1, 3):
            if values.shape[axis] in CHANNELS:
                return values.movedim(axis, 1).contiguous()
    raise _shape(
        values, "Several are (images, height, width), or have an axis of 1 or 3 channels behind or before these two."
    )


def _unsure(values: Tensor, *, last: bool) -> DataError:
    sizes, axis = " × ".join(map(str, values.shape)), "last" if last else "first"
    return DataError(
        f"{sizes} may be one image, whose {axis} axis is its channels, or {len(values)} grey ones.",
        "It is not guessed.",
        "Give one image as [image]; grey images with an axis for their channel: images[..., None] of an array, "
        "images[:, None] of a tensor.",
    )


def _shape(values: Tensor, expected: str) -> DataError:
    return DataError(f"the values are of shape {tuple(values.shape)}.", expected)
