"""Receptive fields: the pixels of the input that a unit sees, computed from the description alone.

Along one axis, unit i of a layer sees the pixels from `first + i·jump` to `last + i·jump`; pixel 0 is the first of the
input, and pixels outside of the input are padding. A convolution, a pooling or a subsampling widens the field and
multiplies the jump. A sum or a concatenation takes the union of its parts. From a flatten or a global pooling on, a
unit sees the union of the fields of all units before it, clipped to the input.

Where the parts of a sum or a concatenation differ in jump, the fields of its units differ in size. Then the figures are
those of the first unit, with the larger jump. After an upsampling, too, fields differ in size: the size is that of the
largest. After a gate of one factor for each map, every unit also sees what the factors see, wherever it is; the figures
are those of the first unit. `unit.view` is exact for every unit of every network.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from math import ceil, floor, gcd
from typing import assert_never, cast

from striate.accounting.unit import Rectangle, seen
from striate.description.layers import (
    RBF,
    Activation,
    BatchNorm,
    Branches,
    Conv,
    Dropout,
    Flatten,
    Gate,
    GlobalAveragePool,
    Linear,
    LocalResponseNorm,
    PadChannels,
    Pool,
    PositionBias,
    Residual,
    Scale,
    Shuffle,
    Softmax,
    Subsample,
    Upsample,
)
from striate.description.network import INPUT, Plan, Step
from striate.description.shapes import Axis, window


@dataclass(frozen=True)
class Span:
    """The field of a layer's first unit along one axis, in pixels of the input, and the distance to the next one's.

    After an upsampling neighbouring units may share a field. `grid` then has the exact rule, and `jump` is the mean.
    `shared` are the first and the last pixel that all units see, wherever they are: those behind the factors of gates.
    """

    first: float = 0
    last: float = 0
    jump: float = 1
    grid: Grid | None = field(default=None, repr=False)
    shared: tuple[int, int] | None = field(default=None, repr=False)

    @property
    def ends(self) -> tuple[int, int]:
        """The first and the last pixel that the first unit sees, in the largest field that an upsampling gives."""
        span, more = self, 0
        while span.grid is not None:
            grid = span.grid
            step = gcd(grid.jump, grid.times)
            latest = grid.times - step + grid.first % step
            more = (latest + grid.last - grid.first + more * grid.jump) // grid.times
            span = grid.below
        size = ceil(span.last + more * span.jump) - floor(span.first) + 1
        own = floor(self.first), floor(self.first) + size - 1
        return own if self.shared is None else _hull(own, self.shared)

    @property
    def size(self) -> int:
        """The number of pixels that a unit sees, padding included; of the unit that sees most, where they differ."""
        return self.ends[1] - self.ends[0] + 1

    @property
    def start(self) -> float:
        """The centre of the first unit's field; the first pixel's own centre is 0."""
        return (self.first + self.last if self.shared is None else sum(self.ends)) / 2

    def through(self, axis: Axis) -> Span:
        """The field of the units whose windows move over these units."""
        return self.run(-axis.before, axis.extent - 1 - axis.before, axis.stride)

    def repeated(self, times: int) -> Span:
        """The field of the units after an upsampling, where `times` consecutive units share one field."""
        grid = self.grid
        if grid is not None and (grid.first, grid.last, grid.jump) == (0, 0, 1):  # two upsamplings are one
            return _sharing(_over(replace(grid, times=grid.times * times)), self)
        return _sharing(_over(Grid(0, 0, 1, times, self)), self)

    def run(self, first: int, last: int, jump: int) -> Span:
        """The field of units of which unit i reads these units from `first` to `last`, each plus i · `jump`."""
        if (grid := self.grid) is not None:
            ends = grid.first + first * grid.jump, grid.last + last * grid.jump
            return _sharing(_over(replace(grid, first=ends[0], last=ends[1], jump=grid.jump * jump)), self)
        ends = self.first + first * self.jump, self.last + last * self.jump
        return Span(_exact(ends[0]), _exact(ends[1]), _exact(self.jump * jump), shared=self.shared)

    def union(self, other: Span) -> Span:
        """The field of a unit that reads one of these units and one of `other`."""
        one, two = self.grid, other.grid
        if one and two and one.below is two.below and one.times == two.times:
            ends = min(one.first, two.first), max(one.last, two.last)
            both = _over(replace(one, first=ends[0], last=ends[1], jump=max(one.jump, two.jump)))
        else:
            both = Span(min(self.first, other.first), max(self.last, other.last), max(self.jump, other.jump))
        return _sharing(both, self, other)

    def gated(self, factor: Span) -> Span:
        """The field of units that are multiplied by one factor, which sees the same pixels for all of them."""
        return _sharing(self, replace(factor, shared=factor.ends))


@dataclass(frozen=True)
class Grid:
    """The field of a layer's units in places of an upsampled map, which has each unit of `below` `times` times."""

    first: int
    last: int
    jump: int
    times: int
    below: Span


def _over(grid: Grid) -> Span:
    """The span of units that read places of an upsampled map."""
    times = grid.times
    if grid.jump % times == 0:
        return grid.below.run(grid.first // times, grid.last // times, grid.jump // times)
    first, last, span = grid.first // times, grid.last // times, grid.below
    while (below := span.grid) is not None:
        first = (below.first + first * below.jump) // below.times
        last = (below.last + last * below.jump) // below.times
        span = below.below
    ends = span.first + first * span.jump, span.last + last * span.jump
    return Span(_exact(ends[0]), _exact(ends[1]), _exact(grid.below.jump * grid.jump / times), grid)


def _hull(one: tuple[int, int], other: tuple[int, int]) -> tuple[int, int]:
    """The first and the last pixel of two stretches."""
    return min(one[0], other[0]), max(one[1], other[1])


def _sharing(span: Span, *others: Span) -> Span:
    """The span, whose units also see what all units of `others` see."""
    for other in others:
        if other.shared is not None:
            span = replace(span, shared=other.shared if span.shared is None else _hull(span.shared, other.shared))
    return span


def _exact(value: float) -> float:
    """A whole number as an int."""
    return int(value) if value == int(value) else value


@dataclass(frozen=True)
class ReceptiveField:
    """Size, jump and start of a layer's fields, each as (height, width)."""

    height: Span
    width: Span

    @property
    def size(self) -> tuple[int, int]:
        """The pixels that a unit sees, as (height, width)."""
        return self.height.size, self.width.size

    @property
    def jump(self) -> tuple[float, float]:
        """The distance in pixels between the fields of neighbouring units; 0 where all units share one field."""
        return self.height.jump, self.width.jump

    @property
    def start(self) -> tuple[float, float]:
        """The centre of the first unit's field; the first pixel's own centre is 0."""
        return self.height.start, self.width.start


def receptive_fields(plan: Plan) -> list[ReceptiveField]:
    """The receptive field of each step of a plan."""
    found: list[ReceptiveField] = []
    known: dict[int, Rectangle | None] = {}
    for step in plan.steps:
        sources = [ReceptiveField(Span(), Span()) if source == INPUT else found[source] for source in step.sources]
        found.append(_field(step, sources, lambda source: _joined(plan, source, known)))
    return found


def _field(step: Step, sources: list[ReceptiveField], joined: Callable[[int], ReceptiveField]) -> ReceptiveField:
    layer, source, shape = step.layer, sources[0], step.inputs[0]
    match layer:
        case Conv() | Pool() | Subsample():
            moved = window(layer, shape)
            return ReceptiveField(source.height.through(moved.height), source.width.through(moved.width))
        case Flatten() | GlobalAveragePool() if len(shape) == 3:
            return joined(step.sources[0])
        case Upsample():
            rows, columns = cast("tuple[int, int]", layer.factor)
            return ReceptiveField(source.height.repeated(rows), source.width.repeated(columns))
        case Gate() if step.inputs[1] != step.output:
            factor = sources[1]
            return ReceptiveField(source.height.gated(factor.height), source.width.gated(factor.width))
        case Residual() | Gate() | Branches():
            for other in sources[1:]:
                source = ReceptiveField(source.height.union(other.height), source.width.union(other.width))
            return source
        case (
            Flatten()
            | GlobalAveragePool()
            | BatchNorm()
            | LocalResponseNorm()
            | Activation()
            | Softmax()
            | Dropout()
            | PadChannels()
            | Shuffle()
            | Scale()
            | Linear()
            | RBF()
            | PositionBias()
        ):
            return source
        case _:
            assert_never(layer)


def _joined(plan: Plan, source: int, known: dict[int, Rectangle | None]) -> ReceptiveField:
    """The field of a unit that reads all units of `source`."""
    pixels = seen(plan, source, known=known)
    if pixels is None:
        return ReceptiveField(Span(0, -1, 0), Span(0, -1, 0))
    return ReceptiveField(Span(*pixels.rows, 0), Span(*pixels.columns, 0))
