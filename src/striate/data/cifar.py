"""CIFAR-10 and CIFAR-100 in the binary and Python formats in which they are published (A. Krizhevsky, Learning
multiple layers of features from tiny images, 2009); nothing in a file is executed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import torch

from striate.data.pickled import pickled
from striate.data.store import ImageSet
from striate.description.labels import is_one_line
from striate.errors import DataError, MissingSplitError

SHAPE = (3, 32, 32)
PIXELS = 3 * 32 * 32
MOST_BYTES = 2**30
"""The most bytes of one file; the largest published one has 155 million."""


@dataclass(frozen=True)
class Layout:
    """A published layout: the folder's name, the files of each split, that of the class names, and their key.

    `labels` are the label bytes before each image of a binary file, of which the last counts; 0 for Python's format.
    """

    folder: str
    train: tuple[str, ...]
    test: tuple[str, ...]
    names: str
    key: str
    labels: int

    def files(self, split: str) -> tuple[str, ...]:
        """The files of a split."""
        return self.train if split == "train" else self.test


def _batches(suffix: str) -> tuple[str, ...]:
    return tuple(f"data_batch_{number}{suffix}" for number in range(1, 6))


LAYOUTS = (
    Layout("cifar-10-batches-bin", _batches(".bin"), ("test_batch.bin",), "batches.meta.txt", "", 1),
    Layout("cifar-10-batches-py", _batches(""), ("test_batch",), "batches.meta", "label_names", 0),
    Layout("cifar-100-binary", ("train.bin",), ("test.bin",), "fine_label_names.txt", "", 2),
    Layout("cifar-100-python", ("train",), ("test",), "meta", "fine_label_names", 0),
)
_REMEDY = "Unpack the published archive again."


def cifar_layout(folder: Path) -> tuple[Path, Layout] | None:
    """The layout of a folder of CIFAR's files, and where they are: there, or in a folder of the published name."""
    for layout in LAYOUTS:
        for place in (folder, folder / layout.folder):
            if any((place / file).is_file() for file in (*layout.train, *layout.test)):
                return place, layout
    return None


def cifar_folder(place: Path, layout: Layout, split: str) -> ImageSet:
    """A split, with CIFAR-100's fine classes. Raises DataError, naming the file, for what is missing or damaged."""
    files = [place / name for name in layout.files(split)]
    missing = [file.name for file in files if not file.is_file()]
    if missing:
        raise (MissingSplitError if len(missing) == len(files) else DataError)(
            f"no {', '.join(missing)} in this folder of CIFAR's files.",
            f"The {split} split is {', '.join(layout.files(split))}.",
            _REMEDY,
            where=str(place),
        )
    classes = _classes(place / layout.names, layout)
    read = [_binary(file, layout.labels) if layout.labels else _python(file, layout) for file in files]
    images, labels = (np.concatenate(each) for each in zip(*read, strict=True))
    if int(labels.max()) >= len(classes):
        raise DataError(
            f"label {int(labels.max())} has no name: there are {len(classes)} classes.", _EXPECTED, where=str(place)
        )
    values, numbers = torch.from_numpy(images.reshape(-1, *SHAPE)), torch.from_numpy(labels.astype(np.int64))
    return ImageSet(values, numbers, classes, str(place), split, "picture")


_EXPECTED = "Every label is the number of a class."


def _content(file: Path) -> bytes:
    try:
        if (size := file.stat().st_size) > MOST_BYTES:
            raise DataError(f"has {size:,} bytes.", f"At most {MOST_BYTES:,} are read.", _REMEDY, where=str(file))
        return file.read_bytes()
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}.", "Expected a file of CIFAR.", where=str(file)) from None


def _binary(file: Path, labels: int) -> tuple[np.ndarray, np.ndarray]:
    """Images, uint8 (images, 3072), and labels of a binary file: label bytes, then red, green and blue by rows."""
    content, record = np.frombuffer(_content(file), np.uint8), labels + PIXELS
    if not len(content) or len(content) % record:
        raise DataError(
            f"has {len(content):,} bytes.",
            f"It holds images of {record:,} bytes each: {labels} for the label, {PIXELS:,} for 32 × 32 colours.",
            _REMEDY,
            where=str(file),
        )
    rows = content.reshape(-1, record)
    return np.ascontiguousarray(rows[:, labels:]), rows[:, labels - 1]


def _python(file: Path, layout: Layout) -> tuple[np.ndarray, np.ndarray]:
    """Images, uint8 (images, 3072), and labels of a pickled dictionary."""
    members = _members(file)
    images, labels = members.get("data"), members.get("fine_labels" if "100" in layout.folder else "labels")
    if not isinstance(images, np.ndarray) or images.ndim != 2 or images.shape[1] != PIXELS or not len(images):
        raise DataError("has no images of 32 × 32 colours.", "Its data are (images, 3072).", _REMEDY, where=str(file))
    found = cast("list[object]", labels) if isinstance(labels, list) else []
    if len(found) != len(images) or not all(type(each) is int and 0 <= each < 256 for each in found):
        raise DataError(
            f"has {len(found)} labels for {len(images)} images.", "Every image has one, a class's number.", _REMEDY,
            where=str(file),
        )  # fmt: skip
    return np.ascontiguousarray(images), np.array(found, np.uint8)


def _members(file: Path) -> dict[str, object]:
    """The pickled dictionary of a file; a Python 3 that kept Python 2's texts has keys of bytes."""
    try:
        value = pickled(_content(file))
    except ValueError as problem:
        raise DataError(
            f"is no file of CIFAR: {str(problem)[:120]}.",
            "Expected a pickled dictionary of data and labels; nothing else is read from a pickle.",
            _REMEDY,
            where=str(file),
        ) from None
    members = cast("dict[object, object]", value) if isinstance(value, dict) else {}
    return {_text(key): each for key, each in members.items()}


def _text(value: object) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _classes(file: Path, layout: Layout) -> tuple[str, ...]:
    if not file.is_file():
        raise DataError(f"no {file.name}, which has the class names.", _EXPECTED, _REMEDY, where=str(file.parent))
    if layout.labels:
        lines = _content(file).decode("latin-1").splitlines()
        names = tuple(line.strip() for line in lines if line.strip())
    else:
        held = _members(file).get(layout.key)
        names = tuple(_text(each) for each in cast("list[object]", held)) if isinstance(held, list) else ()
    if not 2 <= len(names) <= 256 or len(set(names)) < len(names) or not all(map(is_one_line, names)):
        raise DataError(
            f"has {len(names)} class names.", "Expected from 2 to 256 different ones, a line each.", _REMEDY,
            where=str(file),
        )  # fmt: skip
    return names
