"""Sources of images: one `load` for MNIST, lines of its digits, and folders of IDX files, CIFAR's files or images."""

from __future__ import annotations

import math
import os
from dataclasses import replace
from pathlib import Path

from striate.data.cifar import cifar_folder, cifar_layout
from striate.data.decode import MOST_PIXELS, MOST_SAMPLES
from striate.data.folder import image_folder, streamed_folder
from striate.data.idx import idx_folder, is_idx_folder
from striate.data.mnist import mnist
from striate.data.preprocess import Preprocessing
from striate.data.records import boards_of, record_files
from striate.data.resize import resized
from striate.data.store import ImageSet
from striate.data.survey import Reading
from striate.data.windows import mnist_lines
from striate.errors import DataError, unknown_name

SOURCES = {"mnist": mnist, "mnist-lines": mnist_lines}
"""The sources that are part of the package, by name."""
SPLITS = ("train", "test")

_FOLDER = "A folder may be given too: of images, train/CLASS/*.png or CLASS/*.png, or of IDX, CIFAR's or tar files."


def load(
    source: str | Path = "mnist",
    split: str = "train",
    *,
    resize: tuple[int, int] | None = None,
    wanted: tuple[int, ...] | None = None,
    skip_unreadable: bool = False,
    way: Preprocessing | None = None,
) -> ImageSet:
    """The images of a split, "train" or "test", of "mnist", of "mnist-lines" or of a folder.

    A folder holds IDX files under MNIST's names, CIFAR-10 or CIFAR-100 as they are published, in the binary or the
    Python format, tar files in WebDataset's format, records of Go games, or images as split/class/file or class/file; a
    record may be given as a file, too. `resize`, (height,
    width), resizes every image to one size; where none is given and sizes differ, the error proposes `wanted`, the
    network's size. `skip_unreadable` leaves out files that cannot be read and lists them in the result. A `way` that
    crops or letterboxes brings each image of a folder to the network's size as it is read, if there is no `resize`:
    sizes may differ.
    For "train" no file of the test split is opened. Raises DataError for images that are missing, broken or unfit, and
    UnknownNameError for a name that is neither a source nor a folder.

    >>> load("mnist", "test", resize=(14, 14))
    ImageSet(10000 images of 1 × 14 × 14, 10 classes, 'test' of 'mnist')
    """
    if split not in SPLITS:
        raise DataError(
            f"split is {split!r}.",
            "A source has two splits: train and test.",
            "Validation images are held out of the training images: hold_out(load(source)).",
        )
    if resize is not None:
        _check_size(resize)
    if source in SOURCES:
        return _at(SOURCES[str(source)](split), resize)
    if records := _records(source):
        if resize is not None:
            raise DataError("boards are not resized.", "Positions have 19×19 points.", "Leave --resize out.")
        return boards_of(records, split)
    folder = _folder(source)
    if is_idx_folder(folder):
        return _at(idx_folder(folder, split), resize)
    if (found := cifar_layout(folder)) is not None:
        return _at(cifar_folder(*found, split), resize)
    fit = _fit(way, resize)
    return image_folder(folder, split, resize=resize, wanted=wanted, skip_unreadable=skip_unreadable, fit=fit)


def load_stream(
    source: str | Path,
    split: str = "train",
    *,
    resize: tuple[int, int] | None = None,
    wanted: tuple[int, ...] | None = None,
    skip_unreadable: bool = False,
    way: Preprocessing | None = None,
) -> ImageSet:
    """The images of a folder of image files, of tar files or of a saved data set, decoded when they are asked for.

    Everything else is as in `load`; an epoch's order is another one. Raises DataError for other sources.
    """
    if resize is not None:
        _check_size(resize)
    folder = image_files_in(source)
    if folder is None:
        raise DataError(
            "is not decoded image by image.",
            "A stream reads image files, tar files, or a data set of Hugging Face's.",
            "Leave --stream out: these images are read into memory at once.",
            where=str(source),
        )
    reading = Reading(resize, wanted, _fit(way, resize))
    return streamed_folder(folder, split, reading, skip_unreadable=skip_unreadable)


def image_files_in(source: str | Path) -> Path | None:
    """The folder that a source names, if it holds image files; None for MNIST, IDX files and CIFAR's files."""
    if source in SOURCES:
        return None
    if _records(source):
        return None
    folder = _folder(source)
    return None if is_idx_folder(folder) or cifar_layout(folder) is not None else folder


def _records(source: str | Path) -> Path | None:
    """The file or folder of records of Go games that a source names, or None where it is something else."""
    path = Path(os.path.expanduser(source)) if str(source) else None
    if path is None or not (os.path.isfile(path) or os.path.isdir(path)):
        return None
    return path.resolve() if record_files(path) else None


def _fit(way: Preprocessing | None, resize: tuple[int, int] | None) -> Preprocessing | None:
    """The preprocessing that brings each image to the network's size as it is read, if it is one that does."""
    return way if resize is None and way is not None and way.fit in ("crop", "letterbox") else None


def _check_size(resize: tuple[int, int]) -> None:
    if len(resize) != 2 or any(type(side) is not int or side < 1 for side in resize):
        raise DataError(f"resize is {resize!r}.", "It must be (height, width), both at least 1.", "Such as (32, 32).")
    if max(resize) > MOST_SAMPLES or math.prod(resize) > MOST_PIXELS:
        raise DataError(
            f"resize is {resize[0]} × {resize[1]}.",
            f"Neither side is more than {MOST_SAMPLES:,} pixels, and both together no more than {MOST_PIXELS:,}.",
            "Give the size that the network takes, such as 32x32.",
        )


def _folder(source: str | Path) -> Path:
    """The absolute path of the folder that a source names."""
    if not str(source):
        raise DataError("the source has no name.", f"Expected {', '.join(SOURCES)}, or a folder.", _FOLDER)
    path = Path(os.path.expanduser(source))
    # os.path asks without raising, also about paths that are too long or may not be looked at
    if os.path.isdir(path):
        return path.resolve()
    if os.path.exists(path):
        raise DataError("is a file.", _FOLDER, where=str(source))
    if isinstance(source, str) and path.name == source and "." not in source:
        error = unknown_name("source", source, SOURCES)
        error.remedy = " ".join((error.remedy, _FOLDER)).strip()
        raise error
    raise DataError("no such folder.", _FOLDER, "Check the path, or use mnist.", where=str(source))


def _at(images: ImageSet, resize: tuple[int, int] | None) -> ImageSet:
    return images if resize is None else replace(images, images=resized(images.images[:], resize))
