"""A network in a few lines: a row for each layer with weights and for each block, with the layers that follow it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, islice

from striate.accounting import Account, account
from striate.accounting.rows import Row
from striate.accounting.show.grid import fitted, wrapped
from striate.description.layers import (
    RBF,
    Auxiliary,
    Block,
    Branches,
    Composite,
    Conv,
    Gate,
    Joined,
    Layer,
    Linear,
    PositionBias,
    Residual,
    Subsample,
    inside,
)
from striate.description.network import Network, branches_of, names
from striate.description.notation.writing import spelling
from striate.description.shapes import show

HEADING = ("layer", "what it is", "output", "parameters")
LONG = 40
"""The number of characters of a layer above which its connection table is left out."""
_STARTS = (Conv, Linear, RBF, Subsample, PositionBias, Residual, Branches, Auxiliary)
"""Layers that start a row."""


@dataclass(frozen=True)
class OutlinePart:
    """A row: the path of its first layer, its layers in the notation, its output shape, and its parameters.

    A row may stand for `times` identical consecutive parts: it has the parameters of all of them, and the paths of the
    first and the last.
    """

    path: str
    words: str
    output: str
    parameters: int
    times: int = 1

    @property
    def text(self) -> str:
        """The layers, and the number of repetitions."""
        return self.words if self.times == 1 else f"{self.times} × {_grouped(self.words)}"


def outline(network: Network) -> list[OutlinePart]:
    """The parts of a network in the order in which they run; identical consecutive parts are one."""
    result: Account = account(network)
    parts = _parts(network.layers, "", iter(result.rows))
    return [_together(list(group)) for _, group in groupby(parts, key=_likeness)]


def outline_lines(network: Network, width: int) -> Iterator[str]:
    """The outline as a table of at most `width` characters, where its columns allow it."""
    parts = outline(network)
    rows = [(part.path, part.text, part.output, f"{part.parameters:,}" if part.parameters else "") for part in parts]
    yield from fitted([HEADING, (), *rows], "<<>>", width)
    if any("×" in part.text for part in parts):
        yield ""
        yield from wrapped("n × (...): n times in a row; identical blocks are shown once.", width)


def _parts(layers: Sequence[Layer], prefix: str, rows: Iterator[Row]) -> list[OutlinePart]:
    """The parts of layers side by side; takes their rows of the account from `rows`."""
    parts: list[OutlinePart] = []
    joins = False
    for name, layer in zip(names(layers), layers, strict=True):
        if isinstance(layer, Block) and any(isinstance(each, Composite) for each in layer.layers):
            parts += _parts(layer.layers, f"{prefix}{name}.", rows)
            joins = False
            continue
        own = list(islice(rows, _steps(layer)))
        new = OutlinePart(
            prefix + name, _words(layer), show(own[-1].step.output), sum(row.counts.parameters for row in own)
        )
        if joins and not isinstance(layer, (*_STARTS, Block)):
            before = parts[-1]
            words, parameters = f"{before.words}, {new.words}", before.parameters + new.parameters
            parts[-1] = replace(before, words=words, output=new.output, parameters=parameters)
        else:
            parts.append(new)
        joins = not isinstance(layer, (Block, Auxiliary))  # what follows a block is not in it
    return parts


def _steps(layer: Layer) -> int:
    """The number of rows that a layer has in the account."""
    if not isinstance(layer, Composite):
        return 1
    return sum(map(_steps, inside(layer))) + isinstance(layer, Joined)


def _likeness(part: OutlinePart) -> tuple[str, str, int]:
    return part.words, part.output, part.parameters


def _together(alike: list[OutlinePart]) -> OutlinePart:
    first, last = alike[0], alike[-1]
    if len(alike) == 1:
        return first
    outer, _, own = last.path.rpartition(".")
    path = f"{first.path} … {own if outer == first.path.rpartition('.')[0] else last.path}"
    return replace(first, path=path, parameters=sum(part.parameters for part in alike), times=len(alike))


def _words(layer: Layer) -> str:
    """A layer in the notation; repetitions inside it are shown once, names and long tables are left out."""
    match layer:
        case Block():
            return _row(layer.layers)
        case Residual():
            shortcut = f" | {_row(layer.shortcut)}" if layer.shortcut else ""
            return f"residual({_row(layer.layers)}{shortcut})"
        case Gate():
            return f"gate({_row(layer.layers)})"
        case Branches():
            return f"branches({'; '.join(_row(block.layers) for block in branches_of(layer).values())})"
        case Auxiliary():
            return f"auxiliary {layer.weight:g} ({_row(layer.layers)})"
        case RBF():
            return f"rbf {len(layer.centres)}"
        case _:
            words = spelling(layer)
            return words if len(words) <= LONG else re.sub(r"\(.*\)", "(...)", words)


def _row(layers: Sequence[Layer]) -> str:
    found = [(words, len(list(group))) for words, group in groupby(map(_words, layers))]
    return ", ".join(words if times == 1 else f"{times} × {_grouped(words)}" for words, times in found)


def _grouped(words: str) -> str:
    """Layers in parentheses, so that they can be repeated; a single layer needs none."""
    depth = 0
    for character in words:
        depth += (character == "(") - (character == ")")
        if character in ",×" and not depth:
            return f"({words})"
    return words
