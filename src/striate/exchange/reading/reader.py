"""Reads the nodes of a graph one after another: what each value is, and the pieces that make it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from striate.description.layers import Flatten, Shuffle, Simple, Upsample
from striate.description.shapes import Shape, show
from striate.errors import FormatError
from striate.exchange.reading.constants import MOST_VALUES
from striate.exchange.reading.graph import Array, FileGraph, Node, Problem
from striate.exchange.reading.pieces import INPUT, Arithmetic, Joining, Piece
from striate.exchange.reading.views import (
    REPEATED,
    View,
    flat_dims,
    is_batched,
    once,
    order_of,
    plain_dims,
    repeats,
    straight,
)

SOME = 7919
"""The size of a batch where the file leaves it open: a prime, so that it is told from every other size."""


MOST_WEIGHTS = 2**29
"""Weights of a network, those that a node computes included."""
MOST_BYTES = 2**31
"""Memory of constants that nodes compute."""


class Reader:
    """The values of a graph so far: constants, views of pieces, or None where a node could not be read."""

    def __init__(self, graph: FileGraph, sizes: tuple[int, ...], *, channels_last: bool = False) -> None:
        self.graph, self.opset = graph, graph.opset
        self.batch = graph.sizes[0] or SOME
        self.pieces: dict[int, Piece] = {}
        self.problems: list[Problem] = []
        self.shape: Shape = (sizes[2], sizes[0], sizes[1]) if channels_last and len(sizes) == 3 else sizes
        view = straight(INPUT, self.shape, self.batch)
        if channels_last and len(sizes) == 3:
            view = View(INPUT, self.shape, tuple(view.dims[each] for each in (0, 2, 3, 1)))
        self.values: dict[str, Array | View | None] = {**graph.constants, graph.input: view}
        self._flat: dict[int, int] = {}
        self._weights = self._held = 0

    def view(self, node: Node, number: int = 0) -> View:
        """An input of a node that depends on the image."""
        value = self.values.get(node.input(number))
        if value is None:
            raise FormatError(f"lacks its input {number}.", "All inputs must be there.")
        if not isinstance(value, View):
            raise FormatError(f"reads a constant as its input {number}.", "It must read a value of the network.")
        return value

    def constant(self, node: Node, number: int) -> Array | None:
        """An input of a node that the file knows; None where it is left out."""
        name = node.input(number)
        if not name:
            return None
        value = self.values[name]
        if not isinstance(value, np.ndarray):
            raise FormatError(f"has an input, {name}, that is no constant.", "Weights and sizes must be constants.")
        return value

    def single(self, node: Node, number: int) -> float | None:
        """An input that is one number which the file knows; None where it is left out."""
        value = self.constant(node, number)
        if value is not None and value.size != 1:
            raise FormatError(f"has {show(value.shape)} as its input {number}.", "It must be one number.")
        return None if value is None else float(value.reshape(-1)[0])

    def weight(self, node: Node, number: int, *, ndim: int) -> Array:
        """A constant that must be there, with so many dimensions."""
        value = self.constant(node, number)
        if value is None or value.ndim != ndim:
            shown = "none" if value is None else show(value.shape)
            raise FormatError(f"has {shown} as its input {number}.", f"Its weights have {ndim} dimensions.")
        return value

    def hold(self, made: Array, given: Sequence[Array | None]) -> None:
        """Count the memory of a constant that was computed, where it is not that of what it was computed from."""
        if any(each is not None and np.may_share_memory(made, each) for each in given):
            return
        low, high = np.lib.array_utils.byte_bounds(made)
        self._held += high - low
        if self._held > MOST_BYTES:
            raise FormatError(f"makes constants of more than {MOST_BYTES:,} bytes.", "The weights of a file take less.")

    def add(
        self,
        what: Simple | Joining | Arithmetic,
        sources: list[int],
        shape: Shape,
        node: Node,
        weights: Mapping[str, Array] | None = None,
    ) -> int:
        """Append a piece; gives its number."""
        if max(shape) > MOST_VALUES or math.prod(shape) > MOST_VALUES:
            raise FormatError(f"makes a value of {show(shape)}.", f"A value has {MOST_VALUES:,} numbers at most.")
        self._weights += sum(each.size for each in (weights or {}).values())
        if self._weights > MOST_WEIGHTS:
            raise FormatError(f"makes more than {MOST_WEIGHTS:,} weights.", "A network has fewer.")
        number = len(self.pieces)
        self.pieces[number] = Piece(what, sources, shape, node, weights or {})
        return number

    def settled(self, view: View, node: Node) -> View:
        """The view that a layer reads: where the file flattened maps, or shuffled their channels, that is a layer."""
        if node.operator != "Mul":  # which may repeat its factors by itself
            view = self.whole(view, node)
        if len(view.shape) != 3 or not is_batched(view):
            return view
        if view.rank == 2:
            full = math.prod(view.shape)
            if view.piece not in self._flat:
                self._flat[view.piece] = self.add(Flatten(), [view.piece], (full,), view.by or node)
            return View(self._flat[view.piece], (full,), flat_dims(view))
        for at, dim in enumerate(view.dims):
            if view.rank == 4 and len(dim) == 2 and dim[0].axis == dim[1].axis == 0:
                inner, outer = dim
                if inner.stride == 1 and outer.stride == inner.size:
                    made = self.add(Shuffle(outer.size), [view.piece], view.shape, view.by or node)
                    dims = (*view.dims[:at], plain_dims(view.shape)[0], *view.dims[at + 1 :])
                    return View(made, view.shape, dims)
        return view

    def whole(self, view: View, node: Node) -> View:
        """The view as maps of their own where it repeats values along height and width: an Upsample."""
        if not any(each > 1 for each in repeats(view)):
            return view
        times, plain, own = repeats(view), plain_dims(view.shape), once(view)
        axes = [plain.index(dim) if dim and dim in plain else -1 for dim in own.dims]
        larger = [at for at, n in enumerate(times) if n > 1]
        last = all(view.dims[at][-1].axis == REPEATED and axes[at] > 0 for at in larger)
        if view.rank != 4 or len(view.shape) != 3 or not last:
            raise FormatError(
                f"reads {show(view.sizes[1:])}, in which values are repeated.", "Upsampling repeats maps."
            )
        rows, columns = (times[axes.index(axis)] if axis in axes else 1 for axis in (1, 2))
        shape = (view.shape[0], view.shape[1] * rows, view.shape[2] * columns)
        made = self.add(Upsample((rows, columns)), [view.piece], shape, view.by or node)
        new = plain_dims(shape)
        return View(made, shape, (view.dims[0], *(new[axis] if axis >= 0 else () for axis in axes[1:])))

    def maps(self, view: View, node: Node) -> View:
        """The view as maps, (batch, channels, height, width)."""
        if len(view.shape) != 3:
            raise FormatError(f"reads a flat vector of {show(view.shape)}.", "It reads maps.")
        if view.rank == 4 and is_batched(view) and view.dims[1:] == plain_dims(view.shape):
            return view
        raise FormatError(
            f"reads {show(view.sizes[1:])}, whose dimensions are not channels, height and width in this order.",
            "Values are maps, maps with channels last, or flattened.",
        )

    def vector(self, view: View, node: Node) -> tuple[View, Array | None]:
        """The view as a flat vector, and which value of it each value in the file is, or None where they are in order.

        Maps become a vector by a Flatten.
        """
        full = math.prod(view.shape)
        if not is_batched(view) or math.prod(view.sizes[1:]) != full or max(view.sizes[1:], default=1) != full:
            raise FormatError(f"reads {show(view.sizes[1:])} for each image.", "It reads a flat vector.")
        flat = self.settled(View(view.piece, view.shape, (view.dims[0], sum(view.dims[1:], ())), view.by), node)
        return straight(flat.piece, (full,), self.batch), order_of(flat)
