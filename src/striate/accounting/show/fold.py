"""The lines of a table: one per layer, one per block, or one for identical consecutive blocks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from itertools import groupby
from operator import add
from typing import TYPE_CHECKING

from striate.accounting.counts import Counts
from striate.accounting.fit import Unseen
from striate.accounting.receptive import ReceptiveField
from striate.description.layers import Joined, Layer
from striate.description.shapes import Shape

if TYPE_CHECKING:
    from striate.accounting.rows import Row


@dataclass(frozen=True)
class TableLine:
    """The content of one line of a table: a layer, or several layers added up.

    A line of several has the input of its first layer, and the output and the receptive field of its last. `repeats` is
    the number of further blocks, identical to the one above, that the line stands for.
    """

    path: str
    words: str
    input: Shape
    output: Shape
    counts: Counts
    receptive_field: ReceptiveField
    in_head: bool
    unseen: Unseen | None = None
    repeats: int = 0


def lines(rows: Sequence[Row], *, depth: int | None = None, fold: bool = True) -> list[TableLine]:
    """The lines for an account's rows.

    `depth` adds up all layers whose paths have the same first `depth` names. `fold` shows identical consecutive blocks
    as the first block and one line for the others.
    """
    if depth is not None:
        groups = [list(group) for _, group in groupby(rows, lambda row: _head(row.path, depth))]
        found = [_one(group[0]) if len(group) == 1 else _sum(_head(group[0].path, depth), group) for group in groups]
        return _fold_alike(found, groups, depth) if fold else found
    return _folded(rows, 0) if fold else [_one(row) for row in rows]


def _folded(rows: Sequence[Row], level: int) -> list[TableLine]:
    """The lines for rows whose paths have the same first `level` names."""
    blocks = [list(group) for _, group in groupby(rows, lambda row: _head(row.path, level + 1))]
    signatures = [_signature(block, level + 1) for block in blocks]
    found: list[TableLine] = []
    place = 0
    while place < len(blocks):
        period, times = _repeats(signatures, place, lambda each: len(blocks[each]) > 1)
        for block in blocks[place : place + period]:
            found += _folded(block, level + 1) if len(block) > 1 else [_one(block[0])]
        if times > 1:
            found.append(_more(blocks[place : place + period * times], period, level + 1))
        place += period * times
    return found


def _fold_alike(found: list[TableLine], groups: Sequence[Sequence[Row]], depth: int) -> list[TableLine]:
    """The lines of groups, where identical consecutive blocks are the first block and one line for the others."""
    signatures = [_signature(group, depth) for group in groups]
    kept: list[TableLine] = []
    place = 0
    while place < len(found):
        period, times = _repeats(signatures, place, lambda each: len(groups[each]) > 1)
        kept += found[place : place + period]
        if times > 1:
            others = found[place + period : place + period * times]
            used = [line for line in others if not line.in_head] or others
            counts = reduce(add, (line.counts for line in used))
            end = replace(used[-1], input=used[0].input)
            kept.append(_summary(others[0].path, others[-period], end, times - 1, counts))
        place += period * times
    return kept


def _repeats(signatures: Sequence[object], place: int, is_block: Callable[[int], bool]) -> tuple[int, int]:
    """(period, times) of the repetition that starts at `place`: of a block, or of a block and one or two layers.

    (1, 1) where nothing repeats.
    """
    for period in (1, 2, 3) if is_block(place) else ():
        pattern = signatures[place : place + period]
        times = 1
        while signatures[place + times * period : place + (times + 1) * period] == pattern:
            times += 1
        if times > 1:
            return period, times
    return 1, 1


def _more(blocks: list[list[Row]], period: int, level: int) -> TableLine:
    """One line for all but the first `period` of `blocks`."""
    others = blocks[period:]
    rows = [row for block in others for row in block]
    used = [row for row in rows if not row.in_head] or rows
    counts = reduce(add, (row.counts for row in used))
    first, last = _head(others[0][0].path, level), _head(others[-period][0].path, level)
    ends = [_sum(last, block) for block in others]
    end = next((each for each in reversed(ends) if not each.in_head), ends[-1])
    end = replace(end, path=last, input=used[0].step.inputs[0])
    return _summary(first, end, end, len(others) // period, counts)


def _summary(first: str, last: TableLine, end: TableLine, times: int, counts: Counts) -> TableLine:
    """The line for `times` repetitions, from the block `first` to the block `last`; `end` is their last layer."""
    (outer, _, own), within = last.path.rpartition("."), first.rpartition(".")[0]
    name = first if times == 1 else f"{first} … {own if outer == within else last.path}"
    return TableLine(
        name, f"{times} more like it", end.input, end.output, counts, end.receptive_field, end.in_head, repeats=times
    )


def _one(row: Row) -> TableLine:
    step = row.step
    return TableLine(
        row.path, row.words, step.inputs[0], step.output, row.counts, row.receptive_field, row.in_head, row.unseen
    )


def _sum(path: str, rows: Sequence[Row]) -> TableLine:
    main = [row for row in rows if not row.in_head] or rows
    counts = reduce(add, (row.counts for row in main))
    last = main[-1]
    words = f"{len(main)} layer{'' if len(main) == 1 else 's'}{', training only' if main[0].in_head else ''}"
    first = main[0].step.inputs[0]
    return TableLine(path, words, first, last.step.output, counts, last.receptive_field, last.in_head)


def _head(path: str, names: int) -> str:
    return ".".join(path.split(".")[:names])


def _signature(block: Sequence[Row], level: int) -> object:
    """A value that is equal for identical blocks: the layers, their paths in the block, shapes and counts."""
    return [
        (row.path.split(".")[level:], _own(row.step.layer), row.step.inputs, row.step.output, row.counts, row.in_head)
        for row in block
    ]


def _own(layer: Layer) -> object:
    """A layer without its name; of one that joins others, which have rows of their own, its kind."""
    return type(layer) if isinstance(layer, Joined) else replace(layer, name="")
