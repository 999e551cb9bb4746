"""A cell as a box with its words."""

from __future__ import annotations

from typing import assert_never

from striate.description.layers import Auxiliary, Block, Branches, Composite, Gate, Joined, Residual
from striate.description.network import Step
from striate.emit.draw.families import Family, family
from striate.emit.draw.marks import LARGE, SMALL, Box, Text
from striate.emit.draw.parts import Cell
from striate.emit.draw.pieces import Piece
from striate.emit.draw.widths import shortened, width, wrapped
from striate.emit.draw.words import Words, words

PAD, LEAST, MOST, ROW = 8, 56, 220, 17
"""Pixels: beside the words, the least and the most room for them, and from line to line."""
Line = tuple[str, bool]
"""Words, and whether they are the main ones."""


def cell_family(cell: Cell) -> Family:
    """The family of the layer that a cell is named after."""
    layer = cell.main.layer
    if cell.block is not None:
        return "block"
    if isinstance(layer, Joined):
        raise _joined(cell.main)
    return family(layer)


def cell_piece(cell: Cell, *, dashed: bool = False) -> Piece:
    """A cell as a box in the middle of its axis."""
    lines = cell_lines(cell)
    wide = max(LEAST, *(width(text, LARGE if main else SMALL, bold=main) for text, main in lines))
    wide, high = wide + 2 * PAD, ROW * len(lines) + 9
    texts = tuple(
        Text(0, 4 + ROW * place + 14, text, LARGE if main else SMALL, "middle", bold=main, soft=not main)
        for place, (text, main) in enumerate(lines)
    )
    box = Box(
        id=cell.id,
        family=cell_family(cell),
        corner=(-wide / 2, 0),
        width=wide,
        height=high,
        lines=texts,
        layers=tuple(step.path for step in cell.steps),
        dashed=dashed,
    )
    return Piece(left=wide / 2, right=wide / 2, height=high, marks=(box,), exit=(0, high), nodes=(cell.id, cell.id))


def cell_lines(cell: Cell) -> list[Line]:
    """The lines of a cell's box, in the order of its layers."""
    lines: list[Line] = []
    if cell.block is not None:
        name = cell.path.rpartition(".")[2]
        lines = [(shortened(name, LARGE, MOST), True), (closed_words(cell.block, cell.inner), False)]
    main = cell.main
    tags: list[str] = []
    for step in cell.steps[cell.inner :]:
        told = step_words(step)
        if step is not main:
            tags.append(" ".join(filter(None, (told.what, told.number))))
            continue
        lines += _tag_lines(tags)
        lines.append((", ".join(filter(None, (told.what, told.number, told.stride and f"/{told.stride}"))), True))
        tags = [each for each in told.more if not each.startswith("pad ")]  # a tooltip has the padding
    return lines + _tag_lines(tags)


def step_words(step: Step) -> Words:
    """The words of a step that joins nothing."""
    if isinstance(step.layer, Joined):
        raise _joined(step)
    return words(step.layer, step.inputs[0])


def closed_words(block: Composite, layers: int) -> str:
    """The description of a closed block.

    >>> from striate.description.layers import Flatten
    >>> closed_words(Residual([Flatten()]), 8)
    'residual, 8 layers'
    """
    count = f"{layers} layer{'s' if layers > 1 else ''}"
    match block:
        case Block():
            return count
        case Residual():
            return f"residual, {count}"
        case Gate():
            return f"gate, {count}"
        case Branches():
            return f"{len(block.branches)} branches, {count}"
        case Auxiliary():
            return f"head, {count}"
        case _:
            assert_never(block)


def _tag_lines(tags: list[str]) -> list[Line]:
    return [(line, False) for line in wrapped(tags, SMALL, 110)]


def _joined(step: Step) -> TypeError:
    return TypeError(f"{step.path} joins values: a fork draws it, and no cell is named after it")
