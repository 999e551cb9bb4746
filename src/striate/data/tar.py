"""Tar files of images: each file in them is read where it lies, and none is unpacked."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path

from striate.description.labels import one_line
from striate.errors import DataError

_COMPRESSED = (".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar.zst")


def is_tar(name: str) -> bool:
    """Whether a file's name is that of a tar file, compressed or not."""
    return name.lower().endswith((".tar", *_COMPRESSED))


def files_in(path: str | Path, *, expected: str) -> Iterator[tuple[tarfile.TarFile, tarfile.TarInfo]]:
    """The plain files in a tar file, in its order, each with the open tar file.

    Raises DataError where it is compressed, where it is none, and where it is cut short; `expected` is the error's
    second line.
    """
    if str(path).lower().endswith(_COMPRESSED):
        raise DataError(
            "is compressed.",
            "Images are read where they lie in a tar file, so it must not be.",
            "Unpack it to .tar; JPEG and PNG are compressed themselves.",
            where=str(path),
        )
    try:
        with tarfile.open(path, "r:") as tar:
            while (member := tar.next()) is not None:
                tar.members.clear()  # pyright: ignore[reportAttributeAccessIssue] - not in the stubs; it would keep them all
                if member.isreg() and not member.issparse():
                    yield tar, member
            _require_end(tar)
    except (tarfile.TarError, OSError, EOFError, ValueError) as problem:
        reason = getattr(problem, "strerror", None) or one_line(str(problem)).rstrip(".") or "it is cut short"
        raise DataError(f"is no whole tar file: {reason}.", expected, "Take it from a copy.", where=str(path)) from None


def _require_end(tar: tarfile.TarFile) -> None:
    """Raise tarfile.ReadError where what follows the last member is not the end: `tarfile` takes any rest for it."""
    if tar.fileobj is None:
        return
    tar.fileobj.seek(tar.offset)
    rest = tar.fileobj.read(tarfile.BLOCKSIZE)
    if rest.strip(b"\0") or 0 < len(rest) < tarfile.BLOCKSIZE:
        raise tarfile.ReadError(f"no member and no end follows at byte {tar.offset:,}")
