"""Torch7 source, in Lua: an `nn.Sequential`, and a function for each part that repeats."""

from __future__ import annotations

import textwrap
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import assert_never

from striate.description.layers import Auxiliary, Block, Branches, Gate, Residual, Simple
from striate.description.network import Network
from striate.description.shapes import show
from striate.emit.source.header import header
from striate.emit.source.parts import SHORTCUT, Part, parts
from striate.emit.source.repeats import Definition, Scope, Speech, definitions, scope_of
from striate.emit.source.shortcuts import unified
from striate.emit.source.text import WIDTH, Loop, folded
from striate.emit.source.torch7_functions import FUNCTIONS, KEYWORDS
from striate.emit.source.torch7_layers import modules
from striate.emit.source.values import LIGHT, Used, about

INDENT = "   "
LOCALS = 40
"""The most local functions and constants; beyond, they are global. Lua allows 200 locals in a chunk, and a function may
use 60 of them."""
_GLOBALS = """
assert collectgarbage coroutine debug dofile error getfenv getmetatable io ipairs load loadfile loadstring math module
newproxy next os package pairs pcall print rawequal rawget rawset require select setfenv setmetatable string table
tonumber tostring type unpack xpcall _G _VERSION arg bit jit nn torch
"""
TAKEN = (
    KEYWORDS | {*_GLOBALS.split(), *FUNCTIONS} | {"model", "body", "shortcut", "branch", "branches", "i", "o", "x", "y"}
)
"""Words that no function, parameter or constant may be called."""


@dataclass
class _Source:
    defined: dict[Hashable, Definition]
    used: Used


def torch7(network: Network, made_by: str) -> str:
    """The source of a Torch7 module. SpecError, naming the layer, for what Torch7 has no module for."""
    whole = unified(parts(network))
    defined = definitions(whole, Speech(inferred=False, taken=TAKEN, half="({} - 1) / 2"))
    own = {name for each in defined.values() for name in (each.name, *(one.name for one in each.parameters))}
    source = _Source(defined, Used(taken=TAKEN | own))
    functions = [line for each in defined.values() for line in _function(each, source)]
    model = ["", "local model = nn.Sequential()", *_chain("model", whole, scope_of(whole), source), "", "return model"]
    local = "local " if len(defined) + len(source.used.constants) <= LOCALS else ""
    body = [f"{local}{line}" if line.startswith("function ") else line for line in functions] + model
    heads = [each.path for part in whole for each in part.walk() if isinstance(each.layer, Auxiliary)]
    notes = [f"Left out, as it is used in training only: {each}." for each in heads]
    text = [*header(network, "Torch7", made_by, *notes, mark="--"), "require 'nn'"]
    for name, each in FUNCTIONS.items():
        if name in source.used.classes:
            text += ["", *each.rstrip("\n").split("\n")]
    for name, constant in source.used.constants.items():
        text += ["", *f"{local}{name} = {constant}".split("\n")]
    return "\n".join([*text, *body]) + "\n"


def _function(definition: Definition, source: _Source) -> list[str]:
    part = definition.part
    if isinstance(part.layer, Auxiliary):
        return []
    scope = Scope(definition.expressions)
    arguments = ", ".join(each.name for each in definition.parameters)
    head = ["", f"-- {_about(part)}", *_filled(f"function {definition.name}(", arguments)]
    return [*head, *(INDENT + line for line in _body(definition, scope, source)), "end"]


def _filled(start: str, arguments: str) -> list[str]:
    """The head of a function, on several lines where one is too long."""
    if len("local " + start + arguments) < WIDTH:
        return [f"{start}{arguments})"]
    rows = textwrap.wrap(arguments, WIDTH, initial_indent=INDENT * 2, subsequent_indent=INDENT * 2)
    return [start, *rows[:-1], f"{rows[-1]})"]


def _about(part: Part) -> str:
    text = about(part)
    return text[0].lower() + text[1:].rstrip(".")


def _body(definition: Definition, scope: Scope, source: _Source) -> list[str]:
    part, layer = definition.part, definition.part.composite
    made = ["local body = nn.Sequential()"]
    match layer:
        case Residual():
            made += _chain("body", part.children, scope, source)
            side = "nn.Identity()"
            if part.shortcut is not None:
                side, inner = SHORTCUT, scope.inside(SHORTCUT)
                own = _chain(SHORTCUT, part.shortcut.children, inner, source)
                if definition.condition is None:
                    made += ["local shortcut = nn.Sequential()", *own]
                else:
                    stride, reads, gives = definition.condition
                    test = f"{stride} ~= 1 or {reads} ~= {gives}" if stride else f"{reads} ~= {gives}"
                    made += ["local shortcut = nn.Identity()", f"if {test} then"]
                    made += [INDENT + line for line in ["shortcut = nn.Sequential()", *own]] + ["end"]
            made += [
                "return nn.Sequential()",
                f"   :add(nn.ConcatTable():add(body):add({side}))",
                "   :add(nn.CAddTable())",
            ]
        case Gate():
            made += _chain("body", part.children, scope, source)
            same = part.children[-1].output == part.input
            join = "nn.CMulTable()" if same else f"nn.{source.used.own('ScaleMaps')}()"
            made += [
                "return nn.Sequential()",
                "   :add(nn.ConcatTable():add(nn.Identity()):add(body))",
                f"   :add({join})",
            ]
        case Branches():
            made = ["local branches = nn.Concat(2)"]
            for branch in part.children:
                inner = scope.inside(branch.name)
                if branch.skeleton in source.defined:
                    made.append(f"branches:add({_call(source.defined[branch.skeleton], inner)})  -- {branch.name}")
                elif not branch.children:
                    made.append(f"branches:add(nn.Identity())  -- {branch.name}")
                else:
                    first = "" if "local branch" in "\n".join(made[1:]) else "local "
                    made += [f"{first}branch = nn.Sequential()  -- {branch.name}"]
                    made += [*_chain("branch", branch.children, inner, source), "branches:add(branch)"]
            made.append("return branches")
        case Block() | Auxiliary():
            made += [*_chain("body", part.children, scope, source), "return body"]
        case _:
            assert_never(layer)
    return made


def _chain(variable: str, children: Sequence[Part], scope: Scope, source: _Source) -> list[str]:
    """The statements that add layers in a row; a block that stands in one place is not a container of its own."""
    texts = {part.name: "\n".join(_added(variable, part, scope, source)) for part in children}
    comments = {part.name: _comment(part, scope, source) for part in children}
    found: list[str] = []
    # inside a function of its own, `i` would not be the loop's
    alone = {name: text if "\n" not in text and "function(i" not in text else "" for name, text in texts.items()}
    for row in folded([*alone.items()]):
        if isinstance(row, Loop) and all(text for _, text in row.entries):
            found += [f"for i = {row.first}, {row.last} do", *(INDENT + text for _, text in row.entries), "end"]
        else:
            names = [row[0]] if not isinstance(row, Loop) else _names(row)
            found += [f"{texts[name]}{comments[name]}" for name in names if texts[name]]
    return [line for text in found for line in text.split("\n")]


def _names(loop: Loop) -> list[str]:
    return [f"{name}{number}" for number in range(loop.first, loop.last + 1) for name, _ in loop.entries]


def _comment(part: Part, scope: Scope, source: _Source) -> str:
    alone = isinstance(part.layer, Simple) or part.skeleton in source.defined
    shown = scope.fixed and alone and not isinstance(part.layer, (Auxiliary, *LIGHT))
    return f"  -- {part.path}: {show(part.output)}" if shown else ""


def _added(variable: str, part: Part, scope: Scope, source: _Source) -> list[str]:
    inner = scope.inside(part.name)
    if isinstance(part.layer, Auxiliary):
        return []
    if isinstance(part.layer, Simple):
        return [f"{variable}:add({each})" for each in modules(part, inner, source.used)]
    if part.skeleton in source.defined:
        return [f"{variable}:add({_call(source.defined[part.skeleton], inner)})"]
    return _chain(variable, part.children, inner, source)


def _call(definition: Definition, scope: Scope) -> str:
    values = [str(scope.value(each.key[1], each.key[0])) for each in definition.parameters]
    return f"{definition.name}({', '.join(values)})"
