"""Figures as PNG, for slides and for programs that show no SVG."""

from __future__ import annotations

from importlib.util import find_spec

from striate.errors import RequirementError
from striate.extras import install
from striate.look.drawing import Figure

ZOOM = 2
"""Pixels for each unit of the SVG, so that it is sharp on a projector."""


def require_raster() -> None:
    """Raises RequirementError where what draws PNGs is not installed."""
    if find_spec("resvg_py") is None:
        raise RequirementError(
            "PNG files need resvg-py.",
            "It comes with the extra `look`; the SVG files need nothing.",
            f"Install it: {install('look')}",
        )


def to_png(figure: Figure) -> bytes:
    """The figure on white, as the bytes of a PNG. Raises RequirementError where resvg-py is not installed."""
    require_raster()
    from resvg_py import svg_to_bytes

    return bytes(svg_to_bytes(svg_string=figure.standalone(), background="#ffffff", zoom=ZOOM))
