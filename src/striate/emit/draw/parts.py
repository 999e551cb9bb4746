"""A network as the parts that a figure is made of: cells, groups, forks and heads, nested as its blocks are.

A cell is one layer with the layers that only treat its values: a convolution, its batch norm and its ReLU. A block
that is not opened is a cell too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal, assert_never

from striate.description.layers import (
    Auxiliary,
    Block,
    Branches,
    Composite,
    Dropout,
    Flatten,
    Gate,
    Joined,
    Layer,
    Residual,
    inside,
)
from striate.description.network import Network, Step, branches_of, names, plan
from striate.description.shapes import Shape
from striate.emit.draw.families import leads

Sign = Literal["+", "×", "concat"]


@dataclass(frozen=True)
class Cell:
    """Layers in one box. `block` is the block that is not opened, whose steps come first; None for plain layers.

    `outputs` has the shape that it gives, for each of the repetitions that it stands for.
    """

    steps: tuple[Step, ...]
    outputs: tuple[Shape, ...]
    block: Composite | None = None
    inner: int = 0
    """How many of the steps are the block's."""
    path: str = ""
    """The block's."""

    @property
    def id(self) -> str:
        """The path of its last step."""
        return self.steps[-1].path

    @property
    def main(self) -> Step:
        """The layer that it is named after: the one that makes new values, else the first."""
        return next((step for step in self.steps if _leads(step)), self.steps[0])

    @property
    def name(self) -> str:
        """The path of the block, or of the layer that it is named after."""
        return self.path or self.main.path


@dataclass(frozen=True)
class Group:
    """An opened block."""

    path: str
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Fork:
    """Lanes that begin at one value and are joined by the step `join`."""

    join: Step
    sign: Sign
    lanes: tuple[tuple[Part, ...], ...]
    outputs: tuple[Shape, ...]


@dataclass(frozen=True)
class Head:
    """An auxiliary head: it reads the value that passes it."""

    path: str
    weight: float
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Repeat:
    """Parts that follow themselves, `times` in all; `first` and `last` name the first part of the first and last."""

    first: str
    last: str
    times: int
    parts: tuple[Part, ...]


Part = Cell | Group | Fork | Head | Repeat


@dataclass(frozen=True)
class Opening:
    """How far blocks are opened: down to paths of `depth` names; with `flat`, blocks are opened without a frame.

    Where it is flat, what joins several values stays closed. Auxiliary heads are opened with `heads`.
    """

    depth: int
    flat: bool = False
    heads: bool = True

    def closes(self, layer: Composite, level: int) -> bool:
        """Whether a block whose path has `level` names stays closed."""
        if isinstance(layer, Auxiliary) and not self.heads:
            return True
        return level >= self.depth or (self.flat and not isinstance(layer, Block))


def parts_of(network: Network, opening: Opening) -> tuple[Part, ...]:
    """The parts of a network, nothing folded; a part for every step of its plan.

    >>> from striate.networks import find
    >>> [len(part.steps) for part in parts_of(find("alexnet"), Opening(1)) if isinstance(part, Cell)]
    [3, 1, 3, 1, 2, 2, 2, 1, 4, 3, 2]
    """
    return _chain(network.layers, "", 1, iter(plan(network).steps), opening)


def span(first: str, last: str) -> str:
    """The name of repetitions, from the paths of the first and the last: where these differ first.

    >>> span("stage1.block2", "stage1.block6"), span("block7.conv1", "block11.conv1"), span("conv1", "conv1")
    ('block2 … block6', 'block7 … block11', 'conv1')
    """
    pairs = zip(first.split("."), last.split("."), strict=False)
    return next((f"{one} … {other}" for one, other in pairs if one != other), first.rpartition(".")[2])


def last_node(parts: Sequence[Part], before: str) -> str:
    """The id of the node that gives what parts in a row give; `before` where they give on what they read."""
    for part in reversed(parts):
        match part:
            case Cell():
                return part.id
            case Fork():
                return part.join.path
            case Group() | Repeat():
                if found := last_node(part.parts, ""):
                    return found
            case Head():
                continue
            case _:
                assert_never(part)
    return before


def _chain(
    layers: Sequence[Layer], prefix: str, level: int, steps: Iterator[Step], opening: Opening
) -> tuple[Part, ...]:
    return tuple(_fused(list(_pieces(layers, prefix, level, steps, opening))))


def _pieces(
    layers: Sequence[Layer], prefix: str, level: int, steps: Iterator[Step], opening: Opening
) -> Iterator[Step | Part]:
    """Steps and parts of layers in a row; takes their steps from the plan."""
    for name, layer in zip(names(layers), layers, strict=True):
        path = prefix + name
        if not isinstance(layer, Composite):
            yield next(steps)
            continue
        if opening.closes(layer, level):
            own = tuple(islice(steps, _count(layer)))
            if own:
                cell = Cell(own, (own[-1].output,), layer, len(own), path)
                yield Head(path, layer.weight, (cell,)) if isinstance(layer, Auxiliary) else cell
            continue
        if opening.flat and isinstance(layer, Block):
            yield from _pieces(layer.layers, f"{path}.", level + 1, steps, opening)
        else:
            yield _opened(layer, path, level + 1, steps, opening)


def _opened(layer: Composite, path: str, level: int, steps: Iterator[Step], opening: Opening) -> Part:
    match layer:
        case Block():
            return Group(path, _chain(layer.layers, f"{path}.", level, steps, opening))
        case Auxiliary():
            return Head(path, layer.weight, _chain(layer.layers, f"{path}.", level, steps, opening))
        case Residual():
            main = _chain(layer.layers, f"{path}.", level, steps, opening)
            side = _chain(layer.shortcut, f"{path}.shortcut.", level + 1, steps, opening)
            return _fork("+", (main, side), next(steps))
        case Gate():
            body = _chain(layer.layers, f"{path}.", level, steps, opening)
            return _fork("×", ((), body), next(steps))
        case Branches():
            lanes = [
                _chain(block.layers, f"{path}.{name}.", level + 1, steps, opening)
                for name, block in branches_of(layer).items()
            ]
            return _fork("concat", tuple(lanes), next(steps))
        case _:
            assert_never(layer)


def _fork(sign: Sign, lanes: tuple[tuple[Part, ...], ...], join: Step) -> Fork:
    return Fork(join, sign, lanes, (join.output,))


def _fused(pieces: Sequence[Step | Part]) -> Iterator[Part]:
    """Parts, steps that only treat the values of the one before them in its cell."""
    cell: Cell | None = None
    for piece in pieces:
        if isinstance(piece, Step):
            if cell is not None and _joins(cell, piece):
                cell = Cell((*cell.steps, piece), (piece.output,), cell.block, cell.inner, cell.path)
                continue
            piece = Cell((piece,), (piece.output,))
        if cell is not None:
            yield cell
        cell = piece if isinstance(piece, Cell) else None
        if cell is None:
            yield piece
    if cell is not None:
        yield cell


def _joins(cell: Cell, step: Step) -> bool:
    """Whether a step stands in the cell before it: a flatten begins a cell, to which the layer after it belongs.

    So does a dropout that begins one.
    """
    if isinstance(step.layer, Flatten):
        return False
    waits = cell.block is None and all(isinstance(each.layer, (Flatten, Dropout)) for each in cell.steps)
    return waits or not _leads(step)


def _leads(step: Step) -> bool:
    return not isinstance(step.layer, Joined) and leads(step.layer)


def _count(layer: Layer) -> int:
    """How many steps a layer has."""
    if not isinstance(layer, Composite):
        return 1
    return sum(map(_count, inside(layer))) + isinstance(layer, Joined)
