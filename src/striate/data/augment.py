"""Augmentation: small random changes of a whole batch at once, by one resampling, or by indexing alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from functools import cache
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from striate.data.affine import Affine, Moves, resample
from striate.data.crop import crop_moves
from striate.data.elastic import draw_field
from striate.data.part import Part, all_of
from striate.data.preprocess import known_members
from striate.description.checks import flag, number, one_of, whole
from striate.errors import FormatError, SpecError
from striate.kernels.warp import Warp

SYMMETRIES = ("none", "images", "boards")
OUTSIDE = ("black", "reflected")
FARTHEST = 65_536
"""The limit of displacements and shifts, in pixels: no decoded image is larger."""


@dataclass(frozen=True)
class Augmentation:
    """The amplitudes of random changes; each is drawn uniformly from −value to +value, anew for each image.

    `rotation` and `shear` are in degrees. `scale` is a fraction (0.1: from 0.9 to 1.1), and so is `squeeze` (0.1:
    heights times, and widths divided by, 0.9 to 1.1). `shift` is in pixels on each axis (whole pixels where nothing
    else needs interpolation); `outside` says what it brings in at the edge: "black", or the image "reflected".
    `flip` mirrors left and right every second image on average, `alternating_flip` each image in every second epoch
    (`striate.data.symmetries`). `crop` is the largest fraction of an image's area that a random resized crop leaves out
    (`striate.data.crop`; 0.92 in GoogLeNet's paper). `elastic` displaces every pixel by a smooth random field
    (`striate.data.elastic`): it is the standard deviation of the displacement on each axis, in pixels, and `smoothness`
    that of the Gaussian. `lighting` is the standard deviation of AlexNet's change of colours (`striate.data.lighting`).
    `brightness`, `contrast` and `saturation` are fractions, `hue` is in degrees, and `cutout` is the side of the square
    that is set to 0, in pixels (`striate.data.colour`). `symmetries` draws one of the eight symmetries of the square:
    of "images", or of "boards", whose labels are positions and move along.

    >>> Augmentation(shift=2).is_none, Augmentation().is_none
    (False, True)
    """

    rotation: float = 0.0
    scale: float = 0.0
    squeeze: float = 0.0
    shear: float = 0.0
    shift: float = 0.0
    outside: str = "black"
    flip: bool = False
    alternating_flip: bool = False
    crop: float = 0.0
    elastic: float = 0.0
    smoothness: float = 4.0
    lighting: float = 0.0
    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0
    hue: float = 0.0
    cutout: int = 0
    symmetries: str = "none"

    def __post_init__(self) -> None:
        try:
            values = {
                "rotation": number("rotation", self.rotation, least=0, below=360),
                "scale": number("scale", self.scale, least=0, below=1),
                "squeeze": number("squeeze", self.squeeze, least=0, below=1),
                "shear": number("shear", self.shear, least=0, below=80),
                "shift": number("shift", self.shift, least=0, below=FARTHEST),
                "outside": one_of("outside", self.outside, OUTSIDE),
                "flip": flag("flip", self.flip),
                "alternating_flip": flag("alternating_flip", self.alternating_flip),
                "crop": number("crop", self.crop, least=0, below=1),
                "elastic": number("elastic", self.elastic, least=0, below=FARTHEST),
                "smoothness": number("smoothness", self.smoothness, least=0.5, below=FARTHEST),
                "lighting": number("lighting", self.lighting, least=0, below=1000),
                "brightness": number("brightness", self.brightness, least=0, below=1),
                "contrast": number("contrast", self.contrast, least=0, below=1),
                "saturation": number("saturation", self.saturation, least=0, below=1),
                "hue": number("hue", self.hue, least=0, below=181),
                "cutout": whole("cutout", self.cutout, least=0, most=FARTHEST),
                "symmetries": one_of("symmetries", self.symmetries, SYMMETRIES),
            }
        except SpecError as error:
            raise FormatError(error.what, error.expected, error.remedy, where="augmentation") from None
        if self.flip and self.alternating_flip:
            raise FormatError(
                "flip and alternating_flip are both true.",
                "Images are mirrored in one of the two ways.",
                "Leave one out.",
                where="augmentation",
            )
        for name, value in values.items():
            object.__setattr__(self, name, value)
        if self.outside != "black" and self.resamples:
            raise FormatError(
                f"outside is {self.outside!r}, and pixels are interpolated.",
                "Images are reflected at their edges where they move by whole pixels alone.",
                "Leave outside out; or shift by whole pixels, without rotation, scale, squeeze, shear, crop, elastic.",
                where="augmentation",
            )

    @property
    def is_none(self) -> bool:
        """Whether nothing is ever changed."""
        return self == Augmentation()

    @property
    def moves(self) -> bool:
        """Whether pixels are moved by `augment`; symmetries, colours and cutout have functions of their own."""
        return self.resamples or any((self.shift, self.flip))

    @property
    def recolours(self) -> bool:
        """Whether colours are changed by `striate.data.colour.recolour`."""
        return any((self.brightness, self.contrast, self.saturation, self.hue))

    @property
    def resamples(self) -> bool:
        """Whether pixels are interpolated; otherwise they move by whole pixels."""
        named = (self.rotation, self.scale, self.squeeze, self.shear, self.shift % 1, self.crop, self.elastic)
        return any(named)

    @property
    def words(self) -> str:
        """The changes in a few words.

        >>> Augmentation(shift=2, flip=True, symmetries="boards").words, Augmentation().words
        ('shift 2, flip, symmetries boards', 'none')
        """
        plain = asdict(Augmentation())
        changed = {name: value for name, value in asdict(self).items() if value != plain[name]}
        numbers = {name: f"{value:g}" for name, value in changed.items() if not isinstance(value, (bool, str))}
        texts = (name if value is True else f"{name} {numbers.get(name, value)}" for name, value in changed.items())
        return ", ".join(texts) or "none"

    def to_dict(self) -> dict[str, Any]:
        """The members as JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, members: Mapping[str, Any]) -> Augmentation:
        """The augmentation of JSON members; missing ones have defaults. FormatError for unknown or wrong ones."""
        if not isinstance(members, Mapping):
            raise FormatError(
                f"augmentation is {members!r:.60}.", "It must be a JSON object.", 'It looks like {"rotation": 5}.'
            )
        known_members(members, [field.name for field in fields(cls)], where="augmentation")
        return cls(**members)


def augment(
    batch: Float[Tensor, "batch channels height width"],
    augmentation: Augmentation,
    *,
    generator: torch.Generator,
    fill: float,
    part: Part | None = None,
) -> Float[Tensor, "batch channels height width"]:
    """A distorted copy of the batch, or the batch itself where nothing moves; outside of the images is `fill`.

    Images that are "reflected" have their own pixels there instead. The same state of the generator (on the CPU) gives
    the same changes. Where the images are a `part` of a larger batch, they change as they would in it.

    >>> image = torch.ones(1, 1, 3, 3)
    >>> augment(image, Augmentation(), generator=torch.Generator(), fill=0.0) is image
    True
    """
    if not augmentation.moves or not len(batch):
        return batch
    part = part or all_of(batch)
    if not augmentation.resamples:
        return _moved(batch, augmentation, generator, fill, part)
    size = (batch.shape[2], batch.shape[3])
    warp = draw_warp(part.total, size, augmentation, generator=generator)
    return resample(batch, warp.part(part.first, part.end), fill=fill)


def draw_warp(count: int, size: tuple[int, int], augmentation: Augmentation, *, generator: torch.Generator) -> Warp:
    """The warp that `augment` applies to `count` images of `size` (height, width), where it interpolates."""
    moves = _moves(count, augmentation, generator)
    if augmentation.crop:
        moves = crop_moves(moves, size, augmentation.crop, generator=generator)
    if not augmentation.elastic:
        return Warp(moves)
    amplitude, smoothness = augmentation.elastic, augmentation.smoothness
    return Warp(moves, draw_field(count, size, amplitude=amplitude, smoothness=smoothness, generator=generator))


def _moves(count: int, augmentation: Augmentation, generator: torch.Generator) -> Moves:
    middle, reach = _ranges(augmentation)
    drawn = torch.empty(count, reach.shape[1]).uniform_(-1, 1, generator=generator)
    return torch.addcmul(middle, drawn, reach)


@cache
def _ranges(augmentation: Augmentation) -> tuple[Moves, Moves]:
    """Two rows: the middles of the moves' ranges, and the half-widths of these ranges."""
    reach = Affine(
        rotation=augmentation.rotation,
        scale=augmentation.scale,
        squeeze=augmentation.squeeze,
        shear=augmentation.shear,
        right=augmentation.shift,
        down=augmentation.shift,
        mirror=float(augmentation.flip),
    )
    return Affine(mirror=1.0 - augmentation.flip).moves(1), reach.moves(1)


def _moved(batch: Tensor, augmentation: Augmentation, generator: torch.Generator, fill: float, part: Part) -> Tensor:
    """Shifts by whole pixels, and mirrored images, without interpolation."""
    count, channels, height, width = batch.shape
    reach = int(augmentation.shift)
    shifts = part.of(torch.randint(-reach, reach + 1, (part.total, 2), generator=generator))
    rows = torch.arange(height) + shifts[:, :1]
    columns = torch.arange(width) + shifts[:, 1:]
    mirror = part.of(_mirror(part.total, augmentation, generator))
    columns = torch.where(mirror[:, None] < 0, columns.flip(1), columns)
    places = _reflected(rows, height)[:, :, None] * width + _reflected(columns, width)[:, None, :]
    flat = places.view(count, 1, -1).expand(-1, channels, -1).to(batch.device)
    moved = batch.reshape(count, channels, -1).gather(2, flat).view_as(batch)
    if augmentation.outside == "reflected":
        return moved
    inside = ((rows >= 0) & (rows < height))[:, :, None] & ((columns >= 0) & (columns < width))[:, None, :]
    return moved.masked_fill_(~inside[:, None].to(batch.device), fill)


def _reflected(places: Tensor, size: int) -> Tensor:
    """Places on an axis, those beyond its ends mirrored at the first and the last one, as often as it takes.

    >>> _reflected(torch.arange(-2, 6), 4)
    tensor([2, 1, 0, 1, 2, 3, 2, 1])
    """
    there_and_back = max(1, 2 * (size - 1))
    forward = places % there_and_back
    return torch.minimum(forward, there_and_back - forward)


def _mirror(count: int, augmentation: Augmentation, generator: torch.Generator) -> Float[Tensor, " count"]:
    """−1 for images to mirror, else 1."""
    if not augmentation.flip:
        return torch.ones(count)
    return torch.randint(0, 2, (count,), generator=generator) * 2.0 - 1.0
