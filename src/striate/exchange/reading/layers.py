"""Nodes that are a layer by themselves."""

from __future__ import annotations

import numpy as np

from striate.description.layers import RBF, BatchNorm, LocalResponseNorm, Softmax
from striate.description.shapes import show
from striate.errors import FormatError
from striate.exchange.reading import windows
from striate.exchange.reading.constants import axes_of
from striate.exchange.reading.functions import short
from striate.exchange.reading.graph import Array, Node
from striate.exchange.reading.pieces import Difference, Function, Product, each_map
from striate.exchange.reading.reader import Reader
from striate.exchange.reading.views import (
    View,
    aligned,
    plain_dims,
    straight,
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
    flat = [found for each in laid if (found := each_map(each, channels)) is not None]
    if len(flat) != 4:
        raise FormatError(f"has {show(values[0].shape)} numbers over {show(view.shape)}.", "One for each map.")
    weights: dict[str, Array] = dict(zip(("weight", "bias", "running_mean", "running_var"), flat, strict=True))
    momentum = round(1 - node.number("momentum", 0.9), 7)  # ONNX's momentum weighs the past; ours weighs the new
    if not 0 <= momentum <= 1 or (momentum == 0 and reader.graph.producer != "striate"):
        momentum = 0.1  # so PyTorch writes a mean over all batches (momentum=None)
    layer = BatchNorm(epsilon=short(node.number("epsilon", 1e-5)), momentum=momentum)
    return view.over(reader.add(layer, [view.piece], view.shape, node, weights))


def local_response(reader: Reader, node: Node) -> View:
    """LRN; ONNX divides alpha by the size."""
    maps = reader.maps(reader.view(node), node)
    size = node.whole("size", 5)
    if size < 1 or size % 2 == 0:  # of an even size ONNX has the one map more behind, a description before
        raise FormatError(f"normalises over {size} maps.", "The number must be odd.")
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
