"""Pieces one below the other, and columns of them: a long network reads like a page, down and then to the right."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from striate.emit.draw.marks import SMALL, Arrow, Mark, Point, Text
from striate.emit.draw.pieces import Moved, Piece, placed, shifted
from striate.emit.draw.widths import width
from striate.emit.draw.words import Size, sizes, told

GAP, LABELLED, BESIDE = 18, 26, 6
"""Pixels: of an arrow without and with a size beside it, and from the arrow to the size."""
TOP, GUTTER, BELOW = 28, 36, 9
"""Pixels: above columns, where arrows come in from the column before; between columns; and below them."""
SPREAD = 4
"""How many more columns, and fewer, are tried than have the form of the room."""


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
    cuts = cut([each.piece.height + LABELLED for each in pieces], tallest + LABELLED)
    groups = [pieces[begin:end] for begin, end in cuts]
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
    heights = [each.piece.height for each in pieces]
    lefts = [each.piece.left for each in pieces]
    sizes_before = [size, *(each.size for each in pieces)]
    rights = [
        max(each.piece.right, each.piece.exit[0] + BESIDE + width(told(each.size, before), SMALL))
        for each, before in zip(pieces, sizes_before, strict=False)
    ]

    def shrinks(tallest: float) -> float:
        cuts = cut([each + LABELLED for each in heights], tallest + LABELLED)
        wide = sum(max(lefts[begin:end]) + max(rights[begin:end]) + GUTTER for begin, end in cuts) - GUTTER
        high = max(sum(heights[begin:end]) + LABELLED * (end - begin - 1) for begin, end in cuts)
        return max(wide / room[0], (high + (TOP + BELOW if len(cuts) > 1 else 0)) / room[1])

    total = sum(heights) + LABELLED * len(heights)
    wide = max(lefts) + max(rights) + GUTTER
    best = math.sqrt(total * room[0] / (room[1] * wide))
    counts = range(max(1, round(best) - SPREAD), min(len(pieces), round(best) + SPREAD) + 1)
    tried = [narrowest([each + LABELLED for each in heights], count) - LABELLED for count in counts]
    return columns(pieces, size, tallest=min(tried, key=shrinks))


def shrunk(piece: Piece, room: Point) -> float:
    """How many times smaller a piece must become to fit into a room of (width, height)."""
    return max((piece.left + piece.right) / room[0], piece.height / room[1])


def narrowest(lengths: Sequence[float], count: int) -> float:
    """The least length of a line, within four pixels, with which things in a row fit into `count` lines."""
    low, high = max(lengths), sum(lengths)
    while high - low > 4:
        middle = (low + high) / 2
        if len(cut(lengths, middle)) <= count:
            high = middle
        else:
            low = middle
    return high


def cut(lengths: Sequence[float], longest: float) -> list[tuple[int, int]]:
    """(begin, end) of each of the lines that things in a row are cut into, none longer than that if it can be.

    >>> cut([3, 3, 3, 7, 2], 6)
    [(0, 2), (2, 3), (3, 4), (4, 5)]
    """
    begins = [0]
    total = 0.0
    for place, each in enumerate(lengths):
        if place and total + each > longest:
            begins.append(place)
            total = 0.0
        total += each
    return list(zip(begins, [*begins[1:], len(lengths)], strict=True))


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
