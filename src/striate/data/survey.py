"""Reads the headers of all images of a listing: finds their common shape, and the files without a readable header."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from jaxtyping import UInt8
from PIL import Image
from torch import Tensor

from striate.data.decode import decode, read_header, tensor_of
from striate.data.listing import Listing
from striate.data.preprocess import Preprocessing
from striate.data.workers import followed, in_order
from striate.description.labels import one_line
from striate.errors import DataError
from striate.wording import counted

LISTED = 10
"""The most files that one error names."""

Bad = tuple[tuple[str, str], ...]
"""(file, reason) for each file that cannot be read."""
Size = tuple[int, int]
"""(height, width)."""


@dataclass(frozen=True)
class Reading:
    """How the images of a folder are brought to one shape: the `resize`, (height, width), or a `fit` that crops or
    letterboxes, or neither. `wanted` is the size that an error proposes where sizes differ."""

    resize: Size | None = None
    wanted: tuple[int, ...] | None = None
    fit: Preprocessing | None = None

    @property
    def named_fit(self) -> tuple[object, ...] | None:
        """The members of the `fit` that change pixels, for the cache's key."""
        fit = self.fit
        return None if fit is None else (fit.fit, fit.shape, fit.shorter, fit.interpolation)


@dataclass(frozen=True)
class Survey:
    """The headers of a listing's images.

    `good` has the numbers of the images with a readable header, `bad` the reason for each of the others. All images
    become `grey`, or RGB, of one `size`, (height, width).
    """

    folder: Path
    listing: Listing
    reading: Reading
    good: range | tuple[int, ...]
    bad: dict[int, str]
    grey: bool
    size: Size

    @property
    def shape(self) -> tuple[int, int, int]:
        """(channels, height, width) of each image."""
        return self.reading.fit.shape if self.reading.fit else (1 if self.grey else 3, *self.size)

    def pixels(self, number: int) -> UInt8[Tensor, "channels height width"]:
        """An image of the listing, in the survey's shape. Raises DataError with the reason."""
        image = decode(self.listing.content(self.folder, number)).convert("L" if self.grey else "RGB")
        if self.reading.fit is not None:
            return self.reading.fit.pack(tensor_of(image).unsqueeze(0))[0]
        if self.reading.resize is not None and (image.height, image.width) != self.size:
            image = image.resize((self.size[1], self.size[0]), Image.Resampling.BILINEAR)
        if (image.height, image.width) != self.size:
            raise DataError(f"its header says {_size(self.size)}, its pixels {_size((image.height, image.width))}")
        return tensor_of(image)


def survey(folder: Path, listing: Listing, reading: Reading) -> Survey:
    """Read the headers of all images. Raises DataError where none has one, and where sizes differ and nothing brings
    them to one."""
    count = len(listing.files)
    sizes: Counter[Size] = Counter()
    examples: dict[Size, int] = {}
    bad: dict[int, str] = {}
    grey = True
    headers = in_order(lambda number: read_header(listing.content(folder, number)), range(count))
    for number, header in enumerate(followed(headers, count=count, what="Reading the headers")):
        if isinstance(header, str):
            bad[number] = header
        else:
            sizes[header.size] += 1
            examples.setdefault(header.size, number)
            grey = grey and header.grey
    if len(bad) == count:
        raise unreadable(folder, named(listing, bad), count)
    if reading.fit:
        height, width = reading.fit.shape[1:]
    else:
        height, width = reading.resize or _one_size(folder, listing, (sizes, examples), reading.wanted)
    good = tuple(number for number in range(count) if number not in bad) if bad else range(count)
    return Survey(folder, listing, reading, good, bad, grey, (height, width))


def named(listing: Listing, bad: dict[int, str]) -> Bad:
    """The files of the listing that are `bad`, by number, each with the reason."""
    return tuple((listing.files[number], reason) for number, reason in sorted(bad.items()))


def unreadable(folder: Path, bad: Bad, count: int) -> DataError:
    """The error for files of a folder that cannot be read; `count` are all of them."""
    listed = [f"  {one_line(file)}: {reason}" for file, reason in bad[:LISTED]]
    more = [f"  and {len(bad) - LISTED} more"] if len(bad) > LISTED else []
    return DataError(
        "\n".join([f"{len(bad):,} of {counted(count, 'file')} cannot be read as images:", *listed, *more]),
        "Every file of a class is a whole image.",
        "Repair or remove them, or pass --skip-unreadable.",
        where=str(folder),
    )


def _one_size(
    folder: Path, listing: Listing, found: tuple[Counter[Size], dict[Size, int]], wanted: tuple[int, ...] | None
) -> Size:
    """The size that all images have. Raises DataError with the sizes, their counts and an example of each."""
    sizes, examples = found
    if len(sizes) == 1:
        return next(iter(sizes))
    listed = [
        f"  {_size(size)}: {counted(count, 'image')}, such as {one_line(listing.files[examples[size]])}"
        for size, count in sizes.most_common(LISTED)
    ]
    proposed = "x".join(str(side) for side in wanted or sizes.most_common(1)[0][0])
    more = [f"  and {counted(len(sizes) - LISTED, 'size')} more"] if len(sizes) > LISTED else []
    raise DataError(
        "\n".join([f"images of {len(sizes)} sizes (height × width):", *listed, *more]),
        "A network takes images of one size.",
        f"Bring them to one size: striate train --resize {proposed} does"
        + (
            ", the network's size; --fit crop and --fit letterbox keep aspect ratios."
            if wanted
            else ", the size of most."
        ),
        where=str(folder),
    )


def _size(size: Size) -> str:
    return f"{size[0]} × {size[1]}"
