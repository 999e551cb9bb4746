"""The parts of a figure's SVG: where its rows are, and a piece of it with letters of at least some size."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from xml.etree import ElementTree

from PIL import Image

from striate.look.drawing import address
from striate.wording import cells

NAMESPACE = "http://www.w3.org/2000/svg"
WIDE = 0.62
"""The mean width of a letter as a share of its size, in a wide typeface."""
Element = ElementTree.Element


@dataclass(frozen=True)
class Band:
    """A part of a figure, or a row of parts with nothing beside them above or below; in the figure's units."""

    left: float
    top: float
    right: float
    bottom: float

    def joined(self, other: Band) -> Band:
        """The smallest one that has both."""
        return Band(
            min(self.left, other.left),
            min(self.top, other.top),
            max(self.right, other.right),
            max(self.bottom, other.bottom),
        )


def items(svg: str) -> list[Band]:
    """The bounds of a figure's elements, without its title. Painted values count by the boxes around them."""
    return [bounds for each in _drawn(svg) for bounds in _bounds(each)]


def bands(parts: Sequence[Band]) -> list[Band]:
    """The rows of a figure from top to bottom: parts that share some height are one row."""
    rows: list[Band] = []
    for part in sorted(parts, key=lambda each: each.top):
        if rows and part.top < rows[-1].bottom:
            rows[-1] = rows[-1].joined(part)
        else:
            rows.append(part)
    return rows


def cut(svg: str, top: float, bottom: float, *, smallest: float) -> str:
    """The part of a figure from `top` to `bottom`; its letters have at least the size `smallest`, in the figure's
    units."""
    kept: list[str] = []
    for each in _drawn(svg):
        bounds = list(_bounds(each))
        inside = any(part.top >= top - 0.01 and part.bottom <= bottom + 0.01 for part in bounds)
        piece = _cropped(each, top, bottom) if _is_paint(each) else deepcopy(each) if inside else None
        if piece is not None:
            _raise_letters(piece, smallest, 12.0)
            kept.append(re.sub(r' ?xmlns(:\w+)?="[^"]*"', "", ElementTree.tostring(piece, encoding="unicode")))
    return "\n".join(kept).replace("ns0:", "")


def _drawn(svg: str) -> Iterator[Element]:
    """The parts of a figure without its title; of an animation, the last frame."""
    title = True
    for each in ElementTree.fromstring(svg):
        match each.tag.removeprefix(f"{{{NAMESPACE}}}"):
            case "text" if title:
                title = False
            case "style":
                pass
            case "g" if each.get("class") == "film":
                yield from each[-1]
            case _:
                yield each


def _is_paint(each: Element) -> bool:
    """Whether it is the picture of all painted values, which has a pixel for each unit of the figure."""
    if not each.tag.endswith("}image"):
        return False
    picture = _picture(each)
    return picture.mode == "P" and picture.size == (float(each.get("width", "0")), float(each.get("height", "0")))


def _picture(each: Element) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(each.get("href", "").partition(",")[2])))


def _cropped(each: Element, top: float, bottom: float) -> Element | None:
    """The rows of the painted values from `top` to `bottom`."""
    picture, start = _picture(each), float(each.get("y", "0"))
    first, last = max(0, int(top - start)), min(picture.height, int(bottom - start) + 1)
    if first >= last:
        return None
    piece = deepcopy(each)
    piece.attrib |= {
        "y": f"{start + first:g}",
        "height": f"{last - first}",
        "href": address(picture.crop((0, first, picture.width, last))),
    }
    return piece


def _raise_letters(each: Element, smallest: float, size: float) -> None:
    """Give letters at least a size, in the same width as before; `size` is what an element above has."""
    size = float(each.get("font-size", size))
    if each.tag.endswith("}svg") and each.get("viewBox"):
        smallest *= float(each.get("viewBox", "").split()[2]) / float(each.get("width", "1"))
    if each.tag.endswith("}text") and size < smallest:
        x = float(each.get("x", "0"))
        each.set("font-size", f"{smallest:.3f}")
        each.set("transform", f"translate({x:g} 0) scale({size / smallest:.4f} 1) translate({-x:g} 0)")
    for inner in each:
        _raise_letters(inner, smallest, size)


def _bounds(each: Element) -> Iterator[Band]:
    def number(name: str) -> float:
        return float(each.get(name, "0"))

    match each.tag.removeprefix(f"{{{NAMESPACE}}}"):
        case "text":
            size = float(each.get("font-size", "12"))
            wide = WIDE * size * cells("".join(each.itertext()))
            left = number("x") - wide * {"middle": 0.5, "end": 1.0}.get(each.get("text-anchor", "start"), 0.0)
            yield Band(left, number("y") - 0.95 * size, left + wide, number("y") + 0.28 * size)
        case "rect" | "svg":
            yield Band(number("x"), number("y"), number("x") + number("width"), number("y") + number("height"))
        case "image":
            if not _is_paint(each):
                yield Band(number("x"), number("y"), number("x") + number("width"), number("y") + number("height"))
        case "line":
            across, down = sorted([number("x1"), number("x2")]), sorted([number("y1"), number("y2")])
            yield Band(across[0], down[0] - 0.5, across[1], down[1] + 0.5)
        case "circle":
            reach = number("r")
            yield Band(number("cx") - reach, number("cy") - reach, number("cx") + reach, number("cy") + reach)
        case "polyline" | "polygon" | "path":
            values = [float(each) for each in re.findall(r"-?\d+(?:\.\d+)?", each.get("points", each.get("d", "")))]
            if values:
                yield Band(min(values[::2]), min(values[1::2]), max(values[::2]), max(values[1::2]))
        case "g":
            for inner in each:
                yield from _bounds(inner)
        case other:
            raise ValueError(f"a figure draws a {other}, and a slide does not know its bounds")
