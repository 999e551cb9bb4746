"""The formats of a figure, by the suffix of its file."""

from __future__ import annotations

from collections.abc import Callable

from striate.emit.draw.figure import Figure
from striate.emit.draw.mermaid import to_mermaid
from striate.emit.draw.svg import to_svg
from striate.emit.draw.tikz import to_tikz
from striate.errors import OutputError

FORMATS: dict[str, Callable[[Figure], str]] = {".svg": to_svg, ".tex": to_tikz, ".mmd": to_mermaid}


def require_format(file: str, suffix: str) -> None:
    """Raises OutputError where a file's suffix is none that a figure is written with."""
    if suffix not in FORMATS:
        raise OutputError(
            f"{file} ends in {suffix}." if suffix else f"{file} has no suffix.",
            "A figure is written as .svg, as .tex (LaTeX with TikZ) or as .mmd (Mermaid).",
            "Give the file one of these suffixes, or - for standard output.",
        )
