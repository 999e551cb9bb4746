"""An ONNX file as a graph of nodes and constants. Nothing outside the file's own folder is read, nothing is run."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from striate.description import limits
from striate.errors import FormatError
from striate.exchange.reading.graph import Array, Branch, FileGraph, Node, Sizes
from striate.exchange.requirement import require_onnx

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto, TensorProto

MOST_BYTES = 2**31
"""The largest file: protobuf's own limit."""
MOST_NODES = 100_000
"""Nodes of a graph; a classic network has some thousands."""
MOST_VALUES = 2**29
"""Values of one weight."""
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
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise FormatError(f"has {size:,} bytes.", f"A file has {MOST_BYTES:,} at most.")
        model = onnx.ModelProto()
        model.ParseFromString(path.read_bytes())
    except OSError as problem:
        raise FormatError(f"cannot be read: {problem.strerror}.", "It must be an ONNX file.") from None
    except (DecodeError, RuntimeError, RecursionError, ValueError):
        raise FormatError(
            "is no ONNX file, or is damaged.", _WHOLE, "Export it anew, or take it from a copy."
        ) from None
    if not model.graph.node:
        raise FormatError("is no ONNX file: it has no nodes.", _WHOLE, "Export it anew, or take it from a copy.")
    if len(model.graph.node) > MOST_NODES:
        raise FormatError(f"has {len(model.graph.node):,} nodes.", f"A network has {MOST_NODES:,} at most.")
    return model


def _graph(model: ModelProto, path: Path) -> FileGraph:
    opset = max((each.version for each in model.opset_import if each.domain in ("", "ai.onnx")), default=0)
    if not OLDEST <= opset <= NEWEST:
        raise FormatError(f"is of opset {opset}.", f"Striate reads {OLDEST} to {NEWEST}.", _CONVERT)
    if model.functions:
        from onnx import inliner

        model = inliner.inline_local_functions(model)
    graph = model.graph
    constants = dict(_weights(graph, path))
    nodes = [_node(each) for each in graph.node]
    for node in nodes:
        if node.operator == "Constant":
            constants[node.outputs[0]] = _constant(node)
    name, sizes, pixels = _input(graph, nodes, constants)
    own = next((each for each in graph.value_info if each.name == OURS), None)
    if model.producer_name == "striate" and own is not None:
        made = {output: at for at, node in enumerate(nodes) for output in node.outputs}
        if OURS in made:
            name, sizes = OURS, (None, *(each.dim_value for each in own.type.tensor_type.shape.dim[1:]))
            nodes = [node for node in nodes if OURS not in node.outputs and not _feeds(node, OURS)]
    metadata = {each.key: each.value for each in model.metadata_props}
    outputs = tuple(each.name for each in graph.output)
    return FileGraph(
        graph.name,
        _ordered(nodes, {name, *constants}),
        constants,
        name,
        sizes,
        outputs,
        opset,
        metadata,
        model.producer_name,
        pixels,
    )


def _feeds(node: Node, own: str) -> bool:
    """Whether a node of Striate's own preprocessing: their names begin with those of the input."""
    return node.name.startswith(own.rsplit("/", 1)[0])


def _weights(graph: GraphProto, path: Path) -> Iterator[tuple[str, Array]]:
    for tensor in graph.initializer:
        yield _text(tensor.name), _array(tensor, path)
    if graph.sparse_initializer:
        raise FormatError("has sparse weights.", "Weights are dense.", _CONVERT)


def _array(tensor: TensorProto, path: Path) -> Array:
    from onnx import TensorProto, numpy_helper

    count = 1
    for size in tensor.dims:
        count *= size
        if size < 0 or count > MOST_VALUES:
            raise FormatError(f"{tensor.name} has sizes {list(tensor.dims)[:8]}.", f"{MOST_VALUES:,} values at most.")
    if tensor.data_location == TensorProto.EXTERNAL:
        return _outside(tensor, path, count)
    try:
        made = numpy_helper.to_array(tensor)
    except (ValueError, TypeError, KeyError) as problem:
        raise FormatError(f"{tensor.name} is damaged: {str(problem)[:100]}.", _WHOLE) from None
    return _readable(made)


def _outside(tensor: TensorProto, path: Path, count: int) -> Array:
    """A weight in a file beside the model, and nowhere else."""
    from onnx import helper

    where = {each.key: each.value for each in tensor.external_data}
    folder = path.parent.resolve()
    file = (folder / where.get("location", "")).resolve()
    if not file.is_relative_to(folder) or not file.is_file():
        raise FormatError(
            f"the weights {tensor.name} are in {where.get('location', '')[:200]!r}.",
            "They must be in a file in the model's own folder.",
            "Put the file there, or export the model as one file.",
        )
    kind = np.dtype(helper.tensor_dtype_to_np_dtype(tensor.data_type))
    try:
        start, size = int(where.get("offset", "0")), int(where.get("length", str(count * kind.itemsize)))
    except ValueError:
        start, size = -1, -1
    if size != count * kind.itemsize or start < 0 or start + size > os.path.getsize(file):
        raise FormatError(f"the weights {tensor.name} are cut off in {file.name}.", _WHOLE, "Take it from a copy.")
    shape = tuple(tensor.dims)
    return _readable(np.memmap(file, kind, "r", start, shape) if count else np.zeros(shape, kind))


def _readable(values: Array) -> Array:
    """Half precision is read as float32."""
    kind = values.dtype
    if kind == np.float16 or kind.name == "bfloat16":
        return values.astype(np.float32)
    if kind.kind not in "fiub":
        raise FormatError(f"has values of type {kind}.", "Values are numbers.")
    return values


def _node(made: NodeProto) -> Node:
    from onnx import helper

    if made.domain not in ("", "ai.onnx"):
        operator = f"{made.domain}.{made.op_type}"
    else:
        operator = made.op_type
    attributes: dict[str, Any] = {}
    for each in made.attribute:
        try:
            value = helper.get_attribute_value(each)
            attributes[each.name] = _attribute(value)
        except ValueError:
            raise FormatError(f"{made.name} has a damaged attribute, {each.name}.", _WHOLE) from None
    scopes = next((each.value for each in made.metadata_props if each.key == "pkg.torch.onnx.name_scopes"), "")
    inputs, outputs = tuple(map(_text, made.input)), tuple(map(_text, made.output)) or ("",)
    return Node(operator, _text(made.name) or outputs[0], inputs, outputs, attributes, _scope(_text(scopes)))


def _text(value: str | bytes) -> str:
    """A name. Raises FormatError where it is no text: protobuf gives bytes then."""
    if isinstance(value, bytes):
        raise FormatError(f"has a name that is no text: {value[:40]!r}.", _WHOLE, _COPY)
    return value


def _attribute(value: Any) -> Any:
    from onnx import GraphProto, TensorProto

    if isinstance(value, TensorProto):
        return _array(value, Path())
    if isinstance(value, GraphProto):
        nodes = tuple(map(_node, value.node))
        constants = dict(_weights(value, Path())) | {
            n.outputs[0]: _constant(n) for n in nodes if n.operator == "Constant"
        }
        return Branch(nodes, constants, tuple(each.name for each in value.output))
    return value


def _scope(text: str) -> str:
    """The path of the innermost module in the list that PyTorch's newer exporter writes:

    ['', 'layer1', 'layer1.0', 'add'].
    """
    parts = [each.strip().strip("'\"") for each in text.strip("[]").split(",")]
    return parts[-2] if len(parts) > 1 else ""


def _constant(node: Node) -> Array:
    attributes = node.attributes
    if isinstance(attributes.get("value"), np.ndarray):
        return attributes["value"]
    for key, kind in (
        ("value_float", np.float32),
        ("value_floats", np.float32),
        ("value_int", np.int64),
        ("value_ints", np.int64),
    ):
        if key in attributes:
            return np.asarray(attributes[key], kind)
    raise FormatError(f"{node.name} (Constant) has no number.", "Constants are numbers.")


def _input(graph: GraphProto, nodes: list[Node], constants: Mapping[str, Array]) -> tuple[str, Sizes, bool]:
    """The one input that is no weight and that a node reads, its sizes, and whether it holds bytes."""
    from onnx import TensorProto

    branches = [each for node in nodes for each in node.attributes.values() if isinstance(each, Branch)]
    used = {name for node in nodes for name in node.inputs} | {name for each in branches for name in each.reads}
    found = [each for each in graph.input if each.name in used - constants.keys()]
    if len(found) != 1:
        shown = ", ".join(each.name for each in found[:5]) or "none"
        raise FormatError(f"has {len(found)} inputs: {shown}.", "A network has one, the images.", _PART)
    held = found[0].type.tensor_type
    sizes = tuple(each.dim_value or None for each in held.shape.dim)
    if any(size is not None and not 0 < size <= limits.NUMBER for size in sizes):
        raise FormatError(f"has an input of sizes {list(sizes)}.", f"A size is {limits.NUMBER:,} at most.")
    return found[0].name, sizes, held.elem_type == TensorProto.UINT8


def _ordered(nodes: list[Node], known: set[str]) -> tuple[Node, ...]:
    """The nodes so that each stands behind those that it reads. Raises FormatError where they go in a circle."""
    waiting = {id(node): {name for name in node.inputs if name} - known for node in nodes}
    made = {output for node in nodes for output in node.outputs}
    readers: dict[str, list[Node]] = {}
    for node in nodes:
        lacking = waiting[id(node)] - made
        if lacking:
            raise FormatError(f"{node.name} reads {min(lacking)!r}, which no node gives.", _WHOLE)
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


_WHOLE = "It must be a whole ONNX model."
_COPY = "Export it anew, or take it from a copy."
_CONVERT = "Convert it by onnx.version_converter, or export it anew."
_PART = "Export the part that reads the images."
