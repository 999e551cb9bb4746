"""An ONNX file as a graph of nodes and constants. Nothing outside the file's own folder is read, nothing is run."""

from __future__ import annotations

import stat
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from striate.description import limits
from striate.errors import FormatError
from striate.exchange.reading.graph import Array, Branch, FileGraph, Node, Sizes
from striate.exchange.reading.nodes import constant, read_node
from striate.exchange.reading.tensors import COPY, WHOLE, arrays, text
from striate.exchange.requirement import require_onnx

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto

Kind = np.dtype[Any]

MOST_BYTES = 2**31
"""The largest file: protobuf's own limit."""
MOST_NODES = 100_000
"""Nodes of a graph, those of graphs inside it and of its functions included; a classic network has some thousands."""
OLDEST, NEWEST = 7, 28
"""The opsets that are read; a newer one may have changed an operator's meaning."""
OURS = "/images/input"
"""In a file of Striate's own, the value that its network reads, behind the preprocessing."""


def read_file(path: Path) -> FileGraph:
    """The graph of an ONNX file. Raises FormatError, with the file, where it is none or beyond the limits."""
    require_onnx("onnx")
    try:
        return _graph(_message(path), path)
    except FormatError as error:
        raise error.at(str(path)) from None


def _message(path: Path) -> ModelProto:
    import onnx
    from google.protobuf.message import DecodeError

    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise FormatError("is no file.", "It must be an ONNX file.")
        if found.st_size > MOST_BYTES:
            raise FormatError(f"has {found.st_size:,} bytes.", f"A file has {MOST_BYTES:,} at most.")
        model = onnx.ModelProto()
        model.ParseFromString(path.read_bytes())
    except OSError as problem:
        raise FormatError(f"cannot be read: {problem.strerror}.", "It must be an ONNX file.") from None
    except FormatError:
        raise
    except (DecodeError, RuntimeError, RecursionError, ValueError):
        raise FormatError("is no ONNX file, or is damaged.", WHOLE, COPY) from None
    if not model.graph.node:
        raise FormatError("is no ONNX file: it has no nodes.", WHOLE, COPY)
    return model


def _graph(model: ModelProto, path: Path) -> FileGraph:
    opset = max((each.version for each in model.opset_import if each.domain in ("", "ai.onnx")), default=0)
    if not OLDEST <= opset <= NEWEST:
        raise FormatError(f"is of opset {opset}.", f"Striate reads {OLDEST} to {NEWEST}.", _CONVERT)
    model = _inlined(model)
    graph = model.graph
    if not graph.output:
        raise FormatError("has no output.", WHOLE, COPY)
    if graph.sparse_initializer:
        raise FormatError("has sparse weights.", "Weights are dense.", _CONVERT)
    constants = arrays(graph.initializer, path)
    nodes = [read_node(each, path) for each in graph.node]
    for node in nodes:
        if node.operator == "Constant":
            constants[node.outputs[0]] = constant(node)
    name, sizes, kind = _input(graph, nodes, constants)
    own = next((each for each in graph.value_info if each.name == OURS), None)
    if model.producer_name == "striate" and own is not None:
        made = {output: at for at, node in enumerate(nodes) for output in node.outputs}
        if OURS in made:
            name, sizes = OURS, (None, *(each.dim_value for each in own.type.tensor_type.shape.dim[1:]))
            nodes = [node for node in nodes if OURS not in node.outputs and not _feeds(node, OURS)]
    return FileGraph(
        text(graph.name),
        _ordered(nodes, {name, *constants}),
        constants,
        name,
        sizes,
        tuple(text(each.name) for each in graph.output),
        opset,
        {text(each.key): text(each.value) for each in model.metadata_props},
        text(model.producer_name),
        pixels=kind == np.uint8,
        whole=kind.kind in "iu",
        bare=name == OURS or (model.producer_name == "striate" and kind != np.uint8),
    )


def _inlined(model: ModelProto) -> ModelProto:
    """The model with its functions in place of the nodes that call them; those of one file call each other."""
    sizes: dict[tuple[str, str], int] = {}
    left = {(each.domain, each.name): each for each in model.functions}
    while left:
        ready = [key for key, each in left.items() if not any(_called(node) in left for node in each.node)]
        if not ready:
            raise FormatError("has functions that call themselves.", "A network runs from its input to its output.")
        for key in ready:
            sizes[key] = _count(left.pop(key).node, sizes)
    nodes = _count(model.graph.node, sizes)
    if nodes > MOST_NODES:
        raise FormatError(f"has {nodes:,} nodes.", f"A network has {MOST_NODES:,} at most.")
    if not sizes:
        return model
    from onnx import inliner

    try:
        return inliner.inline_local_functions(model)
    except (RuntimeError, ValueError, TypeError) as problem:
        shown = " ".join(str(problem).split())[:100]
        raise FormatError(f"has functions that cannot be put in their places: {shown}.", WHOLE, COPY) from None


def _called(node: NodeProto) -> tuple[str, str]:
    """The function that a node calls, where it calls one."""
    return node.domain, node.op_type


def _count(nodes: Iterable[NodeProto], sizes: Mapping[tuple[str, str], int]) -> int:
    """The number of nodes with functions in place of their calls, and with the graphs that are attributes."""
    total = 0
    for node in nodes:
        total += sizes.get(_called(node), 1)
        for each in node.attribute:
            total += _count(each.g.node, sizes) if each.HasField("g") else 0
    return total


def _feeds(node: Node, own: str) -> bool:
    """Whether a node of Striate's own preprocessing: their names begin with those of the input."""
    return node.name.startswith(own.rsplit("/", 1)[0])


def _input(graph: GraphProto, nodes: list[Node], constants: Mapping[str, Array]) -> tuple[str, Sizes, Kind]:
    """The one input that is no weight and that a node reads, its sizes, and the type of its values."""
    from onnx import helper

    branches = [each for node in nodes for each in node.attributes.values() if isinstance(each, Branch)]
    used = {name for node in nodes for name in node.inputs} | {name for each in branches for name in each.reads}
    read = used - constants.keys()
    found = [each for each in graph.input if text(each.name) in read]
    if len(found) != 1:
        shown = ", ".join(each.name for each in found[:5]) or "none"
        raise FormatError(f"has {len(found)} inputs: {shown}.", "A network has one, the images.", PART)
    held = found[0].type.tensor_type
    sizes = tuple(each.dim_value or None for each in held.shape.dim)
    if any(size is not None and not 0 < size <= limits.NUMBER for size in sizes):
        raise FormatError(f"has an input of sizes {list(sizes)}.", f"A size is {limits.NUMBER:,} at most.")
    try:
        return found[0].name, sizes, np.dtype(helper.tensor_dtype_to_np_dtype(held.elem_type))
    except KeyError:
        raise FormatError("has an input of no known type.", "Images are numbers.") from None


def _ordered(nodes: list[Node], known: set[str]) -> tuple[Node, ...]:
    """The nodes so that each stands behind those that it reads. Raises FormatError where they go in a circle."""
    given = set(known)
    for output in (each for node in nodes if node.operator != "Constant" for each in node.outputs if each):
        if output in given:
            raise FormatError(f"has two nodes, or a weight and a node, that give {output[:100]!r}.", WHOLE, COPY)
        given.add(output)
    made = {output for node in nodes for output in node.outputs}
    waiting = {id(node): _reads(node, made) - known for node in nodes}
    readers: dict[str, list[Node]] = {}
    for node in nodes:
        lacking = waiting[id(node)] - made
        if lacking:
            raise FormatError(f"{node.name} reads {min(lacking)!r}, which no node gives.", WHOLE)
        for name in waiting[id(node)]:
            readers.setdefault(name, []).append(node)
    ready = [node for node in nodes if not waiting[id(node)]]
    found: list[Node] = []
    while len(found) < len(ready):
        node = ready[len(found)]
        found.append(node)
        for output in node.outputs:
            for reader in readers.get(output, []):
                waiting[id(reader)].discard(output)
                if not waiting[id(reader)]:
                    ready.append(reader)
    if len(found) < len(nodes):
        raise FormatError("its nodes read each other in a circle.", "A network runs from its input to its output.")
    return tuple(found)


def _reads(node: Node, made: set[str]) -> set[str]:
    """The values that a node reads; of those `made` by nodes around it, what its branches read, too."""
    inside = {name for each in node.attributes.values() if isinstance(each, Branch) for name in each.reads}
    return {name for name in node.inputs if name} | (inside & made)


_CONVERT = "Convert it by onnx.version_converter, or export it anew."
PART = "Export the part that reads the images."
