"""Where the parts of a figure meet that must not: texts, and lines or boxes that run through a text."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from striate.emit.draw.figure import Figure
from striate.emit.draw.marks import Arrow, Box, Join, Panel, Text, Volume
from striate.emit.draw.widths import width

Area = tuple[float, float, float, float]
"""(left, top, right, bottom)."""


def area(text: Text) -> Area:
    """Where a text stands, by an estimate of its width; letters without what hangs below the line."""
    wide = width(text.words, text.size, bold=text.bold)
    left = text.x - {"start": 0.0, "middle": wide / 2, "end": wide}[text.anchor]
    return left, text.y - 0.72 * text.size, left + wide, text.y


def overlaps(one: Area, other: Area) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def problems(figure: Figure) -> Iterator[str]:
    """What is wrong with a figure, in words."""
    texts = [(text, area(text)) for text in figure.all_texts()]
    for text, (left, top, right, bottom) in texts:
        if left < 0 or top < 0 or right > figure.width or bottom > figure.height:
            yield f"{text.words!r} is cut off"
    for (one, first), (other, second) in combinations(texts, 2):
        if overlaps(first, second):
            yield f"{one.words!r} lies on {other.words!r}"
    for mark in figure.marks:
        own = {id(text) for text in mark.lines}
        for piece in pieces(mark):
            for text, where in texts:
                if id(text) not in own and overlaps(piece, where):
                    yield f"{mark.id if not isinstance(mark, Arrow) else mark.source!r} lies on {text.words!r}"


def pieces(mark: object) -> Iterator[Area]:
    """The areas that a mark covers: a box, each face of a volume, each piece of a line; a frame may be written in."""
    match mark:
        case Box() | Join():
            x, y = mark.corner
            yield x, y, x + mark.width, y + mark.height
        case Volume():
            points = [point for face in mark.faces for point in face.points]
            xs, ys = [x for x, _ in points], [y for _, y in points]
            yield min(xs), min(ys), max(xs), max(ys)
        case Arrow():
            for (x0, y0), (x1, y1) in zip(mark.points, mark.points[1:], strict=False):
                yield min(x0, x1) - 0.5, min(y0, y1) - 0.5, max(x0, x1) + 0.5, max(y0, y1) + 0.5
        case Panel():
            return
