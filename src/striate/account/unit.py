"""Which pixels of the input one unit reads, traced back from the unit to the input.

`receptive` gives a rule for all units of a layer at once; here one unit, or one map as a whole, is followed backwards
through every path. Along each axis the places that are read are a set, and so are the maps, so that gaps (dilation, a
stride wider than the kernel), places that only padding fills, rows that no later window reads, and branches whose maps
no table or group names are all accounted for.
"""

from __future__ import annotations

from dataclasses import dataclass

from striate.errors import SpecError, UnknownNameError, unknown_name
from striate.spec.layers import (
    Branches,
    Conv,
    Flatten,
    GlobalAveragePool,
    LocalResponseNorm,
    PadChannels,
    Pool,
    Subsample,
)
from striate.spec.network import INPUT, Network, Plan, Step, plan
from striate.spec.shapes import Axis, Shape, show, window

Places = range | frozenset[int]
"""Places along one axis, or the numbers of maps."""
Patch = tuple[Places, Places, Places]
"""Maps, rows and columns."""
Interval = tuple[int, int]
"""The first and the last place along one axis."""


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
    """What one unit sees of the input.

    `clipped` holds the pixels that it reads, None where it reads padding only; `unclipped` reaches over the edge, as
    far as its windows do. `place` is (row, column) in its maps, None for a unit of a flat vector.
    """

    path: str
    place: tuple[int, int] | None
    output: Shape
    input: Shape
    clipped: Rectangle | None
    unclipped: Rectangle


def view(network: Network, unit: str, *, input: Shape | None = None) -> View:
    """What the unit `PATH:ROW,COLUMN` sees, in whichever of the maps; `PATH` alone where the output is flat.

    Raises UnknownNameError where no layer has that path, SpecError where the layer has no such unit.

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
                f"{unit!r} names a row and a column, but {path} gives a flat vector of {show(step.output)}.",
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


def seen(planned: Plan, number: int, rows: Places | None = None, columns: Places | None = None) -> Rectangle | None:
    """The smallest rectangle of pixels that units of a step read: of some `rows` and `columns`, or of all.

    None where they read nothing but padding.
    """
    wanted: dict[int, list[Patch]] = {}
    maps, all_rows, all_columns = _whole(planned.shape(number))
    _ask(wanted, number, (maps, all_rows if rows is None else rows, all_columns if columns is None else columns))
    for place in range(number, INPUT, -1):
        for patch in wanted.pop(place, ()):
            _pass_on(planned.steps[place], patch, wanted)
    found = wanted.get(INPUT)
    if not found:
        return None
    return Rectangle(
        (min(min(rows) for _, rows, _ in found), max(max(rows) for _, rows, _ in found)),
        (min(min(columns) for _, _, columns in found), max(max(columns) for _, _, columns in found)),
    )


def unclipped(planned: Plan, number: int, units: Rectangle | None = None) -> Rectangle:
    """The same as if every map went on beyond its edges, and every unit read all maps: padding counts as pixels."""
    wanted = {number: units or _all(planned.shape(number))}
    for place in range(number, INPUT, -1):
        if place not in wanted:
            continue
        step, here = planned.steps[place], wanted.pop(place)
        if isinstance(step.layer, (Conv, Pool, Subsample)):
            height, width = window(step.layer, step.inputs[0]).axes
            here = Rectangle(_reach(height, here.rows), _reach(width, here.columns))
        elif isinstance(step.layer, (Flatten, GlobalAveragePool)):
            here = _all(step.inputs[0])
        for source in step.sources:
            wanted[source] = here.around(wanted[source]) if source in wanted else here
    return wanted[INPUT]


def _pass_on(step: Step, patch: Patch, wanted: dict[int, list[Patch]]) -> None:
    """Ask the sources of a step for what its units on a patch read."""
    layer, shape = step.layer, step.inputs[0]
    maps, rows, columns = patch
    if isinstance(layer, (Conv, Pool, Subsample)):
        height, width = window(layer, shape).axes
        rows, columns = _read(height, rows), _read(width, columns)
    match layer:
        case Conv():
            maps = _read_maps(layer, maps, shape[0])
        case Flatten() | GlobalAveragePool():
            maps, rows, columns = _whole(shape)
        case LocalResponseNorm():
            before, after = layer.size // 2, (layer.size - 1) // 2
            maps = frozenset(near for each in maps for near in range(each - before, each + after + 1)) & {
                *range(shape[0])
            }
        case PadChannels():
            maps = frozenset(each for each in maps if each < shape[0])
        case Branches():
            first = 0
            for source, (channels, *_) in zip(step.sources, step.inputs, strict=True):
                own = frozenset(each - first for each in maps if first <= each < first + channels)
                _ask(wanted, source, (own, rows, columns))
                first += channels
            return
        case _:
            pass
    for source in step.sources:
        _ask(wanted, source, (maps, rows, columns))


def _read_maps(layer: Conv, filters: Places, channels: int) -> Places:
    """The input maps that some filters read."""
    if layer.table is not None:
        return frozenset(each for number in filters for each in layer.table[number])
    if layer.groups == 1:
        return range(channels)
    each, filters_each = channels // layer.groups, layer.filters // layer.groups
    groups = {number // filters_each for number in filters}
    return frozenset(group * each + number for group in groups for number in range(each))


def _ask(wanted: dict[int, list[Patch]], number: int, patch: Patch) -> None:
    """Put a patch on a step's list; one that another holds is left out, so lists stay short on any path."""
    if not all(patch):
        return
    patches = wanted.setdefault(number, [])
    if any(_within(patch, other) for other in patches):
        return
    patches[:] = [other for other in patches if not _within(other, patch)]
    patches.append(patch)


def _within(inner: Patch, outer: Patch) -> bool:
    return all(_holds(large, small) for large, small in zip(outer, inner, strict=True))


def _read(axis: Axis, places: Places) -> Places:
    """The places of its input that the windows at `places` read; those in the padding are left out."""
    if isinstance(places, range) and axis.dilation == 1 and (axis.stride <= axis.kernel or len(places) == 1):
        first, last = places[0] * axis.stride - axis.before, places[-1] * axis.stride - axis.before + axis.kernel
        return range(max(0, first), min(axis.size, last))
    starts = [place * axis.stride - axis.before for place in places]
    taps = range(0, axis.extent, axis.dilation)
    return frozenset(start + tap for start in starts for tap in taps if 0 <= start + tap < axis.size)


def _reach(axis: Axis, places: Interval) -> Interval:
    first, last = (place * axis.stride - axis.before for place in places)
    return first, last + axis.extent - 1


def _holds(outer: Places, inner: Places) -> bool:
    if isinstance(outer, range) and isinstance(inner, range):
        return outer.start <= inner.start and inner.stop <= outer.stop
    return all(place in outer for place in inner)


def _whole(shape: Shape) -> tuple[range, range, range]:
    """All maps, rows and columns; a flat vector is taken as one unit."""
    return (range(shape[0]), range(shape[1]), range(shape[2])) if len(shape) == 3 else (range(1), range(1), range(1))


def _all(shape: Shape) -> Rectangle:
    _, rows, columns = _whole(shape)
    return Rectangle((0, len(rows) - 1), (0, len(columns) - 1))


def _hull(one: Interval, other: Interval) -> Interval:
    return min(one[0], other[0]), max(one[1], other[1])


def _place(unit: str, text: str, output: Shape) -> tuple[int, int]:
    numbers = text.split(",")
    if len(numbers) != 2 or not all(number.strip().isdecimal() for number in numbers):
        raise SpecError(
            f"{unit!r} does not name a unit.",
            "A unit is a layer's path, a colon, its row and its column, counted from 0.",
            f"Its maps are {show(output)}: try {unit.partition(':')[0]}:{output[1] // 2},{output[2] // 2}.",
        )
    row, column = int(numbers[0]), int(numbers[1])
    if row >= output[1] or column >= output[2]:
        raise SpecError(
            f"{unit!r} lies outside of its maps.",
            f"The maps are {show(output)}: rows 0 to {output[1] - 1}, columns 0 to {output[2] - 1}.",
        )
    return row, column


def _no_layer(path: str, paths: list[str]) -> UnknownNameError:
    error = unknown_name("layer", path, paths)
    expected = error.expected if len(paths) <= 24 else "`striate account` lists the paths of all layers."
    return UnknownNameError(error.what, expected, error.remedy)
