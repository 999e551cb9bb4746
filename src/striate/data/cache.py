"""Decoded images in the user's cache, as safetensors files: they are checked, can be remade, and hold no pickles.

A file is written image by image, so that it may be larger than the memory, and mapped into memory when it is read.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

VERSION = 3
"""The version of the cache's format, and of how images are decoded; a file of another version is decoded anew."""
FILES = 2
"""The version of `copied`, which the fingerprints of streams hold; it stays where images are decoded in another way."""
CHUNK = 2**26
"""The bytes that a checksum takes at once."""


@dataclass(frozen=True, eq=False)
class Cached:
    """The decoded images, uint8 (images, channels, height, width), in the order of the listing without the
    `unreadable`, (file, reason).

    `mapped` where the images are a file of the cache, mapped into memory.
    """

    images: Tensor
    unreadable: tuple[tuple[str, str], ...]
    mapped: bool = False


@dataclass(frozen=True)
class CacheEntry:
    """The place of one decoded split: a file, or None where there is no cache, and the key of its content.

    The `copied` key is the same for a copy of the images' files that keeps their times.
    """

    file: Path | None
    key: str
    count: int
    copied: str = ""

    def read(self) -> Cached | None:
        """The content under this key, or None where the file is missing, damaged or of another key."""
        if self.file is None or not self.file.is_file():
            return None
        try:
            found, members = opened(self.file)
            if members.get("key") != self.key:
                return None
            images = found.images
            sound = images.dtype == torch.uint8 and images.ndim == 4
            if not sound or len(images) + len(found.unreadable) != self.count:
                return None
            if checksum(images, reasons(found.unreadable)) != members["checksum"]:
                return None
        except (OSError, SafetensorError, KeyError, ValueError, TypeError):
            return None
        return found

    def passing(self) -> Path | None:
        """A new name beside the file, for one that is being written."""
        if self.file is None:
            return None
        return self.file.with_name(f"{self.file.name}.{os.getpid()}.{secrets.token_hex(4)}.tmp")


def opened(file: Path) -> tuple[Cached, dict[str, str]]:
    """The content of a file of the cache, mapped, and the members of its head. Nothing is checked."""
    with safe_open(str(file), framework="pt") as kept:
        members = kept.metadata() or {}
        text = bytes(kept.get_tensor("unreadable").tolist())
        unreadable = tuple((str(name), str(reason)) for name, reason in json.loads(text))
        return Cached(kept.get_tensor("images"), unreadable, mapped=True), members


def reasons(unreadable: Sequence[tuple[str, str]]) -> bytes:
    """The files that could not be read, each with the reason, as the cache keeps them."""
    return json.dumps(list(unreadable)).encode()


def checksum(images: Tensor, text: bytes) -> str:
    """The CRC of all pixels, then of a text."""
    pixels = images.contiguous().view(-1).numpy().data
    found = 0
    for first in range(0, len(pixels), CHUNK):  # in parts, so that Ctrl-C is heard in between
        found = zlib.crc32(pixels[first : first + CHUNK], found)
    return f"{zlib.crc32(text, found):08x}"


def cache_entry(
    folder: Path,
    split: str,
    files: Sequence[str],
    *,
    count: int,
    resize: tuple[int, int] | None,
    fit: tuple[object, ...] | None = None,
) -> CacheEntry:
    """The cache's entry for a split of a folder, whose `count` images are in these files.

    A folder has one file per split, resize and fit. Its key is the sha256 of the folder, the files' names, sizes and
    times, `resize`, `fit` and the version, so that a changed file makes a new key. The times are also those of the last
    change of a name, as files that were unpacked together may have one size and one time, and be swapped.
    """
    named = (str(folder), split, resize, *([fit] if fit else []))
    place = hashlib.sha256(repr(named).encode("utf-8", "surrogateescape")).hexdigest()
    key, copied = (hashlib.sha256(repr((version, place)).encode()) for version in (VERSION, FILES))
    for file in files:
        try:
            stat = os.stat(folder / file)
            about, changed = (file, stat.st_size, stat.st_mtime_ns), stat.st_ctime_ns
        except OSError:
            about, changed = (file, -1, -1), -1
        copied.update(repr(about).encode("utf-8", "surrogateescape"))
        key.update(repr((*about, changed)).encode("utf-8", "surrogateescape"))
    root = cache_folder()
    kept = None if root is None else root / f"{place[:32]}.safetensors"
    return CacheEntry(kept, key.hexdigest(), count, copied.hexdigest())


def cache_folder() -> Path | None:
    """$STRIATE_CACHE, else $XDG_CACHE_HOME/striate, else ~/.cache/striate; None where there is no home."""
    if own := os.environ.get("STRIATE_CACHE"):
        return Path(own).expanduser()
    if shared := os.environ.get("XDG_CACHE_HOME"):
        return Path(shared) / "striate"
    try:
        return Path.home() / ".cache" / "striate"
    except RuntimeError:
        return None
