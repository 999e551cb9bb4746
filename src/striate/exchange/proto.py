"""A graph as ONNX's own message, checked."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from importlib import metadata
from typing import TYPE_CHECKING, Any

from striate.errors import AuditError, SpecError
from striate.exchange.graph import Array, Graph, Value
from striate.exchange.requirement import require_onnx

if TYPE_CHECKING:
    from onnx import ModelProto, TensorProto, ValueInfoProto

OPSET = 21
"""The newest that the oldest ONNX Runtime of the extra `onnx`, 1.20, runs; 20 brought Gelu. No layer needs a newer."""
FORMAT_VERSION = 10
"""The version of the file format that came with opset 21."""
BATCH = "batch"
"""The name of the size that is not fixed."""
MOST_BYTES = 2**31 - 2**20
"""A file of one piece may have 2 GiB; 1 MiB of it is kept for what is not a weight."""


def to_proto(
    graph: Graph,
    *,
    name: str,
    inputs: Sequence[Value],
    outputs: Sequence[Value],
    properties: Mapping[str, str] | None = None,
    beside: Collection[str] | None = None,
) -> ModelProto:
    """The message of a graph, with inferred shapes checked against those that the graph says.

    `properties` become the model's metadata. Constants that stay `beside` the message have their name and shape in it
    only, and it is not checked. Raises RequirementError without the package onnx, SpecError where the weights are too
    large for one file, and AuditError where ONNX's checker refuses the model.
    """
    require_onnx("onnx")
    if beside is None:
        _require_size(graph, name)
    from onnx import TensorProto, helper, numpy_helper

    kinds = {"float32": TensorProto.FLOAT, "uint8": TensorProto.UINT8, "int64": TensorProto.INT64}

    def info(value: Value) -> ValueInfoProto:
        return helper.make_tensor_value_info(value.name, kinds[value.dtype], [BATCH, *value.shape])

    ends = {value.name for value in (*inputs, *outputs)}
    between = [Value(value, "float32", shape) for value, shape in graph.shapes.items() if value not in ends]
    nodes = [
        helper.make_node(each.operator, each.inputs, [each.output], each.name, **dict[str, Any](each.attributes))
        for each in graph.nodes
    ]
    made = helper.make_model(
        helper.make_graph(
            nodes,
            name,
            [info(each) for each in inputs],
            [info(each) for each in outputs],
            [
                _declared(constant, values) if constant in (beside or ()) else numpy_helper.from_array(values, constant)
                for constant, values in graph.constants.items()
            ],
            value_info=[info(each) for each in between],
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=FORMAT_VERSION,
        producer_name="striate",
        producer_version=_version(),
    )
    helper.set_model_props(made, dict(properties or {}))
    if beside is None:
        check(made)
    return made


def _declared(name: str, values: Array) -> TensorProto:
    """A constant without its values: the runtime gets them before it reads the model."""
    from onnx import TensorProto, helper

    made = TensorProto(name=name, data_type=helper.np_dtype_to_tensor_dtype(values.dtype), dims=values.shape)
    made.data_location = TensorProto.EXTERNAL
    made.external_data.add(key="location", value="memory")
    return made


def check(made: ModelProto) -> None:
    """Raises AuditError where ONNX's checker, or its inference of shapes, refuses a model."""
    from onnx import checker, shape_inference

    try:
        checker.check_model(made, full_check=True)
    except (checker.ValidationError, shape_inference.InferenceError) as problem:
        raise AuditError(
            f"ONNX's checker refuses the graph of {made.graph.name}: {str(problem).strip()}",
            "It must be a valid model, and its shapes those of the account.",
            "This is an error in Striate; please report it with the network.",
        ) from None


def _require_size(graph: Graph, name: str) -> None:
    size = sum(values.nbytes for values in graph.constants.values())
    if size > MOST_BYTES:
        raise SpecError(
            f"the weights of {name} take {size / 1e9:.1f} GB.",
            f"An ONNX file may have {MOST_BYTES / 1e9:.1f} GB at most.",
            "Make the network narrower.",
        )


def _version() -> str:
    try:
        return metadata.version("striate")
    except metadata.PackageNotFoundError:  # as where PYTHONPATH leads to the source
        return ""
