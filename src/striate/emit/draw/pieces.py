"""Pieces of a figure: marks with the room that they take, which can be moved and set one below the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import assert_never

from striate.emit.draw.marks import Arrow, Box, Face, Join, Mark, Panel, Point, Text, Volume

ORIGIN: Point = (0.0, 0.0)


@dataclass(frozen=True)
class Moved:
    """Marks that stand elsewhere, in a panel; they are moved once, when everything has its place."""

    by: Point
    marks: tuple[Mark | Moved, ...]
    panel: str = ""


@dataclass(frozen=True, kw_only=True)
class Piece:
    """Marks around an axis, x = 0, on which a value comes in from above.

    They reach `left` and `right` of it and from y = 0 down to `height`. The value comes in at `entry` and goes out at
    `exit`. With `stem`, what comes in is spread over arrows of the piece's own, so no arrow head belongs there.
    """

    left: float
    right: float
    height: float
    marks: tuple[Mark | Moved, ...]
    entry: Point = ORIGIN
    exit: Point = ORIGIN
    stem: bool = False
    nodes: tuple[str, str] = ("", "")
    """The ids of its first node ("" where it spreads what comes in) and of the one whose value goes out."""


def shifted(point: Point, by: Point) -> Point:
    """A point moved by another."""
    return point[0] + by[0], point[1] + by[1]


def moved(mark: Mark, by: Point) -> Mark:
    """The same mark in another place."""
    lines = moved_texts(mark.lines, by)
    match mark:
        case Box() | Join() | Panel():
            return replace(mark, corner=shifted(mark.corner, by), lines=lines)
        case Volume():
            faces = tuple(Face(tuple(shifted(point, by) for point in face.points), face.shade) for face in mark.faces)
            return replace(mark, faces=faces, lines=lines)
        case Arrow():
            return replace(mark, points=tuple(shifted(point, by) for point in mark.points), lines=lines)
        case _:
            assert_never(mark)


def moved_texts(texts: Iterable[Text], by: Point) -> tuple[Text, ...]:
    """The same texts in another place."""
    return tuple(replace(text, x=text.x + by[0], y=text.y + by[1]) for text in texts)


def placed(marks: tuple[Mark | Moved, ...], by: Point, *, panel: str = "") -> tuple[Moved]:
    """The same marks in another place; those that stand in no panel yet are put into this one."""
    return (Moved(by, marks, panel),)


def flattened(marks: Iterable[Mark | Moved], by: Point = ORIGIN, panel: str = "") -> Iterator[Mark]:
    """The marks themselves, each in its place."""
    for mark in marks:
        if isinstance(mark, Moved):
            yield from flattened(mark.marks, shifted(by, mark.by), mark.panel or panel)
        else:
            yield _put(moved(mark, by), panel)


def _put(mark: Mark, panel: str) -> Mark:
    match mark:
        case Box() | Join() | Volume():
            return replace(mark, panel=panel) if panel else mark
        case Panel():
            return replace(mark, parent=panel) if panel else mark
        case Arrow():
            return mark
        case _:
            assert_never(mark)
