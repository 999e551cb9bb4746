"""Paddings that belong to the window behind them, and means with numbers behind them that are one layer."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import numpy as np

from striate.description.axis import Axis, window
from striate.description.layers import Activation, Conv, Pool, Subsample
from striate.exchange.reading.graph import Array
from striate.exchange.reading.pieces import INPUT, Affine, Padding, each_map
from striate.exchange.reading.pooling import plainest
from striate.exchange.reading.rewriting import Rewriting
from striate.exchange.reading.windows import sides_of


def fold_padding(rewriting: Rewriting, at: int) -> bool:
    """A padding before a window is the window's, where it pads by what the window pads with."""
    piece, before = rewriting.pieces[at], rewriting.source(at)
    if not isinstance(piece.what, (Conv, Pool)) or before == INPUT or len(set(rewriting.readers[before])) != 1:
        return False
    pad = rewriting.pieces[before]
    if not isinstance(pad.what, Padding) or pad.what.before[0] or pad.what.after[0]:
        return False
    own, kind = sides_of(piece.what), piece.what
    maximum = isinstance(kind, Pool) and kind.function == "max"
    if maximum:
        least = pad.what.value <= -3e38
        positive = pad.what.value == 0 and _not_negative(rewriting, pad.sources[0])
        if not (least or positive or (pad.what.edge and _within(pad.what, piece.what.kernel))):
            return False
    elif pad.what.value != 0 or (isinstance(kind, Pool) and any(own) and not kind.count_padding):
        return False
    sides = (pad.what.before[1], pad.what.after[1], pad.what.before[2], pad.what.after[2])
    padding = tuple(a + b for a, b in zip(own, sides, strict=True))
    changes = {"padding": padding} | ({"count_padding": True} if isinstance(kind, Pool) else {})
    made = replace(kind, **changes)
    shape = rewriting.shape(pad.sources[0])
    if [axis.output for axis in window(made, shape).axes] != list(piece.shape[1:]):
        return False  # rounding up, which leaves out a window that begins in its own padding
    made = plainest(made, shape) if isinstance(made, Pool) else made
    rewriting.put(at, what=made, sources=pad.sources)
    return True


def _within(pad: Padding, kernel: object) -> bool:
    """Whether every window that sees a margin sees the values next to it, so that a margin of copies adds nothing."""
    rows, columns = cast(tuple[int, int], kernel)
    sides = ((pad.before[1], rows), (pad.after[1], rows), (pad.before[2], columns), (pad.after[2], columns))
    return all(side < size for side, size in sides)


def _not_negative(rewriting: Rewriting, at: int) -> bool:
    piece = rewriting.pieces.get(at)
    return (
        piece is not None and isinstance(piece.what, Activation) and piece.what.function in ("relu", "relu6", "sigmoid")
    )


def subsampling(rewriting: Rewriting, at: int) -> bool:
    """A mean, times a number for each map, plus one: LeNet's subsampling."""
    what, before = rewriting.pieces[at].what, rewriting.source(at)
    if not isinstance(what, Affine) or not rewriting.alone(before):
        return False
    pool = rewriting.pieces[before]
    channels = pool.shape[0]
    if what.scalar and channels > 1:
        return False
    if not isinstance(pool.what, Pool) or pool.what.function != "average" or any(sides_of(pool.what)) or pool.what.ceil:
        return False
    scale, shift = (each_map(each, channels) for each in (what.scale, what.shift))
    if scale is None or shift is None or not np.any(shift):
        return False
    kernel = pool.what.kernel
    size = int(np.prod(kernel))
    layer = Subsample(kernel=kernel, stride=pool.what.stride)
    weights = {"weight": scale / size, "bias": shift}
    rewriting.put(at, what=layer, sources=pool.sources, weights=weights)
    return True


def hanging_mean(rewriting: Rewriting, at: int) -> bool:
    """A mean times a number for each place: windows that hang over the edge have fewer values (`ceil`)."""
    what, before = rewriting.pieces[at].what, rewriting.source(at)
    if not isinstance(what, Affine) or not rewriting.alone(before) or np.any(what.shift):
        return False
    pool = rewriting.pieces[before]
    if not isinstance(pool.what, Pool) or pool.what.function != "average" or not pool.what.count_padding:
        return False
    top, _, left, _ = sides_of(pool.what)
    shape = rewriting.shape(pool.sources[0])
    if what.scale.ndim != 3 or what.scale.shape[0] != 1:
        return False
    shares = what.scale[0]
    held = window(pool.what, shape)
    for bottom in _behind(held.height, shares[-1, 0] / shares[0, 0]):
        for right in _behind(held.width, shares[0, -1] / shares[0, 0]):
            whole = replace(pool.what, padding=(top, bottom, left, right), ceil=True)
            moved = window(whole, shape)
            rows, columns = map(_shares, moved.axes)
            outputs = (moved.height.output, moved.width.output)
            if outputs == pool.shape[1:] and np.allclose(shares, rows[:, None] * columns, rtol=1e-6):
                rewriting.put(at, what=whole, sources=pool.sources)
                return True
    return False


def _behind(axis: Axis, share: float) -> list[int]:
    """Paddings behind the values that the last window, whose mean is larger by `share`, may hang over."""
    values = axis.kernel / share if np.isfinite(share) and share >= 1 else axis.kernel
    derived = (axis.output - 1) * axis.stride + round(values) - axis.size - axis.before
    return [each for each in dict.fromkeys((axis.before, derived, 0)) if 0 <= each < axis.kernel]


def _shares(axis: Axis) -> Array:
    """By how much the mean of each window is larger than its sum over the kernel's size."""
    starts = np.arange(axis.output) * axis.stride
    return axis.kernel / (np.minimum(starts + axis.kernel, axis.padded) - starts)
