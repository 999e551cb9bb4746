"""Files written whole or not at all, and lines appended to a log."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from striate.errors import OutputError


def write_whole(path: Path, content: bytes | str) -> None:
    """Write a file so that a reader sees the old one or the new one, never a part; OutputError if it cannot be."""
    data = content.encode() if isinstance(content, str) else content
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as problem:
        with suppress(OSError):  # its folder may be none
            partial.unlink()
        raise unwritten(path, problem) from None


def append_line(path: Path, line: str) -> None:
    """Append one line to a file."""
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
    except OSError as problem:
        raise unwritten(path, problem) from None


def make_folder(path: Path) -> None:
    """Make a folder and its parents."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise unwritten(path, problem) from None


def unwritten(path: Path, problem: OSError) -> OutputError:
    """The error for a file or folder that could not be written."""
    return OutputError(
        f"{path} cannot be written: {problem.strerror}.",
        "What was saved before is whole.",
        "Make room or give another folder, then go on with --resume.",
    )
