"""Parts that repeat, found so that source text defines them once and calls them with the numbers that differ."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import assert_never

from striate.description.layers import Auxiliary, Block, Branches, Gate, Residual
from striate.emit.source.naming import stem, unique
from striate.emit.source.parts import Key, Part, inner_numbers, joined

Value = int | str
"""A number, or the source of an expression that gives it."""
FAMILY = {"inputs": "channels", "filters": "channels", "units": "channels", "groups": "channels"}
"""Numbers that stand for each other where they are equal; kernels, strides and paddings stay among themselves."""
LEAST = 3
"""Layers of a block that is worth a definition when it stands in two places."""


@dataclass(frozen=True)
class Parameter:
    """An argument of a definition; `key` is one of the numbers that it is given for."""

    name: str
    key: Key
    default: int | None = None

    @property
    def by_name(self) -> bool:
        """Whether a call names it: all but counts of channels."""
        return self.key[1] not in FAMILY


@dataclass(frozen=True)
class Definition:
    """A part that is written once; `expressions` has the expression for each number inside."""

    name: str
    part: Part
    parameters: tuple[Parameter, ...]
    expressions: dict[Key, Value]
    condition: tuple[str, str, str] | None = None
    """Where a residual has its shortcut on a condition: its stride ("" for none), and the maps it reads and gives."""


@dataclass(frozen=True)
class Scope:
    """The expressions for the numbers of the layers under a path: literals, or a definition's parameters."""

    values: dict[Key, Value]
    path: str = ""
    fixed: bool = False
    """Whether it describes a single part, not all parts that share a definition."""

    def value(self, field: str, path: str = "") -> Value:
        """The number of the layer here, or of one at a path inside."""
        return self.values[joined(self.path, path), field] if self.path else self.values[path, field]

    def has(self, field: str) -> bool:
        """Whether the layer here has that number."""
        return (self.path, field) in self.values

    def inside(self, name: str) -> Scope:
        """The same for the layer of that name here."""
        return Scope(self.values, f"{self.path}.{name}" if self.path else name, self.fixed)


@dataclass(frozen=True)
class Speech:
    """How a language takes to definitions.

    `inferred`: layers find out by themselves how many maps they read. `taken`: names that a definition or a parameter
    cannot have. `half` is how half an odd number, rounded down, is written, `reads` how many maps the input x has,
    `cased` gives the name of a definition from words with underscores.
    """

    inferred: bool
    taken: frozenset[str] = field(default_factory=frozenset[str])
    half: str = "{} // 2"
    reads: str = ""
    channels: tuple[str, str, str] = ("in_channels", "channels", "out_channels")
    cased: Callable[[str], str] = str


def scope_of(parts: Sequence[Part]) -> Scope:
    """The numbers of the layers of a network as they are."""
    return Scope(dict(inner_numbers(parts)), fixed=True)


def definitions(parts: Sequence[Part], speech: Speech) -> dict[Hashable, Definition]:
    """The definitions, by skeleton; one that is used inside another comes before it.

    Sums, products and concatenations are always defined, blocks where they would be written out in several places.
    """
    instances: dict[Hashable, list[Part]] = {}
    for part in parts:
        for each in part.walk():
            instances.setdefault(each.skeleton, []).append(each)
    times: Counter[Hashable] = Counter()
    order: list[Part] = []
    for part in parts:
        _count(part, times, order)
    found: dict[Hashable, str] = {}
    names = set(speech.taken)
    for part in order:
        many = times[part.skeleton] > 1 and sum(1 for _ in part.walk()) > LEAST
        if isinstance(part.layer, (Residual, Gate, Branches)) or (isinstance(part.layer, (Block, Auxiliary)) and many):
            found[part.skeleton] = unique(speech.cased(_word(part)), names)
            names.add(found[part.skeleton])
    return {key: _definition(name, instances[key], speech, names) for key, name in found.items()}


def _count(part: Part, times: Counter[Hashable], order: list[Part]) -> None:
    """Count where source text has a part, if each is written out where it first stands; inner parts come first."""
    times[part.skeleton] += 1
    if times[part.skeleton] == 1:
        for child in part.inside:
            _count(child, times, order)
        order.append(part)


def _word(part: Part) -> str:
    """The name and the kind of a definition, which is named after the first part that uses it."""
    word = stem(part.name).lower()
    layer = part.composite
    match layer:
        case Residual():
            return word if "residual" in word else f"residual_{word}"
        case Branches() if any(not child.children for child in part.children):
            return f"dense_{word}"
        case Branches() | Gate() | Block() | Auxiliary():
            return word
        case _:
            assert_never(layer)


def _definition(name: str, instances: list[Part], speech: Speech, taken: Set[str]) -> Definition:
    """The definition of like parts; its parameters have none of the names that are `taken`, other definitions' too."""
    first = instances[0]
    columns = {
        key: tuple(part.numbers[key] for part in instances)
        for key in first.numbers
        if not (speech.inferred and key[1] == "inputs")
    }
    expressions: dict[Key, Value] = {}
    parameters: dict[tuple[str, tuple[int, ...]], Parameter] = {}
    names = set(taken)
    for key, column in columns.items():
        family = FAMILY.get(key[1], key[1])
        if len(set(column)) == 1:
            expressions[key] = column[0]
            continue
        if (family, column) not in parameters:
            if derived := _derived(family, column, parameters, speech):
                expressions[key] = derived
                continue
            wanted = _parameter(key, column, instances, speech)
            own = Parameter(unique(wanted, names), key, 1 if family == "stride" else None)
            names.add(own.name)
            parameters[family, column] = own
        expressions[key] = parameters[family, column].name
    _call_it_width(parameters, expressions, speech, taken)
    ordered = sorted(parameters.values(), key=lambda each: (each.default is not None, each.by_name))
    condition = None
    if (optional := first.optional) is not None:
        first = replace(optional.example, optional=optional)
        expressions.setdefault(optional.reads, speech.reads)
        expressions |= {
            key: expressions.get(each, 0) if isinstance(each, tuple) else each for key, each in optional.stands.items()
        }
        stride = "" if optional.stride is None else str(expressions[optional.stride])
        condition = stride, str(expressions[optional.reads]), str(expressions[optional.gives])
    return Definition(name, first, tuple(ordered), expressions, condition)


def _call_it_width(
    parameters: dict[tuple[str, tuple[int, ...]], Parameter],
    expressions: dict[Key, Value],
    speech: Speech,
    taken: Set[str],
) -> None:
    """Rename the one number of channels that is neither the input's nor the output's, if it is the only one."""
    inner = [key for key, each in parameters.items() if key[0] == "channels" and each.name not in speech.channels]
    names = {each.name for each in parameters.values()} | taken
    if len(inner) == 1 and "width" not in names:
        old = parameters[inner[0]]
        parameters[inner[0]] = replace(old, name="width")
        for key, each in expressions.items():
            if isinstance(each, str):
                expressions[key] = re.sub(rf"\b{old.name}\b", "width", each)


def _derived(
    family: str,
    column: tuple[int, ...],
    parameters: dict[tuple[str, tuple[int, ...]], Parameter],
    speech: Speech,
) -> str:
    """A number as a multiple of another, or a padding as half its kernel; "" where it is neither."""
    for (other, given), parameter in parameters.items():
        if family == "padding" and other == "kernel" and all(k % 2 and p == k // 2 for p, k in zip(column, given)):  # noqa: B905
            return speech.half.format(parameter.name)
        ratio = column[0] // given[0] if family == other == "channels" else 0
        if ratio > 1 and all(c == ratio * g for c, g in zip(column, given)):  # noqa: B905
            return f"{ratio} * {parameter.name}"
    return ""


def _parameter(key: Key, column: tuple[int, ...], instances: list[Part], speech: Speech) -> str:
    """The name of a parameter: for channels by what they are to the part, else by the layer that has them."""
    path, field = key
    if field not in FAMILY:
        return field
    reads = column == tuple(part.input[0] for part in instances)
    gives = column == tuple(part.output[0] for part in instances)
    if reads or gives:
        before, both, after = speech.channels
        return both if reads and gives else before if reads else after
    return (
        path.replace(".", "_").lower().removesuffix("_conv")
        if field == "filters"
        else f"{path.replace('.', '_').lower()}_{field}"
    )


def uses(parts: Sequence[Part], defined: dict[Hashable, Definition]) -> Iterator[Part]:
    """Every part that the source text writes out or calls: what is defined is entered once."""
    entered: set[Hashable] = set()

    def enter(part: Part) -> Iterator[Part]:
        yield part
        if part.skeleton in defined and part.skeleton in entered:
            return
        entered.add(part.skeleton)
        for child in part.inside:
            yield from enter(child)

    for part in parts:
        yield from enter(part)
