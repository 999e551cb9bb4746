"""Every image of a split as a small picture with its file, size and digest, to look at a data set as a whole."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from striate.data.allocation import allocated
from striate.data.boards import Boards
from striate.data.decode import decode, tensor_of
from striate.data.folder import list_images
from striate.data.listing import Listing
from striate.data.preprocess import with_channels
from striate.data.resize import chunks, resized
from striate.data.source import image_files_in, load
from striate.data.store import ImageForm
from striate.data.workers import each_on_threads
from striate.description.labels import one_line
from striate.errors import DataError

SIDE = 32


@dataclass(frozen=True, eq=False)
class Thumbnails:
    """The images of a split: `pixels` is uint8, (images, 3, 32, 32), without regard to the aspect ratio.

    `labels` are indices into `classes`, `sizes` (height, width), `digests` those of all pixels, so that equal ones are
    of equal images. `names` are files relative to the `folder`, or the images' numbers where they have no files and
    `folder` is None. `unreadable` has the others' files, each with the reason. `form` is that of an
    `ImageSet`.
    """

    split: str
    folder: Path | None
    classes: tuple[str, ...]
    names: tuple[str, ...]
    labels: Tensor
    sizes: tuple[tuple[int, int], ...]
    grey: tuple[bool, ...]
    digests: tuple[bytes, ...]
    pixels: Tensor
    unreadable: tuple[tuple[str, str], ...] = ()
    form: ImageForm = "picture"

    def __len__(self) -> int:
        return len(self.labels)

    def picture(self, number: int, *, side: int) -> Image.Image:
        """An image, at most `side` pixels on each side; from its file where it has one."""
        if self.folder is not None:
            try:
                image = decode(self.folder / self.names[number]).convert("RGB")
            except DataError:  # it was changed meanwhile
                pass
            else:
                image.thumbnail((side, side))
                return image
        return Image.fromarray(self.pixels[number].permute(1, 2, 0).contiguous().numpy())


def thumbnails(source: str | Path, split: str) -> Thumbnails:
    """The images of a split, "train" or "test", of a source as `load` takes it; images of a folder may be of any sizes.

    Raises DataError where there are none, MissingSplitError where the split is not there.
    """
    folder = image_files_in(source)
    return _of_set(source, split) if folder is None else _of_files(folder, list_images(folder, split), split)


def _of_files(folder: Path, listing: Listing, split: str) -> Thumbnails:
    pixels = allocated(len(listing.files), (3, SIDE, SIDE))

    def read(number: int) -> tuple[tuple[int, int], bool, bytes]:
        image = decode(listing.content(folder, number))
        small = image.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BILINEAR, reducing_gap=2.0)
        pixels[number] = tensor_of(small)
        return (image.height, image.width), image.mode == "L", _digest(tensor_of(image))

    found = each_on_threads(read, range(len(listing.files)), what="Decoding")
    good = [number for number, each in enumerate(found) if not isinstance(each, str)]
    read_ones = [each for each in found if not isinstance(each, str)]
    return Thumbnails(
        split=split,
        folder=folder,
        classes=listing.classes,
        names=tuple(listing.files[number] for number in good),
        labels=torch.tensor([listing.labels[number] for number in good], dtype=torch.int64),
        sizes=tuple(size for size, _, _ in read_ones),
        grey=tuple(grey for _, grey, _ in read_ones),
        digests=tuple(digest for _, _, digest in read_ones),
        pixels=pixels if len(good) == len(pixels) else pixels[good],
        unreadable=tuple(
            (one_line(file), each) for file, each in zip(listing.files, found, strict=True) if isinstance(each, str)
        ),
    )


def _of_set(source: str | Path, split: str) -> Thumbnails:
    images = load(source, split)
    stored = images.images
    if isinstance(stored, Boards):
        raise DataError(
            "these are records of Go games, and no pictures.",
            "Only pictures can be checked.",
            "striate train counts the games that it reads, cuts short and leaves out.",
        )
    pixels = allocated(len(stored), (3, SIDE, SIDE))
    for part in chunks(len(stored), bytes_each=max(stored[:1].numel(), 3 * SIDE * SIDE)):
        pixels[part] = with_channels(resized(stored[part], (SIDE, SIDE)), 3)
    return Thumbnails(
        split=split,
        folder=None,
        classes=images.classes,
        names=images.names or tuple(f"{split} {number:,}" for number in range(len(stored))),
        labels=images.labels,
        sizes=((int(stored.shape[2]), int(stored.shape[3])),) * len(stored),
        grey=(stored.shape[1] == 1,) * len(stored),
        digests=tuple(_digest(stored[number]) for number in range(len(stored))),
        pixels=pixels,
        form=images.form,
    )


def _digest(pixels: Tensor) -> bytes:
    shape = "×".join(map(str, pixels.shape)).encode()
    return hashlib.blake2b(pixels.contiguous().numpy().tobytes(), key=shape, digest_size=16).digest()
