"""Line charts as SVG, readable on a light and on a dark page."""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape

from striate.language import FONTS

WIDTH, HEIGHT = 460, 240
LEFT, RIGHT, TOP, BOTTOM = 52, 84, 28, 40


@dataclass(frozen=True)
class Series:
    """One line: its label, a colour, and a value for each x = 1, 2, 3, ..., or from another start."""

    label: str
    colour: str
    values: tuple[float, ...]


def line_chart(title: str, series: list[Series], *, x: str, unit: str = "", start: float = 1, step: float = 1) -> str:
    """An SVG of some series over `x`, from `start` on in steps; `unit` follows the numbers of the vertical axis."""
    count = max(len(each.values) for each in series)
    top = max((value for each in series for value in each.values if math.isfinite(value)), default=1.0) or 1.0
    ticks = _ticks(top)
    highest = ticks[-1]

    def at(position: float, value: float) -> tuple[float, float]:
        share = (position - 1) / (count - 1) if count > 1 else 0.5
        across = LEFT + share * (WIDTH - LEFT - RIGHT)
        return across, HEIGHT - BOTTOM - value / highest * (HEIGHT - TOP - BOTTOM)

    parts = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" xmlns="http://www.w3.org/2000/svg" role="img" '
        f'aria-label="{escape(title)}" font-family="{FONTS}" font-size="12" fill="currentColor">',
        f'<text x="{LEFT}" y="16" font-weight="600">{escape(title)}</text>',
    ]
    for tick in ticks:
        _, level = at(1, tick)
        parts.append(
            f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{level:.1f}" y2="{level:.1f}" stroke="currentColor" '
            f'stroke-opacity="0.15"/><text x="{LEFT - 8}" y="{level + 4:.1f}" text-anchor="end" opacity="0.7">'
            f"{tick:g}{unit}</text>"
        )
    for place in range(1, count + 1, max(1, math.ceil((count - 1) / 10))):
        across, number = at(place, 0)[0], start + (place - 1) * step
        parts.append(
            f'<text x="{across:.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle" opacity="0.7">{number:g}</text>'
        )
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(f'<text x="{middle}" y="{HEIGHT - 4}" text-anchor="middle" opacity="0.7">{escape(x)}</text>')
    for place, each in zip(_label_places(series, at), series, strict=True):
        parts.append(_line(each, at, place))
    return "\n".join([*parts, "</svg>"])


def _line(series: Series, at, place: float) -> str:
    points = [at(number, value) for number, value in enumerate(series.values, 1) if math.isfinite(value)]
    path = " ".join(f"{across:.1f},{down:.1f}" for across, down in points)
    dots = "".join(f'<circle cx="{a:.1f}" cy="{d:.1f}" r="3"/>' for a, d in points) if len(points) < 30 else ""
    return (
        f'<g fill="{series.colour}"><polyline points="{path}" fill="none" stroke="{series.colour}" stroke-width="2"/>'
        f'{dots}<text x="{WIDTH - RIGHT + 8}" y="{place + 4:.1f}">{escape(series.label)}</text></g>'
    )


def _label_places(series: list[Series], at) -> list[float]:
    """The vertical positions of the labels at the right: at the ends of their lines, without overlaps."""
    ends = [at(len(each.values), each.values[-1])[1] for each in series]
    places, above = list(ends), -math.inf
    for number in sorted(range(len(ends)), key=ends.__getitem__):
        above = places[number] = max(ends[number], above + 14)
    return places


def _ticks(top: float) -> list[float]:
    """Round numbers from 0 to at least `top`."""
    rough = top / 4
    magnitude = 10.0 ** math.floor(math.log10(rough))
    step = next(each * magnitude for each in (1, 2, 2.5, 5, 10) if each * magnitude >= rough * 0.999)
    return [round(step * number, 10) for number in range(math.ceil(top / step * 0.999) + 1)]
