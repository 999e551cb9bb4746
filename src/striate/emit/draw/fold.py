"""Parts that follow themselves, drawn once with their count.

Parts are alike where they are made of the same layers, whatever these are called, and give maps of the same height and
width. Channels may differ: a dense layer of DenseNet reads more of them than the one before it, and does the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import assert_never, cast

from striate.description.layers import Joined
from striate.description.network import Step
from striate.description.notation.writing import spelling
from striate.description.shapes import Shape
from striate.emit.draw.parts import Cell, Fork, Group, Head, Part, Repeat
from striate.emit.draw.words import joining

PERIOD = 3
"""The most parts that are taken as one repetition."""


def folded(parts: Sequence[Part]) -> tuple[Part, ...]:
    """The parts, those in a row that are alike as one `Repeat`, inside first.

    >>> from striate.networks import find
    >>> from striate.emit.draw.opening import Opening, parts_of
    >>> [part.times for part in folded(parts_of(find("vgg-d"), Opening(1))) if isinstance(part, Repeat)]
    [2, 2, 3, 3, 3]
    """
    inner = [_inside(part) for part in parts]
    alike = [_likeness(part) for part in inner]
    begins = [_begins(part, before) for part, before in zip(inner, [None, *inner], strict=False)]
    found: list[Part] = []
    place = 0
    while place < len(inner):
        beside = isinstance(inner[place], Head)  # it belongs to the part before it, so nothing begins with one
        period, times = (1, 1) if beside else _repeats(alike, place, begins[place : place + PERIOD])
        if times == 1:
            found.append(inner[place])
        else:
            rounds = [inner[place + each * period : place + (each + 1) * period] for each in range(times)]
            merged = tuple(_merged(each) for each in zip(*rounds, strict=True))
            found.append(Repeat(_name(rounds[0][0]), _name(rounds[-1][0]), times, merged))
        place += period * times
    return tuple(found)


def _inside(part: Part) -> Part:
    match part:
        case Cell():
            return part
        case Group() | Head() | Repeat():
            return replace(part, parts=folded(part.parts))
        case Fork():
            return replace(part, lanes=tuple(map(folded, part.lanes)))
        case _:
            assert_never(part)


def _repeats(alike: Sequence[object], place: int, begins: Sequence[bool]) -> tuple[int, int]:
    """(period, times) of what repeats from a place on, the shortest period first; (1, 1) for nothing.

    Where a part of it `begins` something, that is its first: a residual and its ReLU are repeated, and no ReLU and
    residual.
    """
    for period in range(1, PERIOD + 1):
        if any(begins[:period]) and not begins[0]:
            break
        pattern = alike[place : place + period]
        times = 1
        while alike[place + times * period : place + (times + 1) * period] == pattern:
            times += 1
        if times > 1:
            return period, times
    return 1, 1


def _begins(part: Part, before: Part | None) -> bool:
    """Whether a part is a block, or the first of one."""
    if not isinstance(part, Cell) or part.block is not None:
        return True
    block = part.id.rpartition(".")[0]
    return before is not None and block != "" and block != _name(before).rpartition(".")[0]


def _likeness(part: Part) -> object:
    """A value that is equal for identical parts."""
    match part:
        case Cell():
            inner, start = part.inner if part.block else 0, len(part.path)
            inside = [(step.path[start:], _spelt(step)) for step in part.steps[:inner]]
            after = [_spelt(step) for step in part.steps[inner:]]
            return "cell", tuple(inside), tuple(after), _place(part.outputs), type(part.block)
        case Group():
            return "group", tuple(map(_likeness, part.parts))
        case Head():
            return "head", part.weight, tuple(map(_likeness, part.parts))
        case Fork():
            lanes = tuple(tuple(map(_likeness, lane)) for lane in part.lanes)
            return part.sign, lanes, _place(part.outputs)
        case Repeat():
            return "repeat", part.times, tuple(map(_likeness, part.parts))
        case _:
            assert_never(part)


def _spelt(step: Step) -> str:
    return joining(step.layer) if isinstance(step.layer, Joined) else spelling(step.layer)


def _place(outputs: tuple[Shape, ...]) -> object:
    """The text of a size: the height and width of maps, or the length of a vector."""
    return {shape[1:] if len(shape) == 3 else shape for shape in outputs}


def _merged(parts: tuple[Part, ...]) -> Part:
    """Parts that are alike as the first of them, with the outputs of all."""
    first = parts[0]
    match first:
        case Cell():
            return replace(first, outputs=_outputs(cast("tuple[Cell, ...]", parts)))
        case Fork():
            forks = cast("tuple[Fork, ...]", parts)
            lanes = tuple(_rows(tuple(each)) for each in zip(*(fork.lanes for fork in forks), strict=True))
            return replace(first, lanes=lanes, outputs=_outputs(forks))
        case Group() | Head() | Repeat():
            return replace(first, parts=_rows(tuple(each.parts for each in cast("tuple[Group, ...]", parts))))
        case _:
            assert_never(first)


def _rows(rows: tuple[tuple[Part, ...], ...]) -> tuple[Part, ...]:
    return tuple(_merged(each) for each in zip(*rows, strict=True))


def _outputs(parts: tuple[Cell, ...] | tuple[Fork, ...]) -> tuple[Shape, ...]:
    """The outputs of all, in order."""
    return tuple(shape for part in parts for shape in part.outputs)


def _name(part: Part) -> str:
    match part:
        case Cell():
            return part.name
        case Fork():
            return part.join.path
        case Group() | Head():
            return part.path
        case Repeat():
            return part.first
        case _:
            assert_never(part)
