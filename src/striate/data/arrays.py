"""Images that a program has in memory, as NumPy arrays or PyTorch tensors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from striate.data.store import ImageSet
from striate.errors import DataError, quote

CHANNELS = (1, 3)
LAYOUTS = ("NCHW", "NHWC")
Layout = Literal["NCHW", "NHWC"]
Span = tuple[float, float]
PART = 1024
"""Images of fractions that become bytes at once."""
ROUNDED = 1e-6
"""The part of a span by which fractions may be beyond it, as interpolation in 32 bits leaves some; they are cut off."""
_LABELS = "There is one whole number for each image."
_ONE = "They are one array of numbers: all images of one size, in bytes (uint8) or fractions."


def from_arrays(
    images: NDArray[Any] | Tensor,
    labels: NDArray[Any] | Tensor | Sequence[int],
    *,
    classes: Sequence[str] | None = None,
    split: str = "train",
    layout: Layout | None = None,
    span: Span | None = None,
) -> ImageSet:
    """An image set of (images, height, width), or with 1 or 3 channels before or behind these: see `pixels_of`.

    `labels` are whole numbers from 0; `classes` their names, "0", "1", ... where none are given. Nothing is copied that
    has the right form already. Raises DataError for other types, shapes, values or labels.

    >>> from_arrays(np.zeros((5, 8, 9, 3), np.uint8), [0, 1, 1, 0, 2])
    ImageSet(5 images of 3 × 8 × 9, 3 classes, 'train' of 'arrays')
    """
    pixels = pixels_of(images, layout=layout, span=span)
    numbers = labels.detach().cpu() if isinstance(labels, Tensor) else _numbers(labels)
    whole = not (numbers.is_floating_point() or numbers.is_complex() or numbers.dtype == torch.bool)
    if numbers.ndim != 1 or len(numbers) != len(pixels) or not whole:
        raise DataError(f"labels are {numbers.dtype}, {tuple(numbers.shape)}, for {len(pixels)} images.", _LABELS)
    numbers = numbers.to(torch.int64)
    least, most = (int(each) for each in numbers.aminmax()) if len(numbers) else (0, -1)
    names = tuple(map(str, classes if classes is not None else range(most + 1)))
    if least < 0 or most >= len(names):
        raise DataError(
            f"labels run from {least} to {most}, and there are {len(names)} classes.",
            "Labels are numbers from 0, in the order of the classes.",
        )
    return ImageSet(pixels, numbers, names, "arrays", split, "picture")


def pixels_of(images: object, *, layout: Layout | None = None, span: Span | None = None) -> Tensor:
    """Images as bytes from 0 to 255: uint8, (images, channels, height, width).

    Whole numbers are taken as bytes, fractions as values from 0 to 1, truth values as black and white. With a `span`,
    values of any type run from its first number, which becomes 0, to its second, which becomes 255: fractions are
    rounded to one of 256 levels. `layout` says where the channels are where a shape leaves that open. Raises DataError
    for shapes that are no images, for values beyond their range, and for those that are not finite.

    >>> pixels_of(np.array([[[0.0, 0.5, 1.0]]])).flatten()
    tensor([  0, 128, 255], dtype=torch.uint8)
    >>> pixels_of(np.array([[[0, 4, 8, 16]]]), span=(0, 16)).flatten()
    tensor([  0,  64, 128, 255], dtype=torch.uint8)
    """
    return stored(images, layout=layout, span=span)


def stored(images: object, *, layout: Layout | None, span: Span | None, remedy: str = "") -> Tensor:
    """As `pixels_of`, where the caller knows the span: `remedy` is what its user can do about values beyond it."""
    placed = _placed(_comparable(images) if isinstance(images, Tensor) else _tensor(images), layout)
    if span is None and placed.dtype == torch.uint8:
        return placed
    low, high = checked_span(span) if span else (0.0, 1.0 if placed.is_floating_point() else 255.0)
    if span is None and placed.dtype == torch.bool:
        return placed.to(torch.uint8) * 255
    _require_within(placed, low, high, given=span is not None, remedy=remedy)
    if span is None and not placed.is_floating_point():
        return placed.to(torch.uint8)
    found = torch.empty(placed.shape, dtype=torch.uint8)
    for first in range(0, len(placed), PART):
        part = placed[first : first + PART].to(torch.float64)
        found[first : first + PART] = ((part - low) * (255 / (high - low))).round().clamp(0, 255).to(torch.uint8)
    return found


def _numbers(labels: object) -> Tensor:
    """The labels of a list or an array. Raises DataError where they are no numbers, or of several lengths."""
    try:
        array = np.asarray(labels)
        return torch.from_numpy(array.astype(array.dtype.newbyteorder("="), order="C"))
    except (TypeError, ValueError):
        raise DataError("labels are no array of numbers.", _LABELS, "striate.fit takes labels of any kind.") from None


def _comparable(images: Tensor) -> Tensor:
    """A tensor on the CPU, of a type that can be compared. Raises DataError for others."""
    tiny = images.is_floating_point() and images.itemsize < 2
    if images.layout != torch.strided or images.is_complex() or images.is_quantized or tiny:
        kind = str(images.dtype if images.layout == torch.strided else images.layout).removeprefix("torch.")
        raise DataError(f"images are {kind} of shape {tuple(images.shape)}.", _ONE, "Convert them to uint8 or float32.")
    images = images.detach().cpu()
    return images.to(torch.int64) if images.dtype in (torch.uint16, torch.uint32, torch.uint64) else images


def _tensor(images: object) -> Tensor:
    if isinstance(images, (list, tuple)) and images and all(isinstance(each, Tensor) for each in images):
        tensors = cast("Sequence[Tensor]", images)
        if len({each.shape for each in tensors}) == 1:
            return _comparable(torch.stack([each.detach().cpu() for each in tensors]))
    try:
        array = np.asarray(images)
    except ValueError:  # lists of different lengths
        array = np.asarray(images, dtype=object)
    if array.dtype.kind not in "buif":
        raise DataError(
            f"images are {array.dtype} of shape {array.shape}.",
            _ONE,
            "Stack images of one size with numpy.stack(images).",
        )
    if array.dtype.kind == "f" and array.dtype.itemsize not in (2, 4, 8):
        array = array.astype(np.float64)
    elif array.dtype.kind == "u" and array.dtype.itemsize > 1:
        array = array.astype(np.int64)  # numbers beyond int64 become negative, which is refused
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    array = np.ascontiguousarray(array)
    return torch.from_numpy(array if array.flags.writeable else array.copy())


def _placed(images: Tensor, layout: Layout | None) -> Tensor:
    """Images as (images, channels, height, width)."""
    if layout is not None and layout not in LAYOUTS:
        raise DataError(f"layout is {quote(layout)}.", "It must be 'NCHW' (channels first) or 'NHWC' (channels last).")
    if images.ndim == 3 and math.prod(images.shape[1:]):
        return images[:, None]
    before, behind = (images.ndim == 4 and images.shape[axis] in CHANNELS for axis in (1, 3))
    if before and behind and layout is None:
        raise DataError(
            f"images are of shape {tuple(images.shape)}, whose channels may be the second number or the last.",
            "Images have 1 channel (grey) or 3 (red, green, blue), before the height or behind the width.",
            "Say which: layout='NCHW' for channels first, layout='NHWC' for channels last.",
        )
    fits = before if layout == "NCHW" else behind if layout == "NHWC" else before or behind
    if not fits or not math.prod(images.shape[1:]):
        raise DataError(
            f"images are of shape {tuple(images.shape)}{f', with layout {layout!r}' if layout else ''}.",
            "They are (images, height, width), (images, channels, height, width) or (images, height, width, channels), "
            "with 1 channel (grey) or 3 (red, green, blue).",
            "One image becomes images by images[None]." if images.ndim == 2 else "",
        )
    first = layout == "NCHW" or (layout is None and before)
    return images if first else images.permute(0, 3, 1, 2).contiguous()


def checked_span(span: object) -> Span:
    """The span as numbers of Python. Raises DataError where it is none."""
    if isinstance(span, (tuple, list)) and len(span) == 2:
        low, high = span
        if all(isinstance(each, (int, float, np.number)) and np.isfinite(each) for each in span) and low < high:
            return float(low), float(high)
    raise DataError(
        f"span is {quote(span)}.",
        "It is (low, high): the values of black and of full light, the first below the second.",
        "Such as span=(0, 16).",
    )


def _require_within(images: Tensor, low: float, high: float, *, given: bool, remedy: str) -> None:
    if not len(images):
        return
    if images.is_floating_point() and not bool(images.isfinite().all()):
        raise DataError("images have values that are not finite (NaN or infinite).", "Every value is a finite number.")
    least, most = (each.item() for each in images.aminmax())
    slack = ROUNDED * (high - low) if images.is_floating_point() else 0.0
    ends = torch.tensor([low, high], dtype=images.dtype if slack else torch.float64).tolist()
    if ends[0] - slack <= least and most <= ends[1] + slack:
        return
    kind = str(images.dtype).removeprefix("torch.")
    advice = f"Say what black and full light are, such as span=({least:g}, {most:g})."
    if given:
        advice = "Cut them off (numpy.clip), or pass a wider span."
    raise DataError(
        f"images are {kind} and run from {least:g} to {most:g}.",
        f"They must lie within the span of {low:g} to {high:g}."
        if given
        else f"Without a span, {'fractions' if images.is_floating_point() else 'whole numbers'} run from {low:g} to "
        f"{high:g}.",
        remedy or advice,
    )
