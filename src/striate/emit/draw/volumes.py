"""The style `volumes`: each layer's output as a solid, kernels on the arrows between them, in rows."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import accumulate, takewhile
from typing import assert_never

from striate.description.shapes import Shape
from striate.emit.draw.columns import SPREAD, cut, narrowest
from striate.emit.draw.marks import INPUT, SMALL, Arrow, Mark, Panel, Point, Text
from striate.emit.draw.parts import Cell, Fork, Group, Head, Part, Repeat, span
from striate.emit.draw.pieces import Moved, Piece, placed
from striate.emit.draw.solids import LargestSizes, largest_sizes
from striate.emit.draw.stops import BELOW, ROW, Place, Run, start, stop, with_heads
from striate.emit.draw.widths import shortened, width

PAD, APART, CAPTION, BETWEEN, TURN = 10, 8, 24, 26, 20
"""Pixels: inside a frame, after it, of its first line, between rows, and beside a row for the arrow to the next."""
ONE_ROW = 0.8
"""One row is taken, as papers draw it, where it leaves a fifth of the room's width or more."""
WORDS = BELOW + ROW + 8
"""Pixels under the volumes of a row, for their names and sizes."""


def volumes(parts: Sequence[Part], shape: Shape, room: Point) -> Piece:
    """The parts of a network with an input of `shape`, in as many rows as show them largest in a `room`.

    The parts are opened flat: there is no group and no fork among them.
    """
    largest = largest_sizes([shape, *_shapes(parts)])
    heads = [part for part in takewhile(lambda part: isinstance(part, Head), parts) if isinstance(part, Head)]
    units = _units(parts[len(heads) :])
    sizes = [_input(shape, largest, 0, heads), *_runs(units, largest, Place(INPUT, 0, 0, 0))]
    widths = [run.width for run in sizes]

    def shrinks(widest: float) -> float:
        cuts = cut(widths, widest)
        if len(cuts) == 1 and widest <= ONE_ROW * room[0]:
            return 0
        high = sum(max(run.up for run in sizes[i:j]) + max(run.down for run in sizes[i:j]) for i, j in cuts)
        high += len(cuts) * (WORDS + BETWEEN) - BETWEEN
        return max((max(sum(widths[i:j]) for i, j in cuts) + 2 * TURN) / room[0], high / room[1])

    tall = max(run.up for run in sizes) + max(run.down for run in sizes) + WORDS + BETWEEN
    best = round(math.sqrt(sum(widths) * room[1] / (room[0] * tall)))
    counts = {1, *range(max(1, best - SPREAD), min(len(widths), best + SPREAD) + 1)}
    widest = min((narrowest(widths, count) for count in sorted(counts)), key=shrinks)
    rows: list[Run] = []
    for begin, end in cut(widths, widest):
        down = max(run.down for run in sizes[begin:end])
        first = [_input(shape, largest, down, heads)] if begin == 0 else []
        place = Place(INPUT, first[0].tail, down, 0) if first else Place(rows[-1].node, TURN, down, 0)
        rows.append(_joined([*first, *_runs(units[max(0, begin - 1) : end - 1], largest, place)]))
    return _page(rows)


def _input(shape: Shape, largest: LargestSizes, down: float, heads: Sequence[Head]) -> Run:
    """The input, with the auxiliary heads that read it."""
    run = start(shape, largest, down)
    return with_heads(run, heads) if heads else run


def _units(parts: Sequence[Part]) -> list[tuple[Part, tuple[Head, ...]]]:
    """The parts, each with the auxiliary heads that read what it gives."""
    units: list[tuple[Part, tuple[Head, ...]]] = []
    for part in parts:
        if isinstance(part, Head):
            before, heads = units[-1]
            units[-1] = before, (*heads, part)
        else:
            units.append((part, ()))
    return units


def _runs(units: Sequence[tuple[Part, tuple[Head, ...]]], largest: LargestSizes, place: Place) -> list[Run]:
    """A run for each part in a row."""
    runs: list[Run] = []
    for part, heads in units:
        run = _run(part, largest, place)
        runs.append(with_heads(run, heads) if heads else run)
        run = runs[-1]
        place = Place(run.node, run.tail, place.down, run.clear)
    return runs


def _run(part: Part, largest: LargestSizes, place: Place) -> Run:
    match part:
        case Cell():
            return stop(part, largest, place)
        case Repeat():
            only = part.parts[0]
            if len(part.parts) == 1 and isinstance(only, Cell):
                return stop(only, largest, place, times=part.times, last=part.last)
            return _framed(part, largest, place)
        case Head() | Group() | Fork():
            raise TypeError("volumes are drawn of parts that are opened flat, and heads beside them")
        case _:
            assert_never(part)


def _framed(part: Repeat, largest: LargestSizes, place: Place) -> Run:
    """Stops that follow themselves as one, in a frame with their count."""
    inside = Place(place.node, place.tail + PAD, place.down, 0)
    run = _joined(_runs(_units(part.parts), largest, inside))
    count = f"× {part.times}"
    room = run.width - width(count, SMALL, bold=True) - PAD
    wide, top = run.width + 2 * PAD, -run.up - CAPTION
    name = shortened(span(part.first, part.last), SMALL, room)
    texts = (
        Text(PAD, top + 17, name, SMALL, soft=True),
        Text(wide - PAD, top + 17, count, SMALL, "end", bold=True),
    )
    path = f"{part.first} ×{part.times}"
    panel = Panel(path, (0, top), wide, place.down + WORDS - top, texts, name, part.times)
    marks = (panel, *placed(run.marks, (PAD, 0), panel=path))
    return Run(wide + APART, run.tail + PAD + APART, -top, run.down, 0, marks, run.node, run.front)


def _joined(runs: Sequence[Run]) -> Run:
    """Runs side by side as one."""
    lefts = accumulate((run.width for run in runs), initial=0.0)
    marks = tuple(placed(run.marks, (left, 0))[0] for run, left in zip(runs, lefts, strict=False))
    up, down = max(run.up for run in runs), max(run.down for run in runs)
    return Run(
        sum(run.width for run in runs), runs[-1].tail, up, down, runs[-1].clear, marks, runs[-1].node, runs[-1].front
    )


def _page(rows: Sequence[Run]) -> Piece:
    """Rows one below the other, with an arrow from the end of each to the beginning of the next."""
    marks: list[Mark | Moved] = []
    y = 0.0
    before = (0.0, 0.0)
    for place, row in enumerate(rows):
        axis = y + row.up
        if place:
            start_x, start_y = before
            turn = y - BETWEEN / 2
            right = start_x + rows[place - 1].tail + TURN - 4
            points = ((start_x + 3, start_y), (right, start_y), (right, turn), (3 - TURN, turn), (3 - TURN, axis))
            marks.append(Arrow(points, rows[place - 1].node, ""))
        marks += placed(row.marks, (0, axis))
        before = (row.width - row.tail, axis)
        y = axis + row.down + WORDS + BETWEEN
    several = len(rows) > 1
    return Piece(
        left=TURN if several else 0,
        right=max(row.width for row in rows) + (TURN if several else 0),
        height=y - BETWEEN,
        marks=tuple(marks),
    )


def _shapes(parts: Sequence[Part]) -> Iterator[Shape]:
    """The shape of every value that is drawn."""
    for part in parts:
        match part:
            case Cell() | Fork():
                yield from part.outputs
            case Repeat() | Group():
                yield from _shapes(part.parts)
            case Head():
                continue
            case _:
                assert_never(part)
