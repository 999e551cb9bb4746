"""Writes decoded images into the cache, one after another: a file is whole or not there, and memory stays bounded."""

from __future__ import annotations

import contextlib
import json
import math
import os
import zlib
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from safetensors import SafetensorError
from torch import Tensor

from striate.data.allocation import reserve
from striate.data.cache import Cached, CacheEntry, opened, reasons

try:
    import fcntl
except ImportError:  # Windows: what another process writes cannot be removed there anyway
    fcntl = None

HEAD = 1024
"""The bytes before the first pixel: the length of the head, and the head, filled up with spaces."""


class Packing:
    """A file of the cache that is being written for `entry`, with room for `count` images of a `shape`.

    Used as a context: without `finish`, whatever the reason, nothing is left. The file is locked while it is written;
    one without a lock was left by a process that was killed, and is removed. Raises OSError where the disk is full, or
    the cache cannot be written.
    """

    def __init__(self, entry: CacheEntry, path: Path, count: int, shape: tuple[int, ...]) -> None:
        self.entry, self.path, self.shape = entry, path, shape
        self.images, self.size, self.checksum = 0, 0, 0
        path.parent.mkdir(parents=True, exist_ok=True)
        _sweep(entry)
        self.file = _locked(path)
        try:
            reserve(self.file, HEAD + count * math.prod(shape))
            self.file.seek(HEAD)
        except BaseException:
            self._discard()
            raise

    def add(self, images: Tensor) -> None:
        """Write the next images, uint8, (images, channels, height, width)."""
        pixels = images.contiguous().view(-1).numpy().data
        self.file.write(pixels)
        self.checksum = zlib.crc32(pixels, self.checksum)
        self.images += len(images)
        self.size += len(pixels)

    def finish(self, unreadable: Sequence[tuple[str, str]]) -> Cached:
        """Put the file in its place, where it replaces an older one; gives its content, mapped."""
        text = reasons(unreadable)
        self.file.write(text)
        self.file.truncate(HEAD + self.size + len(text))
        head = {
            "__metadata__": {"key": self.entry.key, "checksum": f"{zlib.crc32(text, self.checksum):08x}"},
            "images": _tensor((self.images, *self.shape), 0, self.size),
            "unreadable": _tensor((len(text),), self.size, self.size + len(text)),
        }
        self.file.seek(0)
        self.file.write((HEAD - 8).to_bytes(8, "little") + json.dumps(head).encode().ljust(HEAD - 8))
        self.file.flush()
        os.fsync(self.file.fileno())
        try:
            found, _ = opened(self.path)
        except SafetensorError as problem:  # such as a disk that does not keep what was written
            raise OSError(str(problem)) from None
        assert self.entry.file  # noqa: S101 - there would be no path either
        os.replace(self.path, self.entry.file)
        self.file.close()
        return found

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if not self.file.closed:
            self._discard()

    def _discard(self) -> None:
        with contextlib.suppress(OSError):
            self.path.unlink()  # before the lock is released
        with contextlib.suppress(OSError):  # it may still hold bytes that the disk has no room for
            self.file.close()


def keep(entry: CacheEntry, found: Cached) -> None:
    """Write decoded images, whole or not at all; a cache that cannot be written is no error."""
    path = entry.passing()
    if path is None:
        return
    with contextlib.suppress(OSError), Packing(entry, path, len(found.images), tuple(found.images.shape[1:])) as file:
        file.add(found.images)
        file.finish(found.unreadable)


def _tensor(shape: tuple[int, ...], first: int, end: int) -> dict[str, object]:
    return {"dtype": "U8", "shape": list(shape), "data_offsets": [first, end]}


def _locked(path: Path) -> IO[bytes]:
    """A new file, locked; it is made again where another process took it for one that was left, before the lock."""
    while True:
        file = path.open("w+b", buffering=2**20)
        if fcntl is None:
            return file
        fcntl.flock(file.fileno(), fcntl.LOCK_EX)
        if path.exists():
            return file
        file.close()


def _sweep(entry: CacheEntry) -> None:
    """Remove files for this entry that were left by processes that were killed."""
    if entry.file is None or fcntl is None:
        return
    for left in entry.file.parent.glob(f"{entry.file.name}.*.tmp"):
        with contextlib.suppress(OSError), left.open("rb") as file:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
            left.unlink()
