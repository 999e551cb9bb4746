"""Files written whole or not at all, and lines appended to a log."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from striate.errors import OutputError


def write_whole(path: Path, content: bytes | str) -> None:
    """Write a file so that readers see the old or the new content, never a part. Raises OutputError."""
    data = content.encode(errors="backslashreplace") if isinstance(content, str) else content  # names of files
    _require_possible(path)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except BaseException as problem:  # Ctrl-C leaves no half of it, either
        with suppress(OSError):  # its folder may be no folder
            partial.unlink()
        if isinstance(problem, OSError):
            raise unwritten(path, problem) from None
        raise


def keep_as(path: Path, other: Path) -> None:
    """Give a file a second name, `other`, replacing a file of that name; does nothing where the disk has no hard links.

    The content is not copied. A later `write_whole` to `path` makes a new file, so `other` keeps the old content.
    """
    partial = other.with_name(f".{other.name}.{os.getpid()}.partial")
    with suppress(OSError):
        partial.unlink(missing_ok=True)
        os.link(path, partial)
        partial.replace(other)


def clear_partial(folder: Path) -> None:
    """Remove the unfinished files of killed processes from a folder. Call it only while holding the folder's lock."""
    for each in folder.glob(".*.partial"):
        with suppress(OSError):
            each.unlink()


def append_line(path: Path, line: str) -> None:
    """Append one line to a file; a last line that a crash cut off is ended first."""
    try:
        with path.open("ab+") as file:
            end = file.seek(0, os.SEEK_END)
            if end:
                file.seek(end - 1)
            cut_off = end and file.read(1) != b"\n"
            file.write(f"{chr(10) if cut_off else ''}{line}\n".encode())
    except OSError as problem:
        raise unwritten(path, problem) from None


def make_folder(path: Path) -> None:
    """Make a folder and its parents."""
    _require_possible(path, folder=True)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise unwritten(path, problem) from None


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """A folder to fill under a passing name, which then gets the name `path`: it appears whole or not at all.

    An empty folder of that name is replaced. Raises OutputError.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    make_folder(partial)
    try:
        yield partial
        with suppress(FileNotFoundError):
            path.rmdir()
        partial.replace(path)
    except BaseException as problem:  # Ctrl-C leaves no half of it, either
        shutil.rmtree(partial, ignore_errors=True)
        if isinstance(problem, OSError) and not isinstance(problem, OutputError):
            raise unwritten(path, problem) from None
        raise


def unwritten(path: Path, problem: OSError) -> OutputError:
    """The error for a file or folder that could not be written."""
    return OutputError(
        f"{path} cannot be written: {problem.strerror}.",
        "What was saved before is whole.",
        "Make room or give another folder, then go on with --resume.",
    )


@contextmanager
def elsewhere(option: str) -> Iterator[None]:
    """Context in which an OutputError suggests another value of the command's `option` instead of --resume."""
    try:
        yield
    except OutputError as error:
        raise OutputError(error.what, "It was not written.", f"Give another place to {option}.") from None


def _require_possible(path: Path, *, folder: bool = False) -> None:
    """Raise OutputError where no file can have this name; Python itself would raise a ValueError."""
    if "\0" in str(path):
        raise unwritten(path, OSError(errno.EINVAL, "its name holds a NUL character"))
    if not folder and path.name in ("", ".."):
        raise unwritten(path, OSError(errno.EISDIR, os.strerror(errno.EISDIR)))
