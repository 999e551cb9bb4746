"""A network in a few lines: a row for each layer with weights, stage or module, with what follows it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from striate.account import Account, account
from striate.spec.layers import (
    RBF,
    Auxiliary,
    Block,
    Branches,
    Conv,
    Layer,
    Linear,
    Pool,
    PositionBias,
    Residual,
    Subsample,
)
from striate.spec.network import Network, branches_of, names
from striate.spec.shapes import show
from striate.spec.writing import spelling

_WEIGHTED = (Conv, Linear, RBF, Subsample, PositionBias)
_COMPOSITE = (Block, Residual, Branches, Auxiliary)


HEADING = ("layer", "output", "parameters")


@dataclass(frozen=True)
class Part:
    """A row: the name of its first layer, what it is, the shape that it gives, and its parameters."""

    name: str
    words: str
    output: str
    parameters: int


def outline(network: Network) -> list[Part]:
    """The parts of a network, in the order they run."""
    result = account(network)
    parts: list[Part] = []
    for name, layer in zip(names(network.layers), network.layers, strict=True):
        new = Part(name, _words(layer), *_costs(result, name))
        before = parts[-1] if parts else None
        if before is None or isinstance(layer, (*_WEIGHTED, *_COMPOSITE)):
            parts.append(new)
        else:
            parts[-1] = Part(
                before.name, f"{before.words}, {new.words}", new.output, before.parameters + new.parameters
            )
    return parts


def outline_lines(network: Network, width: int) -> Iterator[str]:
    """The outline as a table of at most `width`, where its columns allow it."""
    parts = outline(network)
    rows = [(part.name, part.output, f"{part.parameters:,}" if part.parameters else "") for part in parts]
    name, output, parameters = (max(map(len, column)) for column in zip(HEADING, *rows, strict=True))
    room = max(20, min(width - name - output - parameters - 6, max(len(part.words) for part in parts)))
    yield f"{'layer':{name}}  {'what it is':{room}}  {'output':>{output}}  {'parameters':>{parameters}}"
    yield "─" * (name + room + output + parameters + 6)
    for part, row in zip(parts, rows, strict=True):
        first, *rest = textwrap.wrap(part.words, room)
        yield f"{row[0]:{name}}  {first:{room}}  {row[1]:>{output}}  {row[2]:>{parameters}}".rstrip()
        yield from (f"{'':{name}}  {line}" for line in rest)


def _costs(result: Account, name: str) -> tuple[str, int]:
    """The shape that a layer at the top gives, and the parameters inside it."""
    rows = [row for row in result.rows if row.path == name or row.path.startswith(f"{name}.")]
    return show(rows[-1].step.output), sum(row.counts.parameters for row in rows)


def _words(layer: Layer) -> str:
    match layer:
        case Block():
            inner = [each for each in layer.layers if isinstance(each, _COMPOSITE)]
            if not inner:
                return _row(layer.layers)
            return _words(inner[-1]) if len(inner) == 1 else f"{len(inner)} × {_words(inner[-1])}"
        case Residual():
            return f"residual({_row(_main(layer.layers))})"
        case Branches():
            return f"branches({'; '.join(_row(_main(block.layers)) for block in branches_of(layer).values())})"
        case Auxiliary():
            return f"auxiliary {layer.weight:g} ({_row(_main(layer.layers))})"
        case _:
            words = spelling(layer)
            return words if len(words) <= 40 else f"{words.partition('(')[0]}(...)"


def _row(layers: Sequence[Layer]) -> str:
    return ", ".join(map(_words, layers))


def _main(layers: Sequence[Layer]) -> list[Layer]:
    """The layers that a summary cannot leave out."""
    return [layer for layer in layers if isinstance(layer, (*_WEIGHTED, *_COMPOSITE, Pool))]
