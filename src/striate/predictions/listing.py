"""The list of the images of a job: made once, when it begins, and kept in a file of one line per image."""

from __future__ import annotations

import json
import os
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from striate.data.listing import FOREIGN, SUFFIXES
from striate.data.shards import MOST_IMAGE
from striate.data.tar import files_in, is_tar
from striate.description.labels import one_line
from striate.errors import DataError, RunError

_EXPECTED = "Expected image files, folders of images, or tar files of images."
_JOBS = (".csv.parts", ".jsonl.parts", ".parquet.parts")
"""How the names of jobs' folders end: they lie beside the file of predictions, and hold parts of it."""
_MOST_LINK = 100
"""The deepest that folders may lie in one another, links included."""


@dataclass(frozen=True, slots=True)
class Item:
    """One image: its `name` as a row has it, the `file`, and where in a tar file it lies: `start` and `size`.

    `size` is −1 where the image is the whole file.
    """

    name: str
    file: str
    start: int = 0
    size: int = -1

    def content(self) -> Path | bytes:
        """The image as `decode` takes it. Raises DataError where the tar file cannot be read."""
        if self.size < 0:
            return Path(self.file)
        if self.size > MOST_IMAGE:
            raise DataError(f"larger than {MOST_IMAGE // 2**20} MiB")
        try:
            with open(self.file, "rb") as stream:
                stream.seek(self.start)
                return stream.read(self.size)
        except OSError as error:
            raise DataError((error.strerror or "cannot be read").lower()) from None

    def line(self) -> str:
        """The item as a line of the list."""
        where = [self.start, self.size] if self.size >= 0 else []
        return json.dumps([self.name, self.file, *where]) + "\n"


class Listed:
    """The list in a file, read part by part: `part_size` images are a part. The memory has a number for each part.

    Raises RunError where the file does not hold `count` images.
    """

    def __init__(self, path: Path, *, count: int, part_size: int) -> None:
        self.path, self.count, self.part_size = path, count, part_size
        self.starts = array("q")
        found = place = 0
        with path.open("rb") as file:
            for line in file:
                if found % part_size == 0:
                    self.starts.append(place)
                found, place = found + 1, place + len(line)
        if found != count:
            raise damaged(path, f"it has {found:,} images of {count:,}")

    @property
    def parts(self) -> int:
        """The number of parts."""
        return len(self.starts)

    def size(self, part: int) -> int:
        """The number of images in a part; only the last one may have fewer than the others."""
        return min(self.part_size, self.count - part * self.part_size)

    def part(self, part: int) -> list[Item]:
        """The images of a part."""
        return items_of(self.text(part), self.path)

    def text(self, part: int) -> str:
        """The lines of a part."""
        end = self.starts[part + 1] if part + 1 < self.parts else None
        with self.path.open("rb") as file:
            file.seek(self.starts[part])
            return file.read(-1 if end is None else end - self.starts[part]).decode()


class Pending(Sequence[Item]):
    """The images of some parts of a list, one part after another; only that part is in memory that was asked for last.

    The list's last part may be among them as the last one.
    """

    def __init__(self, listed: Listed, parts: Sequence[int]) -> None:
        self.listed, self.parts = listed, parts
        self._held: tuple[int, list[Item]] = (-1, [])

    def __len__(self) -> int:
        return sum(map(self.listed.size, self.parts))

    def __getitem__(self, index: int | slice) -> Item | list[Item]:  # pyright: ignore[reportIncompatibleMethodOverride]
        if isinstance(index, slice):
            return [self._at(number) for number in range(*index.indices(len(self)))]
        return self._at(range(len(self))[index])

    def _at(self, number: int) -> Item:
        place, within = divmod(number, self.listed.part_size)
        part = self.parts[place]
        if self._held[0] != part:
            self._held = part, self.listed.part(part)
        return self._held[1][within]


def items_of(text: str, path: Path) -> list[Item]:
    """The images of lines of the list. Raises RunError for a line that is none."""
    try:
        return [Item(*json.loads(line)) for line in text.splitlines()]
    except (ValueError, TypeError, RecursionError):
        raise damaged(path, "a line of it is no image") from None


def damaged(path: Path, why: str) -> RunError:
    """The error for a file of a job that is not as it was written."""
    return RunError(
        f"{path} is damaged: {why}.",
        "It is a file of a job of predictions that was not finished.",
        f"Remove {path.parent}, and give the command again: it begins anew.",
    )


def listed_images(sources: Sequence[str]) -> Iterator[Item]:
    """The images of files, of folders with all that lies in them, and of tar files, in the order of their names.

    A name is the path as it was given, with the path in the folder behind it; of an image in a tar file that of the tar
    file, with the member's name behind it. Other files are left out: those with no suffix of an image, and hidden ones.
    In folders, tar files are read where neither images nor folders lie beside them. Raises DataError where a source is
    missing, cannot be read or holds no image.
    """
    for source in sources:
        path = Path(source)
        if path.is_dir():
            found = _in_folder(source, depth=0)
        elif is_tar(source):
            found = _in_tar(source)
        elif path.exists():
            found = iter([_file(source)])
        else:
            raise DataError("no such file or folder.", _EXPECTED, "Check the path.", where=source)
        first = next(found, None)
        if first is None:
            raise DataError(
                "holds no images.",
                f"Looked for files ending in {', '.join(SUFFIXES)}, and for tar files.",
                "For MNIST, IDX and CIFAR's files: striate evaluate RUN --data FOLDER.",
                where=source,
            )
        yield first
        yield from found


def require_apart(sources: Sequence[str]) -> None:
    """Raise DataError where a source is given twice, or lies in another: each image is classified once."""
    resolved = {source: os.path.realpath(source) for source in sources}
    seen: dict[str, str] = {}
    for source, path in resolved.items():
        if path in seen:
            raise _twice(source, seen[path])
        seen[path] = source
    for source, path in resolved.items():
        parent = os.path.dirname(path)
        while parent != os.path.dirname(parent):
            if parent in seen:
                raise _twice(source, seen[parent])
            parent = os.path.dirname(parent)
    if len(resolved) != len(sources):
        again = next(source for at, source in enumerate(sources) if source in sources[:at])
        raise _twice(again, again)


def _twice(source: str, other: str) -> DataError:
    what = "is given twice" if source == other else f"is a part of {one_line(other)}, which is given too"
    return DataError(f"{what}.", "Each image is classified once.", "Leave one of them out.", where=source)


def _in_folder(folder: str, *, depth: int) -> Iterator[Item]:
    try:
        with os.scandir(folder) as found:
            # One letter for what it is: millions of entries are held in memory only as names.
            named = sorted((each.name, _kind(each)) for each in found if each.name[0] != ".")
    except OSError as error:
        raise DataError(f"cannot be listed: {error.strerror}.", _EXPECTED, where=folder) from None
    if depth > _MOST_LINK:
        raise DataError(
            f"folders lie in one another more than {_MOST_LINK} deep.",
            "A link may lead back to a folder that it lies in.",
            "Remove the link, or give the folders within.",
            where=folder,
        )
    kinds = {kind for _, kind in named}
    for name, kind in named:
        path = os.path.join(folder, name)
        if kind == "f":
            yield from _in_folder(path, depth=depth + 1)
        elif kind == "i":
            yield _file(path)
        elif kind == "t" and not kinds & {"f", "i"}:
            yield from _in_tar(path)


def _kind(entry: os.DirEntry[str]) -> str:
    """f: a folder; i: an image; t: a tar file; o: another file, or the folder of a job, which holds no images."""
    if entry.is_dir():
        return "f" if entry.name != "__pycache__" and not entry.name.endswith(_JOBS) else "o"
    name = entry.name.lower()
    return "i" if name.endswith(SUFFIXES + FOREIGN) else "t" if is_tar(name) else "o"


def _file(path: str) -> Item:
    return Item(path, os.path.abspath(path))


def _in_tar(path: str) -> Iterator[Item]:
    """The images in a tar file, in its order. Raises DataError where it is none, or compressed."""
    for _, member in files_in(path, expected=_EXPECTED):
        name = os.path.basename(member.name)
        if name[:1] not in ("", ".") and name.lower().endswith(SUFFIXES + FOREIGN):
            yield Item(f"{path}/{member.name}", os.path.abspath(path), member.offset_data, member.size)
