"""The table of ATen's operators: how each is written, and those that no description has."""

from __future__ import annotations

from striate.export.module import elementwise, sums, views
from striate.export.module.call import Translation
from striate.export.module.windows import WINDOWS


def named(*names: str, by: Translation) -> dict[str, Translation]:
    """The operators of these names, written alike."""
    return dict.fromkeys(names, by)


OPERATORS: dict[str, Translation] = {
    **WINDOWS,
    **named("_native_batch_norm_legit", "_native_batch_norm_legit_no_training", by=elementwise.batch_norm),
    **named("batch_norm", "native_batch_norm", by=elementwise.batch_norm),
    **named("alias", "contiguous", "detach", "lift_fresh_copy", by=views.same),
    **named("_to_copy", "clone", "to", "type_as", by=views.converted),
    **named("alpha_dropout", "dropout", "feature_alpha_dropout", "feature_dropout", "native_dropout", by=views.dropout),
    **named("_unsafe_view", "flatten", "reshape", "reshape_as", "unflatten", "view", "view_as", by=views.reshaped),
    **named("clamp", "clamp_max", "clamp_min", "hardtanh", by=elementwise.limited),
    **named("swapaxes", "t", "transpose", by=views.swapped),
    **named("expand", "expand_as", by=views.expanded),
    **named("channel_shuffle", "native_channel_shuffle", by=views.shuffled),
    **named("matmul", "mm", by=sums.product),
    **named("_softmax", "softmax", by=elementwise.softmax),
    "add": elementwise.binary("Add"),
    "addcmul": elementwise.product_added,
    "addmm": sums.added_product,
    "amax": sums.maximum,
    "cat": elementwise.concatenated,
    "div": elementwise.binary("Div"),
    "elu": elementwise.elu,
    "erf": elementwise.named("Erf"),
    "exp": elementwise.named("Exp"),
    "gelu": elementwise.gelu,
    "hardsigmoid": elementwise.hard_sigmoid,
    "hardswish": elementwise.named("HardSwish"),
    "leaky_relu": elementwise.leaky_relu,
    "linear": sums.linear,
    "mean": sums.mean,
    "mul": elementwise.binary("Mul"),
    "neg": elementwise.named("Neg"),
    "permute": views.permuted,
    "pow": elementwise.power,
    "prelu": lambda call: call.add("PRelu", [call.first, call.value(call["weight"])]),
    "reciprocal": elementwise.named("Reciprocal"),
    "relu": elementwise.named("Relu"),
    "relu6": elementwise.relu6,
    "rsqrt": elementwise.reciprocal_root,
    "rsub": elementwise.reversed_difference,
    "sigmoid": elementwise.named("Sigmoid"),
    "silu": elementwise.named("Swish"),
    "slice": views.part,
    "softplus": elementwise.softplus,
    "sqrt": elementwise.named("Sqrt"),
    "square": elementwise.square,
    "squeeze": views.squeezed,
    "sub": elementwise.binary("Sub"),
    "sum": sums.total,
    "tanh": elementwise.named("Tanh"),
    "unsqueeze": views.unsqueezed,
}
"""ATen's operators by name, whatever their overload."""

_LOGARITHM = ("gives logarithms of probabilities.", "A network ends in logits or in a softmax.")
_BETWEEN = ("computes values between others.", "Upsampling repeats each value: nearest.")
_TRANSPOSED = ("is a transposed convolution.", "Upsampling repeats values, and a convolution follows.")

REFUSED: dict[str, tuple[str, str]] = {
    **dict.fromkeys(("chunk", "index_select", "narrow", "select", "split", "split_with_sizes", "unbind"), views.SPLIT),
    **dict.fromkeys(("_upsample_bilinear2d_aa", "upsample_bicubic2d", "upsample_bilinear2d"), _BETWEEN),
    **dict.fromkeys(("_log_softmax", "log_softmax"), _LOGARITHM),
    "conv_transpose2d": _TRANSPOSED,
}
"""Operators that no description has: what they do, and what a description has instead."""
