"""What a program gives to a network: arrays, tensors, pictures and files, as packed pixels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeGuard

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from striate.data import Preprocessing, open_picture, pixels_of
from striate.data.arrays import Layout, Span
from striate.data.decode import flattened
from striate.data.image_file import prepare
from striate.errors import DataError

Picture = Image.Image | bytes | str | Path


def packed_pixels(
    images: object, preprocessing: Preprocessing, *, layout: Layout | None = None, span: Span | None = None
) -> Tensor:
    """Images in a network's channels and size: uint8, (images, channels, height, width).

    Arrays and tensors are as the training images were; pictures and files, one or a list, are prepared as `striate
    predict` does it. Raises DataError, naming the file, where one cannot be read.
    """
    if isinstance(images, (Image.Image, bytes, str, Path)):
        images = [images]
    if _are_pictures(images):
        return torch.cat([_prepared(each, preprocessing) for each in images])
    if isinstance(images, (list, tuple)) and any(isinstance(each, Tensor) for each in images):
        images = torch.stack([torch.as_tensor(each) for each in images])
    if isinstance(images, (list, tuple)):
        sizes = sorted({np.shape(each) for each in images})  # pyright: ignore - refused below where it is none
        if len(sizes) > 1:
            raise DataError(
                f"images are of several sizes: {sizes[0]}, {sizes[1]}.",
                "Arrays of one call are of one size.",
                "Give them one at a time, or as pictures: PIL.Image.fromarray(image).",
            )
    return preprocessing.pack(pixels_of(images, layout=layout, span=span))


def _are_pictures(images: object) -> TypeGuard[Sequence[Picture]]:
    return (
        isinstance(images, (list, tuple))
        and bool(images)
        and all(isinstance(each, (Image.Image, bytes, str, Path)) for each in images)
    )


def _prepared(picture: Picture, preprocessing: Preprocessing) -> Tensor:
    image = flattened(open_picture(picture))
    try:
        return prepare(image, preprocessing)[0]
    except DataError as error:
        raise error.at(str(picture)) if isinstance(picture, (str, Path)) else error from None
