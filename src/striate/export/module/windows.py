"""ATen's convolutions, poolings, paddings and resizings in ONNX's words."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import torch

from striate.errors import FormatError
from striate.export.module.call import Call, Translation, arguments_of, pair, require
from striate.export.module.tracing import sizes_of

ATEN = torch.ops.aten


def convolution(call: Call) -> str:
    """conv2d, with padding as numbers or as a text, and convolution."""
    transposed = bool(call.arguments.get("transposed"))
    require(not transposed, "is a transposed convolution.", "Upsampling repeats values, and a convolution follows.")
    sizes = call.sizes_of("weight")
    require(len(sizes) == 4, f"moves along {len(sizes) - 2} axes.", "Windows move along height and width.")
    dilation = pair(call["dilation"])
    top, left, bottom, right = _padding(call["padding"], (sizes[2], sizes[3]), dilation)
    attributes = {
        "strides": pair(call["stride"]),
        "pads": (top, left, bottom, right),
        "dilations": dilation,
        "group": call["groups"],
    }
    return call.add("Conv", [call.first, call.value(call["weight"]), call.value(call["bias"])], attributes)


def _padding(given: object, kernel: tuple[int, int], dilation: tuple[int, int]) -> tuple[int, int, int, int]:
    """(top, left, bottom, right); of "same" the odd pixel is after, as PyTorch has it at a stride of 1."""
    if given == "valid":
        return 0, 0, 0, 0
    if given == "same":
        rows, columns = (d * (k - 1) for d, k in zip(dilation, kernel, strict=True))
        return rows // 2, columns // 2, rows - rows // 2, columns - columns // 2
    high, wide = pair(given)  # pyright: ignore[reportArgumentType] - the schema has numbers or these two words
    return high, wide, high, wide


def max_pooling(call: Call) -> str:
    """max_pool2d, with or without the places of the maxima."""
    attributes = _window(call) | {"dilations": pair(call["dilation"]), "ceil_mode": int(call["ceil_mode"])}
    return call.add("MaxPool", [call.first], attributes)


def average_pooling(call: Call) -> str:
    """avg_pool2d; a divisor of its own becomes a factor behind it."""
    divisor = call["divisor_override"]
    counted = int(call["count_include_pad"]) if divisor is None else 1
    attributes = _window(call) | {"ceil_mode": int(call["ceil_mode"]), "count_include_pad": counted}
    made = call.add("AveragePool", [call.first], attributes)
    if divisor is None:
        return made
    require(not call["ceil_mode"], f"divides by {divisor} where windows hang over.", "A mean divides by the values.")
    return call.add("Mul", [made, call.constant(np.asarray(math.prod(pair(call["kernel_size"])) / divisor))])


def _window(call: Call) -> dict[str, object]:
    kernel = pair(call["kernel_size"])
    high, wide = pair(call["padding"])
    return {
        "kernel_shape": kernel,
        "strides": pair(call["stride"] or kernel),
        "pads": (high, wide, high, wide),
    }


def channel_mean(call: Call) -> str:
    """avg_pool3d over adjacent maps, as PyTorch writes its local response normalisation."""
    kernel = tuple(call["kernel_size"])
    plain = not any(call["padding"]) and not call["ceil_mode"] and call["divisor_override"] is None
    require(plain and len(kernel) == 3, "moves along three axes.", "Windows move along height and width.")
    return call.add("AveragePool", [call.first], {"kernel_shape": kernel, "strides": tuple(call["stride"] or kernel)})


def adaptive_average(call: Call) -> str:
    """adaptive_avg_pool2d, where all its windows are of one size."""
    return _adaptive(call, "GlobalAveragePool", "AveragePool")


def adaptive_max(call: Call) -> str:
    """adaptive_max_pool2d, where all its windows are of one size."""
    return _adaptive(call, "GlobalMaxPool", "MaxPool")


def _adaptive(call: Call, whole: str, windows: str) -> str:
    sizes, wanted = call.sizes_of()[-2:], call.sizes[-2:]
    require(len(call.sizes) == 4, "reads no batch of images.", "Maps are (batch, channels, height, width).")
    if wanted == (1, 1):
        return call.add(whole, [call.first])
    if wanted == sizes:
        return call.first
    if all(large % small == 0 for small, large in zip(sizes, wanted, strict=True)):  # windows of one value
        factors = [1.0, 1.0, *(large / small for small, large in zip(sizes, wanted, strict=True))]
        return call.add("Upsample", [call.first], {"scales": factors})
    moves = [_uniform(size, count) for size, count in zip(sizes, wanted, strict=True)]
    kernel, strides = tuple(each[0] for each in moves), tuple(each[1] for each in moves)
    return call.add(windows, [call.first], {"kernel_shape": kernel, "strides": strides})


def _uniform(size: int, count: int) -> tuple[int, int]:
    """(kernel, stride) of an adaptive pooling along one axis. Raises FormatError where windows differ."""
    starts = [each * size // count for each in range(count)]
    kernels = {-(-(each + 1) * size // count) - starts[each] for each in range(count)}
    strides = {after - before for before, after in pairwise(starts)} or {size}
    if len(kernels) > 1 or len(strides) > 1 or 0 in strides:
        raise FormatError(f"makes {count} of {size} values by windows that differ.", "All windows have one size.")
    return kernels.pop(), strides.pop()


def padding(call: Call) -> str:
    """pad and constant_pad_nd."""
    mode = call.arguments.get("mode", "constant")
    if mode != "constant":
        return call.add("Pad", [call.first], {"mode": mode})
    rank, given = len(call.sizes), list(call["pad"])
    before, after = [0] * rank, [0] * rank
    for place in range(len(given) // 2):  # the last axis first
        before[rank - 1 - place], after[rank - 1 - place] = given[2 * place], given[2 * place + 1]
    cropped = [min(0, each) for each in after]
    if any(cropped) and rank == 4 and not any(cropped[:2]) and _unread(call, cropped[2:]):
        after = [max(0, each) for each in after]
    value = call["value"] or 0.0
    return call.add("Pad", [call.first, call.wholes([*before, *after]), call.constant(np.asarray(value, np.float64))])


def _unread(call: Call, cropped: list[int]) -> bool:
    """Whether no window of what reads the maps would reach the last rows and columns, which are cut off."""
    return bool(call.node.users) and all(_leaves(user, call.sizes[2:], cropped) for user in call.node.users)


def _leaves(user: torch.fx.Node, sizes: tuple[int, ...], cropped: list[int]) -> bool:
    """Whether the windows of a pooling or convolution are as many with the rows and columns that are cut off."""
    if user.target not in (ATEN.max_pool2d.default, ATEN.avg_pool2d.default, ATEN.conv2d.default):
        return False
    given = arguments_of(user)
    kernel = pair(given["kernel_size"]) if "kernel_size" in given else sizes_of(given["weight"])[2:]
    dilation = pair(given.get("dilation", 1))
    if any(pair(given["padding"])) or given.get("ceil_mode"):
        return False
    extents = [each * (size - 1) + 1 for each, size in zip(dilation, kernel, strict=True)]
    axes = zip(sizes, cropped, extents, pair(given["stride"] or kernel), strict=True)
    return all((size - extent) // stride == (size - cut - extent) // stride for size, cut, extent, stride in axes)


def reflected(call: Call) -> str:
    """reflection_pad2d and its like, which no description has."""
    kind = call.node.name.split("_")[0]
    return call.add("Pad", [call.first], {"mode": {"reflection": "reflect", "replication": "edge"}.get(kind, kind)})


def repeated(call: Call) -> str:
    """upsample_nearest2d, by either of PyTorch's rules, where it repeats each value as often."""
    rows, columns = call.sizes_of()[2:]
    factors = [large / small for small, large in zip((rows, columns), call.sizes[2:], strict=True)]
    if all(each == int(each) for each in factors):
        places = torch.arange(rows * columns, dtype=torch.float64).reshape(1, 1, rows, columns)
        others = call.node.args[1:]
        with torch.no_grad():
            found = call.node.target(places, *others, **call.node.kwargs)  # pyright: ignore[reportCallIssue]
        wanted = places.repeat_interleave(int(factors[0]), 2).repeat_interleave(int(factors[1]), 3)
        if torch.equal(found, wanted):
            return call.add("Upsample", [call.first], {"scales": [1.0, 1.0, *factors]})
    shown = " × ".join(f"{each:g}" for each in factors)
    raise FormatError(f"resizes by {shown}, some values more often.", "Each value is repeated as often.")


WINDOWS: dict[str, Translation] = {
    "_upsample_nearest_exact2d": repeated,
    "adaptive_avg_pool2d": adaptive_average,
    "_adaptive_avg_pool2d": adaptive_average,
    "adaptive_max_pool2d": adaptive_max,
    "avg_pool2d": average_pooling,
    "avg_pool3d": channel_mean,
    "constant_pad_nd": padding,
    "conv2d": convolution,
    "convolution": convolution,
    "max_pool2d": max_pooling,
    "max_pool2d_with_indices": max_pooling,
    "pad": padding,
    "reflection_pad2d": reflected,
    "replication_pad2d": reflected,
    "upsample_nearest2d": repeated,
}
"""Operators that move a window over maps, pad or resize them."""
