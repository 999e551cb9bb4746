"""Source that builds a model by calls, as Keras and Lasagne have it: a function for each part that repeats."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import assert_never

from striate.description.layers import Auxiliary, Block, Branches, Conv, Gate, Layer, Linear, Residual, Simple
from striate.description.shapes import Shape, show
from striate.emit.source.parts import SHORTCUT, Part
from striate.emit.source.repeats import Definition, Scope
from striate.emit.source.text import INDENT, Argument, Call, Loop, call, folded, lines
from striate.emit.source.values import LIGHT, Used, about
from striate.errors import SpecError


@dataclass(frozen=True)
class Dialect:
    """How a framework spells the parts of a model; in the templates {} is what they are of.

    `layers` gives the calls of a simple layer, `activation` the word that a layer before can have for it, `placed`
    the call that applies a layer to a variable, and what stands behind it. `scale` multiplies maps by one factor
    each, once `widen` has made maps of a vector.
    """

    layers: Callable[[Part, Scope, Used, str, str | None], list[Call]]
    activation: Callable[[Layer, Used], str | None]
    placed: Callable[[Call, str], tuple[Call, str]]
    add: str
    multiply: str
    scale: str
    concatenate: str
    widen: str
    shown: Callable[[Shape], Shape]
    plain: Callable[[list[str], Layer], list[str]]


@dataclass
class Source:
    """The definitions of a source, its language, and the names that it has been found to need."""

    defined: dict[Hashable, Definition]
    dialect: Dialect
    used: Used = field(default_factory=Used)


@dataclass(frozen=True)
class Place:
    """Where a chain of layers stands: the numbers there, the beginning of its layers' names, and how deep."""

    scope: Scope
    prefix: str
    depth: int = 0

    @property
    def mark(self) -> str:
        """A placeholder for a layer's own name until it is known whether the layer is in a loop."""
        return f"\0{chr(97 + self.depth)}\0"

    def inside(self, part: Part) -> Place:
        """The place of a layer's own layers."""
        return Place(self.scope.inside(part.name), f"{self.prefix}{self.mark}_", self.depth + 1)

    def name(self) -> str:
        """The name of a layer here, as source."""
        return f'f"{self.prefix}{self.mark}"'


def require_names(whole: Sequence[Part], tongue: str) -> None:
    """Raise SpecError where two layers would have one name."""
    seen: dict[str, str] = {}
    for part in (each for top in whole for each in top.walk()):
        flat = part.path.replace(".", "_")
        if isinstance(part.layer, Simple) and seen.setdefault(flat, part.path) != part.path:
            raise SpecError(
                f"in {tongue} it would be called {flat!r}, as {seen[flat]} would.",
                "Paths are written with underscores in the place of dots.",
                "Give one of the two another name.",
                where=part.path,
            )


def function(definition: Definition, source: Source) -> Iterator[str]:
    part = definition.part
    given = [each.name if each.default is None else f"{each.name}={each.default}" for each in definition.parameters]
    heads = ["heads=None"] if _has_heads(part) else []
    given.sort(key=lambda each: "=" in each)
    yield from ["", "", *lines("def ", call(definition.name, "x", *given, *heads, "name=None"), "", ":")]
    yield f'    """{about(part)}"""'
    place = Place(Scope(definition.expressions), "{name}_")
    yield from (INDENT + line for line in _body(definition, place, source))


def _has_heads(part: Part) -> bool:
    return any(isinstance(each.layer, Auxiliary) for each in part.walk() if each is not part)


def _body(definition: Definition, place: Place, source: Source) -> Iterator[str]:
    part, layer = definition.part, definition.part.composite
    match layer:
        case Residual():
            side = "x"
            if part.shortcut is not None:
                side, inner = SHORTCUT, Place(place.scope.inside(SHORTCUT), f"{place.prefix}{SHORTCUT}_", 1)
                made, _ = chain(part.shortcut.children, inner, source, ("x", SHORTCUT))
                if definition.condition is not None:
                    stride, reads, gives = definition.condition
                    test = f"{stride} != 1 or {reads} != {gives}" if stride else f"{reads} != {gives}"
                    yield from ["shortcut = x", f"if {test}:"]
                    made = [INDENT + line for line in made]
                yield from made
            body, last = chain(part.children, place, source, ("x", "y"))
            yield from [*body, f"return {source.dialect.add.format(f'[{last}, {side}]')}"]
        case Gate():
            body, last = chain(part.children, place, source, ("x", "y"))
            yield from body
            same = part.children[-1].output == part.input
            if not same and source.dialect.widen and len(part.children[-1].output) == 1:
                yield f"y = {source.dialect.widen.format(last)}"
                last = "y"
            join = source.dialect.multiply if same else source.dialect.scale
            yield f"return {join.format(f'[x, {last}]')}"
        case Branches():
            ends: list[str] = []
            for number, branch in enumerate(part.children, 1):
                own = Place(place.scope.inside(branch.name), f"{place.prefix}{branch.name}_", 1)
                body, last = (
                    chain([branch], place, source, ("x", f"y{number}"))
                    if branch.skeleton in source.defined
                    else chain(branch.children, own, source, ("x", f"y{number}"))
                )
                yield from body
                ends.append(last)
            joined = ", ".join(ends)
            yield f"return {source.dialect.concatenate.format(f'[{joined}]')}"
        case Block() | Auxiliary():
            body, last = chain(part.children, place, source, ("x", "x"))
            yield from [*body, f"return {last}"]
        case _:
            assert_never(layer)


def chain(children: Sequence[Part], place: Place, source: Source, variables: tuple[str, str]) -> tuple[list[str], str]:
    """The statements of layers in a row, and the variable that their result is in; `variables`: what is read, made."""
    reads, makes = variables
    entries: list[tuple[str, str]] = []
    comments: dict[str, str] = {}
    number = 0
    while number < len(children):
        part, after = children[number], children[number + 1 : number + 2]
        word = None
        if after and isinstance(part.layer, Conv | Linear):
            word = source.dialect.activation(after[0].layer, source.used)
        made = _statements(part, place, source, (reads, makes), word)
        if number:
            made = source.dialect.plain(made, children[number - 1].layer)
        entries.append((part.name, "\n".join(made)))
        comments[part.name] = _comment(part, place, source)
        reads = makes if made and not isinstance(part.layer, Auxiliary) else reads
        number += 2 if word else 1
    found: list[str] = []
    for row in folded([(name, "" if "for i in" in text else text) for name, text in entries]):
        if isinstance(row, Loop) and all(text for _, text in row.entries):
            found.append(f"for i in range({row.first}, {row.last + 1}):")
            for name, text in row.entries:
                found += [INDENT + line for line in text.replace(place.mark, f"{name}{{i}}").split("\n")]
        else:
            names = (
                [row[0]]
                if not isinstance(row, Loop)
                else [f"{n}{i}" for i in range(row.first, row.last + 1) for n, _ in row.entries]
            )
            for name in names:
                text = dict(entries)[name].replace(place.mark, name)
                found += [line for line in f"{text}{comments[name]}".split("\n") if text]
    return [re.sub(r'\bf("[^"{}\0]*")', r"\1", line) for line in found], reads


def _comment(part: Part, place: Place, source: Source) -> str:
    """The shape of what a layer gives, where it stands for one layer."""
    alone = isinstance(part.layer, Simple) or part.skeleton in source.defined
    shown = place.scope.fixed and alone and not isinstance(part.layer, (Auxiliary, *LIGHT))
    return f"  # {show(source.dialect.shown(part.output))}" if shown else ""


def _statements(
    part: Part, place: Place, source: Source, variables: tuple[str, str], activation: str | None
) -> list[str]:
    reads, makes = variables
    inner = place.inside(part)
    if isinstance(part.layer, Simple):
        found: list[str] = []
        for each in source.dialect.layers(part, inner.scope, source.used, place.name(), activation):
            made, tail = source.dialect.placed(each, reads)
            found += lines(f"{makes} = ", made, "", tail)
            reads = makes
        return found
    if part.skeleton in source.defined:
        target = f"heads[{place.name()}]" if isinstance(part.layer, Auxiliary) else makes
        return lines(f"{target} = ", _call(source.defined[part.skeleton], inner.scope, reads, place.name()), "")
    if isinstance(part.layer, Auxiliary):
        own = f"{reads}h" if set(reads) == {"h"} else "h"  # a head in a head leaves the outer one's values
        body, last = chain(part.children, inner, source, (reads, own))
        return [*body, f"heads[{place.name()}] = {last}"]
    body, _ = chain(part.children, inner, source, variables)
    return body


def _call(definition: Definition, scope: Scope, reads: str, name: str) -> Call:
    arguments = [Argument("", reads)]
    for each in definition.parameters:
        path, key = each.key
        value = scope.value(key, path)
        if value != each.default:
            arguments.append(Argument(each.name if each.by_name or each.default is not None else "", str(value)))
    if _has_heads(definition.part):
        arguments.append(Argument("heads", "heads"))
    return Call(definition.name, (*arguments, Argument("name", name)))


def named(name: str, text: str) -> bool:
    """Whether source names what is called so: in a string, as the name of a layer, it does not."""
    return re.search(rf"(?<![\w.\"]){name}\b", text) is not None
