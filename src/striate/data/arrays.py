"""Images that a program has in memory, as NumPy arrays or PyTorch tensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from striate.data.store import ImageSet
from striate.errors import DataError

CHANNELS = (1, 3)


def from_arrays(
    images: NDArray[Any] | Tensor,
    labels: NDArray[Any] | Tensor | Sequence[int],
    *,
    classes: Sequence[str] | None = None,
    split: str = "train",
) -> ImageSet:
    """An image set of bytes from 0 to 255: (images, height, width), or with 1 or 3 channels before or behind these.

    `labels` are whole numbers from 0; `classes` their names, "0", "1", ... where none are given. Nothing is copied that
    has the right form already. Raises DataError for other types, shapes or labels: fractions are not guessed to be of a
    range.

    >>> from_arrays(np.zeros((5, 8, 9, 3), np.uint8), [0, 1, 1, 0, 2])
    ImageSet(5 images of 3 × 8 × 9, 3 classes, 'train' of 'arrays')
    """
    pixels = _pixels(images)
    numbers = torch.as_tensor(labels if isinstance(labels, Tensor) else np.asarray(labels))
    if numbers.ndim != 1 or len(numbers) != len(pixels) or numbers.is_floating_point() or numbers.dtype == torch.bool:
        raise DataError(
            f"labels are {numbers.dtype}, {tuple(numbers.shape)}, for {len(pixels)} images.",
            "There is one whole number for each image.",
        )
    numbers = numbers.to(torch.int64)
    least, most = (int(each) for each in numbers.aminmax()) if len(numbers) else (0, -1)
    names = tuple(map(str, classes if classes is not None else range(most + 1)))
    if least < 0 or most >= len(names):
        raise DataError(
            f"labels run from {least} to {most}, and there are {len(names)} classes.",
            "Labels are numbers from 0, in the order of the classes.",
        )
    return ImageSet(pixels, numbers, names, "arrays", split, "picture")


def _pixels(images: NDArray[Any] | Tensor) -> Tensor:
    """Images as (images, channels, height, width)."""
    pixels = images if isinstance(images, Tensor) else torch.from_numpy(np.ascontiguousarray(images))
    if pixels.dtype != torch.uint8:
        raise DataError(
            f"images are {str(pixels.dtype).removeprefix('torch.')}.",
            "They are bytes (uint8) from 0 to 255; a network's own range is the recipe's, low to high.",
            "Values from 0 to 1 become bytes by (255 * images).round().astype('uint8').",
        )
    if pixels.ndim == 3:
        return pixels[:, None]
    if pixels.ndim == 4 and pixels.shape[1] in CHANNELS:
        return pixels
    if pixels.ndim == 4 and pixels.shape[3] in CHANNELS:
        return pixels.permute(0, 3, 1, 2).contiguous()
    raise DataError(
        f"images are of shape {tuple(pixels.shape)}.",
        "They are (images, height, width), (images, channels, height, width) or (images, height, width, channels), "
        "with 1 channel (grey) or 3 (red, green, blue).",
    )
