"""ATen's linear layers, means and maxima of maps in ONNX's words."""

from __future__ import annotations

from torch import fx

from striate.export.module.call import Call, arguments_of
from striate.export.module.tracing import sizes_of


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
    """A mean over some dimensions; a mean of a mean is one over the dimensions of both."""
    source, axes, keep = _averaged(call["self"], call)
    return call.add("ReduceMean", [call.value(source)], {"axes": tuple(axes), "keepdims": int(keep)})


def _averaged(source: fx.Node, call: Call) -> tuple[fx.Node, list[int], bool]:
    """The value that a mean is of, over which of its dimensions, and whether these stay, with one value each."""
    rank, keep = len(call.sizes_of()), bool(call.arguments.get("keepdim", False))
    axes = [each % rank for each in call.arguments.get("dim") or range(rank)]
    if str(source.target) != "aten.mean.dim" or len(source.users) > 1:
        return source, axes, keep
    before = arguments_of(source)
    if before["keepdim"] != keep:
        return source, axes, keep
    full = len(sizes_of(before["self"]))
    first = {each % full for each in before["dim"] or range(full)}
    left = [each for each in range(full) if keep or each not in first]
    return before["self"], sorted(first | {left[each] for each in axes}), keep


def total(call: Call) -> str:
    """A sum over some dimensions."""
    axes = call.arguments.get("dim") or range(len(call.sizes_of()))
    return call.add("ReduceSum", [call.first], {"axes": tuple(axes), "keepdims": int(call.arguments.get("keepdim", 0))})


def maximum(call: Call) -> str:
    """amax over some dimensions."""
    axes = call["dim"] or range(len(call.sizes_of()))
    return call.add("ReduceMax", [call.first], {"axes": tuple(axes), "keepdims": int(call["keepdim"])})
