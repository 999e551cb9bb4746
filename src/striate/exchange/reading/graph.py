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
    """One operator. An input that is left out is ""; `scope` is the path of its layer where the file says one.

    `refused` says of an operator that has no name in ONNX, found in a trace, what it does and what was expected.
    """

    operator: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]
    scope: str = ""
    refused: tuple[str, str] | None = None

    def input(self, number: int) -> str:
        """The name of an input; "" where it is left out."""
        return self.inputs[number] if number < len(self.inputs) else ""

    def whole(self, attribute: str, default: int) -> int:
        """An attribute that is a whole number."""
        return self._of(attribute, int, "a whole number", default)

    def number(self, attribute: str, default: float) -> float:
        """An attribute that is a number."""
        return float(self._of(attribute, (int, float), "a number", default))

    def wholes(self, attribute: str) -> tuple[int, ...]:
        """An attribute that is a list of whole numbers; () where there is none."""
        value: Any = self._of(attribute, (list, tuple), "a list of whole numbers", ())
        if not all(isinstance(each, int) for each in value):
            raise FormatError(f"has {attribute} of another type.", "It must be a list of whole numbers.")
        return tuple(value)

    def text(self, attribute: str, default: str) -> str:
        """An attribute that is a text."""
        value: Any = self._of(attribute, (bytes, str), "a text", default)
        return value.decode("ascii", "replace") if isinstance(value, bytes) else value

    def _of(self, attribute: str, kind: Any, expected: str, default: Any) -> Any:
        value = self.attributes.get(attribute, default)
        if not isinstance(value, kind):
            raise FormatError(f"has {attribute} of another type.", f"It must be {expected}.")
        return value


@dataclass(frozen=True)
class FileGraph:
    """Nodes in the order they run, constants by name, the input with its sizes (None where any), and the outputs.

    `pixels` says that the input holds bytes, and `whole` that it holds whole numbers of any size. A `bare` graph is a
    network of Striate's without preprocessing before it. `learned` are the constants that are parameters of a module.
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
    pixels: bool = False
    whole: bool = False
    bare: bool = False
    learned: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Branch:
    """One of the two graphs of an If, in an attribute of it: its nodes may read values of the graph around it."""

    nodes: tuple[Node, ...]
    constants: Mapping[str, Array]
    outputs: tuple[str, ...]

    @property
    def reads(self) -> list[str]:
        """The names of values that its nodes read, and do not give."""
        own = {name for node in self.nodes for name in node.outputs}
        inner = [each for node in self.nodes for each in node.attributes.values() if isinstance(each, Branch)]
        names = [name for node in self.nodes for name in node.inputs] + [name for each in inner for name in each.reads]
        return [name for name in (*names, *self.outputs) if name and name not in own]


@dataclass(frozen=True)
class Problem:
    """A node that says what no layer can: its name, what was found, and what was expected."""

    node: Node
    found: str
    expected: str


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
