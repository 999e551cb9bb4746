"""Keras 3 source: a function that builds the model with the functional API, and one for each part that repeats."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field

from striate.description.layers import (
    Activation,
    Auxiliary,
    Branches,
    Conv,
    Gate,
    Layer,
    Linear,
    Residual,
    Simple,
)
from striate.description.network import Network
from striate.description.shapes import show
from striate.emit.source.header import header
from striate.emit.source.keras_classes import FUNCTIONS
from striate.emit.source.keras_layers import activation_word, layer_calls
from striate.emit.source.naming import PYTHON, title
from striate.emit.source.parts import SHORTCUT, Part, parts
from striate.emit.source.pytorch import LIGHT
from striate.emit.source.pytorch_classes import SIGNS
from striate.emit.source.pytorch_layers import Used
from striate.emit.source.repeats import Definition, Scope, Speech, definitions, scope_of
from striate.emit.source.shortcuts import unified
from striate.emit.source.text import Argument, Call, Loop, call, folded, lines
from striate.errors import SpecError

TAKEN = frozenset(
    {*PYTHON, "keras", "layers", "ops", "name", "heads", "h", "inputs", "shortcut", "signs", "with_heads", "build"}
    | {*FUNCTIONS, *map(str.lower, FUNCTIONS), *(f"y{number}" for number in range(1, 100))}
)
INDENT = "    "


@dataclass
class _Source:
    defined: dict[Hashable, Definition]
    used: Used = field(default_factory=Used)


@dataclass(frozen=True)
class _Place:
    """Where a chain of layers stands: the numbers there, the beginning of its layers' names, and how deep."""

    scope: Scope
    prefix: str
    depth: int = 0

    @property
    def mark(self) -> str:
        """What stands for a layer's own name until it is known whether it is in a loop."""
        return f"\0{chr(97 + self.depth)}\0"

    def inside(self, part: Part) -> _Place:
        """The place of a layer's own layers."""
        return _Place(self.scope.inside(part.name), f"{self.prefix}{self.mark}_", self.depth + 1)

    def name(self) -> str:
        """The name of a layer here, as source."""
        return f'f"{self.prefix}{self.mark}"'


def keras(network: Network, made_by: str) -> str:
    """The source of a Keras 3 model. SpecError, naming the layer, for what Keras has no layer for."""
    whole = unified(parts(network))
    _require_names(whole)
    speech = Speech(inferred=True, taken=TAKEN, reads="x.shape[-1]", channels=("filters", "filters", "filters"))
    source = _Source(definitions(whole, speech))
    body = [line for each in source.defined.values() for line in _function(each, source)]
    body += _model(network, whole, source)
    note = "Layers bear the paths of the description, with _ for the dots; maps are channels last."
    used = source.used
    text = [*header(network, "Keras", made_by, note), "import keras", _imports(body, used)]
    if any(each.startswith("signs(") for each in used.constants.values()):
        text += ["", "", *SIGNS.rstrip("\n").split("\n"), ""]
    text += [line for name, each in used.constants.items() for line in ["", *f"{name} = {each}".split("\n")]]
    for each in FUNCTIONS:
        if re.search(rf"\b{each}\b", "\n".join(body)):
            text += ["", "", *FUNCTIONS[each].rstrip("\n").split("\n")]
    end = ["", "", 'if __name__ == "__main__":', "    build().summary()"]
    return "\n".join([*text, *body, *end]) + "\n"


def _imports(body: list[str], used: Used) -> str:
    written = "\n".join([*body, *(FUNCTIONS[each] for each in used.classes)])
    return "from keras import layers, ops" if "ops." in written else "from keras import layers"


def _require_names(whole: Sequence[Part]) -> None:
    """Raise SpecError where two layers would have one name."""
    seen: dict[str, str] = {}
    for part in (each for top in whole for each in top.walk()):
        flat = part.path.replace(".", "_")
        if isinstance(part.layer, Simple) and seen.setdefault(flat, part.path) != part.path:
            raise SpecError(
                f"in Keras it would be called {flat!r}, as {seen[flat]} would.",
                "Keras allows no dot in a name, so that paths are written with underscores.",
                "Give one of the two another name.",
                where=part.path,
            )


def _function(definition: Definition, source: _Source) -> Iterator[str]:
    part = definition.part
    given = [each.name if each.default is None else f"{each.name}={each.default}" for each in definition.parameters]
    heads = ["heads=None"] if _has_heads(part) else []
    given.sort(key=lambda each: "=" in each)
    yield from ["", "", *lines("def ", call(definition.name, "x", *given, *heads, "name=None"), "", ":")]
    yield f'    """{_about(part)}"""'
    place = _Place(Scope(definition.expressions), "{name}_")
    yield from (INDENT + line for line in _body(definition, place, source))


def _about(part: Part) -> str:
    match part.layer:
        case Residual():
            side = "its shortcut or its input" if part.optional else "its shortcut" if part.shortcut else "its input"
            return f"The sum of its layers and {side}."
        case Gate():
            return "Its input times what its layers make of it."
        case Branches():
            return "Branches side by side, their maps concatenated."
        case Auxiliary():
            return "A head for training."
        case _:
            return "Layers in a row."


def _has_heads(part: Part) -> bool:
    return any(isinstance(each.layer, Auxiliary) for each in part.walk() if each is not part)


def _body(definition: Definition, place: _Place, source: _Source) -> Iterator[str]:
    part = definition.part
    match part.layer:
        case Residual():
            side = "x"
            if part.shortcut is not None:
                side, inner = SHORTCUT, _Place(place.scope.inside(SHORTCUT), f"{place.prefix}{SHORTCUT}_", 1)
                made, _ = _chain(part.shortcut.children, inner, source, ("x", SHORTCUT))
                if definition.condition is not None:
                    stride, reads, gives = definition.condition
                    test = f"{stride} != 1 or {reads} != {gives}" if stride else f"{reads} != {gives}"
                    yield from ["shortcut = x", f"if {test}:"]
                    made = [INDENT + line for line in made]
                yield from made
            body, last = _chain(part.children, place, source, ("x", "y"))
            yield from [*body, f"return layers.Add()([{last}, {side}])"]
        case Gate():
            body, last = _chain(part.children, place, source, ("x", "y"))
            yield from body
            if len(part.children[-1].output) < len(part.input):
                yield f"y = layers.Reshape((1, 1, -1))({last})"
                last = "y"
            yield f"return layers.Multiply()([x, {last}])"
        case Branches():
            ends: list[str] = []
            for number, branch in enumerate(part.children, 1):
                own = _Place(place.scope.inside(branch.name), f"{place.prefix}{branch.name}_", 1)
                body, last = (
                    _chain([branch], place, source, ("x", f"y{number}"))
                    if branch.skeleton in source.defined
                    else _chain(branch.children, own, source, ("x", f"y{number}"))
                )
                yield from body
                ends.append(last)
            yield f"return layers.Concatenate()([{', '.join(ends)}])"
        case _:
            body, last = _chain(part.children, place, source, ("x", "x"))
            yield from [*body, f"return {last}"]


def _chain(
    children: Sequence[Part], place: _Place, source: _Source, variables: tuple[str, str]
) -> tuple[list[str], str]:
    """The statements of layers in a row, and the variable that their result is in; `variables`: what is read, made."""
    reads, makes = variables
    entries: list[tuple[str, str]] = []
    comments: dict[str, str] = {}
    number = 0
    while number < len(children):
        part, after = children[number], children[number + 1 : number + 2]
        word = activation_word(after[0].layer, source.used) if after and isinstance(part.layer, Conv | Linear) else None
        made = _statements(part, place, source, (reads, makes), word)
        if number and isinstance(children[number - 1].layer, Activation):
            made = _plainly_padded(made, children[number - 1].layer)
        entries.append((part.name, "\n".join(made)))
        comments[part.name] = _comment(part, place, source)
        reads = makes if made and not isinstance(part.layer, Auxiliary) else reads
        number += 2 if word else 1
    found: list[str] = []
    for row in folded([(name, "" if "for i in" in text else text) for name, text in entries]):
        if isinstance(row, Loop) and all(text for _, text in row.entries):
            if not found and variables[0] != makes:
                found.append(f"{makes} = {variables[0]}")
            found.append(f"for i in range({row.first}, {row.last + 1}):")
            for name, text in row.entries:
                text = text.replace(f"({variables[0]})", f"({makes})") if len(found) < 3 else text
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
    return [re.sub(r'\bf("[^"{}]*")', r"\1", line) for line in found], reads


def _comment(part: Part, place: _Place, source: _Source) -> str:
    """The shape of what a layer gives, channels last, where it stands for one layer."""
    alone = isinstance(part.layer, Simple) or part.skeleton in source.defined
    shown = place.scope.fixed and alone and not isinstance(part.layer, (Auxiliary, *LIGHT))
    return f"  # {show((*part.output[1:], part.output[0]))}" if shown else ""


def _plainly_padded(made: list[str], before: Layer) -> list[str]:
    """Zeros around maps that have no value below 0 change no maximum, so that Keras's own padding will do."""
    if not isinstance(before, Activation) or before.function not in ("relu", "relu6", "sigmoid", "hard_sigmoid"):
        return made
    return [
        re.sub(r"LowestPadding2D\(\(\((\w+), \1\), \(\1, \1\)\)\)", r"layers.ZeroPadding2D(\1)", line) for line in made
    ]


def _statements(
    part: Part, place: _Place, source: _Source, variables: tuple[str, str], activation: str | None
) -> list[str]:
    reads, makes = variables
    inner = place.inside(part)
    if isinstance(part.layer, Simple):
        found: list[str] = []
        for made in layer_calls(part, inner.scope, source.used, place.name(), activation):
            if made.name == "channel_shuffle":
                made = Call(made.name, (Argument("", reads), *made.arguments[1:]))
                found += lines(f"{makes} = ", made, "")
            else:
                found += lines(f"{makes} = ", made, "", f"({reads})")
            reads = makes
        return found
    if part.skeleton in source.defined:
        target = f"heads[{place.name()}]" if isinstance(part.layer, Auxiliary) else makes
        return lines(f"{target} = ", _call(source.defined[part.skeleton], inner.scope, reads, place.name()), "")
    if isinstance(part.layer, Auxiliary):
        body, last = _chain(part.children, inner, source, (reads, "h"))
        return [*body, f"heads[{place.name()}] = {last}"]
    body, _ = _chain(part.children, inner, source, variables)
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


def _model(network: Network, whole: tuple[Part, ...], source: _Source) -> Iterator[str]:
    channels, height, width = network.input
    heads = [each for top in whole for each in top.walk() if isinstance(each.layer, Auxiliary)]
    yield from ["", "", f"def build({'with_heads=False' if heads else ''}):"]
    shapes = f"{show((height, width, channels))} to {show((*whole[-1].output[1:], whole[-1].output[0]))}"
    if heads:
        weights = ", ".join(f"{part.layer.weight:g}" for part in heads if isinstance(part.layer, Auxiliary))
        yield f'    """{shapes}; `with_heads` adds the outputs of the auxiliary heads, whose losses count {weights}."""'
        yield "    heads = {}"
    else:
        yield f'    """{shapes}."""'
    yield f"    inputs = x = keras.Input(({height}, {width}, {channels}))"
    body, last = _chain(whole, _Place(scope_of(whole), ""), source, ("x", "x"))
    yield from (INDENT + line for line in body)
    outputs = f"[{last}, *heads.values()] if with_heads else {last}" if heads else last
    yield from [*lines("return ", call("keras.Model", "inputs", outputs, name=f'"{title(network.name)}"'), INDENT)]
