"""IDX files, MNIST's own format, plain or gzipped: a magic number, big-endian dimensions, then bytes."""

from __future__ import annotations

import io
import math
import struct
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
import torch
from jaxtyping import Int64, UInt8
from torch import Tensor

from striate.data.gunzip import MAGIC, Gunzip
from striate.data.listing import require_learned
from striate.data.store import ImageSet
from striate.errors import DataError, MissingSplitError

PREFIX = {"train": "train", "test": "t10k"}
"""The names of a split's files: train-images-idx3-ubyte, t10k-labels-idx1-ubyte, with or without .gz."""

MOST_BYTES = 16 * 2**30
"""The most bytes that a file may announce. The largest known set, 8 million images of MNIST's size, has 6 GiB."""

_UNSIGNED_BYTES = 0x08
_REMEDY = "Fetch the file again, or remove it."


def is_idx_folder(folder: Path) -> bool:
    """Whether a folder holds at least one of the files that `idx_folder` reads."""
    return any(_find(folder, split, kind) for split in PREFIX for kind in ("images-idx3", "labels-idx1"))


def idx_folder(folder: Path, split: str) -> ImageSet:
    """A split of a folder of IDX files; the classes are "0" to the largest label of the training labels.

    For the test split only the labels of the training split are read, and for training nothing of the test split.
    """
    images = read_images(_file(folder, split, "images-idx3"))
    train_labels = read_labels(_file(folder, "train", "labels-idx1"))
    labels_file = _file(folder, split, "labels-idx1")
    labels = train_labels if split == "train" else read_labels(labels_file)
    check_counts(images, labels, where=str(labels_file))
    classes = tuple(str(label) for label in range(int(train_labels.max()) + 1))
    if len(classes) < 2:
        raise DataError("all labels are 0.", "A classifier needs at least two classes.", where=str(labels_file))
    if int(labels.max()) >= len(classes):
        raise DataError(
            f"label {int(labels.max())} is not among the training labels, 0 to {len(classes) - 1}.",
            "Both splits have the same classes.",
            where=str(labels_file),
        )
    if split == "test":
        require_learned(classes, {"train": train_labels.tolist(), "test": labels.tolist()}, where=folder)
    return ImageSet(images, labels, classes, str(folder), split, "picture")


def read_images(file: Path | Traversable) -> UInt8[Tensor, "images 1 height width"]:
    """The images of an idx3-ubyte file. Raises DataError, naming the file, where it is no such file or not whole."""
    return torch.from_numpy(_read(file, dimensions=3)).unsqueeze(1)


def read_labels(file: Path | Traversable) -> Int64[Tensor, " images"]:
    """The labels of an idx1-ubyte file. Raises DataError, naming the file, where it is no such file or not whole."""
    return torch.from_numpy(_read(file, dimensions=1)).to(torch.int64)


def check_counts(images: Tensor, labels: Tensor, *, where: str) -> None:
    """Raise DataError where the numbers of images and labels differ."""
    if len(images) != len(labels):
        raise DataError(
            f"{len(labels)} labels for {len(images)} images.",
            "Every image has one label.",
            "Fetch both files again, from one place.",
            where=where,
        )


def _find(folder: Path, split: str, kind: str) -> Path | None:
    """The file of a split, preferably the plain one."""
    plain = folder / f"{PREFIX[split]}-{kind}-ubyte"
    return next((file for file in (plain, plain.with_name(plain.name + ".gz")) if file.is_file()), None)


def _file(folder: Path, split: str, kind: str) -> Path:
    found = _find(folder, split, kind)
    if found is None:
        name = f"{PREFIX[split]}-{kind}-ubyte"
        whole = not any(_find(folder, split, each) for each in ("images-idx3", "labels-idx1"))
        raise (MissingSplitError if whole else DataError)(
            f"no {split} {kind.split('-')[0]} in this folder of IDX files.",
            f"Looked for {name} and {name}.gz.",
            "Add the file, or name another folder.",
            where=str(folder),
        )
    return found


def _read(file: Path | Traversable, *, dimensions: int) -> np.ndarray:
    """The bytes of an IDX file as an array of its dimensions."""
    kind = f"idx{dimensions}-ubyte"
    where = str(file)
    try:
        with file.open("rb") as raw:
            stream = cast("BinaryIO", raw)
            begins = stream.read(len(MAGIC))
            stream.seek(0)
            if not begins:
                raise DataError("is empty (0 bytes).", f"Expected an {kind} file.", where=where)
            zipped = begins == MAGIC
            return _array(io.BufferedReader(Gunzip(stream, where=where)) if zipped else stream, dimensions, where=where)
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}.", f"Expected an {kind} file.", where=where) from None
    except DataError as error:
        error.remedy = error.remedy or _REMEDY
        raise


def _array(stream: BinaryIO, dimensions: int, *, where: str) -> np.ndarray:
    """The array of an IDX stream; its header is checked before memory is allocated for the size that it announces."""
    kind = f"idx{dimensions}-ubyte"
    length = 4 + 4 * dimensions
    head = stream.read(length)
    if head[:4] != bytes((0, 0, _UNSIGNED_BYTES, dimensions)):
        raise DataError(
            f"begins with 0x{head[:4].hex()}.",
            f"An {kind} file begins with 0x0000{_UNSIGNED_BYTES:02x}{dimensions:02x}.",
            where=where,
        )
    if len(head) < length:
        raise DataError("ends within its head.", f"Expected an {kind} file.", where=where)
    shape = struct.unpack(f">{dimensions}I", head[4:length])
    size = math.prod(shape)
    if size == 0:
        raise DataError(f"holds nothing: {_by(shape)}.", "Expected at least one image.", where=where)
    if size > MOST_BYTES:
        raise DataError(
            f"announces {_by(shape)} bytes.",
            f"At most {MOST_BYTES // 2**30} GiB are read from one file.",
            "Fetch the file again, or give fewer or smaller images.",
            where=where,
        )
    try:
        values = np.empty(size, dtype=np.uint8)  # the system commits memory only when it is written
    except MemoryError:
        raise DataError(
            f"announces {_by(shape)} bytes.",
            "There is no room for so many in memory.",
            "Fetch the file again, give fewer or smaller images, or use a machine with more memory.",
            where=where,
        ) from None
    place = 0
    while place < size and (count := stream.readinto(memoryview(values)[place:])):  # pyright: ignore - it has it
        place += count
    if place < size or stream.read(1):
        difference = f"{place} follow" if place < size else "more follow"
        raise DataError(
            f"announces {_by(shape)} bytes, but {difference}.", "Expected what it announces, and no more.", where=where
        )
    return values.reshape(shape)


def _by(shape: tuple[int, ...]) -> str:
    return " × ".join(str(side) for side in shape)
