"""How a network's blocks are opened: the walk over its layers that gives the parts of a figure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import assert_never

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
from striate.emit.draw.marks import Sign
from striate.emit.draw.parts import Cell, Fork, Group, Head, Part, begins_cell


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
                cell = Cell(own, (_output(own, path),), layer, len(own), path)
                yield Head(path, layer.weight, (cell,)) if isinstance(layer, Auxiliary) else cell
            continue
        if opening.flat and isinstance(layer, Block):
            yield from _pieces(layer.layers, f"{path}.", level + 1, steps, opening)
        else:
            yield _opened(layer, path, level + 1, steps, opening)


def _output(steps: Sequence[Step], path: str) -> Shape:
    """The output of a closed block: that of its last step which is in no auxiliary head of its own, else its input."""
    given = [step.output for step in steps if not step.head.startswith(f"{path}.")]
    return given[-1] if given else steps[0].inputs[0]


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
    return waits or not begins_cell(step)


def _count(layer: Layer) -> int:
    """How many steps a layer has."""
    if not isinstance(layer, Composite):
        return 1
    return sum(map(_count, inside(layer))) + isinstance(layer, Joined)
