"""A figure as SVG: one file without anything beside it, light or dark as the reader's page is.

Colours are classes of a style sheet that reaches no further than the figure, so that several of them can stand in one
page. The background is solid: the figure reads on any page, also where a program knows no dark one.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import TYPE_CHECKING, assert_never

from striate.description.labels import one_line
from striate.emit.draw.families import LOOKS
from striate.emit.draw.marks import Arrow, Box, Join, Key, Mark, Panel, Point, Text, Volume, ordered

if TYPE_CHECKING:
    from striate.emit.draw.figure import Figure

FONT = "Helvetica Neue,Helvetica,Arial,Liberation Sans,sans-serif"
HEAD, HALF = 8, 4
"""Pixels of an arrow's head: how long it is, and half as wide."""


def to_svg(figure: Figure) -> str:
    """The figure as SVG."""
    wide, high = _number(figure.width), _number(figure.height)
    words = escape(one_line(figure.name))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="striate-figure" viewBox="0 0 {wide} {high}" width="{wide}" '
        f'height="{high}" role="img" aria-label="{words}" style="max-width:100%;height:auto">',
        f"<title>{words}</title>",
        f"<style>{_STYLE}</style>",
        f'<rect class="page" width="{wide}" height="{high}"/>',
    ]
    for mark in ordered(figure.marks):
        parts += _mark(mark, figure.detail(mark) if isinstance(mark, (Box, Join, Volume)) else "")
    parts += map(_text, figure.texts)
    for key in figure.keys:
        parts += _key(key)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _mark(mark: Mark, detail: str) -> Iterator[str]:
    match mark:
        case Panel():
            yield from _panel(mark)
        case Arrow():
            look = ' stroke-dasharray="5 4"' if mark.dashed else ""
            yield f'<path class="arrow" d="{_path(_shortened(mark))}"{look}/>'
            if mark.target:
                yield f'<path class="head" d="{_path(arrow_head(mark.points))}Z"/>'
            yield from map(_text, mark.lines)
        case Box():
            look = ' stroke-dasharray="5 4"' if mark.dashed else ""
            radius = 14 if mark.family == "data" else 6
            yield f'<g class="{mark.family}">{_title(detail)}'
            yield f'<rect {_place(mark)} rx="{radius}"{look}/>'
            yield from map(_text, mark.lines)
            yield "</g>"
        case Join():
            radius = mark.height / 2 if mark.sign != "concat" else 4
            yield f'<g class="join">{_title(detail)}<rect {_place(mark)} rx="{_number(radius)}"/>'
            yield from map(_text, mark.lines)
            yield "</g>"
        case Volume():
            yield f'<g class="{mark.family}">{_title(detail)}'
            for face in mark.faces:
                path = f"{_path(face.points)}Z"
                yield f'<path class="face" d="{path}"/>'
                if face.shade:
                    yield f'<path class="shade" d="{path}" fill-opacity="{0.09 * face.shade:g}"/>'
            yield from map(_text, mark.lines)
            yield "</g>"
        case _:
            assert_never(mark)


def _panel(panel: Panel) -> Iterator[str]:
    look = ' stroke-dasharray="5 4"' if panel.dashed else ""
    if panel.times > 1:  # sheets behind it: it follows itself
        for behind in (6, 3):
            x, y = panel.corner[0] + behind, panel.corner[1] + behind
            size = f'width="{_number(panel.width)}" height="{_number(panel.height)}"'
            yield f'<rect class="panel" x="{_number(x)}" y="{_number(y)}" {size} rx="9"/>'
    yield f'<rect class="panel" {_place(panel)} rx="9"{look}/>'
    yield from map(_text, panel.lines)


def _key(key: Key) -> Iterator[str]:
    x, y = key.corner
    yield f'<g class="{key.family}"><rect x="{_number(x)}" y="{_number(y)}" width="16" height="16" rx="4"/></g>'
    yield _text(key.line)


def _text(text: Text) -> str:
    anchor = "" if text.anchor == "start" else f' text-anchor="{text.anchor}"'
    weight = ' font-weight="600"' if text.bold else ""
    soft = ' class="soft"' if text.soft else ""
    place = f'x="{_number(text.x)}" y="{_number(text.y)}"'
    return f'<text {place} font-size="{text.size}"{anchor}{weight}{soft}>{escape(one_line(text.words))}</text>'


def arrow_head(points: tuple[Point, ...]) -> tuple[Point, Point, Point]:
    """The triangle at the end of a line whose last piece is level or upright."""
    (x0, y0), (x, y) = points[-2], points[-1]
    if abs(x - x0) > abs(y - y0):
        back = x - HEAD if x > x0 else x + HEAD
        return (x, y), (back, y - HALF), (back, y + HALF)
    back = y - HEAD if y > y0 else y + HEAD
    return (x, y), (x - HALF, back), (x + HALF, back)


def _shortened(arrow: Arrow) -> tuple[Point, ...]:
    """The line of an arrow as far as its head."""
    if not arrow.target:
        return arrow.points
    _, one, other = arrow_head(arrow.points)
    return (*arrow.points[:-1], ((one[0] + other[0]) / 2, (one[1] + other[1]) / 2))


def _path(points: tuple[Point, ...]) -> str:
    return "M" + "L".join(f"{_number(x)} {_number(y)}" for x, y in points)


def _place(mark: Box | Join | Panel) -> str:
    x, y = mark.corner
    return f'x="{_number(x)}" y="{_number(y)}" width="{_number(mark.width)}" height="{_number(mark.height)}"'


def _title(words: str) -> str:
    return f"<title>{escape(words)}</title>" if words else ""


def _number(value: float) -> str:
    return f"{round(value, 1) + 0:g}"


def _style() -> str:
    """The style sheet; what a dark page changes comes last."""
    light = [
        f"text{{font-family:{FONT};fill:#1b1f24}}",
        ".soft{fill:#4d5661}",
        ".page{fill:#fff}",
        ".arrow{fill:none;stroke:#4d5661;stroke-width:1.5}",
        ".head{fill:#4d5661}",
        ".panel{fill:#f6f7f9;stroke:#aab3bf;stroke-width:1.2}",
        ".shade{fill:#000;stroke:none}",
        "rect{stroke-width:1.4}",
        ".face{stroke-width:1.4;stroke-linejoin:round}",
    ]
    dark = [
        "text{fill:#eceff3}",
        ".soft{fill:#b3bcc8}",
        ".page{fill:#14161a}",
        ".arrow{stroke:#b3bcc8}",
        ".head{fill:#b3bcc8}",
        ".panel{fill:#1c2027;stroke:#4d5763}",
    ]
    for family, look in LOOKS.items():
        parts = ".striate-figure .{0} .face"
        light.append(f".{family} rect,{parts.format(family)}{{fill:{look.fill};stroke:{look.line}}}")
        dark.append(f".{family} rect,{parts.format(family)}{{fill:{look.dark_fill};stroke:{look.dark_line}}}")
    scoped = [f".striate-figure {rule}" for rule in light]
    turned = [f".striate-figure {rule}" for rule in dark]
    return f"{''.join(scoped)}@media(prefers-color-scheme:dark){{{''.join(turned)}}}"


_STYLE = _style()
