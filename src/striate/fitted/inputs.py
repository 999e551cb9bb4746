"""Converts a program's images (arrays, tensors, pictures, files) to packed pixels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeGuard, cast

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from striate.data import Preprocessing, open_picture, pixels_of
from striate.data.arrays import Layout, Span, stored
from striate.data.decode import tensor_of
from striate.data.image_file import prepare
from striate.errors import DataError

Picture = Image.Image | bytes | str | Path
_LEARNED = "Bring them to the values that the training images had."


def learned_pixels(images: object, *, layout: Layout | None = None, span: Span | None = None) -> Tensor:
    """Images to learn from, of one size: uint8, (images, channels, height, width).

    They are an array or a tensor, as `striate.data.pixels_of` takes them, or a list, of PIL images, paths or bytes of
    files too. Where one is in colour, all are. Raises DataError, with the image's place, where one cannot be read.
    """
    if isinstance(images, (list, tuple)) and not images:
        raise DataError("there are no images.", "A network learns from images of two classes, or more.")
    if not _has_pictures(images):
        return pixels_of(_together(images), layout=layout, span=span)
    found: list[Tensor] = []
    for place, each in enumerate(images):
        try:
            one = tensor_of(open_picture(each)) if isinstance(each, Picture) else _alone(each, layout, span)
        except DataError as error:
            raise error.at(f"image {place}") from None
        if found and one.shape[1:] != found[0].shape[1:]:
            sizes = [f"{height} × {width}" for _, height, width in (found[0].shape, one.shape)]
            raise DataError(
                f"image {place} is {sizes[1]}, and image 0 is {sizes[0]}.",
                "Images to learn from are of one size.",
                "Bring them to one, such as by PIL.ImageOps.fit(image, (32, 32)).",
            )
        found.append(one)
    channels = max(len(each) for each in found)
    return torch.stack([each.expand(channels, -1, -1) for each in found])


def packed_pixels(
    images: object, preprocessing: Preprocessing, *, layout: Layout | None = None, span: Span | None = None
) -> Tensor:
    """Images in a network's channels and size: uint8, (images, channels, height, width).

    Arrays and tensors are as the training images were; pictures and files, one or a list, are prepared as `striate
    predict` does it. A list may hold both. Raises DataError, naming the file, where one cannot be read.
    """
    if isinstance(images, Picture):
        images = [images]
    if _has_pictures(images):
        found: list[Tensor] = []
        for place, each in enumerate(images):
            if isinstance(each, Picture):
                found.append(_prepared(each, preprocessing))
                continue
            try:
                found.append(preprocessing.pack(_alone(each, layout, span, remedy=_LEARNED)[None]))
            except DataError as error:
                raise error.at(f"image {place}") from None
        return torch.cat(found)
    if isinstance(images, (list, tuple)) and not images:
        return torch.empty(0, *preprocessing.shape, dtype=torch.uint8)
    images = _together(images)
    _require_several(images, preprocessing)
    return preprocessing.pack(stored(images, layout=layout, span=span, remedy=_LEARNED))


def _together(images: object) -> object:
    """The arrays and tensors of a list as one tensor, where one of them is a tensor; else what is given.

    Raises DataError where they are of several sizes.
    """
    if not isinstance(images, (list, tuple)):
        return images
    given = cast("Sequence[Any]", images)
    sizes = sorted({shape for each in given if (shape := _shape(each)) is not None})
    if len(sizes) > 1:
        raise DataError(
            f"images are of several sizes: {sizes[0]}, {sizes[1]}.",
            "Arrays of one call are of one size.",
            "Give them one at a time, or as pictures: PIL.Image.fromarray(image).",
        )
    if any(isinstance(each, Tensor) for each in given):
        return torch.stack([torch.as_tensor(each).detach() for each in given])
    return given


def _shape(images: Any) -> tuple[int, ...] | None:
    """The shape of an array or a list; None for lists of different lengths, which are refused later."""
    try:
        return tuple(np.shape(images))
    except ValueError:
        return None


def _require_several(images: object, preprocessing: Preprocessing) -> None:
    """Raises DataError where one picture would be read as many grey ones."""
    shape = _shape(images)
    if shape is None or len(shape) != 3:
        return
    grey, size = preprocessing.shape[0] == 1, preprocessing.size or preprocessing.shape[1:]
    if shape[2] == 1 and size[1] != 1:
        raise DataError(
            f"images are of shape {shape}: one in grey, or {shape[0]} of one column.",
            f"The network takes images of {size[0]} × {size[1]}.",
            "images[None] is one.",
        )
    if 3 not in (shape[0], shape[2]):
        return
    if grey and (shape[2] != 3 or size[1] == 3):
        return
    raise DataError(
        f"images are of shape {shape}: one in colour, or {shape[0]} in grey.",
        f"The network takes images in {'grey, of {} × {}'.format(*size) if grey else 'colour'}.",
        "images[None] is one; grey ones are images[:, None].",
    )


def _alone(image: Any, layout: Layout | None, span: Span | None, *, remedy: str = "") -> Tensor:
    """One array or tensor of a list: uint8, (channels, height, width)."""
    several = image[None] if isinstance(image, Tensor) else np.asarray(image)[None]
    return stored(several, layout=layout, span=span, remedy=remedy)[0]


def _has_pictures(images: object) -> TypeGuard[Sequence[Any]]:
    return isinstance(images, (list, tuple)) and any(isinstance(each, Picture) for each in images)


def _prepared(picture: Picture, preprocessing: Preprocessing) -> Tensor:
    image = open_picture(picture)
    try:
        return prepare(image, preprocessing)[0]
    except DataError as error:
        raise error.at(str(picture)) if isinstance(picture, (str, Path)) else error from None
