"""The calls of a trace as a graph of ONNX's operators; what no image changes is computed."""

from __future__ import annotations

import operator
from typing import Any

import torch
from torch import Tensor, fx

from striate.errors import FormatError, SpecError
from striate.exchange.reading.constants import MOST_VALUES
from striate.exchange.reading.graph import FileGraph, Node
from striate.export.module.call import Call, Writing, arguments_of, title
from striate.export.module.operators import OPERATORS, REFUSED
from striate.export.module.tracing import Traced, scope_of, sizes_of

OPSET = 18
"""The opset whose words the nodes are in; attributes that later became inputs are attributes."""
UNKNOWN = ("is no operator that layers are made of.", "See docs/import.md for those that are read.")


def write(traced: Traced, name: str) -> FileGraph:
    """The graph of a trace; a call that ONNX's operators cannot say is a node that is refused."""
    writing = Writing(traced, {traced.input: traced.input.name}, dict(traced.tensors))
    for call in traced.calls:
        try:
            _write(call, writing)
        except SpecError as error:
            read = tuple(writing.values[each] for each in call.all_input_nodes if each in writing.values)
            refused = (error.what, error.expected)
            node = Node(_operator(call), title(call), read, (call.name,), {}, scope_of(call), refused)
            writing.nodes.append(node)
            writing.values[call] = call.name
    output = writing.values.get(traced.output)
    if output is None or output == traced.input.name:
        raise FormatError(
            "gives its input, or what does not depend on it.", "A network computes its output from images."
        )
    return FileGraph(
        name,
        tuple(writing.nodes),
        writing.constants,
        traced.input.name,
        sizes_of(traced.input),
        (output,),
        OPSET,
        producer="pytorch",
        learned=traced.parameters,
    )


def _write(call: fx.Node, writing: Writing) -> None:
    """Write one call, or compute it where no image changes it."""
    read = call.all_input_nodes
    if all(each in writing.known for each in read):
        writing.known[call] = _computed(call, writing.known)
        return
    if call.target is operator.getitem:
        source = writing.values[read[0]]
        if source != read[0].name:  # of a call that was refused any part is
            require_first(call)
        writing.values[call] = source
        return
    schema = getattr(call.target, "_schema", None)
    space, _, name = (schema.name if schema is not None else "").partition("::")
    translate = OPERATORS.get(name) if schema is not None and space == "aten" and not schema.is_mutable else None
    if translate is None:
        raise FormatError(*REFUSED.get(name, UNKNOWN))
    writing.values[call] = translate(Call(call, arguments_of(call), writing))


def require_first(call: fx.Node) -> None:
    """Raises FormatError where a call takes another of several values than the first: the places of maxima."""
    if call.args[1] != 0:
        raise FormatError("reads the places of maxima, or statistics.", "Layers read the values of layers.")


def _computed(call: fx.Node, known: dict[fx.Node, Any]) -> Any:
    """The value of a call that no image changes. Raises FormatError where chance does, and where it is too large."""
    if torch.Tag.nondeterministic_seeded in getattr(call.target, "tags", ()):
        raise FormatError("draws random numbers.", "A network gives the same answer every time.")
    value = call.meta.get("val")
    if isinstance(value, Tensor) and value.numel() > MOST_VALUES:
        raise FormatError(f"makes {value.numel():,} values.", f"A constant has {MOST_VALUES:,} values at most.")
    args = fx.map_arg(call.args, lambda each: known[each])
    kwargs = fx.map_arg(call.kwargs, lambda each: known[each])
    with torch.no_grad():
        return call.target(*args, **kwargs)  # pyright: ignore[reportCallIssue]


def _operator(call: fx.Node) -> str:
    return "getitem" if call.target is operator.getitem else str(call.target)
