"""ATen's operators on each value, and on two values place by place, in ONNX's words."""

from __future__ import annotations

import numpy as np
from torch import fx

from striate.export.module.call import Call, Translation, require

_RUNNING = "In evaluation mode it has running statistics, and normalises by them."


def named(operator: str) -> Translation:
    """One value in, one out, no further arguments."""
    return lambda call: call.add(operator, [call.first])


def batch_norm(call: Call) -> str:
    """Batch normalisation in its several forms, by running statistics."""
    known = call.arguments.get("running_mean") is not None
    require(known and not call.arguments.get("training"), "computes statistics of its batch.", _RUNNING)
    channels = call.sizes_of("running_mean")[0]
    weight = call["weight"] if call["weight"] is not None else call.constant(np.ones(channels, np.float32))
    bias = call["bias"] if call["bias"] is not None else call.constant(np.zeros(channels, np.float32))
    given = [weight, bias, call["running_mean"], call["running_var"]]
    names = [each if isinstance(each, str) else call.value(each) for each in given]
    # ONNX's momentum weighs the past.
    attributes = {"epsilon": call["eps"], "momentum": 1 - call["momentum"]}
    return call.add("BatchNormalization", [call.first, *names], attributes)


def limited(call: Call) -> str:
    """hardtanh, clamp and relu6."""
    least, most = (call.arguments.get(each) for each in ("min_val", "max_val"))
    if "min" in call.arguments or "max" in call.arguments:
        least, most = call.arguments.get("min"), call.arguments.get("max")
    plain = not isinstance(least, fx.Node) and not isinstance(most, fx.Node)
    require(plain, "has limits that are tensors.", "A limit is one number.")
    limits = {"min": least, "max": most}
    return call.add("Clip", [call.first], {name: each for name, each in limits.items() if each is not None})


def relu6(call: Call) -> str:
    """Limits at 0 and 6."""
    return call.add("Clip", [call.first], {"min": 0.0, "max": 6.0})


def hard_sigmoid(call: Call) -> str:
    """relu6(a + 3) / 6."""
    return call.add("HardSigmoid", [call.first], {"alpha": 1 / 6, "beta": 0.5})


def gelu(call: Call) -> str:
    """GELU, exact or by tanh."""
    return call.add("Gelu", [call.first], {"approximate": call["approximate"]})


def leaky_relu(call: Call) -> str:
    """A slope below 0."""
    return call.add("LeakyRelu", [call.first], {"alpha": call["negative_slope"]})


def elu(call: Call) -> str:
    """ELU without scales of its own."""
    require(call["scale"] == 1 == call["input_scale"], "is an ELU with scales.", "An ELU has one number, alpha.")
    return call.add("Elu", [call.first], {"alpha": call["alpha"]})


def softplus(call: Call) -> str:
    """log(1 + exp(a))."""
    require(call["beta"] == 1, f"is a softplus with beta {call['beta']}.", "A part of an activation has none.")
    return call.add("Softplus", [call.first])


def softmax(call: Call) -> str:
    """Softmax over one dimension."""
    return call.add("Softmax", [call.first], {"axis": call["dim"]})


def power(call: Call) -> str:
    """A constant power."""
    return call.add("Pow", [call.value(call["self"]), call.value(call["exponent"])])


def square(call: Call) -> str:
    """a²."""
    return call.add("Pow", [call.first, call.value(2.0)])


def reciprocal_root(call: Call) -> str:
    """1 / √a."""
    return call.add("Reciprocal", [call.add("Sqrt", [call.first])])


def binary(operator: str) -> Translation:
    """Add, Sub, Mul or Div; the second value of a sum may have a factor."""

    def write(call: Call) -> str:
        rounded = call.arguments.get("rounding_mode")
        require(rounded is None, "divides and rounds.", "Values are added or multiplied.")
        left, right = call.value(call["self"]), call.value(call["other"])
        if call.arguments.get("alpha", 1) != 1:
            right = call.add("Mul", [right, call.value(call["alpha"])])
        return call.add(operator, [left, right])

    return write


def reversed_difference(call: Call) -> str:
    """The second value less the first."""
    require(call["alpha"] == 1, f"subtracts {call['alpha']} times a value.", "Values are added or multiplied.")
    return call.add("Sub", [call.value(call["other"]), call.value(call["self"])])


def product_added(call: Call) -> str:
    """addcmul: a value plus the product of two others."""
    made = call.add("Mul", [call.value(call["tensor1"]), call.value(call["tensor2"])])
    if call["value"] != 1:
        made = call.add("Mul", [made, call.value(call["value"])])
    return call.add("Add", [call.value(call["self"]), made])


def concatenated(call: Call) -> str:
    """Values side by side."""
    return call.add("Concat", [call.value(each) for each in call["tensors"]], {"axis": call["dim"]})
