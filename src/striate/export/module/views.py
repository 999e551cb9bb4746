"""ATen's operators that change no value, but at most how it lies, in ONNX's words."""

from __future__ import annotations

from torch import fx

from striate.export.module.call import Call, require

JOINS = {"add.Tensor", "sub.Tensor", "mul.Tensor", "div.Tensor"}
"""Operators that repeat the smaller of two values by themselves."""
SPLIT = ("takes a part of a value.", "Layers read whole values: every branch has all maps.")


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
    require(call.sizes == call.sizes_of(), *SPLIT)
    return call.first


def shuffled(call: Call) -> str:
    """channel_shuffle: the maps of groups interleaved."""
    batch, channels, *rest = call.sizes
    groups = call["groups"]
    apart = call.add("Reshape", [call.first, call.wholes([batch, groups, channels // groups, *rest])])
    turned = call.add("Transpose", [apart], {"perm": (0, 2, 1, *range(3, 3 + len(rest)))})
    return call.add("Reshape", [turned, call.wholes(call.sizes)])
