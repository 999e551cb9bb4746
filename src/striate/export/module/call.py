"""One call of an ATen operator while it is written as nodes of ONNX's operators."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, fx

from striate.errors import FormatError
from striate.exchange.reading.graph import Array, Node
from striate.export.module.tracing import Traced, scope_of, sizes_of

Value = fx.Node | float | int | None


@dataclass
class Writing:
    """The nodes and constants so far; `values` are names by the node of the trace, `known` what no image changes."""

    traced: Traced
    values: dict[fx.Node, str]
    known: dict[fx.Node, Any]
    nodes: list[Node] = field(default_factory=list[Node])
    constants: dict[str, Array] = field(default_factory=dict[str, Array])


@dataclass(frozen=True)
class Call:
    """A call of an operator, and where it is written to; arguments by the names of the operator's schema."""

    node: fx.Node
    arguments: Mapping[str, Any]
    writing: Writing

    def __getitem__(self, argument: str) -> Any:
        return self.arguments[argument]

    @property
    def sizes(self) -> tuple[int, ...]:
        """The sizes of the output, the batch included."""
        return sizes_of(self.node)

    def sizes_of(self, argument: str = "") -> tuple[int, ...]:
        """The sizes of an argument that is a tensor; without a name, of the first."""
        return sizes_of(self.arguments[argument] if argument else next(iter(self.arguments.values())))

    @property
    def first(self) -> str:
        """The name of the value that the operator works on: its first argument."""
        return self.value(next(iter(self.arguments.values())))

    def value(self, given: Value) -> str:
        """The name of an argument: of a value of the network, or of a constant; "" for None."""
        if given is None:
            return ""
        if not isinstance(given, fx.Node):
            return self.constant(np.asarray(given, np.float64))
        if given in self.writing.values:
            return self.writing.values[given]
        name = self.writing.traced.names.get(given, given.name)
        if name not in self.writing.constants:
            self.writing.constants[name] = array(self.writing.known[given])
        return name

    def constant(self, values: Array) -> str:
        """The name of a new constant."""
        name = f"{self.node.name}/constant{len(self.writing.constants)}"
        self.writing.constants[name] = values
        return name

    def wholes(self, values: Sequence[int]) -> str:
        """The name of a new constant of whole numbers."""
        return self.constant(np.asarray(values, np.int64))

    def add(self, operator: str, inputs: Sequence[str], attributes: Mapping[str, Any] | None = None) -> str:
        """Write a node; gives the name of its output."""
        output = f"{self.node.name}/{len(self.writing.nodes)}"
        node = Node(operator, title(self.node), tuple(inputs), (output,), attributes or {}, scope_of(self.node))
        self.writing.nodes.append(node)
        return output


Translation = Callable[[Call], str]
"""Writes a call as nodes; gives the name of its value."""


def title(node: fx.Node) -> str:
    """A call in the words of an error: the path of its module, and its own name."""
    scope = scope_of(node)
    return f"{scope}/{node.name}" if scope else node.name


def array(tensor: Tensor) -> Array:
    """A tensor's values; those of half precision as float32."""
    held = tensor.detach().cpu()
    return np.asarray((held.float() if held.dtype in (torch.float16, torch.bfloat16) else held).numpy())


def arguments_of(node: fx.Node) -> dict[str, Any]:
    """The arguments of a call by the names of the operator's schema, those left out at their defaults."""
    schema = node.target._schema  # pyright: ignore[reportFunctionMemberAccess, reportAttributeAccessIssue]
    found: dict[str, Any] = {}
    for place, each in enumerate(schema.arguments):
        left_out = each.default_value if each.has_default_value() else None
        found[each.name] = node.args[place] if place < len(node.args) else node.kwargs.get(each.name, left_out)
    return found


def pair(values: Sequence[int] | int) -> tuple[int, int]:
    """Height and width, where one number may stand for both."""
    given = [values] if isinstance(values, int) else list(values)
    return (given[0], given[-1])


def require(holds: bool, found: str, expected: str) -> None:
    """Raises FormatError unless something holds."""
    if not holds:
        raise FormatError(found, expected)
