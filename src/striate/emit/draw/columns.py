"""Pieces one below the other, and columns of them: a long network reads like a page, down and then to the right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from striate.emit.draw.figure import SMALL, Arrow, Mark, Point, Text
from striate.emit.draw.pieces import Moved, Piece, placed, shifted
from striate.emit.draw.widths import width
from striate.emit.draw.words import Size, sizes, told

GAP, LABELLED, BESIDE = 18, 26, 6
"""Pixels: of an arrow without and with a size beside it, and from the arrow to the size."""
TOP, GUTTER, BELOW = 28, 36, 9
"""Pixels: above columns, where arrows come in from the column before; between columns; and below them."""
MOST = 24
"""Columns, at the most."""


@dataclass(frozen=True)
class Chained:
    """A piece of a row; `node` gives the value that leaves it, of a `size`."""

    piece: Piece
    node: str
    size: Size


def linked(pieces: Sequence[Chained], size: Size, *, sparse: bool = False) -> Piece:
    """Pieces in one column, with arrows between them; `size` is that of what comes in, `sparse` as for `told`."""
    if not pieces:
        return Piece(left=0, right=0, height=0, marks=())
    first, last = pieces[0].piece, pieces[-1]
    marks: list[Mark | Moved] = []
    left = right = y = 0.0
    shown, before = size, None
    for each in pieces:
        piece = each.piece
        if before is not None:
            text = told(before.size, shown, sparse=sparse)
            shown = before.size
            start = shifted(before.piece.exit, (0, y - before.piece.height))
            y += LABELLED if text else GAP
            arrow = _down(before, each, start, shifted(piece.entry, (0, y)))
            if text:
                label = Text(start[0] + BESIDE, y - LABELLED / 2 + 4, text, SMALL, soft=True)
                right = max(right, label.x + width(text, SMALL))
                arrow = replace(arrow, lines=(label,))
            marks.append(arrow)
        marks += placed(piece.marks, (0, y))
        left, right = max(left, piece.left), max(right, piece.right)
        y += piece.height
        before = each
    exit = shifted(last.piece.exit, (0, y - last.piece.height))
    nodes = (first.nodes[0], last.node)
    return Piece(
        left=left,
        right=right,
        height=y,
        marks=tuple(marks),
        entry=first.entry,
        exit=exit,
        stem=first.stem,
        nodes=nodes,
    )


def columns(pieces: Sequence[Chained], size: Size, *, tallest: float, sparse: bool = False) -> Piece:
    """Pieces in columns that are no taller than that, as far as the pieces allow it."""
    groups = _cut(pieces, tallest)
    if len(groups) == 1:
        return linked(pieces, size, sparse=sparse)
    befores = [size, *(group[-1].size for group in groups)]
    made = [linked(group, before, sparse=sparse) for group, before in zip(groups, befores, strict=False)]
    widths = [0.0, *(made[place].right + GUTTER + made[place + 1].left for place in range(len(made) - 1))]
    axes = list(accumulate(widths))
    marks: list[Mark | Moved] = []
    for place, (piece, x) in enumerate(zip(made, axes, strict=True)):
        marks += placed(piece.marks, (x, TOP))
        if place + 1 < len(made):
            ends = shifted(piece.exit, (x, TOP)), shifted(made[place + 1].entry, (axes[place + 1], TOP))
            turn = (TOP + piece.height + BELOW, axes[place + 1] - made[place + 1].left - GUTTER / 2)
            marks.append(_over(groups[place][-1], made[place + 1], ends, turn))
    return Piece(
        left=made[0].left,
        right=axes[-1] + max(made[-1].right, BESIDE + width(sizes(befores[len(made) - 1]), SMALL)),
        height=TOP + max(piece.height for piece in made) + BELOW + 2,
        marks=tuple(marks),
        entry=shifted(made[0].entry, (0, TOP)),
        exit=shifted(made[-1].exit, (axes[-1], TOP)),
        stem=made[0].stem,
        nodes=(made[0].nodes[0], made[-1].nodes[1]),
    )


def arranged(pieces: Sequence[Chained], size: Size, room: Point) -> Piece:
    """Pieces in as many columns as show them largest where there is `room` of (width, height)."""
    tried: list[Piece] = []
    for count in range(1, min(MOST, len(pieces)) + 1):
        tried.append(columns(pieces, size, tallest=_least_height(pieces, count)))
        if len(tried) > 3 and all(shrunk(each, room) > shrunk(tried[-4], room) for each in tried[-3:]):
            break
    return min(tried, key=lambda piece: shrunk(piece, room))


def shrunk(piece: Piece, room: Point) -> float:
    """How many times smaller a piece must become to fit into a room of (width, height)."""
    return max((piece.left + piece.right) / room[0], piece.height / room[1])


def _least_height(pieces: Sequence[Chained], count: int) -> float:
    """The least height with which the pieces fit into `count` columns."""
    heights = [each.piece.height for each in pieces]
    low, high = max(heights), sum(heights) + LABELLED * len(heights)
    while high - low > 4:
        middle = (low + high) / 2
        if len(_cut(pieces, middle)) <= count:
            high = middle
        else:
            low = middle
    return high


def _cut(pieces: Sequence[Chained], tallest: float) -> list[list[Chained]]:
    """The pieces of each column."""
    groups: list[list[Chained]] = []
    height = 0.0
    for each in pieces:
        taken = each.piece.height + LABELLED
        if not groups or height + taken > tallest:
            groups.append([])
            height = -LABELLED
        groups[-1].append(each)
        height += taken
    return groups


def _down(before: Chained, after: Chained, start: Point, end: Point) -> Arrow:
    """The arrow from a piece to the one below it."""
    corner = end[1] - after.piece.entry[1] - GAP / 2
    points = (start, end) if start[0] == end[0] else (start, (start[0], corner), (end[0], corner), end)
    return Arrow(points, before.node, "" if after.piece.stem else after.piece.nodes[0], sizes(before.size))


def _over(before: Chained, after: Piece, ends: tuple[Point, Point], turn: Point) -> Arrow:
    """The arrow from the end of a column to the beginning of the next; it turns at a height and at a place between."""
    start, end = ends
    bottom, between = turn
    points = (start, (start[0], bottom), (between, bottom), (between, 4), (end[0], 4), end)
    label = Text(end[0] + BESIDE, 20, sizes(before.size), SMALL, soft=True)
    return Arrow(points, before.node, "" if after.stem else after.nodes[0], sizes(before.size), (label,))
