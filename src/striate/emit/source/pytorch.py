"""PyTorch source: an `nn.Module` whose layers bear the description's paths, so that a state dict of ours fits it."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import assert_never

from striate.description.layers import (
    Auxiliary,
    Block,
    Branches,
    Gate,
    Residual,
    Simple,
)
from striate.description.network import Network
from striate.description.shapes import show
from striate.emit.source.header import header
from striate.emit.source.naming import PYTHON, WORDS, camel, safe, title, unique
from striate.emit.source.parts import SHORTCUT, Part, parts
from striate.emit.source.pytorch_classes import CLASSES, MEMBERS
from striate.emit.source.pytorch_layers import layer_call
from striate.emit.source.repeats import Definition, Scope, Speech, definitions, scope_of, uses
from striate.emit.source.shortcuts import unified
from striate.emit.source.text import WIDTH, Argument, Call, Loop, call, folded, is_spread, lines, one_line
from striate.emit.source.values import LIGHT, Used, about, constants_text

RESERVED = WORDS | MEMBERS
IMPORTED = frozenset({*CLASSES, "OrderedDict", "F", "True", "False", "None"})
"""Names that a class of the source's cannot have: those of our own classes and of what it imports."""
MOST = 3
"""Calls inside each other on one line."""


@dataclass
class _Source:
    """The definitions of a source, and the names that it has been found to need."""

    defined: dict[Hashable, Definition]
    used: Used = field(default_factory=Used)
    heads: bool = False


def pytorch(network: Network, made_by: str) -> str:
    """The source of a PyTorch module."""
    whole = unified(parts(network))
    name = unique(title(network.name), IMPORTED)
    taken = frozenset({*PYTHON, *IMPORTED, "torch", "nn", "layers", name, *map(str.lower, CLASSES), "signs"})
    defined = definitions(whole, Speech(inferred=False, taken=taken, cased=camel))
    source = _Source(defined)
    body = [line for each in defined.values() for line in _class(each, source)]
    body += _network(name, network, whole, source)
    notes = (
        [f"Layers renamed, as PyTorch has their names for itself: {', '.join(renamed)}."]
        if (renamed := _renamed(whole, defined))
        else []
    )
    text = [*header(network, "PyTorch", made_by, *notes), *_imports(body, source), *constants_text(source.used)]
    for each in CLASSES:
        if each in source.used.classes:
            text += ["", "", *CLASSES[each].rstrip("\n").split("\n")]
    return "\n".join([*text, *body, *_main(name, network)]) + "\n"


def _imports(body: list[str], source: _Source) -> list[str]:
    written = "\n".join([*body, *(CLASSES[each] for each in source.used.classes)])
    found = ["import torch"]
    if "OrderedDict(" in written:
        found = ["from collections import OrderedDict", "", *found]
    return [*found, *(["import torch.nn.functional as F"] if "F." in written else []), "from torch import nn"]


def _renamed(whole: Sequence[Part], defined: dict[Hashable, Definition]) -> list[str]:
    groups = [(whole, None), *((part.children, part) for part in uses(whole, defined))]
    renamed = (pair for children, parent in groups for pair in _names(children, parent).items())
    return [*dict.fromkeys(f"{old} → {new}" for old, new in renamed if old != new)]


def _names(children: Sequence[Part], parent: Part | None) -> dict[str, str]:
    """The attribute of each layer."""
    reserved = RESERVED | {SHORTCUT} if parent is not None and parent.shortcut is not None else RESERVED
    return safe([each.name for each in children], reserved)


def _class(definition: Definition, source: _Source) -> Iterator[str]:
    part = definition.part
    yield from ["", "", f"class {definition.name}(nn.Module):", f'    """{_about(part)}"""', ""]
    arguments = [each.name if each.default is None else f"{each.name}={each.default}" for each in definition.parameters]
    yield from [*lines("def ", call("__init__", "self", *arguments), "    ", ":"), "        super().__init__()"]
    scope = Scope(definition.expressions)
    names = _names(part.children, part)
    for child in part.children:
        if child.children or isinstance(child.layer, Simple):
            yield from _attribute(names[child.name], child, scope.inside(child.name), source)
    if part.shortcut is not None:
        shortcut = _attribute(SHORTCUT, part.shortcut, scope.inside(SHORTCUT), source)
        if definition.condition is not None:
            stride, reads, gives = definition.condition
            test = f"{stride} != 1 or {reads} != {gives}" if stride else f"{reads} != {gives}"
            yield f"        self.{SHORTCUT} = None"
            yield f"        if {test}:"
            shortcut = [f"    {line}" for line in shortcut]
        yield from shortcut
    yield from ["", "    def forward(self, x):", *_forward(definition, names)]


def _about(part: Part) -> str:
    if isinstance(part.layer, Auxiliary):
        return "A head for training: its input goes on unchanged, and `head_output` keeps what its layers make of it."
    return about(part)


def _forward(definition: Definition, names: dict[str, str]) -> Iterator[str]:
    part, layer = definition.part, definition.part.composite
    match layer:
        case Residual():
            last, before = _chain(part.children, names, "y")
            yield from before
            if definition.condition is None:
                yield f"        return {last} + {'self.shortcut(x)' if part.shortcut else 'x'}"
            else:
                yield from [
                    f"        y = {last}",
                    "        return y + (x if self.shortcut is None else self.shortcut(x))",
                ]
        case Gate():
            last, before = _chain(part.children, names, "y")
            if len(part.children[-1].output) < len(part.input):
                yield from [*before, f"        y = {last}", "        return x * y[:, :, None, None]"]
            else:
                yield from [*before, f"        return x * {last}"]
        case Branches():
            each = [f"self.{names[child.name]}(x)" if child.children else "x" for child in part.children]
            joined = f"[{', '.join(each)}]"
            if len(joined) > WIDTH - 30:
                joined = "branches"
                yield from ["        branches = [", *(f"            {one}," for one in each), "        ]"]
            yield f"        return torch.cat({joined}, 1)"
        case Auxiliary():
            last, before = _chain(part.children, names, "y")
            yield from ["        self.head_output = None", "        if self.training:"]
            yield from (f"    {line}" for line in before)
            yield from [f"            self.head_output = {last}", "        return x"]
        case Block():
            last, before = _chain(part.children, names, "x")
            yield from [*before, f"        return {last}"]
        case _:
            assert_never(layer)


def _chain(children: Sequence[Part], names: dict[str, str], variable: str) -> tuple[str, list[str]]:
    """The call that gives the result of layers in a row, and the lines before it."""
    groups: list[list[Part]] = []
    for part in children:
        light = isinstance(part.layer, LIGHT) and groups and len(groups[-1]) < MOST
        groups = [*groups[:-1], [*groups[-1], part]] if light else [*groups, [part]]
    rows, value = list[str](), "x"
    for group in groups:
        text = value
        for part in group:
            text = f"self.{names[part.name]}({text})"
        rows.append(text)
        value = variable
    return rows[-1], [f"        {variable} = {row}" for row in rows[:-1]]


def _attribute(name: str, part: Part, scope: Scope, source: _Source, comment: str = "") -> list[str]:
    """The lines that set an attribute, its long runs as loops."""
    made = _expression(part, scope, source, comments=bool(comment))
    if made.name == "nn.Sequential" and isinstance(part.layer, Block) and part.children:
        entries = list(
            zip(_names(part.children, part).values(), _entries(part, scope, source, comments=False), strict=True)
        )
        pairs = [(key, "|" if is_spread(each.value) else one_line(each.value)) for key, each in entries]
        rows = folded(pairs)
        if any(isinstance(each, Loop) and "|" not in dict(each.entries).values() for each in rows):
            return _looped(name, rows, dict(entries), comment)
    inner = is_spread(made) and part.children and show(part.children[-1].output) == comment
    return lines(f"self.{name} = ", made, "        ", "", "" if inner else comment)


def _looped(name: str, rows: list[tuple[str, str] | Loop], entries: dict[str, Argument], comment: str) -> list[str]:
    found = ["        layers = OrderedDict()"]
    for row in rows:
        if isinstance(row, Loop):
            found.append(f"        for i in range({row.first}, {row.last + 1}):")
            found += [f'            layers[f"{key}{{i}}"] = {value}' for key, value in row.entries]
        else:
            found += lines(f'layers["{row[0]}"] = ', entries[row[0]].value, "        ")
    return [*found, *lines(f"self.{name} = ", "nn.Sequential(layers)", "        ", "", comment)]


def _expression(part: Part, scope: Scope, source: _Source, *, comments: bool) -> Call:
    """The module of a part; with `comments` the shapes of what is inside."""
    if isinstance(part.layer, Simple):
        return layer_call(part, scope, source.used)
    if part.skeleton in source.defined:
        return _call(source.defined[part.skeleton], scope)
    kind = "nn.Sequential"
    if isinstance(part.layer, Auxiliary):
        kind = source.used.own("Auxiliary")
    inner = _entries(part, scope, source, comments=comments)
    inner = [
        Argument(name, each.value, each.comment)
        for name, each in zip(_names(part.children, part).values(), inner, strict=True)
    ]
    return Call(kind, (Argument("", Call("OrderedDict", tuple(inner), spread=len(inner) > 1)),))


def _entries(part: Part, scope: Scope, source: _Source, *, comments: bool) -> list[Argument]:
    return [
        Argument(
            child.name,
            _expression(child, scope.inside(child.name), source, comments=comments),
            show(child.output) if comments and not isinstance(child.layer, LIGHT) else "",
        )
        for child in part.children
    ]


def _call(definition: Definition, scope: Scope) -> Call:
    """A call of what is defined, with the numbers that stand in the scope."""
    arguments: list[Argument] = []
    for each in definition.parameters:
        path, field = each.key
        value = scope.value(field, path)
        if value != each.default:
            arguments.append(Argument(each.name if each.by_name or each.default is not None else "", str(value)))
    return Call(definition.name, tuple(arguments))


def _network(name: str, network: Network, whole: tuple[Part, ...], source: _Source) -> Iterator[str]:
    shapes = f"{show(whole[0].input)} to {show(whole[-1].output)}"
    yield from ["", "", f"class {name}(nn.Module):", f'    """{shapes}."""', "", "    def __init__(self):"]
    yield "        super().__init__()"
    scope, names = scope_of(whole), _names(whole, None)
    for part in whole:
        light = isinstance(part.layer, LIGHT)
        yield from _attribute(
            names[part.name], part, scope.inside(part.name), source, "" if light else show(part.output)
        )
    last, before = _chain(whole, names, "x")
    yield from ["", "    def forward(self, x):", *before, f"        return {last}"]


def _main(name: str, network: Network) -> list[str]:
    channels, height, width = network.input
    run = f"    print(model(torch.zeros(2, {channels}, {height}, {width})).shape)"
    return ["", "", 'if __name__ == "__main__":', f"    model = {name}().eval()", run]
