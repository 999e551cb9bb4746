"""A figure as PNG, and whether its letters can be drawn there."""

from __future__ import annotations

from striate.errors import RequirementError
from striate.language.say import language
from striate.look.drawing import Figure
from striate.raster import drawn_as, require_raster

_LETTER = '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40"><text y="30" font-size="30">{}</text></svg>'


def to_png(figure: Figure) -> bytes:
    """The figure on white, as the bytes of a PNG. Raises RequirementError where resvg-py is not installed."""
    return drawn_as(".png", figure.standalone())


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
