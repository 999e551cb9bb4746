"""Nodes of a file, with their attributes, and the graphs that are attributes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from striate.errors import FormatError
from striate.exchange.reading.graph import Array, Branch, Node
from striate.exchange.reading.tensors import WHOLE, array, arrays, text

if TYPE_CHECKING:
    from onnx import NodeProto

MOST_DEPTH = 8
"""Graphs inside graphs: an If in an If."""
SCOPES = "pkg.torch.onnx.name_scopes"
"""Metadata of a node from PyTorch's newer exporter: the modules that it stands in."""
_NUMBERS = (
    ("value_float", np.float32),
    ("value_floats", np.float32),
    ("value_int", np.int64),
    ("value_ints", np.int64),
)


def read_node(made: NodeProto, path: Path, depth: int = 0) -> Node:
    """A node of a file at `path`. An operator of another domain has the domain in its name."""
    from onnx import helper

    operator, domain = text(made.op_type), text(made.domain)
    inputs, outputs = tuple(map(text, made.input)), tuple(map(text, made.output)) or ("",)
    name = text(made.name) or outputs[0]
    attributes: dict[str, Any] = {}
    for each in made.attribute:
        try:
            value = helper.get_attribute_value(each)
        except ValueError:
            raise FormatError(f"{name} has a damaged attribute, {text(each.name)}.", WHOLE) from None
        attributes[text(each.name)] = _attribute(value, path, depth)
    scopes = next((text(each.value) for each in made.metadata_props if each.key == SCOPES), "")
    operator = operator if domain in ("", "ai.onnx") else f"{domain}.{operator}"
    return Node(operator, name, inputs, outputs, attributes, _scope(scopes))


def constant(node: Node) -> Array:
    """The value of a Constant."""
    attributes = node.attributes
    if isinstance(attributes.get("value"), np.ndarray):
        return attributes["value"]
    for key, kind in _NUMBERS:
        try:
            if key in attributes:
                return np.asarray(attributes[key], kind)
        except (ValueError, TypeError, OverflowError):
            break
    raise FormatError(f"{node.name} (Constant) has no number.", "Constants are numbers.")


def _attribute(value: Any, path: Path, depth: int) -> Any:
    from onnx import GraphProto, TensorProto

    if isinstance(value, TensorProto):
        return array(value, path)
    if isinstance(value, GraphProto):
        if depth == MOST_DEPTH:
            raise FormatError(f"has graphs inside graphs, {depth} deep.", "A network runs the same layers always.")
        nodes = tuple(read_node(each, path, depth + 1) for each in value.node)
        constants = arrays(value.initializer, path) | {
            each.outputs[0]: constant(each) for each in nodes if each.operator == "Constant"
        }
        return Branch(nodes, constants, tuple(text(each.name) for each in value.output))
    return value


def _scope(scopes: str) -> str:
    """The path of the innermost module in the list that PyTorch's newer exporter writes.

    >>> _scope("['', 'layer1', 'layer1.0', 'add']")
    'layer1.0'
    """
    parts = [each.strip().strip("'\"") for each in scopes.strip("[]").split(",")]
    return parts[-2] if len(parts) > 1 else ""
