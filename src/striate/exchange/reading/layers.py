"""Nodes that are a layer by themselves, and those that only change how a value lies; the table of all operators."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from striate.description.layers import RBF, BatchNorm, LocalResponseNorm, Softmax
from striate.description.shapes import show
from striate.errors import FormatError, SpecError
from striate.exchange.reading import elementwise, windows
from striate.exchange.reading.constants import axes_of, computed, new_sizes, sizes_of, wholes
from striate.exchange.reading.functions import short
from striate.exchange.reading.graph import Array, Branch, Node, Problem
from striate.exchange.reading.pieces import Difference, Function, Product
from striate.exchange.reading.reader import Reader
from striate.exchange.reading.views import (
    View,
    aligned,
    plain_dims,
    repeated,
    reshaped,
    squeezed,
    straight,
    transposed,
    unsqueezed,
)


def batch_norm(reader: Reader, node: Node) -> View:
    """BatchNormalization of every age, at inference."""
    view = reader.view(node)
    if node.whole("training_mode", 0) or not node.whole("spatial", 1):
        raise FormatError("computes statistics, or one for each place.", "It has one mean and variance for each map.")
    values = [reader.weight(node, each, ndim=1) for each in (1, 2, 3, 4)]
    channels = view.shape[0]
    if any(each.shape != values[0].shape for each in values) or view.rank < 2:
        raise FormatError(f"has {show(values[0].shape)} numbers for {channels} maps.", "One for each map.")
    wide = [np.asarray(each).reshape(-1, *[1] * (view.rank - 2)) for each in values]
    laid = [aligned(each, view) for each in wide]
    flat = [np.broadcast_to(each.reshape(-1), (channels,)) for each in laid if each.size in (1, channels)]
    if len(flat) != 4:
        raise FormatError(f"has {show(values[0].shape)} numbers over {show(view.shape)}.", "One for each map.")
    weights: dict[str, Array] = dict(zip(("weight", "bias", "running_mean", "running_var"), flat, strict=True))
    momentum = round(1 - node.number("momentum", 0.9), 7)
    # ONNX's momentum weighs the past; ours weighs the new.
    layer = BatchNorm(epsilon=short(node.number("epsilon", 1e-5)), momentum=momentum if 0 <= momentum <= 1 else 0.1)
    return view.over(reader.add(layer, [view.piece], view.shape, node, weights))


def local_response(reader: Reader, node: Node) -> View:
    """LRN; ONNX divides alpha by the size."""
    maps = reader.maps(reader.view(node), node)
    size = node.whole("size", 5)
    if size < 1:
        raise FormatError(f"normalises over {size} maps.", "It must be 1 or more.")
    layer = LocalResponseNorm(
        size=size,
        alpha=short(short(node.number("alpha", 1e-4)) / size),
        beta=short(node.number("beta", 0.75)),
        k=short(node.number("bias", 1.0)),
    )
    return maps.over(reader.add(layer, [maps.piece], maps.shape, node))


def softmax(reader: Reader, node: Node) -> View:
    """Softmax over the classes."""
    view = reader.view(node)
    axis = node.whole("axis", 1 if reader.opset < 13 else -1) % view.rank
    channels = view.dims[axis] == plain_dims(view.shape)[0] or view.sizes[axis] == view.shape[0] == 1
    rest = all(dim == () for dim in view.dims[1:axis] + view.dims[axis + 1 :])
    if not channels or not (rest or (reader.opset >= 13 and len(view.shape) == 3)):
        raise FormatError(f"is over dimension {axis} of {show(view.sizes[1:])}.", "A softmax is over the classes.")
    return view.over(reader.add(Softmax(), [view.piece], view.shape, node))


def gemm(reader: Reader, node: Node) -> View:
    """Gemm: a linear layer."""
    view, weight, bias = reader.view(node), reader.weight(node, 1, ndim=2), reader.constant(node, 2)
    if node.whole("transA", 0):
        raise FormatError("transposes its input.", "A linear layer reads a vector for each image.")
    weight = weight if node.whole("transB", 0) else weight.T
    alpha, beta = node.number("alpha", 1.0), node.number("beta", 1.0)
    weight = weight if alpha == 1 else weight * np.float32(alpha)
    bias = bias if bias is None or beta == 1 else bias * np.float32(beta)
    return windows.linear_piece(reader, node, view, weight, bias)


def product(reader: Reader, node: Node) -> View:
    """MatMul with constant weights over the last dimension: a linear layer without bias."""
    view, weight = reader.view(node), reader.weight(node, 1, ndim=2)
    if any(view.dims[1:-1]):
        raise FormatError(f"multiplies each row of {show(view.sizes[1:])}.", "A linear layer reads a flat vector.")
    made = windows.linear_piece(reader, node, view, weight.T, None)
    return View(made.piece, made.shape, (made.dims[0], *[()] * (view.rank - 2), made.dims[1]))


def squares(reader: Reader, node: Node) -> View:
    """A sum of squares of differences from centres, in one node or two: RBF units."""
    view = reader.view(node)
    made = reader.pieces.get(view.piece)
    if node.operator == "ReduceSum":
        squared = made is not None and (made.what == Function("power", (2.0,)) or made.what == Product())
        alike = made is not None and len(set(made.sources)) == 1
        made = reader.pieces.get(made.sources[0]) if made is not None and squared and alike else None
    axes = axes_of(node, [None, reader.constant(node, 1)], reader.opset)
    last = [each % view.rank for each in axes] == [2] and not node.whole("keepdims", 1)
    if made is None or not isinstance(made.what, Difference) or not last:
        raise FormatError("adds up values.", "RBF units add up the squares of the difference from their centres.")
    layer = RBF(tuple(tuple(float(each) for each in row) for row in made.what.centres))
    shape = (len(layer.centres),)
    weights = {"centres": made.what.centres}
    return straight(reader.add(layer, made.sources, shape, node, weights), shape, reader.batch)


def reshape(reader: Reader, node: Node) -> View:
    """Reshape."""
    view = reader.view(node)
    given = reader.constant(node, 1) if len(node.inputs) > 1 else None
    sizes = new_sizes(view.sizes, node, given)
    return reshaped(reader.whole(view, node) if len(sizes) < view.rank == 4 else view, sizes)


def flatten(reader: Reader, node: Node) -> View:
    """Flatten behind the batch."""
    view = reader.whole(reader.view(node), node)
    axis = node.whole("axis", 1)
    if axis % max(1, view.rank) != 1 and not (axis == view.rank == 2):
        raise FormatError(f"flattens from dimension {axis}.", "All but the batch are flattened.")
    size = 1
    for each in view.sizes[1:]:
        size *= each
    return reshaped(view, [view.sizes[0], size])


def transpose(reader: Reader, node: Node) -> View:
    """Transpose."""
    view = reader.view(node)
    return transposed(view, node.wholes("perm") or tuple(reversed(range(view.rank))))


def squeeze(reader: Reader, node: Node) -> View:
    """Squeeze."""
    return squeezed(reader.view(node), axes_of(node, [None, reader.constant(node, 1)], reader.opset))


def unsqueeze(reader: Reader, node: Node) -> View:
    """Unsqueeze."""
    return unsqueezed(reader.view(node), axes_of(node, [None, reader.constant(node, 1)], reader.opset))


def shape(reader: Reader, node: Node) -> Array:
    """Shape: the sizes, with a stand-in for that of the batch."""
    return sizes_of(node, reader.view(node).sizes)


def same(reader: Reader, node: Node) -> View:
    """Nodes that pass their input on."""
    return reader.view(node)


def dropout(reader: Reader, node: Node) -> View:
    """Dropout, which does nothing after training."""
    if reader.single(node, 2):
        raise FormatError("drops values.", "The file must be exported for inference.")
    return reader.view(node)


def cast(reader: Reader, node: Node) -> View:
    """Cast to a float."""
    if node.whole("to", 1) not in (1, 10, 11, 16):
        raise FormatError("makes whole numbers of values.", "Values between layers are floats.")
    return reader.view(node)


def expanded(reader: Reader, node: Node) -> View:
    """Expand: dimensions of one value become larger."""
    view, wanted = reader.view(node), reader.constant(node, 1)
    sizes = [] if wanted is None else wholes(wanted)
    view = unsqueezed(view, range(max(0, len(sizes) - view.rank)))
    sizes = [1] * (view.rank - len(sizes)) + sizes
    times = [new if old == 1 else max(1, new // old) for old, new in zip(view.sizes, sizes, strict=True)]
    return repeated(view, times)


def tiled(reader: Reader, node: Node) -> View:
    """Tile: dimensions of one value are repeated."""
    view, times = reader.view(node), reader.constant(node, 1)
    return repeated(view, [] if times is None else wholes(times))


OPERATORS: dict[str, Callable[[Reader, Node], View | Array]] = {
    "Add": elementwise.arithmetic,
    "AveragePool": windows.pooling,
    "BatchNormalization": batch_norm,
    "Cast": cast,
    "Clip": elementwise.clip,
    "Concat": elementwise.concatenation,
    "Conv": windows.convolution,
    "Div": elementwise.arithmetic,
    "Dropout": dropout,
    "Elu": elementwise.function("elu", alpha=1.0),
    "Erf": elementwise.function("erf"),
    "Exp": elementwise.function("exp"),
    "Expand": expanded,
    "Flatten": flatten,
    "Gelu": elementwise.gelu,
    "Gemm": gemm,
    "GlobalAveragePool": windows.global_pooling,
    "GlobalMaxPool": windows.global_pooling,
    "HardSigmoid": elementwise.function("hard_sigmoid", alpha=0.2, beta=0.5),
    "HardSwish": elementwise.hard_swish,
    "Identity": same,
    "LRN": local_response,
    "LeakyRelu": elementwise.function("leaky_relu", alpha=0.01),
    "MatMul": product,
    "Max": elementwise.limit,
    "MaxPool": windows.pooling,
    "Min": elementwise.limit,
    "Mul": elementwise.arithmetic,
    "Neg": elementwise.negated,
    "PRelu": elementwise.sloped,
    "Pad": windows.padding,
    "Pow": elementwise.power,
    "Reciprocal": elementwise.root,
    "ReduceMax": windows.whole_maps,
    "ReduceMean": windows.whole_maps,
    "ReduceSum": squares,
    "ReduceSumSquare": squares,
    "Relu": elementwise.relu,
    "Reshape": reshape,
    "Resize": windows.upsampling,
    "Shape": shape,
    "Sigmoid": elementwise.function("sigmoid"),
    "Softmax": softmax,
    "Softplus": elementwise.function("softplus"),
    "Sqrt": elementwise.root,
    "Squeeze": squeeze,
    "Sub": elementwise.arithmetic,
    "Sum": elementwise.arithmetic,
    "Swish": elementwise.swish,
    "Tile": tiled,
    "Tanh": elementwise.function("tanh"),
    "Transpose": transpose,
    "Unsqueeze": unsqueeze,
    "Upsample": windows.upsampling,
}
"""What a node's operator is read as."""
VIEWS = {"Cast", "Dropout", "Expand", "Flatten", "Identity", "Reshape", "Shape", "Squeeze", "Transpose"}
VIEWS |= {"Tile", "Unsqueeze"}
"""Those that change no value, but at most how it lies."""


def read_nodes(reader: Reader, nodes: tuple[Node, ...]) -> None:
    """Read the nodes in their order; what cannot be read is added to the reader's problems."""
    for node in nodes:
        if node.outputs[0] in reader.values and node.operator == "Constant":
            continue
        given = [reader.values.get(name) for name in node.inputs if name]
        if any(each is None for each in given):  # a problem before it, or a value that no node gives
            if node.refused is not None:
                reader.problems.append(Problem(node, *node.refused))
            reader.values.update(dict.fromkeys(node.outputs, None))
            continue
        try:
            reader.values[node.outputs[0]] = _value(reader, node)
        except SpecError as error:
            reader.problems.append(Problem(node, error.what, error.expected))
            reader.values.update(dict.fromkeys(node.outputs, None))
        except (ArithmeticError, LookupError, TypeError, ValueError) as problem:
            shown = " ".join(str(problem).split())[:120]
            found = f"cannot be read: {shown}."
            reader.problems.append(Problem(node, found, "Its inputs and attributes must fit each other."))
            reader.values.update(dict.fromkeys(node.outputs, None))


def _branch(reader: Reader, node: Node) -> View | Array | None:
    """The value of an If whose condition the file knows: of the branch that is taken."""
    condition = reader.constant(node, 0)
    taken = node.attributes.get("else_branch" if condition is None or not condition.any() else "then_branch")
    if condition is None or not isinstance(taken, Branch) or len(taken.outputs) != 1:
        raise FormatError("chooses what runs.", "A network runs the same layers for every image.")
    reader.values.update(taken.constants)
    read_nodes(reader, taken.nodes)
    return reader.values.get(taken.outputs[0])


def _value(reader: Reader, node: Node) -> View | Array | None:
    if node.refused is not None:
        raise FormatError(*node.refused)
    if node.operator == "If":
        return _branch(reader, node)
    if node.operator == "CastLike":
        return reader.values.get(node.input(0))
    if not any(isinstance(reader.values[name], View) for name in node.inputs if name):
        given = [reader.constant(node, each) for each in range(len(node.inputs))]
        made = computed(node, given, reader.opset)
        reader.hold(made, given)
        return made
    read = OPERATORS.get(node.operator)
    if read is None:
        raise FormatError("is no operator that layers are made of.", "See docs/import.md for those that are read.")
    if node.operator not in VIEWS:
        for name in node.inputs:
            given = reader.values.get(name)
            if isinstance(given, View):
                reader.values[name] = reader.settled(given, node)
    made = read(reader, node)
    before = reader.values.get(node.input(0))
    if isinstance(made, View) and isinstance(before, View) and made.piece == before.piece and made != before:
        return replace(made, by=node)
    return made
