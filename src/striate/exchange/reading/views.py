"""How a value of the file lies over a value of the network: Reshape, Transpose and Squeeze only change this view.

A value of the network has the axes of one image: channels, height and width, or features. A dimension in the file is a
list of *atoms*, each a part of one axis: `Atom(0, 80, 3)` are three steps of 80 channels. A transposed layout, a
flattening in another order and a shuffle of channels are all views; no layer is needed until one reads the value.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from striate.description.shapes import Shape, show
from striate.errors import FormatError
from striate.exchange.reading.graph import Array, Node

BATCH = -1
"""The axis of the images of a batch."""
REPEATED = -2
"""The axis of an atom that repeats what stands before it: its stride is 0."""


@dataclass(frozen=True)
class Atom:
    """`size` steps of `stride` along an `axis`."""

    axis: int
    stride: int
    size: int


Dims = tuple[tuple[Atom, ...], ...]


@dataclass(frozen=True)
class View:
    """The value of a piece, by its number, as the file has it. `shape` is the piece's own, of one image.

    `by` is the last node that changed the view.
    """

    piece: int
    shape: Shape
    dims: Dims
    by: Node | None = field(default=None, compare=False)

    @property
    def sizes(self) -> tuple[int, ...]:
        """The sizes in the file, the batch included."""
        return tuple(math.prod(atom.size for atom in dim) for dim in self.dims)

    @property
    def rank(self) -> int:
        """The number of dimensions in the file."""
        return len(self.dims)

    def over(self, piece: int) -> View:
        """The same view of another piece of the same shape."""
        return View(piece, self.shape, self.dims)


def straight(piece: int, shape: Shape, batch: int) -> View:
    """A value as PyTorch lays it: (batch, channels, height, width) or (batch, features)."""
    return View(piece, shape, ((Atom(BATCH, 1, batch),), *(_whole(axis, size) for axis, size in enumerate(shape))))


def transposed(view: View, order: Sequence[int]) -> View:
    """The view with its dimensions in another order."""
    if sorted(order) != list(range(view.rank)):
        raise FormatError(f"reorders {view.rank} dimensions by {list(order)}.", "Each must occur once.")
    return View(view.piece, view.shape, tuple(view.dims[each] for each in order))


def reshaped(view: View, sizes: Sequence[int]) -> View:
    """The view with other sizes, the same values in the same order."""
    if math.prod(sizes) != math.prod(view.sizes):
        raise FormatError(f"makes {_times(sizes)} of {_times(view.sizes)}.", "Both must have as many values.")
    left = [atom for dim in view.dims for atom in dim]
    dims: list[tuple[Atom, ...]] = []
    for number, size in enumerate(sizes):
        dim: list[Atom] = []
        if number == 0 and left and left[0].axis == BATCH and size % left[0].size == 0:
            size //= left[0].size
            dim.append(left.pop(0))
        while size > 1:
            atom = left.pop(0)
            if size % atom.size == 0:
                dim.append(atom)
                size //= atom.size
            elif atom.size % size == 0:
                inner = atom.size // size
                dim.append(Atom(atom.axis, atom.stride * inner, size))
                left.insert(0, Atom(atom.axis, atom.stride, inner))
                size = 1
            else:
                raise FormatError(
                    f"makes {_times(sizes)} of {_times(view.sizes)}.",
                    "A new size must hold whole axes or a part of one.",
                )
        dims.append(_joined(dim))
    if left:
        raise FormatError(
            f"makes {_times(sizes)} of {_times(view.sizes)}.", "The images of a batch must stay the first dimension."
        )
    return View(view.piece, view.shape, tuple(dims))


def squeezed(view: View, axes: Sequence[int]) -> View:
    """The view without some dimensions of one value; without `axes`, without all of them but the batch."""
    gone = {each % view.rank for each in axes} or {n for n, dim in enumerate(view.dims) if not dim}
    if any(view.dims[each] for each in gone):
        raise FormatError(f"drops dimensions {sorted(gone)} of {_times(view.sizes)}.", "Each must have one value.")
    return View(view.piece, view.shape, tuple(dim for number, dim in enumerate(view.dims) if number not in gone))


def unsqueezed(view: View, axes: Sequence[int]) -> View:
    """The view with dimensions of one value at the places `axes` of the result."""
    rank = view.rank + len(axes)
    new = {each % rank for each in axes if -rank <= each < rank}
    if len(new) != len(axes):
        raise FormatError(f"adds dimensions {list(axes)} to {view.rank}.", "Each must be a place of its own.")
    own = iter(view.dims)
    return View(view.piece, view.shape, tuple(() if number in new else next(own) for number in range(rank)))


def repeated(view: View, times: Sequence[int]) -> View:
    """The view with dimensions of one value repeated so often; the others stay."""
    if (
        len(times) != view.rank
        or any(n != 1 and dim for n, dim in zip(times, view.dims, strict=True))
        or min(times) < 1
    ):
        raise FormatError(f"repeats {_times(view.sizes)} by {list(times)}.", "Dimensions of one value are repeated.")
    dims = [(Atom(REPEATED, 0, n),) if n > 1 else dim for n, dim in zip(times, view.dims, strict=True)]
    return View(view.piece, view.shape, tuple(dims))


def repeats(view: View) -> tuple[int, ...]:
    """How often each dimension repeats its values."""
    return tuple(math.prod(atom.size for atom in dim if atom.axis == REPEATED) for dim in view.dims)


def once(view: View) -> View:
    """The view without repetitions."""
    dims = (tuple(atom for atom in dim if atom.axis != REPEATED) for dim in view.dims)
    return View(view.piece, view.shape, tuple(dims), view.by)


def plain_dims(shape: Shape) -> tuple[tuple[Atom, ...], ...]:
    """The dimensions of one image as they lie straight, without the batch."""
    return tuple(_whole(axis, size) for axis, size in enumerate(shape))


def flat_dims(view: View) -> Dims:
    """The dimensions of a view of maps, as those of a view of the flattened maps."""
    strides = [math.prod(view.shape[axis + 1 :]) for axis in range(len(view.shape))]
    own = [[Atom(0, each.stride * strides[each.axis], each.size) for each in dim] for dim in view.dims[1:]]
    return (view.dims[0], *map(_joined, own))


def is_batched(view: View) -> bool:
    """Whether the first dimension is the images of a batch, and no other is."""
    return bool(view.dims) and len(view.dims[0]) == 1 and view.dims[0][0].axis == BATCH


def in_order(view: View) -> bool:
    """Whether the values lie as those of the piece do: images, then the axes of each, however they are divided."""
    first, *others = [atom for dim in view.dims for atom in dim]
    return first.axis == BATCH and order_of(View(view.piece, view.shape, ((first,), tuple(others)))) is None


def has_channels_last(view: View) -> bool:
    """Whether maps lie as TensorFlow has them, and not also as PyTorch does."""
    channels, *places = plain_dims(view.shape)
    return len(view.shape) == 3 and is_batched(view) and view.dims[1:] == (*places, channels) and not in_order(view)


def order_of(view: View) -> Array | None:
    """For each value of a vector, its index in the flattened image; None where they are in order."""
    atoms = [atom for dim in view.dims[1:] for atom in dim]
    strides = [math.prod(view.shape[axis + 1 :]) for axis in range(len(view.shape))]
    found = np.zeros((), np.int64)
    for atom in atoms:
        found = found[..., None] + np.arange(atom.size) * (atom.stride * strides[atom.axis])
    found = found.reshape(-1)
    return None if np.array_equal(found, np.arange(math.prod(view.shape))) else found


def aligned(values: Array, view: View) -> Array:
    """A constant that the file combines with a view, laid out for the piece: (channels, height, width) or (features,).

    A size is 1 where the constant is the same along the axis. A constant of one value has no axis at all.
    """
    if values.size == 1:
        return values.reshape(())
    if values.ndim > view.rank:
        if values.shape[: values.ndim - view.rank].count(1) < values.ndim - view.rank:
            raise FormatError(f"combines {_times(view.sizes)} with a constant {_times(values.shape)}.", _AS_LARGE)
        values = values.reshape(values.shape[values.ndim - view.rank :])
    shape = (1,) * (view.rank - values.ndim) + values.shape
    spread: list[int] = []
    atoms: list[Atom] = []
    for size, dim in zip(shape, view.dims, strict=True):
        held = math.prod(atom.size for atom in dim)
        if size not in (1, held) or (size > 1 and any(atom.axis == BATCH for atom in dim)):
            raise FormatError(f"combines {_times(view.sizes)} with a constant {_times(values.shape)}.", _AS_LARGE)
        atoms += dim
        spread += [atom.size if size > 1 else 1 for atom in dim]
    away = [n for n, atom in enumerate(atoms) if atom.axis == BATCH]
    own = [n for n, atom in enumerate(atoms) if atom.axis != BATCH]
    own.sort(key=lambda n: (atoms[n].axis, -atoms[n].stride))
    laid = values.reshape(spread).transpose([*away, *own]).reshape([spread[n] for n in own])
    moving = {atoms[n].axis for n in own if spread[n] > 1}
    wanted = [atoms[n].size if atoms[n].axis in moving else 1 for n in own]
    sizes = [
        math.prod(each for each, n in zip(wanted, own, strict=True) if atoms[n].axis == axis)
        for axis in range(len(view.shape))
    ]
    return np.broadcast_to(laid, wanted).reshape(sizes)


_AS_LARGE = "A constant must be as large as the value, or 1, along each axis of an image."


def _whole(axis: int, size: int) -> tuple[Atom, ...]:
    return (Atom(axis, 1, size),) if size > 1 else ()


def _joined(dim: Sequence[Atom]) -> tuple[Atom, ...]:
    """Neighbours that follow each other along their axis become one."""
    made: list[Atom] = []
    for atom in dim:
        last = made[-1] if made else None
        if last and last.axis == atom.axis != BATCH and last.stride == atom.stride * atom.size:
            made[-1] = Atom(atom.axis, atom.stride, last.size * atom.size)
        else:
            made.append(atom)
    return tuple(made)


def _times(sizes: Sequence[int]) -> str:
    return show(tuple(sizes)) or "one value"
