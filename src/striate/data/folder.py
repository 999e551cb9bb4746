"""Reads a folder of images or tar files into one packed store: headers, then pixels, on threads; or lists errors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from striate.data.allocation import allocated
from striate.data.cache import Cached, CacheEntry, cache_entry
from striate.data.huggingface import is_saved_dataset, list_rows
from striate.data.listing import Listing, list_split
from striate.data.packing import Packing
from striate.data.preprocess import Preprocessing
from striate.data.shards import has_shards, list_shards
from striate.data.store import ImageSet
from striate.data.stream import Files, Stream, pieces_of
from striate.data.survey import Bad, Reading, Survey, named, survey, unreadable
from striate.data.view import Pixels
from striate.data.workers import followed, in_order
from striate.description.labels import one_line
from striate.errors import DataError


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
    reading = Reading(resize, wanted, fit)
    listing = list_images(folder, split)
    count = len(listing.files)
    entry = cache_entry(folder, split, listing.on_disk, count=count, resize=reading.resize, fit=reading.named_fit)
    found = entry.read()
    if found is None or _repaired(folder, listing, found, reading):
        found = _decoded(survey(folder, listing, reading), entry)
    if found.unreadable and not skip_unreadable:
        raise unreadable(folder, found.unreadable, count)
    whole = _image_set(folder, split, listing, (found.images, found.unreadable))
    return replace(whole, fitted=reading.fit is not None, mapped=found.mapped)


def streamed_folder(folder: Path, split: str, reading: Reading, *, skip_unreadable: bool = False) -> ImageSet:
    """The same images, decoded when they are asked for. The headers are read now, so that all have one shape.

    With `skip_unreadable` all images are decoded once now, to know which cannot be; else an image that has a header and
    cannot be decoded is an error when it is asked for.
    """
    listing = list_images(folder, split)
    count = len(listing.files)
    entry = cache_entry(folder, split, listing.on_disk, count=count, resize=reading.resize, fit=reading.named_fit)
    surveyed = survey(folder, listing, reading)
    bad = dict(surveyed.bad)
    if bad and not skip_unreadable:
        raise unreadable(folder, named(listing, bad), count)
    if skip_unreadable:
        for _ in _each(surveyed, bad):
            pass
    parts = listing.parts
    where = [parts.files[which] for which in parts.which] or ([""] * count if listing.read else list(listing.files))
    files = Files(
        surveyed.pixels,
        lambda number, reason: unreadable(folder, ((listing.files[number], reason),), count),
        pieces_of(where),
        entry.copied,
    )
    numbers = torch.tensor([number for number in range(count) if number not in bad])
    stream = Stream(files, numbers, surveyed.shape)
    whole = _image_set(folder, split, listing, (stream, named(listing, bad)))
    return replace(whole, fitted=reading.fit is not None, mapped=True)


def list_images(folder: Path, split: str) -> Listing:
    """The images of a split in a folder of images, of tar files, or of a data set that Hugging Face's library saved."""
    if is_saved_dataset(folder):
        return list_rows(folder, split)
    return list_shards(folder, split) if has_shards(folder) else list_split(folder, split)


def _repaired(folder: Path, listing: Listing, found: Cached, reading: Reading) -> bool:
    """Whether one of the images that could not be read, or not brought to the others' shape, can be now."""
    files = {file for file, _ in found.unreadable}
    numbers = [number for number, file in enumerate(listing.files) if file in files]
    _, channels, height, width = found.images.shape
    surveyed = Survey(folder, listing, reading, (), {}, channels == 1, (height, width))
    again = in_order(surveyed.pixels, numbers)
    return not all(isinstance(one, str) for one in again)


def _decoded(surveyed: Survey, entry: CacheEntry) -> Cached:
    """Every readable image, in the order of the listing, in the cache; in memory where the cache cannot be written."""
    path = entry.passing()
    if path is not None:
        try:
            with Packing(entry, path, len(surveyed.good), surveyed.shape) as file:
                bad = dict(surveyed.bad)
                for image in _each(surveyed, bad):
                    file.add(image.unsqueeze(0))
                return file.finish(named(surveyed.listing, bad))
        except OSError:  # no right to write there, or the disk is full
            pass
    bad = dict(surveyed.bad)
    out, filled = allocated(len(surveyed.good), surveyed.shape), 0
    for filled, image in enumerate(_each(surveyed, bad), 1):
        out[filled - 1] = image
    return Cached(out[:filled], named(surveyed.listing, bad))


def _each(surveyed: Survey, bad: dict[int, str]) -> Iterator[Tensor]:
    """The images that can be decoded; the numbers of the others become `bad`. Raises DataError where none can."""
    results = in_order(surveyed.pixels, surveyed.good)
    for number, result in zip(surveyed.good, followed(results, count=len(surveyed.good), what="Decoding"), strict=True):
        if isinstance(result, str):
            bad[number] = result
        else:
            yield result
    if len(bad) == len(surveyed.listing.files):
        raise unreadable(surveyed.folder, named(surveyed.listing, bad), len(bad))


def _image_set(folder: Path, split: str, listing: Listing, found: tuple[Pixels, Bad]) -> ImageSet:
    images, bad = found
    left_out = {file for file, _ in bad}
    kept = [number for number, file in enumerate(listing.files) if file not in left_out]
    labels = torch.tensor(listing.labels, dtype=torch.int64)
    labels = labels if len(kept) == len(labels) else labels[kept]
    empty = set(listing.labels) - set(labels.unique().tolist())
    if empty:
        raise DataError(
            f"class {listing.classes[min(empty)]!r} has no image that can be read.",
            "Every class keeps at least one image.",
            "Repair its images, or remove its folder.",
            where=str(folder),
        )
    return ImageSet(
        images,
        labels,
        listing.classes,
        str(folder),
        split,
        "picture",
        tuple(_shown(listing.files[number]) for number in kept),
        tuple((one_line(file), reason) for file, reason in bad),
    )


def _shown(file: str) -> str:
    """The file in one line; the same text, not a copy of it, where that is what it is."""
    shown = one_line(file)
    return file if shown == file else shown
