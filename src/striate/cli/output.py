"""A text written to a file, whole or not at all, without the framework that `train.files` comes with."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from striate.description.labels import one_line
from striate.errors import OutputError


def write_text(path: Path, text: str) -> None:
    """Write a text so that a reader sees the old file or the new one, never a part; OutputError if it cannot be."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial") if path.name else path
    try:
        with partial.open("w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        partial.replace(path)
    except OSError as problem:
        with suppress(OSError):
            partial.unlink()
        raise OutputError(
            f"{one_line(str(path))} cannot be written: {problem.strerror}.",
            "Nothing was changed.",
            "Give the name of a file in a folder that is there, and that you may write to.",
        ) from None
