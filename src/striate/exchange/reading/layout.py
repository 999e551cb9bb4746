"""Nodes that change no value, but at most how it lies."""

from __future__ import annotations

import numpy as np

from striate.errors import FormatError
from striate.exchange.reading.constants import axes_of, new_sizes, sizes_of, wholes
from striate.exchange.reading.graph import Array, Node
from striate.exchange.reading.reader import Reader
from striate.exchange.reading.views import (
    View,
    repeated,
    reshaped,
    squeezed,
    transposed,
    unsqueezed,
)


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
    if (axis if axis >= 0 else axis + view.rank) != 1:
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


def cast_like(reader: Reader, node: Node) -> View | Array:
    """CastLike of a value or a constant, to the type of another."""
    value, like = (reader.values.get(node.input(each)) for each in (0, 1))
    if isinstance(like, np.ndarray) and like.dtype.kind != "f":
        raise FormatError("makes whole numbers of values.", "Values between layers are floats.")
    return value.astype(np.float32) if isinstance(value, np.ndarray) else reader.view(node)


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
