"""Room for decoded images: in memory, or in a file on the disk that is mapped into memory and has no name."""

from __future__ import annotations

import math
import mmap
import os
import tempfile
from pathlib import Path
from typing import IO

import torch
from torch import Tensor

from striate.data.cache import cache_folder
from striate.errors import DataError
from striate.memory import machine_memory
from striate.wording import counted

SHARE = 2
"""Images that would take more than 1/SHARE of the machine's memory go to the disk."""


def allocated(count: int, shape: tuple[int, ...], *, on_disk: bool = False) -> Tensor:
    """Room for `count` images of a shape, uint8: in memory, or `on_disk` and where they would take half of the memory.

    A file on the disk is in the cache's folder, has no name, and is gone when the tensor is, or the process ends.
    Raises DataError where the disk has no room.
    """
    size = count * math.prod(shape)
    if not size or (not on_disk and size <= machine_memory() // SHARE):
        try:
            return torch.empty(count, *shape, dtype=torch.uint8)
        except RuntimeError:  # torch raises it when memory is short
            pass
    folder = _folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            reserve(file, size)
            mapped = mmap.mmap(file.fileno(), size)  # keeps the file open by itself
    except (OSError, OverflowError, ValueError) as problem:
        reason = getattr(problem, "strerror", None) or "no file is so large"
        raise DataError(
            f"{counted(count, 'image')} of {' × '.join(map(str, shape))}: {size / 2**30:,.1f} GiB.",
            f"Decoded images beyond half of the memory are kept in a file in {folder}: {reason}.",
            "Make room, set STRIATE_CACHE to a folder on a larger disk, or make the images smaller (--resize).",
        ) from None
    return torch.frombuffer(mapped, dtype=torch.uint8).view(count, *shape)


def reserve(file: IO[bytes], size: int) -> None:
    """Give a file its size, and room for it on the disk. Raises OSError where there is none.

    A mapped file without room would end the process when its pages are written.
    """
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file.fileno(), 0, size)
    else:
        file.truncate(size)


def _folder() -> Path:
    return cache_folder() or Path(tempfile.gettempdir())
