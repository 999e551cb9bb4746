"""The name and the folder of an exported file."""

from __future__ import annotations

from pathlib import Path

from striate.description.labels import path_part
from striate.errors import OutputError


def require_place(file: Path, suffix: str, kind: str) -> None:
    """Raises OutputError unless a file's name has the suffix of its kind, in a folder that is there."""
    if file.suffix != suffix:
        stem = "model" if file.name.lower() in ("", suffix) else path_part(file.stem)
        raise OutputError(
            f"{file} does not end in {suffix}." if file.stem != suffix else f"{file} has no name before {suffix}.",
            f"Programs know {kind} by its suffix.",
            f"Name it {stem}{suffix}.",
        )
    if not file.parent.is_dir():
        raise OutputError(
            f"{file} cannot be written: there is no folder {file.parent}.",
            "It was not written.",
            "Make the folder, or give another place to --out.",
        )


def require_other(file: Path, run: Path) -> None:
    """Raises OutputError where a file that is to be written is the run itself, which may be one file."""
    if run.is_file() and file.exists() and file.samefile(run):
        raise OutputError(f"{file} is RUN itself.", "It would be overwritten.", "Give another place to --out.")
