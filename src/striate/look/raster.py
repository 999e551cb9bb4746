"""Figures as PNG, for slides and for programs that show no SVG; the choice of format by a file's suffix."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from striate.errors import OutputError, RequirementError
from striate.extras import install
from striate.language.say import language
from striate.look.drawing import Figure

SUFFIXES = (".svg", ".png")
"""The suffixes of the formats that a picture can be written in."""

_LETTER = '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40"><text y="30" font-size="30">{}</text></svg>'
ZOOM = 2
"""Pixels per unit of the SVG, so that the picture is sharp on a projector."""


def require_raster() -> None:
    """Raise RequirementError where resvg-py, which draws PNGs, is not installed."""
    if find_spec("resvg_py") is None:
        raise RequirementError(
            "PNG files need resvg-py.",
            "It comes with the extra `look`; the SVG files need nothing.",
            f"Install it: {install('look')}",
        )


def require_hangul() -> None:
    """Raise RequirementError where figures are in Korean and no font of this machine has Hangul for their PNGs."""
    if language() != "ko":
        return
    require_raster()
    if drawn_as(".png", _LETTER.format("가")) == drawn_as(".png", _LETTER.format("나")):
        raise RequirementError(
            "no font of this machine has Hangul, which PNG files in Korean need.",
            "The SVG files and the page need none here: they take the fonts of the machine that shows them.",
            "Install a font, such as Debian's package fonts-nanum or fonts-noto-cjk, or leave out --png and --slides.",
        )


def to_png(figure: Figure) -> bytes:
    """The figure on white, as the bytes of a PNG. Raises RequirementError where resvg-py is not installed."""
    return drawn_as(".png", figure.standalone())


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
