"""Where a quantised model loses: for each layer, how far what it computes is from the float model's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from striate.exchange.graph import Array
from striate.exchange.model import INPUT
from striate.export.int8.quantise import layer_path

if TYPE_CHECKING:
    from onnx import ModelProto

IMAGES = "(images)"
"""The name of the row of the network's input."""
EXACT = 120.0
"""The ratio, in dB, from which on values are the same in float32."""


@dataclass(frozen=True)
class LayerLoss:
    """The signal-to-noise ratios of a layer, in dB: 20 more are a tenth of the error.

    `weights` is that of its weights; `own` that of its output when nothing but the output is rounded; `total` that of
    its output with all that was lost before. Each is None where the layer rounds no such values.
    """

    path: str
    weights: float | None = None
    own: float | None = None
    total: float | None = None


def layer_losses(*, whole: ModelProto, rounded: ModelProto, images: Array) -> tuple[LayerLoss, ...]:
    """The losses of each layer, in the order they run, on a batch of a model's inputs.

    `whole` is the model before it was quantised, its batch normalisations folded, and `rounded` the one after. The
    output of a convolution whose normalisation or ReLU is part of it in integers is what comes behind these.
    """
    from onnxruntime.quantization.qdq_loss_debug import compute_signal_to_quantization_noice_ratio as ratio

    with TemporaryDirectory(prefix="striate-int8-") as folder:
        weights, values = _compared(Path(folder), whole, rounded, images)
    paths = _paths(whole, set(values))
    scales = _scales(rounded)
    own = {paths[name]: ratio(exact, _rounded(exact, *scales[name])) for name, (exact, _) in values.items()}
    total = {paths[name]: ratio(exact, found) for name, (exact, found) in values.items()}
    of_weights = {name.removesuffix(".weight"): each for name, each in weights.items() if name.endswith(".weight")}
    order = dict.fromkeys([IMAGES, *(layer_path(node.name) for node in whole.graph.node)])
    return tuple(
        LayerLoss(path, of_weights.get(path), own.get(path), total.get(path))
        for path in order
        if path in of_weights or path in own
    )


def worst(losses: tuple[LayerLoss, ...]) -> list[tuple[LayerLoss, float]]:
    """The layers by the noise, as a share of the signal, that their outputs have more than those of the layer before.

    The most comes first. Each has the ratio of the layer before it, in dB.
    """
    outputs = [(each, each.total) for each in losses if each.total is not None]
    added = [
        (10 ** (-total / 10) - 10 ** (-before / 10), each, before) for (_, before), (each, total) in pairwise(outputs)
    ]
    return [(each, before) for _, each, before in sorted(added, key=lambda one: one[0], reverse=True)]


def _compared(
    folder: Path, whole: ModelProto, rounded: ModelProto, images: Array
) -> tuple[dict[str, float], dict[str, tuple[Array, Array]]]:
    """The ratios of weights, and the values of both models, by their names in the graph."""
    from onnx import save_model
    from onnxruntime.quantization import qdq_loss_debug as debug

    files = folder / "whole.onnx", folder / "rounded.onnx"
    found: list[dict[str, Sequence[Array]]] = []
    for file, model in zip(files, (whole, rounded), strict=True):
        save_model(model, file)
        watched = file.with_name(f"watched-{file.name}")
        debug.modify_model_output_intermediate_tensors(file, watched)
        given = iter([{INPUT: images}])
        found.append({**debug.collect_activations(str(watched), given)})  # pyright: ignore[reportArgumentType]
    matching = debug.create_activation_matching(found[1], found[0])
    values = {name: (each["float"][0], each["post_qdq"][0]) for name, each in matching.items() if "float" in each}
    weights = debug.compute_weight_error(debug.create_weight_matching(str(files[0]), str(files[1])))
    return weights, values


def _paths(whole: ModelProto, rounded: set[str]) -> dict[str, str]:
    """For each value that is rounded the path of the layer that gives it."""
    makers = {node.output[0]: node for node in whole.graph.node}
    paths: dict[str, str] = {}
    for value in rounded:
        maker = makers.get(value)
        if maker is None:
            paths[value] = IMAGES
            continue
        while maker.op_type in ("Relu", "Clip") and maker.input[0] in makers and maker.input[0] not in rounded:
            maker = makers[maker.input[0]]
        paths[value] = layer_path(maker.name) or IMAGES
    return paths


def _scales(rounded: ModelProto) -> dict[str, tuple[Array, Array]]:
    """The scale and the zero point of each value that becomes integers."""
    from onnx import numpy_helper

    constants = {each.name: each for each in rounded.graph.initializer}
    return {
        node.input[0].removesuffix("_QuantizeLinear_Input"): (
            numpy_helper.to_array(constants[node.input[1]]),
            numpy_helper.to_array(constants[node.input[2]]),
        )
        for node in rounded.graph.node
        if node.op_type == "QuantizeLinear"
    }


def _rounded(values: Array, scale: Array, zero: Array) -> Array:
    """The values rounded to uint8 and converted back."""
    whole = np.clip(np.rint(values / scale) + zero.astype(np.float32), 0, 255)
    return (whole - zero.astype(np.float32)) * scale
