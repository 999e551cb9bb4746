"""A stop of the style `volumes`: an arrow with the layers that it stands for, and the volume that it leads to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from striate.description.layers import Conv, Simple
from striate.description.network import Step
from striate.description.shapes import Shape
from striate.emit.draw.cells import Line, cell_family, cell_piece, closed_words, step_words
from striate.emit.draw.marks import INPUT, LARGE, SMALL, Arrow, Mark, Text, Volume
from striate.emit.draw.parts import Cell, Head, span
from striate.emit.draw.pieces import Moved, placed
from striate.emit.draw.solids import LargestSizes, Solid, solid
from striate.emit.draw.widths import shortened, width, wrapped
from striate.emit.draw.words import sizes

ROW, ARROW, SIDE, NAMED = 17, 46, 9, 180
"""Pixels: from line to line, of the shortest arrow, beside its words, and of the longest name."""
BELOW = 20
"""Pixels from a volume to the words under it."""
CONVOLUTIONS = 4
"""The most convolutions of a block that are named on its arrow."""


@dataclass(frozen=True)
class Run:
    """Stops in a row, from x = 0, around the axis y = 0; `tail` is what lies right of the last volume.

    `up` and `down` are how far volumes and words reach above the axis, and volumes below it. Words may stand right of
    the last volume as far as it is `clear`. `front` is the width of the last volume.
    """

    width: float
    tail: float
    up: float
    down: float
    clear: float
    marks: tuple[Mark | Moved, ...]
    node: str
    front: float


@dataclass(frozen=True)
class Place:
    """Where a stop begins: after the node whose volume ends `tail` left of x = 0, in a row that reaches `down`.

    Words may stand left of x = 0 as far as they are `clear` of others.
    """

    node: str
    tail: float
    down: float
    clear: float


def start(shape: Shape, largest: LargestSizes, down: float) -> Run:
    """The input's volume."""
    form = solid(shape, largest)
    name, size = ("input", _size((shape,)))
    wide = max(form.width, width(name, SMALL, bold=True), width(size, SMALL))
    volume = Volume(INPUT, "data", form.faces, _labels(form, down, name, size))
    left = (wide - form.width) / 2
    return Run(wide, left, form.up, form.up, left, placed((volume,), (left, 0)), INPUT, form.width)


def stop(cell: Cell, largest: LargestSizes, place: Place, *, times: int = 1, last: str = "") -> Run:
    """The stop of a cell that follows itself `times`; `last` is the path of the last one."""
    form = solid(cell.outputs[-1], largest, times=times)
    lines = [(f"{times} ×", True), *arrow_lines(cell)] if times > 1 else arrow_lines(cell)
    name, size = shortened(_name(cell, last), SMALL, NAMED), _size(cell.outputs)
    over = max(0.0, (max(width(name, SMALL, bold=True), width(size, SMALL)) - form.width) / 2 + 3)
    words = max(width(text, LARGE if main else SMALL, bold=main) for text, main in lines)
    gap = max(ARROW, words + 2 * SIDE - place.clear, over + 6)
    middle = (gap - place.clear) / 2
    texts = tuple(
        Text(
            middle,
            -8.0 - ROW * (len(lines) - 1 - row),
            text,
            LARGE if main else SMALL,
            "middle",
            bold=main,
            soft=not main,
        )
        for row, (text, main) in enumerate(lines)
    )
    arrow = Arrow(((3 - place.tail, 0), (gap - 3, 0)), place.node, cell.id, lines=texts)
    volume = Volume(
        id=cell.id,
        family=cell_family(cell),
        faces=form.faces,
        lines=_labels(form, place.down, name, size),
        layers=tuple(step.path for step in cell.steps),
        times=times,
    )
    up = max(form.up, 12.0 + ROW * len(lines))
    marks = (arrow, *placed((volume,), (gap, 0)))
    return Run(gap + form.width + over, over, up, form.up, over, marks, cell.id, form.width)


def with_heads(run: Run, heads: Sequence[Head]) -> Run:
    """A run whose last volume auxiliary heads read, drawn above it as boxes side by side."""
    cells = [part for head in heads for part in head.parts if isinstance(part, Cell)]
    turn = -run.up - 16
    start, foot_y = run.width - run.tail - min(20, run.front / 2), -3 - run.down
    marks: list[Mark | Moved] = [*run.marks]
    right, up = start, run.up
    for cell in cells:
        piece = cell_piece(cell, dashed=True)
        x = start if right == start else right + 12 + piece.left
        foot = turn - 18
        aside = ((start, turn), (x, turn)) if x != start else ()
        points = ((start, foot_y), *aside, (x, foot))
        marks.append(Arrow(points, run.node, cell.id, dashed=True))
        marks += placed(piece.marks, (x, foot - piece.height))
        right, up = x + piece.right, max(up, piece.height - foot)
    left = max(0.0, *(cell_piece(cell).left - start for cell in cells[:1]))
    wide = max(run.width, right)
    moved = placed(tuple(marks), (left, 0))
    return replace(run, width=wide + left, tail=run.tail + wide - run.width, up=up, marks=moved)


def arrow_lines(cell: Cell) -> list[Line]:
    """The layers of a cell in the order in which they work, as they stand above an arrow."""
    lines: list[Line] = []
    if cell.block is not None:
        kind, _, count = closed_words(cell.block, cell.inner).partition(", ")
        lines = [(kind, True), *([(count, False)] if count else [])]
        lines += [(each, False) for each in _convolutions(cell.steps[: cell.inner])]
    main = cell.main
    tags: list[str] = []
    for step in cell.steps[cell.inner :]:
        told = step_words(step)
        if step is main:
            lines += _tags(tags)
            moves = [f"stride {told.stride}"] if told.stride else []
            lines += [(told.what, True), *((each, False) for each in (*moves, *told.more))]
            tags = []
        else:
            tags.append(told.what)
    return lines + _tags(tags)


def _convolutions(steps: tuple[Step, ...]) -> list[str]:
    """The convolutions of a block, without those of its shortcut; none where they are many."""
    own = [step for step in steps if isinstance(step.layer, Conv) and ".shortcut." not in step.path]
    told = [step_words(step) for step in own]
    return [f"{each.what}, {each.number}" for each in told] if len(told) <= CONVOLUTIONS else []


def _tags(tags: list[str]) -> list[Line]:
    return [(line, False) for line in wrapped(tags, SMALL, 84)]


def _labels(form: Solid, down: float, name: str, size: str) -> tuple[Text, ...]:
    """The name and the size of a volume, on the lines that its row has for them."""
    x, y = form.width / 2, down + BELOW
    named = (Text(x, y, name, SMALL, "middle", bold=True),) if name else ()
    return (*named, Text(x, y + ROW, size, SMALL, "middle"))


def _size(outputs: tuple[Shape, ...]) -> str:
    """A size as papers write it: maps@height×width.

    >>> _size(((6, 28, 28),)), _size(((84,),))
    ('6@28×28', '84')
    """
    number, _, place = sizes(outputs).partition("×")
    return f"{number}@{place}" if place else number


def _name(cell: Cell, last: str) -> str:
    """The name that the network's author gave a layer, or a block that is not opened; "" for none."""
    layer = cell.main.layer
    if cell.block is None and not (isinstance(layer, Simple) and layer.name):
        return ""
    return span(cell.name, last) if last else ".".join(cell.name.split(".")[-2:])
