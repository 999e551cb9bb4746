"""Preprocessing from stored images to a network's input: channels, size and pixel values. Kept with every run."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from difflib import get_close_matches
from typing import Any

import torch
from jaxtyping import Float32, UInt8
from torch import Tensor
from torch.nn.functional import pad

from striate.data.allocation import allocated
from striate.data.resize import INTERPOLATIONS, chunks, cropped, letterboxed, margins, resized
from striate.data.store import FORMS, ImageForm, ImageSet
from striate.data.stream import Stream
from striate.data.view import Pixels
from striate.description.checks import number, one_of, pair, whole
from striate.description.shapes import Shape
from striate.errors import DataError, FormatError, SpecError, quote
from striate.go.planes import COUNT as BOARD_PLANES

FITS = ("pad", "resize", "crop", "letterbox")
MOST_SHORTER = 4000
"""The most pixels that the shorter side of an image gets before the middle is cut out."""
LUMA = (0.299, 0.587, 0.114)
"""The weights of red, green and blue in grey (ITU-R BT.601, as in Pillow)."""


@dataclass(frozen=True)
class Preprocessing:
    """How images become a network's input.

    `shape` is the network's input: (channels, height, width). `fit` is "pad" (centred on pixels of 0), "resize",
    "crop" (the shorter side gets `shorter` pixels, and the middle is cut out) or "letterbox" (resized until it fits,
    its aspect ratio kept, and centred on pixels of 0). `interpolation` is "bilinear" or
    "bicubic". A pixel of 0 becomes `low`, a pixel of 255 `high`: one number, or one for each channel. `form` is the
    form of the images: "digits", "line", "picture" or "board" (positions of Go). `size` is the (height, width) of the
    images of the data set: with "pad" and "resize", an image of another size is resized to it first, so that a
    photograph fills the input as the training images do, and is as sharp; None where it is not known.

    >>> Preprocessing((1, 32, 32), "pad", low=-0.1, high=1.175, form="digits", size=(28, 28)).margins()
    (2, 2, 2, 2)
    """

    shape: tuple[int, int, int]
    fit: str
    low: float | tuple[float, ...]
    high: float | tuple[float, ...]
    form: ImageForm
    size: tuple[int, int] | None = None
    shorter: int | None = None
    interpolation: str = "bilinear"

    def __post_init__(self) -> None:
        try:
            if not isinstance(self.shape, (tuple, list)) or len(self.shape) != 3:
                raise SpecError(f"shape is {self.shape!r}.", "It must be (channels, height, width).")
            shape = tuple(whole("a side of shape", side) for side in self.shape)
            one_of("fit", self.fit, FITS)
            one_of("form", self.form, FORMS)
            one_of("interpolation", self.interpolation, INTERPOLATIONS)
            low, high = _ends(self.low, self.high, shape[0])
            size = None if self.size is None else pair("size", self.size)
            _check_shorter(self.fit, self.shorter, shape)
        except SpecError as error:
            raise FormatError(error.what, error.expected, error.remedy, where="preprocessing") from None
        if shape[0] != BOARD_PLANES if self.form == "board" else shape[0] not in (1, 3):
            raise FormatError(
                f"shape has {shape[0]} channels.",
                f"Images have 1 channel (grey) or 3 (RGB), positions of Go {BOARD_PLANES} planes.",
                where="preprocessing",
            )
        for name, value in (("shape", shape), ("low", low), ("high", high), ("size", size)):
            object.__setattr__(self, name, value)

    def to_dict(self) -> dict[str, Any]:
        """The members as JSON."""
        return {name: list(one) if isinstance(one, tuple) else one for name, one in asdict(self).items()}

    @classmethod
    def from_dict(cls, members: Mapping[str, Any]) -> Preprocessing:
        """The preprocessing from the members of `to_dict`. Raises FormatError for unknown, missing or wrong members.

        Those of earlier versions lack members that have a default.
        """
        later = {field.name: field.default for field in fields(cls) if field.name in ("shorter", "interpolation")}
        members = later | dict(members) if isinstance(members, Mapping) else members
        exactly(members, {field.name for field in fields(cls)}, where="preprocessing")
        pairs: dict[str, Any] = {name: tuple(one) if isinstance(one, list) else one for name, one in members.items()}
        return cls(**pairs)

    def margins(self) -> tuple[int, int, int, int]:
        """(left, right, top, bottom): the pixels of 0 that "pad" adds to an image of `size`; none with "resize"."""
        if self.fit != "pad" or self.size is None:
            return 0, 0, 0, 0
        return margins(self.size, self.shape[1:])

    def pack(
        self, images: UInt8[Tensor, "images channels height width"]
    ) -> UInt8[Tensor, "images channels_out height_out width_out"]:
        """The images in the network's channels and size; the same tensor where nothing changes."""
        if self._leaves(images.shape):
            return images
        if len(images) == 1:  # a single image is answered: no room is looked for
            return self._changed(images)
        return self._filled(allocated(len(images), self.shape), images)

    def packed(self, images: ImageSet) -> ImageSet:
        """The set with its images packed; the same set where they were packed when they were read.

        Of images in a mapped file the packed ones are in a file, too; those of a stream are packed when they are read.
        """
        if images.fitted or self._leaves(images.images.shape):
            return images
        if isinstance(images.images, Stream):
            return replace(images, images=images.images.brought(self.shape, self._changed))
        room = allocated(len(images), self.shape, on_disk=images.mapped)
        return replace(images, images=self._filled(room, images.images))

    def _leaves(self, shape: torch.Size) -> bool:
        """Whether images of a shape, (images, channels, height, width), stay as they are."""
        if self.form == "board":
            if tuple(shape[1:]) != self.shape:
                raise DataError(
                    f"positions of {shape[1]}×{shape[2]}×{shape[3]} for an input of {'×'.join(map(str, self.shape))}.",
                    "A network for Go takes positions as they are.",
                    where="pack",
                )
            return True
        if shape[1] not in (1, 3):
            raise DataError(f"images of {shape[1]} channels.", "Images have 1 channel (grey) or 3 (RGB).", where="pack")
        fits = self.fit in ("pad", "resize") and self.size in (None, self.shape[1:])
        return tuple(shape[1:]) == self.shape and fits

    def _filled(self, room: Tensor, images: Pixels) -> Tensor:
        """The room, with the packed images in it."""
        each = max(math.prod(images.shape[1:]), math.prod(self.shape))
        for part in chunks(len(images), bytes_each=each):
            room[part] = self._changed(images[part])
        return room

    def _changed(self, images: Tensor) -> Tensor:
        return self.fitted(with_channels(images, self.shape[0]))

    def normalise(self, batch: UInt8[Tensor, "*batch"]) -> Float32[Tensor, "*batch"]:
        """low + (high − low) · pixel / 255, on the device of the batch.

        >>> way = Preprocessing((1, 1, 2), "resize", low=-1.0, high=1.0, form="picture")
        >>> way.normalise(torch.tensor([[[[0, 255]]]], dtype=torch.uint8))
        tensor([[[[-1.,  1.]]]])
        """
        low, high = (each.to(batch.device) if isinstance(each, Tensor) else each for each in self.ends())
        return batch.to(torch.float32).mul_((high - low) / 255).add_(low)

    def ends(self) -> tuple[float, float] | tuple[Tensor, Tensor]:
        """`low` and `high` as numbers, or as tensors of (channels, 1, 1) where each channel has its own."""
        if isinstance(self.low, tuple) or isinstance(self.high, tuple):
            low, high = (torch.tensor(each).view(-1, 1, 1) for each in (self.low, self.high))
            return low, high
        return self.low, self.high

    def range(self) -> tuple[float, float]:
        """`low` and `high` where all channels have the same; SpecError where each has its own."""
        if isinstance(self.low, tuple) or isinstance(self.high, tuple):
            raise SpecError(
                "each channel has a range of its own.",
                "A network is trained, or drawn for, with one range for all channels.",
                "Take a run that striate train made.",
                where="preprocessing",
            )
        return self.low, self.high

    def fitted(
        self, images: UInt8[Tensor, "images channels height width"]
    ) -> UInt8[Tensor, "images channels height_out width_out"]:
        """The images in the network's size; their channels stay."""
        wanted, how = self.shape[1:], self.interpolation
        match self.fit:
            case "crop":
                return cropped(images, wanted, shorter=self.shorter or max(wanted), interpolation=how)
            case "letterbox":
                return letterboxed(images, wanted, interpolation=how)
            case "pad" | "resize":
                images = images if self.size is None else resized(images, self.size, interpolation=how)
                height, width = images.shape[2:]
                if self.fit == "pad" and height <= wanted[0] and width <= wanted[1]:
                    return pad(images, margins((height, width), wanted))
                return resized(images, wanted, interpolation=how)
            case _:
                raise unknown_fit(self.fit)


def unknown_fit(fit: str) -> FormatError:
    """The error for a `fit` that a room has no way for."""
    return FormatError(f"fit is {fit!r}.", f"It must be one of {', '.join(FITS)}.", where="preprocessing")


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


def _ends(low: object, high: object, channels: int) -> tuple[Any, Any]:
    """`low` and `high`, checked: numbers, or a number of each for every channel."""

    def checked(name: str, value: object) -> float | tuple[float, ...]:
        if not isinstance(value, (tuple, list)):
            return number(name, value, least=float("-inf"))
        if len(value) != channels:
            raise SpecError(f"{name} has {len(value)} numbers.", f"It must be a number, or {channels}, one a channel.")
        return tuple(number(name, each, least=float("-inf")) for each in value)

    ends = checked("low", low), checked("high", high)
    if any(isinstance(each, tuple) for each in ends):
        return tuple(each if isinstance(each, tuple) else (each,) * channels for each in ends)  # pyright: ignore
    return ends


def _check_shorter(fit: str, shorter: object, shape: tuple[int, ...]) -> None:
    if fit != "crop":
        if shorter is not None:
            raise SpecError(f"shorter is {quote(shorter)} with {fit!r}.", "Only a crop has it.")
        return
    if not max(shape[1:]) <= whole("shorter", shorter) <= MOST_SHORTER:
        raise SpecError(
            f"shorter is {quote(shorter)} for a crop of {shape[1]} × {shape[2]}.",
            f"A crop is no larger than its image, whose shorter side may get {MOST_SHORTER:,} pixels.",
        )


def with_channels(images: Tensor, channels: int) -> Tensor:
    """Images of bytes, (images, 1 or 3, height, width), in 1 or 3 channels: grey repeated, or the luma of colour."""
    if images.shape[1] == channels:
        return images
    if channels == 3:
        return images.expand(-1, 3, -1, -1)
    red, green, blue = (images[:, channel].float() for channel in range(3))
    grey = red.mul_(LUMA[0]).add_(green, alpha=LUMA[1]).add_(blue, alpha=LUMA[2])
    return grey.round_().clamp_(0, 255).to(torch.uint8).unsqueeze(1)
