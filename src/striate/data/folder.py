"""Reads a folder of images or tar files into one packed store: headers, then pixels, on threads; or lists errors."""

from __future__ import annotations

import os
import warnings
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import torch
from PIL import Image

from striate.data.cache import Cached, cache_entry
from striate.data.decode import Header, decode, read_header, tensor_of
from striate.data.huggingface import is_saved_dataset, list_rows
from striate.data.listing import Listing, list_split
from striate.data.preprocess import Preprocessing
from striate.data.shards import has_shards, list_shards
from striate.data.store import ImageSet, room_for
from striate.description.labels import one_line
from striate.errors import DataError
from striate.wording import counted

LISTED = 10
"""The most files that one error names."""

_KEEPING = "; --fit crop and --fit letterbox keep aspect ratios"

_Result = TypeVar("_Result")
_Bad = tuple[tuple[str, str], ...]


def image_folder(
    folder: Path,
    split: str,
    *,
    resize: tuple[int, int] | None = None,
    wanted: tuple[int, ...] | None = None,
    skip_unreadable: bool = False,
    fit: Preprocessing | None = None,
) -> ImageSet:
    """The images of a split of split/class/file or class/file: 1 channel where all files are grey, else RGB.

    Raises DataError naming the files that cannot be read, unless they are skipped. Also raises DataError where sizes
    differ and neither `resize`, (height, width), nor a `fit` is given; the error proposes the `wanted` size, the
    network's. A `fit` is a preprocessing that crops or letterboxes: it brings every image to its shape.
    """
    listing = list_images(folder, split)
    entry = cache_entry(folder, split, listing.on_disk, count=len(listing.files), resize=resize, fit=_named_fit(fit))
    found = entry.read()
    if found is None or not all(
        isinstance(one, str) for one in each_on_threads(partial(_decode, folder, listing), _numbers(listing, found))
    ):
        found = _decoded(folder, listing, resize, wanted, fit)
        entry.write(found)
    if found.unreadable and not skip_unreadable:
        raise _unreadable(folder, found.unreadable, len(listing.files))
    return replace(_image_set(folder, split, listing, found), fitted=fit is not None)


def list_images(folder: Path, split: str) -> Listing:
    """The images of a split in a folder of images, of tar files, or of a data set that Hugging Face's library saved."""
    if is_saved_dataset(folder):
        return list_rows(folder, split)
    return list_shards(folder, split) if has_shards(folder) else list_split(folder, split)


def _decode(folder: Path, listing: Listing, number: int) -> Image.Image:
    return decode(listing.content(folder, number))


def _numbers(listing: Listing, found: Cached) -> list[int]:
    """The numbers of the images that could not be read."""
    files = {file for file, _ in found.unreadable}
    return [number for number, file in enumerate(listing.files) if file in files]


def _named_fit(fit: Preprocessing | None) -> tuple[object, ...] | None:
    """What a preprocessing does to pixels."""
    return None if fit is None else (fit.fit, fit.shape, fit.shorter, fit.interpolation)


def _decoded(
    folder: Path,
    listing: Listing,
    resize: tuple[int, int] | None,
    wanted: tuple[int, ...] | None,
    fit: Preprocessing | None,
) -> Cached:
    """Every readable image of the listing, in its order, and the reasons for the others."""
    numbers = range(len(listing.files))
    headers = each_on_threads(lambda number: read_header(listing.content(folder, number)), numbers)
    good = {index: header for index, header in enumerate(headers) if isinstance(header, Header)}
    bad = {index: header for index, header in enumerate(headers) if isinstance(header, str)}
    if not good:
        raise _unreadable(folder, _named(listing, bad), len(numbers))
    size = fit.shape[1:] if fit else resize or _one_size(folder, listing, good, wanted)
    grey = all(header.grey for header in good.values())
    out = room_for(len(good), fit.shape if fit else (1 if grey else 3, *size))
    slots = list(good)

    def fill(slot: int) -> bool:
        image = _decode(folder, listing, slots[slot]).convert("L" if grey else "RGB")
        if fit is not None:
            out[slot] = fit.pack(tensor_of(image).unsqueeze(0))[0]
            return True
        if resize is not None and (image.height, image.width) != size:
            image = image.resize((size[1], size[0]), Image.Resampling.BILINEAR)
        if (image.height, image.width) != size:
            raise DataError(f"its header says {_size(size)}, its pixels {_size((image.height, image.width))}")
        out[slot] = tensor_of(image)
        return True

    kept = []
    for slot, result in enumerate(each_on_threads(fill, range(len(slots)))):
        if isinstance(result, str):
            bad[slots[slot]] = result
        else:
            kept.append(slot)
    if not kept:
        raise _unreadable(folder, _named(listing, bad), len(numbers))
    return Cached(out if len(kept) == len(slots) else out[kept], _named(listing, bad))


def _image_set(folder: Path, split: str, listing: Listing, found: Cached) -> ImageSet:
    left_out = {file for file, _ in found.unreadable}
    kept = [(file, label) for file, label in zip(listing.files, listing.labels, strict=True) if file not in left_out]
    empty = set(listing.labels) - {label for _, label in kept}
    if empty:
        raise DataError(
            f"class {listing.classes[min(empty)]!r} has no image that can be read.",
            "Every class keeps at least one image.",
            "Repair its images, or remove its folder.",
            where=str(folder),
        )
    return ImageSet(
        found.images,
        torch.tensor([label for _, label in kept], dtype=torch.int64),
        listing.classes,
        str(folder),
        split,
        "picture",
        tuple(one_line(file) for file, _ in kept),
        tuple((one_line(file), reason) for file, reason in found.unreadable),
    )


def _one_size(
    folder: Path, listing: Listing, headers: dict[int, Header], wanted: tuple[int, ...] | None
) -> tuple[int, int]:
    """The size that all images have. Raises DataError with the sizes, their counts and an example of each."""
    sizes = Counter(header.size for header in headers.values())
    if len(sizes) == 1:
        return next(iter(sizes))
    examples = {header.size: one_line(listing.files[index]) for index, header in reversed(headers.items())}
    listed = [
        f"  {_size(size)}: {counted(count, 'image')}, such as {examples[size]}"
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


def _unreadable(folder: Path, bad: _Bad, count: int) -> DataError:
    listed = [f"  {one_line(file)}: {reason}" for file, reason in bad[:LISTED]]
    more = [f"  and {len(bad) - LISTED} more"] if len(bad) > LISTED else []
    return DataError(
        "\n".join([f"{len(bad):,} of {counted(count, 'file')} cannot be read as images:", *listed, *more]),
        "Every file of a class is a whole image.",
        "Repair or remove them, or pass --skip-unreadable.",
        where=str(folder),
    )


def each_on_threads(work: Callable[..., _Result], items: Iterable[object]) -> list[_Result | str]:
    """The result of `work` for every item, in order, computed on threads; or the reason why there is none, in words."""
    with warnings.catch_warnings(), ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        warnings.simplefilter("ignore")
        return list(pool.map(lambda item: _reasoned(work, item), items))


def _reasoned(work: Callable[..., _Result], item: object) -> _Result | str:
    try:
        return work(item)
    except DataError as error:
        return error.what


def _named(listing: Listing, bad: dict[int, str]) -> _Bad:
    return tuple((listing.files[index], reason) for index, reason in sorted(bad.items()))


def _size(size: tuple[int, int]) -> str:
    return f"{size[0]} × {size[1]}"
