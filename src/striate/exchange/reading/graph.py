"""A graph as it comes from a file or a traced module: operators by ONNX's names, and the constants that they read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from striate.errors import FormatError

Array = np.ndarray[Any, Any]
Sizes = tuple[int | None, ...]


@dataclass(frozen=True)
class Node:
    """One operator. An input that is left out is ""; `scope` is the path of its layer where the file says one."""

    operator: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]
    scope: str = ""

    def input(self, number: int) -> str:
        """The name of an input; "" where it is left out."""
        return self.inputs[number] if number < len(self.inputs) else ""

    def whole(self, attribute: str, default: int) -> int:
        """An attribute that is a whole number."""
        return int(self.attributes.get(attribute, default))

    def number(self, attribute: str, default: float) -> float:
        """An attribute that is a number."""
        return float(self.attributes.get(attribute, default))

    def wholes(self, attribute: str) -> tuple[int, ...]:
        """An attribute that is a list of whole numbers; () where there is none."""
        return tuple(int(each) for each in self.attributes.get(attribute, ()))

    def text(self, attribute: str, default: str) -> str:
        """An attribute that is a text."""
        value = self.attributes.get(attribute, default)
        return value.decode("ascii", "replace") if isinstance(value, bytes) else str(value)


@dataclass(frozen=True)
class Problem:
    """A node that says what no layer can: its name, what was found, and what was expected."""

    node: Node
    found: str
    expected: str


@dataclass(frozen=True)
class FileGraph:
    """Nodes in the order they run, constants by name, the input with its sizes (None where any), and the outputs.

    `parameters` are constants whose zeros are no connection table: each is learned. `problems` are what could not be
    made a node.
    """

    name: str
    nodes: tuple[Node, ...]
    constants: Mapping[str, Array]
    input: str
    sizes: Sizes
    outputs: tuple[str, ...]
    opset: int
    metadata: Mapping[str, str] = field(default_factory=dict[str, str])
    producer: str = ""
    parameters: frozenset[str] = frozenset()
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True)
class Branch:
    """One of the two graphs of an If, in an attribute of it: its nodes may read values of the graph around it."""

    nodes: tuple[Node, ...]
    constants: Mapping[str, Array]
    outputs: tuple[str, ...]


SHOWN = 40
"""Problems that an error shows; the others are counted."""


def refusal(problems: list[Problem]) -> FormatError:
    """One error for all nodes that say what no layer can."""
    lines = [
        f"  {each.node.name or each.node.outputs[0]} ({each.node.operator}): {each.found} {each.expected}"
        for each in problems[:SHOWN]
    ]
    if len(problems) > SHOWN:
        lines.append(f"  and {len(problems) - SHOWN:,} more")
    number = "1 node says" if len(problems) == 1 else f"{len(problems):,} nodes say"
    return FormatError(
        f"{number} what no layer of a description can:\n" + "\n".join(lines),
        "A network is made of the layers that docs/notation.md lists; nothing of a file is left out.",
        "Export the part that is such a network, or write the network down.",
    )
