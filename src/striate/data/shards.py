"""Lists tar files of images in WebDataset's format: for each image a member KEY.jpg, and KEY.cls with its class.

A tar file is never unpacked: each image is read where it lies in it.
"""

from __future__ import annotations

import re
import tarfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from striate.data.listing import (
    FOREIGN,
    SUFFIXES,
    ByteRange,
    ByteRanges,
    Listing,
    folders_in,
    in_test,
    natural,
    require_learned,
)
from striate.data.tar import files_in, is_tar
from striate.description.labels import is_one_line, one_line
from striate.errors import DataError, MissingSplitError

NAMES = "classes.txt"
"""A file beside the shards: the names of the classes, one a line, in the order of their numbers."""
MOST_LABEL, MOST_NAMES, MOST_IMAGE = 1000, 2**24, 2**28
"""The largest sizes, in bytes, of a member .cls, of `classes.txt` and of an image."""
WORDS = {"train": "train", "training": "train", "test": "test", "val": "val", "valid": "val", "validation": "val"}
"""The words in a shard's name that say its split; where there are no test shards, those for validation are."""

_FORMAT = "A shard is a .tar file with KEY.jpg (or another image) and KEY.cls, the number or the name of its class."


@dataclass(frozen=True, slots=True)
class _Sample:
    name: str
    part: ByteRange
    label: str


def has_shards(folder: Path) -> bool:
    """Whether a folder holds tar files and no folders: beside folders of images, a tar file is what they came in."""
    return any(is_tar(child.name) for child in _files(folder)) and not folders_in(folder)


def list_shards(folder: Path, split: str) -> Listing:
    """The images of a split in a folder of shards. Raises DataError for shards that are none, and for their labels.

    The split is a word in a shard's name, such as photos-train-000.tar; where no name has one, one image in six is a
    test image, by its name. Classes are the names in classes.txt, else all labels in all shards.
    """
    shards = [child for child in _files(folder) if is_tar(child.name)]
    splits = {shard: _split_of(shard) for shard in shards}
    samples = {shard: _samples(shard) for shard in shards}
    classes = _classes(folder, [each.label for found in samples.values() for each in found])
    numbers = _numbers(folder, classes, {each.label for found in samples.values() for each in found})
    _require_split(folder, splits, split)
    sides = {each: _side(samples, splits, each) for each in ("train", "test")}
    chosen = sides[split]
    if not chosen:
        raise MissingSplitError(f"no {split} images.", _FORMAT, where=str(folder))
    labels = {side: [numbers[each.label] for each in found] for side, found in sides.items()}
    require_learned(classes, labels, where=folder)
    return Listing(
        classes,
        tuple(each.name for each in chosen),
        tuple(numbers[each.label] for each in chosen),
        ByteRanges.of([each.part for each in chosen]),
    )


def _files(folder: Path) -> list[Path]:
    try:
        found = [child for child in folder.iterdir() if child.name[0] != "." and child.is_file()]
    except OSError as error:
        raise DataError(f"cannot be listed: {error.strerror}.", _FORMAT, where=str(folder)) from None
    return sorted(found, key=lambda one: natural(one.name))


def _split_of(shard: Path) -> str:
    """The split that a shard's name says; "" where it says none."""
    words = re.split(r"[^a-z]+", shard.name.lower())
    return next((WORDS[word] for word in words if word in WORDS), "")


def _word(splits: dict[Path, str], split: str) -> str:
    """The word of a split's shards: where there are none for tests, those for validation are taken."""
    return "val" if split == "test" and "test" not in splits.values() else split


def _side(samples: dict[Path, list[_Sample]], splits: dict[Path, str], split: str) -> list[_Sample]:
    """The images of a split, by their shards' names, or by their own where no shard's says one."""
    if set(splits.values()) == {""}:
        return [each for found in samples.values() for each in found if in_test(each.name) == (split == "test")]
    return [each for shard, found in samples.items() if splits[shard] == _word(splits, split) for each in found]


def _require_split(folder: Path, splits: dict[Path, str], split: str) -> None:
    """Raise DataError where some shards say their split and one says none, MissingSplitError where none is of it."""
    if set(splits.values()) == {""}:
        return
    if silent := [shard.name for shard, found in splits.items() if not found]:
        raise DataError(
            f"the name of {one_line(silent[0])} says no split, and those of other shards do.",
            "A shard's name has the word train, val or test, or no shard's has.",
            "Rename it, such as photos-train-000.tar.",
            where=str(folder),
        )
    if _word(splits, split) not in splits.values():
        raise MissingSplitError(
            f"no {split} shards.",
            f"Looked for the word {split} in the names of {len(splits)} tar files.",
            f"Add some, such as photos-{split}-000.tar.",
            where=str(folder),
        )


def _samples(shard: Path) -> list[_Sample]:
    """The images of a shard, in its order. Raises DataError, with the shard and the member."""
    images: dict[str, ByteRange] = {}
    labels: dict[str, str] = {}
    dotted: dict[str, set[str]] = {}
    for tar, member in files_in(shard, expected=_FORMAT):
        path = PurePosixPath(member.name)
        stem, _, ending = path.name.partition(".")
        key = str(path.with_name(stem)) if stem else ""
        if not key:
            continue
        if ending.lower() == "cls":
            labels[key] = _label(tar, member, shard)
        elif f".{ending.lower()}" in SUFFIXES + FOREIGN:
            if key in images or member.size > MOST_IMAGE:
                what = "has two images" if key in images else f"is larger than {MOST_IMAGE // 2**20} MiB"
                raise DataError(f"{one_line(key)} {what}.", _FORMAT, where=str(shard))
            images[key] = ByteRange(shard.name, member.offset_data, member.size)
        elif path.suffix.lower() in (".cls", *SUFFIXES, *FOREIGN):
            dotted.setdefault(path.stem, set()).add(path.suffix.lower())
    # An image without such a label, as 0001.seg.png, belongs to the image of its KEY.
    if meant := [name for name, endings in dotted.items() if ".cls" in endings and len(endings) > 1]:
        raise DataError(
            f"{one_line(meant[0])} has a dot in its KEY, which ends at the first one ({len(meant):,} such images).",
            _FORMAT,
            "Rename it, with - in place of the dot.",
            where=str(shard),
        )
    if without := [key for key in images if key not in labels]:
        raise DataError(
            f"{one_line(without[0])} has an image and no .cls ({len(without):,} of {len(images):,} images).",
            _FORMAT,
            where=str(shard),
        )
    return [_Sample(f"{shard.name}/{one_line(key)}", part, labels[key]) for key, part in images.items()]


def _label(tar: tarfile.TarFile, member: tarfile.TarInfo, shard: Path) -> str:
    opened = tar.extractfile(member) if member.size <= MOST_LABEL else None
    text = opened.read().decode("utf-8", "replace").strip() if opened else ""
    if not text or "\ufffd" in text or not is_one_line(text):
        raise DataError(f"{one_line(member.name)} holds no class.", _FORMAT, where=str(shard))
    return _plain(text)


def _plain(text: str) -> str:
    """A label or a class's name; a number without the zeros before it."""
    return (text.lstrip("0") or "0") if text.isascii() and text.isdigit() else text


def _numbers(folder: Path, classes: tuple[str, ...], labels: set[str]) -> dict[str, int]:
    """By label the number of its class: a class's name, or its number where the names are in classes.txt.

    Where names are numbers, too, all labels are names, or every number is that of a line.
    """
    named = {_plain(name): number for number, name in enumerate(classes)}
    lines = {str(number): number for number in range(len(classes))}
    if len(named) < len(classes):
        what = "names a class twice: two numbers differ only in zeros before them."
        raise DataError(what, "It has a class a line.", where=str(folder / NAMES))
    if labels <= named.keys() & lines.keys() and any(named[label] != lines[label] for label in labels):
        raise DataError(
            f"has numbers as names of classes, so that a .cls of {min(labels)} may be a name or a line.",
            "A label is a number from 0, a line of that file, or a name in it.",
            "Give the classes names that are no numbers.",
            where=str(folder / NAMES),
        )
    if labels <= named.keys():
        return named
    numbers = {name: number for name, number in named.items() if not (name.isascii() and name.isdigit())} | lines
    if unknown := labels - numbers.keys():
        raise DataError(
            f"a .cls says {min(unknown):.60}, and {NAMES} names {len(classes)} classes.",
            "A label is a number from 0, a line of that file, or a name in it.",
            where=str(folder),
        )
    return numbers


def _classes(folder: Path, labels: list[str]) -> tuple[str, ...]:
    """The classes by name; numbers stand for lines of classes.txt where that is there."""
    file = folder / NAMES
    found = sorted(set(labels), key=natural)
    if not file.is_file():
        if len(found) < 2:
            raise DataError("its images are of fewer than two classes.", _FORMAT, where=str(folder))
        return tuple(found)
    if file.stat().st_size > MOST_NAMES:
        raise DataError(f"is larger than {MOST_NAMES // 2**20} MiB.", "It has a class a line.", where=str(file))
    names = [name.strip() for name in file.read_text(encoding="utf-8-sig", errors="replace").rstrip().split("\n")]
    if not all(names) or len(set(names)) != len(names) or not all(map(is_one_line, names)):
        what = "names a class twice, or has an empty line or control characters."
        raise DataError(what, "It has a class a line.", where=str(file))
    return tuple(names)
