"""Arithmetic that is a local response normalisation, as it is written where there is no LRN."""

from __future__ import annotations

import numpy as np

from striate.description.layers import Conv, LocalResponseNorm
from striate.exchange.reading.functions import short
from striate.exchange.reading.pieces import Affine, ChannelMean, Function, Padding, Piece, Product
from striate.exchange.reading.rewriting import Rewriting


def local_response(rewriting: Rewriting, at: int) -> bool:
    """a / (k + alpha · mean of squares)^beta, as PyTorch and Striate write it where there is no LRN."""
    piece = rewriting.pieces[at]
    if piece.what != Product(-1):
        return False
    value, below = piece.sources
    power = rewriting.pieces.get(below)
    if power is None or not isinstance(power.what, Function) or power.what.name != "power":
        return False
    beta, inner = power.what.numbers[0], power.sources[0]
    found = _mean_of_squares(rewriting, inner, value)
    if found is None or beta < 0:
        return False
    size, alpha, k = found
    layer = LocalResponseNorm(size=size, alpha=short(alpha), beta=short(beta), k=short(k))
    rewriting.put(at, what=layer, sources=[value])
    return True


def _mean_of_squares(rewriting: Rewriting, at: int, value: int) -> tuple[int, float, float] | None:
    """(size, alpha, k) where a piece is k + alpha · the sum of squares of `value` over adjacent maps."""
    piece = rewriting.pieces.get(at)
    alpha, k = 1.0, 0.0
    if piece is not None and isinstance(piece.what, Affine) and piece.what.scalar:
        alpha, k = float(piece.what.scale), float(piece.what.shift)
        at = piece.sources[0]
        piece = rewriting.pieces.get(at)
    if piece is None:
        return None
    if isinstance(piece.what, Conv):
        return _band(rewriting, piece, value) if (alpha, k) == (1, 0) else None
    if not isinstance(piece.what, ChannelMean):
        return None
    padded = rewriting.pieces.get(piece.sources[0])
    if padded is None or not isinstance(padded.what, Padding) or padded.what.value != 0:
        return None
    size, before, after = piece.what.size, padded.what.before, padded.what.after
    around = before[0] == size // 2 and after[0] == (size - 1) // 2 and not any(before[1:] + after[1:])
    return (size, short(alpha) / size, k) if around and _is_square(rewriting, padded.sources[0], value) else None


def _band(rewriting: Rewriting, piece: Piece, value: int) -> tuple[int, float, float] | None:
    """The same where the sum over adjacent maps is a convolution by 1×1, as Striate writes it."""
    weight, bias = piece.weights["weight"], piece.weights.get("bias")
    if weight.shape[2:] != (1, 1) or bias is None or not _is_square(rewriting, piece.sources[0], value):
        return None
    square = weight[:, :, 0, 0]
    alpha = float(square[0, 0])
    maps = np.arange(len(square))
    ahead = maps - maps[:, None]
    for size in range(1, 2 * len(square) + 1):
        after = (size - 1) // 2
        near = (ahead >= after - size + 1) & (ahead <= after)
        if square.shape == near.shape and np.array_equal(square, np.where(near, np.float32(alpha), 0)):
            # Beyond twice the maps all sizes are the same: this is the least.
            return size, alpha, float(bias[0])
    return None


def _is_square(rewriting: Rewriting, at: int, value: int) -> bool:
    piece = rewriting.pieces.get(at)
    if piece is None:
        return False
    if piece.what == Product() and piece.sources == [value, value]:
        return True
    return piece.what == Function("power", (2.0,)) and piece.sources == [value]
