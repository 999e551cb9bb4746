"""Lists a folder of images: the files of each split and class, by name alone; no image is opened."""

from __future__ import annotations

import hashlib
import re
from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from striate.description.labels import is_one_line, one_line
from striate.errors import DataError, MissingSplitError
from striate.wording import counted

SUFFIXES = (".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".webp", ".gif", ".tif", ".tiff", ".ppm", ".pgm", ".pbm")
FOREIGN = (".avif", ".heic", ".heif", ".jp2", ".jxl")
"""Image formats that are not decoded. They are listed, so that they are reported as unreadable and not ignored."""
TEST_SHARE = 6
"""In a folder without splits, one file in this many is a test image."""

_LAYOUT = "A folder of images is train/CLASS/*.png and test/CLASS/*.png, or CLASS/*.png alone."


@dataclass(frozen=True, slots=True)
class ByteRange:
    """The bytes of one image within a file, such as a tar file."""

    file: str
    start: int
    size: int


@dataclass(frozen=True, eq=False)
class ByteRanges:
    """The byte ranges of many images in compact form: image i is `size` bytes from `start` in `files[which[i]]`."""

    files: tuple[str, ...] = ()
    which: array[int] = field(default_factory=lambda: array("q"))
    starts: array[int] = field(default_factory=lambda: array("q"))
    sizes: array[int] = field(default_factory=lambda: array("q"))

    @classmethod
    def of(cls, parts: Sequence[ByteRange]) -> ByteRanges:
        """The same ranges, in their order."""
        numbers = {file: number for number, file in enumerate(dict.fromkeys(part.file for part in parts))}
        return cls(
            tuple(numbers),
            array("q", [numbers[part.file] for part in parts]),
            array("q", [part.start for part in parts]),
            array("q", [part.size for part in parts]),
        )

    def __len__(self) -> int:
        return len(self.which)

    def __getitem__(self, number: int) -> ByteRange:
        return ByteRange(self.files[self.which[number]], self.starts[number], self.sizes[number])


@dataclass(frozen=True)
class Listing:
    """The images of one split, each with the index of its class.

    Files are relative to the folder, with "/", and named as in the file system. Where images are `parts` of files, in
    the same order, `files` are their names; so they are where `read` gives the bytes of each image, from the files
    `held`.
    """

    classes: tuple[str, ...]
    files: tuple[str, ...]
    labels: tuple[int, ...]
    parts: ByteRanges = field(default_factory=ByteRanges)
    read: Callable[[int], bytes] | None = None
    held: tuple[str, ...] = ()

    def content(self, folder: Path, number: int) -> Path | bytes:
        """An image as `decode` takes it: its file, or its bytes. Raises DataError where they cannot be read."""
        if self.read is not None:
            return self.read(number)
        if not self.parts:
            return folder / self.files[number]
        part = self.parts[number]
        try:
            with open(folder / part.file, "rb") as stream:
                stream.seek(part.start)
                return stream.read(part.size)
        except OSError as error:
            raise DataError((error.strerror or "cannot be read").lower()) from None

    @property
    def on_disk(self) -> tuple[str, ...]:
        """The files that hold the images."""
        if self.read is not None:
            return self.held
        return self.parts.files if self.parts else self.files


def require_learned(classes: tuple[str, ...], labels: Mapping[str, Sequence[int]], *, where: Path) -> None:
    """Raise DataError where a class has "test" labels and no "train" ones, unless there are no training labels at all.

    Numbers that are no class, as of images without a label, do not count.

    >>> require_learned(("cat", "dog"), {"train": [0], "test": [0, -1]}, where=Path("pets"))
    """
    learned = set(labels.get("train", ()))
    only = [each for each in sorted(set(labels.get("test", ())) - learned) if 0 <= each < len(classes)]
    if learned and only:
        raise DataError(
            f"class {classes[only[0]]!r} has test images and no training images.",
            "A network can answer only classes that it has learned.",
            "Add training images of it, or take its test images away.",
            where=str(where),
        )


def list_split(folder: Path, split: str) -> Listing:
    """The image files of a split. Raises DataError where there are none, or where the two splits' classes differ."""
    folders = {child.name: child for child in folders_in(folder)}
    if not folders:
        raise DataError("holds no folders of images.", _LAYOUT, "Name another folder, or use mnist.", where=str(folder))
    splits = {name for name in ("train", "test") if name in folders and folders_in(folders[name])}
    if not splits:
        if set(folders) <= {"train", "test", "val", "validation"}:
            raise DataError(
                f"{', '.join(sorted(folders))}: no folders of classes within.",
                _LAYOUT,
                "Put the images of each class into a folder of its own, such as train/cat.",
                where=str(folder),
            )
        return _without_splits(folder, split)
    if split not in splits:
        others = ", ".join(map(one_line, sorted(folders, key=natural)))
        raise MissingSplitError(
            f"no {split} split.",
            f"Looked for {split}/CLASS/*.png; the folders here are: {others}.",
            f"Add the folder {split}, with one folder of images per class.",
            where=str(folder),
        )
    classes = _classes(folders[split])
    if len(splits) == 2:
        _same_classes(folder, _classes(folders["train"]), _classes(folders["test"]))
    return _listing(folder, folders[split], classes)


def natural(name: str) -> tuple[list[tuple[int, int, str]], str]:
    """The key that sorts names as people do.

    >>> sorted(["10", "2", "b", "1", "a10", "a9"], key=natural)
    ['1', '2', '10', 'a9', 'a10', 'b']
    """
    parts = re.findall(r"([0-9]+)|([^0-9]+)", name)
    return [(0, int(digits), "") if digits else (1, 0, text.casefold()) for digits, text in parts], name


def in_test(file: str) -> bool:
    """Whether a file of a folder without splits is a test image.

    It depends on the file's name alone, so that adding a file does not move another one between splits.

    >>> in_test("cat/1.png"), sum(in_test(f"cat/{number}.png") for number in range(600))
    (False, 88)
    """
    return int.from_bytes(hashlib.sha256(file.encode("utf-8", "surrogateescape")).digest()[:8], "big") % TEST_SHARE == 0


def _without_splits(folder: Path, split: str) -> Listing:
    classes = _classes(folder)
    found = _listing(folder, folder, classes)
    members = [(file, label) for file, label in zip(found.files, found.labels, strict=True)]
    without = set(range(len(classes))) - {label for file, label in members if not in_test(file)}
    if without:
        name = classes[min(without)]
        raise DataError(
            f"class {name!r} has {_test_only(found.labels.count(min(without)))}.",
            f"Without train and test folders, about one file in {TEST_SHARE} is a test image, chosen by its name.",
            "Add images, or make the folders train and test.",
            where=str(folder),
        )
    chosen = [(file, label) for file, label in members if in_test(file) == (split == "test")]
    if not chosen:
        raise MissingSplitError(
            f"no test images among {counted(len(members), 'file')}.",
            f"Without train and test folders, about one file in {TEST_SHARE} is a test image, chosen by its name.",
            "Add images, or make the folders train and test.",
            where=str(folder),
        )
    return Listing(classes, tuple(file for file, _ in chosen), tuple(label for _, label in chosen))


def _classes(folder: Path) -> tuple[str, ...]:
    classes = tuple(child.name for child in folders_in(folder))
    for name in classes:
        _check_name(folder, name)
    if len(classes) < 2:
        raise DataError(
            f"holds one class only: {classes[0]!r}." if classes else "holds no classes.",
            "A classifier needs at least two classes, each a folder of images.",
            _LAYOUT,
            where=str(folder),
        )
    return classes


def _check_name(folder: Path, name: str) -> None:
    """Check that a class's name can be printed and kept in files of UTF-8."""
    if is_one_line(name):
        return
    is_text = not any("\ud800" <= each <= "\udfff" for each in name)
    raise DataError(
        f"the name of the class folder {one_line(name)} "
        + ("holds a control character." if is_text else "is not UTF-8."),
        "A class bears its folder's name, which must be text.",
        "Rename the folder, in train and in test.",
        where=str(folder),
    )


def _test_only(count: int) -> str:
    return "1 image, drawn as a test image" if count == 1 else f"{count:,} images, all of them drawn as test images"


def _same_classes(folder: Path, train: tuple[str, ...], test: tuple[str, ...]) -> None:
    if set(train) == set(test):
        return
    sides = [("train", set(train) - set(test)), ("test", set(test) - set(train))]
    only = [f"only in {name}: {', '.join(map(one_line, sorted(names, key=natural)))}" for name, names in sides if names]
    raise DataError(
        f"the classes of train and test differ: {'; '.join(only)}.",
        "Both splits have the same classes, matched by the names of their folders.",
        "Rename, add or remove these folders.",
        where=str(folder),
    )


def _listing(root: Path, folder: Path, classes: tuple[str, ...]) -> Listing:
    files: list[str] = []
    labels: list[int] = []
    for label, name in enumerate(classes):
        own = [child for child in _children(folder / name) if not child.is_dir()]
        images = [child for child in own if child.suffix.lower() in SUFFIXES + FOREIGN]
        if nested := folders_in(folder / name):
            raise DataError(
                f"class {name!r} holds a folder, {name}/{one_line(nested[0].name)}.",
                "The images of a class lie directly in its folder.",
                "Move them up, or the folder away.",
                where=str(folder),
            )
        if not images:
            others = sorted({one_line(child.suffix or child.name) for child in own})
            raise DataError(
                f"class {name!r} has no images.",
                f"Looked for files ending in {', '.join(SUFFIXES)}" + (f"; found {', '.join(others)}." if own else "."),
                "Add images to the folder, or remove it.",
                where=str(folder),
            )
        files += [child.relative_to(root).as_posix() for child in images]
        labels += [label] * len(images)
    return Listing(classes, tuple(files), tuple(labels))


def folders_in(folder: Path) -> list[Path]:
    """The folders in a folder that may be of splits or classes, in natural order."""
    return [child for child in _children(folder) if child.is_dir() and child.name != "__pycache__"]


def _children(folder: Path) -> list[Path]:
    """The files and folders in a folder that are not hidden, in natural order."""
    try:
        return sorted((child for child in folder.iterdir() if child.name[0] != "."), key=lambda one: natural(one.name))
    except OSError as error:
        raise DataError(f"cannot be listed: {error.strerror}.", _LAYOUT, where=str(folder)) from None
