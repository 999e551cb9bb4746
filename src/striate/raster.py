"""SVG as PNG, for slides and for programs that show no SVG; the choice of format by a file's suffix."""

from __future__ import annotations

from pathlib import Path

from striate.errors import OutputError
from striate.extras import require_extra

SUFFIXES = (".svg", ".png")
"""The suffixes of the formats that a picture can be written in."""
ZOOM = 2
"""Pixels per unit of the SVG, so that the picture is sharp on a projector."""


def require_raster() -> None:
    """Raise RequirementError where resvg-py, which draws PNGs, is not installed."""
    require_extra("look", "PNG files need", note="; the SVG files need nothing")


def require_suffix(file: Path, *, option: str) -> None:
    """Raise OutputError where a file's suffix is no picture's, and RequirementError where a PNG cannot be drawn."""
    if file.suffix.lower() not in SUFFIXES:
        raise OutputError(
            f"{file} does not end in {' or '.join(SUFFIXES)}.",
            f"{option} writes a picture, as SVG or as PNG by the file's suffix.",
            f"Name it, for example, {file.stem or 'picture'}.svg.",
        )
    if file.suffix.lower() == ".png":
        require_raster()


def drawn_as(suffix: str, svg: str, *, zoom: int = ZOOM) -> bytes:
    """An SVG as the bytes of a file with this suffix: unchanged, or drawn on white as PNG, `zoom` pixels a unit."""
    if suffix.lower() != ".png":
        return svg.encode()
    require_raster()
    from resvg_py import svg_to_bytes

    return bytes(svg_to_bytes(svg_string=svg, background="#ffffff", zoom=zoom))
