"""A network as the parts that a figure is made of: cells, groups, forks and heads, nested as its blocks are.

A cell is one layer with the layers that only treat its values: a convolution, its batch norm and its ReLU. A block
that is not opened is a cell too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import assert_never

from striate.description.layers import Composite, Joined
from striate.description.network import Step
from striate.description.shapes import Shape
from striate.emit.draw.families import leads
from striate.emit.draw.marks import Sign


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
        return next((step for step in self.steps if begins_cell(step)), self.steps[0])

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


def begins_cell(step: Step) -> bool:
    """Whether a step makes new values of one value, so that it begins a cell."""
    return not isinstance(step.layer, Joined) and leads(step.layer)
