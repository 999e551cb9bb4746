"""Figures as SVG: text in the page's colour, and values in colours that suit light and dark pages.

Values above zero are red and values below zero blue, with a stronger colour for a larger value; zero is transparent, so
it has the page's own colour. Grey marks values that a ReLU set to exactly zero.
"""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from html import escape

import numpy as np
from PIL import Image
from torch import Tensor

from striate.description.labels import one_line
from striate.language import FONTS

ABOVE, BELOW, MARK = (222, 45, 38), (33, 113, 217), (128, 132, 145)
ZERO, HALF, MARKED = 128, 126, 1
"""The palette: 2 … 254 are −1 … +1, ZERO is 0; MARKED is a ReLU's zero; 0 is unpainted."""
GAMMA = 0.8
"""The exponent that makes small values more visible; the colour bar uses it too."""
STYLES = {
    "title": 'font-size="16" font-weight="600"',
    "head": 'font-size="13" font-weight="600"',
    "label": 'font-size="12"',
    "soft": 'font-size="12" fill-opacity="0.72"',
    "small": 'font-size="10.5" fill-opacity="0.72"',
    "number": 'font-size="11" font-family="ui-monospace, monospace"',
}
_STANDALONE = (
    "<style>svg{color:#1a1a1a;background:#fff}@media(prefers-color-scheme:dark){svg{color:#e8e8e8;background:#14161a}}"
    "</style>"
)


@dataclass(frozen=True)
class Figure:
    """One figure: a `name` for its file, its title, its caption, and its SVG.

    `controls` is HTML directly before the SVG on a page.
    """

    name: str
    title: str
    caption: str
    svg: str
    controls: str = ""

    def _repr_svg_(self) -> str:
        """The figure as a notebook shows it."""
        return self.svg

    def standalone(self) -> str:
        """The SVG for a file of its own, with colours that follow the reader's light or dark mode."""
        head, rest = self.svg.split(">", 1)
        return f"{head}>{_STANDALONE}{rest}\n"


class Drawing:
    """Builds an SVG, in units of a pixel; all values painted as colours become one picture in it."""

    def __init__(self, title: str, *, width: int = 960) -> None:
        self.title = title
        self.width = width
        self.parts: list[str] = []
        self.painted: list[tuple[int, int, np.ndarray]] = []
        self.bottom = 0.0
        self.text(0, 18, title, "title")

    def text(self, x: float, y: float, words: str, style: str = "label", *, anchor: str = "start") -> None:
        """A line of text on the base line y."""
        self.parts.append(
            f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {STYLES[style]}>{escape(one_line(words))}</text>'
        )
        self.bottom = max(self.bottom, y + 5)

    def box(self, x: float, y: float, width: float, height: float, look: str = "") -> None:
        """A rectangle; by default a faint outline."""
        look = look or 'fill="none" stroke="currentColor" stroke-opacity="0.22"'
        self.parts.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" {look}/>')
        self.bottom = max(self.bottom, y + height + 1)

    def line(self, ends: tuple[float, float, float, float], look: str) -> None:
        """A line from (x, y) to (x, y)."""
        left, top, right, bottom = ends
        self.parts.append(f'<line x1="{left:.1f}" y1="{top:.1f}" x2="{right:.1f}" y2="{bottom:.1f}" {look}/>')

    def values(self, x: int, y: int, share: Tensor, *, scale: int, zeros: bool = False) -> None:
        """A map of (height, width) in −1 … +1, each value a square of `scale` pixels; `zeros` marks exact zeros."""
        index = (ZERO + HALF * share.clamp(-1, 1)).round().numpy().astype(np.uint8)
        if zeros:
            index[share.numpy() == 0] = MARKED
        self.paint(x, y, index.repeat(scale, 0).repeat(scale, 1))
        height, width = index.shape
        self.box(x - 0.5, y - 0.5, width * scale + 1, height * scale + 1)

    def paint(self, x: int, y: int, index: np.ndarray) -> None:
        """Paint entries of the palette, one pixel each."""
        self.painted.append((x, y, index))
        self.bottom = max(self.bottom, y + len(index) + 1)

    def picture(self, x: float, y: float, picture: Image.Image, *, width: float, smooth: bool = False) -> None:
        """A picture, enlarged without smoothing unless asked."""
        height = width * picture.height / picture.width
        way = "auto" if smooth else "pixelated"
        self.parts.append(
            f'<image x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" '
            f'style="image-rendering:{way}" href="{address(picture)}"/>'
        )
        self.box(x - 0.5, y - 0.5, width + 1, height + 1)

    def nest(self, x: float, y: float, width: float, height: float, svg: str) -> None:
        """Another SVG within this one."""
        self.parts.append(svg.replace("<svg ", f'<svg x="{x:.1f}" y="{y:.1f}" width="{width}" height="{height}" ', 1))
        self.bottom = max(self.bottom, y + height)

    def bar(self, x: int, y: int, largest: float, unit: str, *, signed: bool = True) -> None:
        """A colour bar from −largest, or from 0, to +largest."""
        share = np.linspace(-1 if signed else 0, 1, 160)
        self.paint(x, y, np.tile((ZERO + HALF * share).round().astype(np.uint8), (10, 1)))
        self.box(x - 0.5, y - 0.5, 161, 11)
        ends = [(0, -largest), (80, 0.0), (160, largest)] if signed else [(0, 0.0), (160, largest)]
        for place, value in ends:
            anchor = {0: "start", 160: "end"}.get(place, "middle")
            self.text(x + place, y + 23, number(value), "small", anchor=anchor)
        self.text(x + 172, y + 9, unit, "small")

    def swatch(self, x: int, y: int) -> None:
        """The grey of a ReLU's zero."""
        self.paint(x, y, np.full((10, 10), MARKED, np.uint8))

    def svg(self) -> str:
        """The SVG as text."""
        height = int(self.bottom) + 4
        return "\n".join(
            [
                f'<svg viewBox="-1 0 {self.width + 2} {height}" width="{self.width + 2}" height="{height}" '
                f'xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{escape(one_line(self.title))}" '
                f'font-family="{FONTS}" fill="currentColor">',
                *self._raster(),
                *self.parts,
                "</svg>",
            ]
        )

    def _raster(self) -> list[str]:
        if not self.painted:
            return []
        left, top = min(x for x, _, _ in self.painted), min(y for _, y, _ in self.painted)
        right = max(x + index.shape[1] for x, _, index in self.painted)
        bottom = max(y + index.shape[0] for _, y, index in self.painted)
        page = np.zeros((bottom - top, right - left), np.uint8)
        for x, y, index in self.painted:
            page[y - top : y - top + index.shape[0], x - left : x - left + index.shape[1]] = index
        return [
            f'<image x="{left}" y="{top}" width="{right - left}" height="{bottom - top}" '
            f'style="image-rendering:pixelated" href="{address(coloured(page))}"/>'
        ]


def coloured(index: np.ndarray) -> Image.Image:
    """Entries of the palette as a picture with transparency."""
    picture = Image.fromarray(index, "P")
    share = (np.arange(256) - ZERO) / HALF
    colours = np.where(share[:, None] >= 0, ABOVE, BELOW)
    colours[MARKED] = MARK
    alpha = (255 * np.clip(np.abs(share), 0, 1) ** GAMMA).round().astype(np.uint8)
    alpha[MARKED], alpha[0] = 80, 0
    picture.putpalette(colours.astype(np.uint8).tobytes())
    picture.info["transparency"] = alpha.tobytes()
    return picture


def address(picture: Image.Image) -> str:
    """The picture as a data: address."""
    out = io.BytesIO()
    picture.save(out, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()


def number(value: float) -> str:
    """A number in three significant digits, with a minus sign (U+2212).

    >>> number(-0.12345), number(0), number(1234.5)
    ('−0.123', '0', '1230')
    """
    value += 0.0  # no −0
    text = f"{value:.3g}" if abs(value) < 999.5 else f"{float(f'{value:.3g}'):.0f}"
    return text.replace("-", "−")
