"""Preprocessing from stored images to a network's input: channels, size and pixel values. Kept with every run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from difflib import get_close_matches
from typing import Any

import torch
from jaxtyping import Float32, UInt8
from torch import Tensor
from torch.nn.functional import pad

from striate.data.resize import chunks, resized
from striate.data.store import ImageSet, room_for
from striate.description.checks import number, one_of, pair, whole
from striate.description.shapes import Shape
from striate.errors import DataError, FormatError, SpecError

FITS = ("pad", "resize")
FORMS = ("digits", "line", "picture")
LUMA = (0.299, 0.587, 0.114)
"""The weights of red, green and blue in grey (ITU-R BT.601, as in Pillow)."""


@dataclass(frozen=True)
class Preprocessing:
    """How images become a network's input.

    `shape` is the network's input: (channels, height, width). `fit` is "pad" (centred on pixels of 0) or "resize". A
    pixel of 0 becomes `low`, a pixel of 255 `high`. `form` is the form of the images: "digits", "line" or "picture".
    `size` is the (height, width) of the images of the data set: with "pad", an image of another size is resized to it
    first, so that a photograph fills the input as the training images do; None where it is not known.

    >>> Preprocessing((1, 32, 32), "pad", low=-0.1, high=1.175, form="digits", size=(28, 28)).margins()
    (2, 2, 2, 2)
    """

    shape: tuple[int, int, int]
    fit: str
    low: float
    high: float
    form: str
    size: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        try:
            if not isinstance(self.shape, (tuple, list)) or len(self.shape) != 3:
                raise SpecError(f"shape is {self.shape!r}.", "It must be (channels, height, width).")
            shape = tuple(whole("a side of shape", side) for side in self.shape)
            one_of("fit", self.fit, FITS)
            one_of("form", self.form, FORMS)
            low = number("low", self.low, least=float("-inf"))
            high = number("high", self.high, least=float("-inf"))
            size = None if self.size is None else pair("size", self.size)
        except SpecError as error:
            raise FormatError(error.what, error.expected, error.remedy, where="preprocessing") from None
        if shape[0] not in (1, 3):
            raise FormatError(
                f"shape has {shape[0]} channels.", "Images have 1 channel (grey) or 3 (RGB).", where="preprocessing"
            )
        for name, value in (("shape", shape), ("low", low), ("high", high), ("size", size)):
            object.__setattr__(self, name, value)

    def to_dict(self) -> dict[str, Any]:
        """The members as JSON."""
        members = asdict(self)
        return members | {"shape": list(self.shape), "size": None if self.size is None else list(self.size)}

    @classmethod
    def from_dict(cls, members: Mapping[str, Any]) -> Preprocessing:
        """The preprocessing from the members of `to_dict`. Raises FormatError for unknown, missing or wrong members."""
        exactly(members, {field.name for field in fields(cls)}, where="preprocessing")
        pairs: dict[str, Any] = {name: tuple(one) if isinstance(one, list) else one for name, one in members.items()}
        return cls(**pairs)

    def margins(self) -> tuple[int, int, int, int]:
        """(left, right, top, bottom): the pixels of 0 that "pad" adds to an image of `size`; none with "resize"."""
        if self.fit != "pad" or self.size is None:
            return 0, 0, 0, 0
        return _margins(self.size, self.shape[1:])

    def pack(
        self, images: UInt8[Tensor, "images channels height width"]
    ) -> UInt8[Tensor, "images channels_out height_out width_out"]:
        """The images in the network's channels and size; the same tensor where nothing changes."""
        wanted = self.shape[1:]
        if images.shape[1] not in (1, 3):
            raise DataError(
                f"images of {images.shape[1]} channels.", "Images have 1 channel (grey) or 3 (RGB).", where="pack"
            )
        if tuple(images.shape[1:]) == self.shape and (self.fit == "resize" or self.size in (None, wanted)):
            return images
        out = room_for(len(images), self.shape)
        for part in chunks(len(images), bytes_each=max(images[:1].numel(), out[:1].numel())):
            out[part] = self._fitted(with_channels(images[part], self.shape[0]))
        return out

    def normalise(self, batch: UInt8[Tensor, "*batch"]) -> Float32[Tensor, "*batch"]:
        """low + (high − low) · pixel / 255, on the device of the batch.

        >>> way = Preprocessing((1, 1, 2), "resize", low=-1.0, high=1.0, form="picture")
        >>> way.normalise(torch.tensor([[[[0, 255]]]], dtype=torch.uint8))
        tensor([[[[-1.,  1.]]]])
        """
        return batch.to(torch.float32).mul_((self.high - self.low) / 255).add_(self.low)

    def _fitted(self, images: Tensor) -> Tensor:
        wanted = self.shape[1:]
        if self.fit == "pad":
            images = resized(images, self.size) if self.size is not None else images
            height, width = images.shape[2:]
            if height <= wanted[0] and width <= wanted[1]:
                return pad(images, _margins((height, width), wanted))
        return resized(images, wanted)


def preprocessing_for(shape: Shape, images: ImageSet, *, low: float, high: float) -> Preprocessing:
    """The preprocessing of `images` for an input of `shape`: padding where it is up to 25 % larger, else resizing.

    >>> pixels = torch.zeros(1, 1, 28, 28, dtype=torch.uint8)
    >>> digits = ImageSet(pixels, torch.tensor([0]), ("0", "1"), "mnist", "train", "digits")
    >>> preprocessing_for((1, 32, 32), digits, low=0, high=1).fit
    'pad'
    >>> preprocessing_for((3, 224, 224), digits, low=0, high=1).fit
    'resize'
    """
    height, width = images.images.shape[2:]
    channels, rows, columns = shape
    near = height <= rows <= 1.25 * height and width <= columns <= 1.25 * width
    fit = "pad" if near else "resize"
    return Preprocessing((channels, rows, columns), fit, low=low, high=high, form=images.form, size=(height, width))


def exactly(members: object, names: set[str], *, where: str) -> None:
    """Raise FormatError unless `members` is a dictionary of exactly these names."""
    if not isinstance(members, Mapping):
        raise FormatError(f"{type(members).__name__} is no object.", "It must be a JSON object.", where=where)
    for kind, wrong in (("unknown", set(members) - names), ("missing", names - set(members))):
        if wrong:
            listed = ", ".join(sorted(str(name) for name in wrong))
            raise FormatError(f"{kind}: {listed}.", f"Its members are: {', '.join(sorted(names))}.", where=where)


def known_members(members: Mapping[str, Any], names: Sequence[str], *, where: str) -> None:
    """Raise FormatError, with the nearest name, where a member is not one of these names."""
    for member in members:
        if member not in names:
            near = get_close_matches(str(member), names, n=1)
            raise FormatError(
                f"{member!r:.60} is an unknown member.",
                f"Its members are: {', '.join(sorted(names))}.",
                f"Did you mean {near[0]!r}?" if near else "Leave it out.",
                where=where,
            )


def _margins(size: tuple[int, int], wanted: tuple[int, int]) -> tuple[int, int, int, int]:
    rows, columns = max(0, wanted[0] - size[0]), max(0, wanted[1] - size[1])
    return columns // 2, columns - columns // 2, rows // 2, rows - rows // 2


def with_channels(images: Tensor, channels: int) -> Tensor:
    """Images of bytes, (images, 1 or 3, height, width), in 1 or 3 channels: grey repeated, or the luma of colour."""
    if images.shape[1] == channels:
        return images
    if channels == 3:
        return images.expand(-1, 3, -1, -1)
    red, green, blue = (images[:, channel].float() for channel in range(3))
    grey = red.mul_(LUMA[0]).add_(green, alpha=LUMA[1]).add_(blue, alpha=LUMA[2])
    return grey.round_().clamp_(0, 255).to(torch.uint8).unsqueeze(1)
