"""Activations as ONNX has them, or as the operators that they are made of."""

from __future__ import annotations

from typing import assert_never

from striate.description.layers import Activation
from striate.description.simple import AMPLITUDE, SLOPE
from striate.exchange.graph import Place


def write_activation(layer: Activation, value: str, place: Place) -> str:
    """The node, or nodes, of a function of each value."""
    match layer.function:
        case "relu":
            return place.last("Relu", [value])
        case "tanh":
            return place.last("Tanh", [value])
        case "scaled_tanh":
            scaled = place.part("scale", "Mul", [value, place.floats("slope", SLOPE)])
            tanh = place.part("tanh", "Tanh", [scaled])
            return place.last("Mul", [tanh, place.floats("amplitude", AMPLITUDE)])
        case "sigmoid":
            return place.last("Sigmoid", [value])
        case "leaky_relu":
            return place.last("LeakyRelu", [value], {"alpha": _alpha(layer)})
        case "relu6":
            return place.last("Clip", [value, place.floats("least", 0.0), place.floats("most", 6.0)])
        case "elu":
            return place.last("Elu", [value], {"alpha": _alpha(layer)})
        case "silu":
            return place.last("Mul", [value, place.part("sigmoid", "Sigmoid", [value])])
        case "gelu":
            return place.last("Gelu", [value], {"approximate": "none"})
        case "gelu_tanh":
            return place.last("Gelu", [value], {"approximate": "tanh"})
        case "hard_sigmoid":
            return place.last("HardSigmoid", [value], {"alpha": 1 / 6, "beta": 0.5})
        case "hard_swish":
            return place.last("HardSwish", [value])
        case other:
            assert_never(other)


def _alpha(layer: Activation) -> float:
    assert layer.alpha is not None  # noqa: S101 - the description gives these functions one
    return float(layer.alpha)
