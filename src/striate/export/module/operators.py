"""ATen's operators on each value, joins, linear layers and views in ONNX's words; the table of all operators."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from torch import fx

from striate.export.module.call import Call, Translation, require
from striate.export.module.windows import WINDOWS

JOINS = {"add.Tensor", "sub.Tensor", "mul.Tensor", "div.Tensor"}
"""Operators that repeat the smaller of two values by themselves."""


def named(operator: str) -> Translation:
    """One value in, one out, no further arguments."""
    return lambda call: call.add(operator, [call.first])


def same(call: Call) -> str:
    """An operator that changes no value."""
    return call.first


def converted(call: Call) -> str:
    """A copy, or another type of number."""
    kind = call.node.meta["val"].dtype
    require(kind.is_floating_point, "makes whole numbers of values.", "Values between layers are floats.")
    require(kind.itemsize >= 4, f"makes values of {kind}.", "Values between layers are float32.")
    return call.first


def dropout(call: Call) -> str:
    """Dropout of every kind, which does nothing after training."""
    require(not call["train"] or call["p"] == 0, "drops values.", "In evaluation mode it must pass everything.")
    return call.first


def batch_norm(call: Call) -> str:
    """Batch normalisation in its several forms, by running statistics."""
    known = call["running_mean"] is not None and call["running_var"] is not None
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


def linear(call: Call) -> str:
    """A linear layer."""
    given = [call.first, call.value(call["weight"])]
    bias = [] if call["bias"] is None else [call.value(call["bias"])]
    return call.add("Gemm", [*given, *bias], {"transB": 1})


def added_product(call: Call) -> str:
    """addmm: a bias and a product by a matrix."""
    given = [call.value(call[each]) for each in ("mat1", "mat2", "self")]
    return call.add("Gemm", given, {"alpha": call["alpha"], "beta": call["beta"]})


def product(call: Call) -> str:
    """mm and matmul."""
    return call.add("MatMul", [call.value(each) for each in call.arguments.values()])


def mean(call: Call) -> str:
    """A mean over some dimensions."""
    axes = call.arguments.get("dim") or range(len(call.sizes_of()))
    return call.add("ReduceMean", [call.first], {"axes": tuple(axes), "keepdims": int(call.arguments.get("keepdim", 0))})


def total(call: Call) -> str:
    """A sum over some dimensions."""
    axes = call.arguments.get("dim") or range(len(call.sizes_of()))
    return call.add("ReduceSum", [call.first], {"axes": tuple(axes), "keepdims": int(call.arguments.get("keepdim", 0))})


def maximum_of_maps(call: Call) -> str:
    """amax over height and width."""
    rank = len(call.sizes_of())
    axes = sorted(each % rank for each in call["dim"])
    require(axes == [2, 3] and rank == 4, f"takes a maximum along dimensions {axes}.", "Maxima are of windows.")
    made = call.add("GlobalMaxPool", [call.first])
    return made if call["keepdim"] else call.add("Squeeze", [made], {"axes": (2, 3)})


def reshaped(call: Call) -> str:
    """view, reshape, flatten and unflatten: the same values in other sizes."""
    return call.first if call.sizes == call.sizes_of() else call.add("Reshape", [call.first, call.wholes(call.sizes)])


def permuted(call: Call) -> str:
    """Dimensions in another order."""
    rank = len(call.sizes)
    return call.add("Transpose", [call.first], {"perm": tuple(each % rank for each in call["dims"])})


def swapped(call: Call) -> str:
    """Two dimensions swapped; of t, both."""
    order = list(range(len(call.sizes)))
    first, second = call.arguments.get("dim0", 0), call.arguments.get("dim1", -1)
    order[first], order[second] = order[second], order[first]
    return call.add("Transpose", [call.first], {"perm": tuple(order)})


def squeezed(call: Call) -> str:
    """Without some dimensions of one value."""
    sizes = call.sizes_of()
    given = call.arguments.get("dim", range(len(sizes)))
    axes = [each % len(sizes) for each in ([given] if isinstance(given, int) else given)]
    gone = [each for each in axes if sizes[each] == 1]
    return call.add("Squeeze", [call.first], {"axes": tuple(gone)}) if gone else call.first


def unsqueezed(call: Call) -> str:
    """With one more dimension of one value."""
    return call.add("Unsqueeze", [call.first], {"axes": (call["dim"] % len(call.sizes),)})


def expanded(call: Call) -> str:
    """Repeated along dimensions of one value; before a sum or product with a value of those sizes it may stay small."""
    if call.sizes == call.sizes_of() or all(_repeats(user, call.sizes) for user in call.node.users):
        return call.first
    return call.add("Expand", [call.first, call.wholes(call.sizes)])


def _repeats(user: fx.Node, sizes: tuple[int, ...]) -> bool:
    others = [each.meta["val"].shape for each in user.all_input_nodes]
    name = str(user.target).removeprefix("aten.")
    return name in JOINS and len(others) == 2 and all(tuple(each) == sizes for each in others)


def part(call: Call) -> str:
    """A slice that leaves nothing out."""
    require(call.sizes == call.sizes_of(), *_SPLIT)
    return call.first


def shuffled(call: Call) -> str:
    """channel_shuffle: the maps of groups interleaved."""
    batch, channels, *rest = call.sizes
    groups = call["groups"]
    apart = call.add("Reshape", [call.first, call.wholes([batch, groups, channels // groups, *rest])])
    turned = call.add("Transpose", [apart], {"perm": (0, 2, 1, *range(3, 3 + len(rest)))})
    return call.add("Reshape", [turned, call.wholes(call.sizes)])


def refused(found: str, expected: str) -> Translation:
    """An operator that no description has, with the reason in words."""

    def write(call: Call) -> str:
        require(False, found, expected)
        return ""

    return write


_SPLIT = ("takes a part of a value.", "Layers read whole values: every branch has all maps.")
_RUNNING = "In evaluation mode it has running statistics, and normalises by them."
_BETWEEN = refused("computes values between others.", "Upsampling repeats each value: nearest.")
_LOGARITHM = refused("gives logarithms of probabilities.", "A network ends in logits or in a softmax.")
_ROOMS: dict[str, Sequence[str]] = {
    "split": ("split", "split_with_sizes", "chunk", "unbind", "select", "narrow", "tensor_split", "index_select"),
    "between": ("upsample_bilinear2d", "upsample_bicubic2d", "_upsample_bilinear2d_aa", "upsample_linear1d"),
}

OPERATORS: dict[str, Translation] = {
    **WINDOWS,
    **dict.fromkeys(_ROOMS["split"], refused(*_SPLIT)),
    **dict.fromkeys(_ROOMS["between"], _BETWEEN),
    **dict.fromkeys(("alias", "contiguous", "detach", "lift_fresh_copy"), same),
    **dict.fromkeys(("clone", "to", "_to_copy", "type_as"), converted),
    **dict.fromkeys(("dropout", "feature_dropout", "alpha_dropout", "feature_alpha_dropout", "native_dropout"), dropout),
    **dict.fromkeys(("view", "_unsafe_view", "reshape", "flatten", "unflatten", "view_as", "reshape_as"), reshaped),
    **dict.fromkeys(("hardtanh", "clamp", "clamp_min", "clamp_max"), limited),
    **dict.fromkeys(("transpose", "t", "swapaxes"), swapped),
    **dict.fromkeys(("mm", "matmul"), product),
    **dict.fromkeys(("softmax", "_softmax"), softmax),
    **dict.fromkeys(("log_softmax", "_log_softmax"), _LOGARITHM),
    **dict.fromkeys(("conv_transpose2d",), WINDOWS["convolution"]),
    **dict.fromkeys(("batch_norm", "_native_batch_norm_legit", "_native_batch_norm_legit_no_training"), batch_norm),
    "native_batch_norm": batch_norm,
    "add": binary("Add"),
    "addcmul": product_added,
    "addmm": added_product,
    "amax": maximum_of_maps,
    "cat": concatenated,
    "channel_shuffle": shuffled,
    "div": binary("Div"),
    "elu": elu,
    "erf": named("Erf"),
    "exp": named("Exp"),
    "expand": expanded,
    "expand_as": expanded,
    "gelu": gelu,
    "hardsigmoid": hard_sigmoid,
    "hardswish": named("HardSwish"),
    "leaky_relu": leaky_relu,
    "linear": linear,
    "mean": mean,
    "mul": binary("Mul"),
    "native_channel_shuffle": shuffled,
    "neg": named("Neg"),
    "permute": permuted,
    "pow": power,
    "prelu": lambda call: call.add("PRelu", [call.first, call.value(call["weight"])]),
    "reciprocal": named("Reciprocal"),
    "relu": named("Relu"),
    "relu6": relu6,
    "rsqrt": reciprocal_root,
    "rsub": reversed_difference,
    "sigmoid": named("Sigmoid"),
    "silu": named("Swish"),
    "slice": part,
    "softplus": softplus,
    "sqrt": named("Sqrt"),
    "square": square,
    "squeeze": squeezed,
    "sub": binary("Sub"),
    "sum": total,
    "tanh": named("Tanh"),
    "unsqueeze": unsqueezed,
}
"""ATen's operators by name, whatever their overload."""
