"""Decoded folders in the user's cache, as safetensors files: they are checked, can be remade, and hold no pickles."""

from __future__ import annotations

import contextlib
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
from safetensors.torch import save_file
from torch import Tensor

VERSION = 1
"""The version of the cache's format; a file of another version is decoded anew."""


@dataclass(frozen=True, eq=False)
class Cached:
    """The decoded images, uint8 (images, channels, height, width), in the order of the listing without the
    `unreadable`, (file, reason)."""

    images: Tensor
    unreadable: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class CacheEntry:
    """The place of one decoded split: a file, or None where there is no cache, and the key of its content."""

    file: Path | None
    key: str
    count: int

    def read(self) -> Cached | None:
        """The content under this key, or None where the file is missing, damaged or of another key."""
        if self.file is None or not self.file.is_file():
            return None
        try:
            with safe_open(str(self.file), framework="pt") as kept:
                members = kept.metadata() or {}
                if members.get("key") != self.key:
                    return None
                images = kept.get_tensor("images")
            unreadable = tuple((str(file), str(reason)) for file, reason in json.loads(members["unreadable"]))
            sound = images.dtype == torch.uint8 and images.ndim == 4 and len(images) + len(unreadable) == self.count
            if not sound or _checksum(images) != members["checksum"]:
                return None
        except (OSError, SafetensorError, KeyError, ValueError, TypeError):
            return None
        return Cached(images, unreadable)

    def write(self, found: Cached) -> None:
        """Write the decoded images, whole or not at all; a cache that cannot be written is no error."""
        if self.file is None:
            return
        passing = self.file.with_name(f"{self.file.name}.{os.getpid()}.{secrets.token_hex(4)}.tmp")
        members = {
            "key": self.key,
            "unreadable": json.dumps(found.unreadable),
            "checksum": _checksum(found.images),
        }
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            save_file({"images": found.images}, str(passing), metadata=members)
            os.replace(passing, self.file)
        except (OSError, SafetensorError):
            with contextlib.suppress(OSError):
                passing.unlink(missing_ok=True)


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
    times, `resize`, `fit` and the version, so that a changed file makes a new key.
    """
    named = (str(folder), split, resize, *([fit] if fit else []))
    place = hashlib.sha256(repr(named).encode("utf-8", "surrogateescape")).hexdigest()
    digest = hashlib.sha256(repr((VERSION, place)).encode())
    for file in files:
        try:
            stat = os.stat(folder / file)
            about = (file, stat.st_size, stat.st_mtime_ns)
        except OSError:
            about = (file, -1, -1)
        digest.update(repr(about).encode("utf-8", "surrogateescape"))
    root = cache_folder()
    return CacheEntry(None if root is None else root / f"{place[:32]}.safetensors", digest.hexdigest(), count)


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


def _checksum(images: Tensor) -> str:
    return f"{zlib.crc32(images.contiguous().numpy().data):08x}"
