"""Operators on values that the file itself knows: sizes, and arithmetic of sizes and weights."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, cast

import numpy as np

from striate.errors import FormatError
from striate.exchange.reading.graph import Array, Node

MOST_VALUES = 2**27
"""The most values that an operator may make; no weight of a classic network has more."""
MOST_REPEATED = 2**29
"""The most places of one repeated value, which take no memory, but the time of what reads them."""
_DTYPES = {
    1: np.float32,
    2: np.uint8,
    3: np.int8,
    6: np.int32,
    7: np.int64,
    9: np.bool_,
    10: np.float32,
    11: np.float64,
}
"""ONNX's numbers of types; half precision is read as float32."""


def computed(node: Node, given: list[Array | None], opset: int) -> Array:
    """The value of a node whose inputs are all known. Raises FormatError where it is none of these operators."""
    compute = OPERATORS.get(node.operator)
    if compute is None:
        raise FormatError("works on constants.", "Of constants, sizes and their arithmetic are computed.")
    try:
        return np.asarray(compute(node, given, opset))
    except FormatError:
        raise
    except (ValueError, IndexError, KeyError, TypeError, OverflowError, ZeroDivisionError) as problem:
        raise FormatError(f"cannot be computed: {str(problem)[:120]}.", "Its constants must fit each other.") from None


def wholes(values: Array) -> list[int]:
    """Sizes, axes or paddings. Raises FormatError where they are no whole numbers."""
    if values.dtype.kind not in "iu":
        raise FormatError(f"reads sizes of type {values.dtype}.", "Sizes and axes are whole numbers.")
    return [int(each) for each in values.reshape(-1)]


def axes_of(node: Node, given: list[Array | None], opset: int, *, at: int = 1, since: int = 13) -> list[int]:
    """The axes of a node: an input since some opset, an attribute before; [] where none are given."""
    held = given[at] if len(given) > at else None
    if held is not None:
        return wholes(held)
    return list(node.wholes("axes"))


def _arithmetic(function: Callable[..., Any]) -> Callable[[Node, list[Array | None], int], Any]:
    def compute(node: Node, given: list[Array | None], opset: int) -> Any:
        values = [_need(given, each) for each in range(len(given))]
        _require_few(np.broadcast_shapes(*(each.shape for each in values)))
        with np.errstate(all="ignore"):
            made = values[0] if len(values) > 1 else function(values[0])
            for each in values[1:]:
                made = function(made, each)
        return made

    return compute


def _division(left: Array, right: Array) -> Array:
    if np.issubdtype(left.dtype, np.integer):
        return cast(Array, np.trunc(left / right).astype(left.dtype))
    return left / right


def _modulo(node: Node, given: list[Array | None], opset: int) -> Any:
    return _arithmetic(np.fmod if node.whole("fmod", 0) else np.mod)(node, given, opset)


def _slice(node: Node, given: list[Array | None], opset: int) -> Array:
    data = _need(given, 0)
    if len(given) > 1:
        starts, ends = (wholes(_need(given, each)) for each in (1, 2))
    else:
        starts, ends = list(node.wholes("starts")), list(node.wholes("ends"))
    axes = axes_of(node, given, opset, at=3) or list(range(len(starts)))
    held = given[4] if len(given) > 4 else None
    steps = [1] * len(starts) if held is None else wholes(held)
    where: list[slice] = [slice(None)] * data.ndim
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        where[axis] = slice(start, None if step < 0 and end < -data.shape[axis] else end, step)
    return data[tuple(where)]


def _reduce(function: Callable[..., Any]) -> Callable[[Node, list[Array | None], int], Any]:
    def compute(node: Node, given: list[Array | None], opset: int) -> Any:
        axes = axes_of(node, given, opset)
        if not axes and node.whole("noop_with_empty_axes", 0):
            return _need(given, 0)
        return function(
            _written_out(_need(given, 0)), axis=tuple(axes) or None, keepdims=bool(node.whole("keepdims", 1))
        )

    return compute


def _filled(node: Node, given: list[Array | None], opset: int) -> Array:
    sizes = wholes(_need(given, 0))
    value = np.asarray(node.attributes.get("value", np.zeros(1, np.float32))).reshape(-1)
    _require_few(tuple(sizes), MOST_REPEATED)
    return np.broadcast_to(value[0], sizes)  # takes no memory


def _expand(node: Node, given: list[Array | None], opset: int) -> Array:
    data = _need(given, 0)
    sizes = np.broadcast_shapes(data.shape, tuple(wholes(_need(given, 1))))
    _require_few(sizes, MOST_REPEATED)
    return np.broadcast_to(data, sizes)


def _reshape(node: Node, given: list[Array | None], opset: int) -> Array:
    data = _written_out(_need(given, 0))
    return data.reshape(new_sizes(data.shape, node, _need(given, 1) if len(given) > 1 else None))


def new_sizes(old: tuple[int, ...], node: Node, given: Array | None) -> list[int]:
    """The sizes that a Reshape asks for, 0 (keep) and -1 (the rest) worked out."""
    wanted = list(node.wholes("shape")) if given is None else wholes(given)
    if not node.whole("allowzero", 0):
        wanted = [old[at] if size == 0 and at < len(old) else size for at, size in enumerate(wanted)]
    rest = math.prod(size for size in wanted if size != -1)
    sizes = [math.prod(old) // max(1, rest) if size == -1 else size for size in wanted]
    if min(sizes, default=1) < 1 or math.prod(sizes) != math.prod(old):
        raise FormatError(f"makes {sizes} of {list(old)}.", "Both must have as many values.")
    return sizes


def sizes_of(node: Node, sizes: tuple[int, ...]) -> Array:
    """The sizes that a Shape gives, from `start` to `end`."""
    return np.asarray(sizes, np.int64)[node.whole("start", 0) : node.whole("end", len(sizes))]


def _range(node: Node, given: list[Array | None], opset: int) -> Array:
    start, end, step = (cast(Any, _need(given, each).item()) for each in range(3))
    _require_few((max(0, math.ceil((end - start) / step)),))
    return np.arange(start, end, step).astype(_need(given, 0).dtype)


def _concat(node: Node, given: list[Array | None], opset: int) -> Array:
    values = [_need(given, each) for each in range(len(given))]
    _require_few((sum(each.size for each in values),))
    return np.concatenate([each.reshape(1) if each.ndim == 0 else each for each in values], node.whole("axis", 0))


def _unsqueeze(node: Node, given: list[Array | None], opset: int) -> Array:
    return np.expand_dims(_need(given, 0), tuple(axes_of(node, given, opset)))


def _squeeze(node: Node, given: list[Array | None], opset: int) -> Array:
    return np.squeeze(_need(given, 0), tuple(axes_of(node, given, opset)) or None)


def _transpose(node: Node, given: list[Array | None], opset: int) -> Array:
    return np.transpose(_need(given, 0), node.wholes("perm") or None)


def _cast(node: Node, given: list[Array | None], opset: int) -> Array:
    return _written_out(_need(given, 0)).astype(_DTYPES[node.whole("to", 1)])


def _gather(node: Node, given: list[Array | None], opset: int) -> Array:
    data, where = _need(given, 0), _need(given, 1)
    _require_few((data.size // max(1, data.shape[node.whole("axis", 0)]) * where.size,))
    return np.take(data, where, node.whole("axis", 0))


def _scattered(node: Node, given: list[Array | None], opset: int) -> Array:
    made, where, values = (np.array(_written_out(_need(given, each))) for each in range(3))
    if (reduction := node.text("reduction", "none")) != "none":
        raise FormatError(f"puts values together by {reduction}.", "Values are put in the place of others.")
    if node.operator == "ScatterND":
        made[tuple(np.moveaxis(where, -1, 0))] = values
    else:
        np.put_along_axis(made, where, values, node.whole("axis", 0))
    return made


def _need(given: list[Array | None], number: int) -> Array:
    value = given[number] if number < len(given) else None
    if value is None:
        raise FormatError(f"lacks its input {number}.", "All inputs must be there.")
    return value


def _where(node: Node, given: list[Array | None], opset: int) -> Array:
    values = [_need(given, each) for each in range(3)]
    _require_few(np.broadcast_shapes(*(each.shape for each in values)))
    return np.where(*values)


def _written_out(data: Array) -> Array:
    """A value that is about to be copied. Raises FormatError for a repeated one that would take much memory then."""
    if 0 in data.strides:
        _require_few(data.shape)
    return data


def _require_few(sizes: tuple[int, ...], most: int = MOST_VALUES) -> None:
    if math.prod(sizes) > most:
        raise FormatError(f"makes {math.prod(sizes):,} values.", f"A constant has {most:,} values at most.")


OPERATORS: dict[str, Callable[[Node, list[Array | None], int], Any]] = {
    "Abs": _arithmetic(np.abs),
    "Add": _arithmetic(np.add),
    "Cast": _cast,
    "CastLike": lambda node, given, opset: _written_out(_need(given, 0)).astype(_need(given, 1).dtype),
    "Ceil": _arithmetic(np.ceil),
    "Concat": _concat,
    "ConstantOfShape": _filled,
    "Div": _arithmetic(_division),
    "Equal": _arithmetic(np.equal),
    "Exp": _arithmetic(np.exp),
    "Expand": _expand,
    "Floor": _arithmetic(np.floor),
    "Gather": _gather,
    "Identity": lambda node, given, opset: _need(given, 0),
    "Max": _arithmetic(np.maximum),
    "Min": _arithmetic(np.minimum),
    "Mod": _modulo,
    "Mul": _arithmetic(np.multiply),
    "Neg": _arithmetic(np.negative),
    "Pow": _arithmetic(np.power),
    "Range": _range,
    "Reciprocal": _arithmetic(np.reciprocal),
    "ReduceMax": _reduce(np.max),
    "ReduceProd": _reduce(np.prod),
    "ReduceSum": _reduce(np.sum),
    "Reshape": _reshape,
    "ScatterElements": _scattered,
    "ScatterND": _scattered,
    "Shape": lambda node, given, opset: sizes_of(node, _need(given, 0).shape),
    "Slice": _slice,
    "Sqrt": _arithmetic(np.sqrt),
    "Squeeze": _squeeze,
    "Sub": _arithmetic(np.subtract),
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
    "Where": _where,
}
