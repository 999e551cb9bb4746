"""The pixels of the input that one unit reads, traced back from the unit to the input.

`receptive` gives a rule for all units of a layer at once; this module follows one unit, or one whole map, backwards
through every path. The positions that are read along each axis are a set, and so are the maps. So the result accounts
for gaps (dilation, a stride wider than the kernel), positions that only padding fills, rows that no later window reads,
and branches whose maps no table or group uses. Up to `PATCHES` different patches of one layer's output are followed one
by one; beyond that number, one patch that holds all of them is followed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import cast

from striate.accounting.patches import Patch, ask, is_gate, pass_on, whole
from striate.accounting.places import ends, run
from striate.description.layers import (
    Upsample,
    Windowed,
)
from striate.description.limits import DIGITS, NUMBER
from striate.description.network import INPUT, Network, Plan, plan
from striate.description.properties import properties
from striate.description.shapes import Axis, Shape, show, window
from striate.errors import SpecError, UnknownNameError, quote, unknown_name

Interval = tuple[int, int]
"""The first and the last position along one axis."""


@dataclass(frozen=True)
class Rectangle:
    """Rows and columns of the input, each from the first to the last; row 0 is the top one."""

    rows: Interval
    columns: Interval

    @property
    def size(self) -> tuple[int, int]:
        """(height, width)."""
        return self.rows[1] - self.rows[0] + 1, self.columns[1] - self.columns[0] + 1

    def around(self, other: Rectangle) -> Rectangle:
        """The smallest rectangle that holds both."""
        return Rectangle(_hull(self.rows, other.rows), _hull(self.columns, other.columns))


@dataclass(frozen=True)
class View:
    """The receptive field of one unit.

    `clipped` holds the pixels of the input that it reads, None where it reads padding only; `unclipped` also has the
    padding that its windows reach. `place` is (row, column) in its maps, None for a unit of a flat vector.
    """

    path: str
    place: tuple[int, int] | None
    output: Shape
    input: Shape
    clipped: Rectangle | None
    unclipped: Rectangle


def view(network: Network, unit: str, *, input: Shape | None = None) -> View:
    """The field of the unit `PATH:ROW,COLUMN`, the same in all maps; `PATH` alone where the output is flat.

    Raises UnknownNameError where no layer has that path, and SpecError where the layer has no such unit.

    >>> from striate.networks import find
    >>> view(find("lenet5"), "S4:4,4").clipped
    Rectangle(rows=(16, 31), columns=(16, 31))
    """
    planned = plan(network, input)
    path, _, text = unit.partition(":")
    numbers = {step.path: number for number, step in enumerate(planned.steps)}
    if path not in numbers:
        raise _no_layer(path, list(numbers))
    step = planned.steps[numbers[path]]
    if len(step.output) == 1:
        if text:
            raise SpecError(
                f"{quote(unit)} names a row and a column, but {path} gives a flat vector of {show(step.output)}.",
                "All units of a flat vector see the same pixels: those that any unit before the flatten sees.",
                f"Ask for {path!r}.",
            )
        rectangle = seen(planned, numbers[path])
        return View(path, None, step.output, planned.input, rectangle, unclipped(planned, numbers[path]))
    row, column = place = _place(unit, text, step.output)
    rows, columns = range(row, row + 1), range(column, column + 1)
    clipped = seen(planned, numbers[path], rows, columns)
    return View(
        path,
        place,
        step.output,
        planned.input,
        clipped,
        unclipped(planned, numbers[path], Rectangle((row, row), (column, column))),
    )


def seen(
    planned: Plan,
    number: int,
    rows: range | None = None,
    columns: range | None = None,
    *,
    known: dict[int, Rectangle | None] | None = None,
) -> Rectangle | None:
    """The smallest rectangle that holds all pixels read by units of a step: those of some `rows` and `columns`, or all.

    None where they read only padding. `known` caches the answers for all units of the steps that every path passes
    through, so that asking for every step in turn costs no more than asking once.
    """
    wanted: dict[int, list[Patch]] = {}
    maps, all_rows, all_columns = whole(planned.shape(number))
    ask(wanted, number, (maps, _places(rows, all_rows), _places(columns, all_columns)))
    passed: list[int] = []
    for place in range(number, INPUT, -1):
        patches = wanted.pop(place, [])
        if known is not None and not wanted and patches == [whole(planned.shape(place))]:
            if place in known:
                found = known[place]
                break
            passed.append(place)
        for patch in patches:
            pass_on(planned.steps[place], patch, wanted)
    else:
        found = _around(wanted.get(INPUT, []))
    if known is not None:
        known.update(dict.fromkeys(passed, found))
    return found


def _places(some: range | None, whole: int) -> int:
    return whole if some is None else run(len(some), some.start)


def _around(patches: list[Patch]) -> Rectangle | None:
    rows, columns = [ends(patch[1]) for patch in patches], [ends(patch[2]) for patch in patches]
    return Rectangle(_interval(rows), _interval(columns)) if patches else None


def _interval(parts: list[Interval]) -> Interval:
    return min(first for first, _ in parts), max(last for _, last in parts)


def unclipped(planned: Plan, number: int, units: Rectangle | None = None) -> Rectangle:
    """As `seen`, but padding counts as pixels, without limits at the edges, and every unit reads all maps."""
    wanted = {number: units or _all(planned.shape(number))}
    for place in range(number, INPUT, -1):
        if place not in wanted:
            continue
        step, here = planned.steps[place], wanted.pop(place)
        if isinstance(step.layer, Windowed):
            height, width = window(step.layer, step.inputs[0]).axes
            here = Rectangle(_reach(height, here.rows), _reach(width, here.columns))
        elif isinstance(step.layer, Upsample):
            down, across = cast("tuple[int, int]", step.layer.factor)
            here = Rectangle(_divided(here.rows, down), _divided(here.columns, across))
        elif properties(step.layer).flattens:
            here = _all(step.inputs[0])
        for source, shape in zip(step.sources, step.inputs, strict=True):
            own = _all(shape) if is_gate(step, shape) else here
            wanted[source] = own.around(wanted[source]) if source in wanted else own
    return wanted[INPUT]


def _divided(places: Interval, by: int) -> Interval:
    return places[0] // by, places[1] // by


def _reach(axis: Axis, places: Interval) -> Interval:
    first, last = (place * axis.stride - axis.before for place in places)
    return first, last + axis.extent - 1


def _all(shape: Shape) -> Rectangle:
    return Rectangle((0, shape[1] - 1), (0, shape[2] - 1)) if len(shape) == 3 else Rectangle((0, 0), (0, 0))


def _hull(one: Interval, other: Interval) -> Interval:
    return min(one[0], other[0]), max(one[1], other[1])


def _place(unit: str, text: str, output: Shape) -> tuple[int, int]:
    numbers = re.fullmatch(r"\s*(\d+)\s*,\s*(\d+)\s*", text)
    if numbers is None:
        raise SpecError(
            f"{quote(unit)} does not name a unit.",
            "A unit is a layer's path, a colon, its row and its column, counted from 0.",
            f"Its maps are {show(output)}: try {unit.partition(':')[0]}:{output[1] // 2},{output[2] // 2}.",
        )
    row, column = (int(number) if len(number) <= DIGITS else NUMBER for number in numbers.groups())
    if row >= output[1] or column >= output[2]:
        raise SpecError(
            f"{quote(unit)} lies outside of its maps.",
            f"The maps are {show(output)}: rows 0 to {output[1] - 1}, columns 0 to {output[2] - 1}.",
        )
    return row, column


def _no_layer(path: str, paths: list[str]) -> UnknownNameError:
    error = unknown_name("layer", path, paths)
    expected = error.expected if len(paths) <= 24 else "`striate account` lists the paths of all layers."
    return UnknownNameError(error.what, expected, error.remedy)
