"""Batch normalisations folded into the convolutions and linear layers before them, as quantisation needs it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from striate.exchange.graph import Array

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto

FOLDS_INTO = ("Conv", "Gemm")
"""The nodes whose weights have a filter in each row, as `write_layer` writes them."""


def fold_batch_norms(model: ModelProto) -> ModelProto:
    """A copy of a model without the batch normalisations that directly follow a convolution or a linear layer.

    The layer before has their scale in its weights and their shift in its bias; its output has the name that the
    normalisation's had. One that follows something else stays, and so does one whose input is read elsewhere.
    """
    from onnx import ModelProto

    made = ModelProto()
    made.CopyFrom(model)
    graph = made.graph
    read = Counter([*(name for node in graph.node for name in node.input), *(each.name for each in graph.output)])
    makers = {node.output[0]: node for node in graph.node}
    for norm in [node for node in graph.node if node.op_type == "BatchNormalization"]:
        value = norm.input[0]
        maker = makers.get(value)
        if maker is None or maker.op_type not in FOLDS_INTO or read[value] > 1:
            continue
        _fold(graph, maker, norm)
        graph.node.remove(norm)
        makers[maker.output[0]] = maker
    return made


def _fold(graph: GraphProto, layer: NodeProto, norm: NodeProto) -> None:
    from onnx import numpy_helper

    constants = {each.name: each for each in graph.initializer}
    gain, shift, mean, variance = (_exact(numpy_helper.to_array(constants[name])) for name in norm.input[1:])
    epsilon = next(each.f for each in norm.attribute if each.name == "epsilon")
    scale = gain / np.sqrt(variance + epsilon)
    weight = constants[layer.input[1]]
    values = _exact(numpy_helper.to_array(weight))
    scaled = values * scale.reshape(-1, *[1] * (values.ndim - 1))
    weight.CopyFrom(numpy_helper.from_array(scaled.astype(np.float32), weight.name))
    if len(layer.input) > 2:
        bias = constants[layer.input[2]]
        before = _exact(numpy_helper.to_array(bias))
    else:
        bias = graph.initializer.add()
        bias.name = f"{layer.name}.bias"
        layer.input.append(bias.name)
        before = np.zeros(len(scale))
    bias.CopyFrom(numpy_helper.from_array(((before - mean) * scale + shift).astype(np.float32), bias.name))
    for gone in (constants[name] for name in norm.input[1:]):
        graph.initializer.remove(gone)
    for inner in [each for each in graph.value_info if each.name == layer.output[0]]:
        graph.value_info.remove(inner)
    layer.output[0] = norm.output[0]


def _exact(values: Array) -> Array:
    return values.astype(np.float64)
