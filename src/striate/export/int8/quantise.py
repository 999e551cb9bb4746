"""An ONNX model in 8-bit integers, by ONNX Runtime's own static quantisation."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, assert_never

from striate.description.layers import (
    RBF,
    Activation,
    BatchNorm,
    Branches,
    Conv,
    Dropout,
    Flatten,
    Gate,
    GlobalAveragePool,
    Joined,
    Linear,
    LocalResponseNorm,
    PadChannels,
    Pool,
    PositionBias,
    Residual,
    Scale,
    Shuffle,
    Simple,
    Softmax,
    Subsample,
    Upsample,
)
from striate.description.network import Network, plan
from striate.errors import AuditError, SpecError, unknown_name
from striate.exchange.folding import fold_batch_norms
from striate.exchange.graph import Array
from striate.exchange.model import INPUT
from striate.exchange.proto import check

if TYPE_CHECKING:
    from onnx import ModelProto

OPERATORS = (
    *("Conv", "Gemm", "Relu", "Clip", "MaxPool", "AveragePool", "GlobalAveragePool", "Flatten"),
    *("Add", "Concat", "Pad", "Resize", "Reshape", "Transpose"),
)
"""The operators that are quantised: those that ONNX Runtime computes in integers on a CPU."""
METHOD = "static, per channel, MinMax; weights int8 ({bits} bits), activations uint8"
"""The method of quantising. Exported weights use 7 bits, −64 to 64: with 8, the sum of two products of a uint8 and an
int8 overflows the int16 in which processors with AVX2 and without VNNI add them, and the answers are silently wrong."""


def in_integers(layer: Simple | Joined) -> bool:
    """Whether a kind of layer is computed in 8-bit integers; all others stay in float32."""
    match layer:
        case Conv() | Linear() | Pool() | GlobalAveragePool() | Flatten() | Residual() | Branches():
            return True
        case PadChannels() | Upsample() | Shuffle():
            return True
        case Activation():
            return layer.function in ("relu", "relu6")
        case BatchNorm() | LocalResponseNorm() | Subsample() | RBF() | Softmax() | Dropout() | Scale() | PositionBias():
            return False
        case Gate():
            return False
        case _:
            assert_never(layer)


def quantised(
    model: ModelProto, network: Network, batches: Iterable[Array], *, keep_float: Sequence[str] = (), bits: int = 7
) -> ModelProto:
    """The model of a network in 8-bit integers, with the same inputs and outputs.

    Batch normalisations are folded first. `batches` are inputs of the model: the smallest and the largest value of
    every activation on them bound its range; weights have 7 or 8 `bits`. Layers and blocks whose paths `keep_float` has
    stay in float32, and so does all before and behind the network. Raises UnknownNameError for a path that the network
    does not have, SpecError where no layer is left, and AuditError where ONNX Runtime cannot quantise the model.
    """
    from onnx import helper, load_model
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.quant_utils import add_pre_process_metadata

    nodes = _nodes(model, network, keep_float)
    folded = fold_batch_norms(model)
    add_pre_process_metadata(folded)  # else the quantiser advises to fold and to infer shapes
    try:
        with TemporaryDirectory(prefix="striate-int8-") as folder:
            file = Path(folder, "int8.onnx")
            quantize_static(
                folded,
                file,
                _Batches(batches),  # pyright: ignore[reportArgumentType] - the class is known by its method
                quant_format=QuantFormat.QDQ,
                op_types_to_quantize=[*OPERATORS],
                nodes_to_quantize=nodes,
                per_channel=True,
                reduce_range=bits == 7,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                calibrate_method=CalibrationMethod.MinMax,
            )
            made = load_model(file)
    except Exception as problem:  # the runtime's own errors have no common kind
        words = (str(problem).strip() or repr(problem)).splitlines()
        raise AuditError(
            f"ONNX Runtime cannot quantise {network.name}: {words[0]:.200}",
            "It must give a model in 8-bit integers; nothing is written.",
            "Try another version of onnxruntime, or export without --int8.",
        ) from None
    made.producer_name, made.producer_version = model.producer_name, model.producer_version
    properties = {each.key: each.value for each in model.metadata_props}
    properties["quantisation"] = json.dumps({"method": METHOD.format(bits=bits), "float": [*keep_float]})
    del made.metadata_props[:]
    helper.set_model_props(made, properties)
    check(made)
    return made


def layer_path(name: str) -> str:
    """The path of the layer that a node or a value belongs to; "" for those before and behind the network.

    >>> layer_path("S2/mean"), layer_path("stage1.conv1"), layer_path("/images/scale")
    ('S2', 'stage1.conv1', '')
    """
    return name.split("/", 1)[0]


def _nodes(model: ModelProto, network: Network, keep_float: Sequence[str]) -> list[str]:
    steps = [step for step in plan(network).steps if not step.head]
    for path in keep_float:
        if not any(_within(step.path, path) for step in steps):
            raise unknown_name("layer", path, [step.path for step in steps])
    chosen = {
        step.path
        for step in steps
        if in_integers(step.layer) and not any(_within(step.path, path) for path in keep_float)
    }
    nodes = [node.name for node in model.graph.node if layer_path(node.name) in chosen and node.op_type in OPERATORS]
    if not {node.op_type for node in model.graph.node if node.name in nodes} & {"Conv", "Gemm"}:
        raise SpecError(
            f"no layer of {network.name} would have weights in integers.",
            "Convolutions and linear layers become 8-bit integers, except those that are kept in float32.",
            "Leave --int8 away, or keep fewer layers with --keep-float.",
        )
    return nodes


def _within(path: str, block: str) -> bool:
    return path == block or path.startswith(f"{block}.")


class _Batches:
    """Inputs one after another, as ONNX Runtime's CalibrationDataReader gives them."""

    def __init__(self, batches: Iterable[Array]) -> None:
        self.batches = iter(batches)

    def get_next(self) -> dict[str, Any] | None:
        """The next input, None after the last."""
        batch = next(self.batches, None)
        return None if batch is None else {INPUT: batch}
