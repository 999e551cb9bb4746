"""A graph as it is written: nodes, constants and the shapes of values. `proto` makes ONNX's own messages of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from striate.description.shapes import Shape
from striate.errors import SpecError

Array = np.ndarray[Any, Any]
Attribute = int | float | str | Sequence[int]
Weights = Mapping[str, Array]
"""Parameters and fixed values by their path, such as "C1.weight"."""


@dataclass(frozen=True)
class Node:
    """One operator of ONNX; all that are used here have one output."""

    operator: str
    name: str
    inputs: tuple[str, ...]
    output: str
    attributes: Mapping[str, Attribute]


@dataclass(frozen=True)
class Value:
    """An input or output of the whole graph: each image has a `shape`, and there are any number of images."""

    name: str
    dtype: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Graph:
    """Nodes in the order they run, the constants they read, and the shape per image of values between them."""

    nodes: list[Node] = field(default_factory=list[Node])
    constants: dict[str, Array] = field(default_factory=dict[str, Array])
    shapes: dict[str, Shape] = field(default_factory=dict[str, Shape])

    def add(self, node: Node) -> str:
        """Append a node; gives the name of its output."""
        self.nodes.append(node)
        return node.output

    def constant(self, name: str, values: Array) -> str:
        """A constant under a name of its own; gives the name. Raises SpecError where the name is another's."""
        if name in self.constants:
            raise SpecError(f"{name} is written twice.", "Every constant of a graph has a name of its own.")
        self.constants[name] = np.ascontiguousarray(values)
        return name


@dataclass(frozen=True)
class Place:
    """Where one layer is written: its `path` names its nodes and constants, and `output` is its value's name.

    A layer that takes several nodes has names such as S2/mean for those before its last. No path has a slash.
    """

    graph: Graph
    path: str
    output: str

    def last(self, operator: str, inputs: Sequence[str], attributes: Mapping[str, Attribute] | None = None) -> str:
        """The node that gives the layer's output."""
        return self.graph.add(Node(operator, self.path, tuple(inputs), self.output, attributes or {}))

    def part(
        self, name: str, operator: str, inputs: Sequence[str], attributes: Mapping[str, Attribute] | None = None
    ) -> str:
        """A node before the last."""
        name = f"{self.path}/{name}"
        return self.graph.add(Node(operator, name, tuple(inputs), name, attributes or {}))

    def floats(self, name: str, values: Array | float | Sequence[float]) -> str:
        """A constant of 32-bit floats."""
        return self.graph.constant(f"{self.path}/{name}", np.asarray(values, np.float32))

    def whole(self, name: str, values: Sequence[int]) -> str:
        """A constant of 64-bit whole numbers: sizes, axes, paddings."""
        return self.graph.constant(f"{self.path}/{name}", np.asarray(values, np.int64))

    def parameter(self, name: str, values: Array) -> str:
        """A parameter or a fixed value of the layer, under the name that the module has for it."""
        return self.graph.constant(f"{self.path}.{name}", np.asarray(values, np.float32))
