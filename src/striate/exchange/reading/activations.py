"""Recognises arithmetic that is an activation: it is computed at some points and compared with the known functions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from striate.description.layers import Activation
from striate.exchange.reading.functions import FUNCTIONS, POINTS, is_identity, recognised
from striate.exchange.reading.graph import Array
from striate.exchange.reading.pieces import INPUT, Affine, Function, Piece, Product, Sum, number
from striate.exchange.reading.rewriting import Rewriting

DEPTH = 12
"""How many pieces back the beginning of an activation is looked for."""


def activation(rewriting: Rewriting, at: int) -> bool:
    """Replace the arithmetic that ends at a piece by an activation, where its values are those of one."""
    piece = rewriting.pieces[at]
    if not isinstance(piece.what, (Function, Affine, Product, Sum)):
        return False
    best: tuple[int, Array] | None = None
    for base in _bases(rewriting, at):
        found = _computed(rewriting, at, base)
        if found is not None and (recognised(found) is not None or is_identity(found)):
            best = (base, found)
    if best is None:
        return False
    base, found = best
    layer = None if is_identity(found) else recognised(found)
    if layer is None:
        rewriting.put(at, what=Affine(number(1), number(0)), sources=[base])
        rewriting.drop(at)
        return True
    rewriting.put(at, what=layer, sources=[base], weights={})
    return True


def _bases(rewriting: Rewriting, at: int) -> list[int]:
    """The pieces that an activation may begin at, the nearest first."""
    found: list[int] = []
    left, seen = [at], {at}
    while left and len(seen) < DEPTH:
        for source in rewriting.pieces[left.pop(0)].sources:
            if source not in found:
                found.append(source)
            if source not in seen and source != INPUT and _of_values(rewriting.pieces[source]):
                seen.add(source)
                left.append(source)
    return found


def _of_values(piece: Piece) -> bool:
    """Whether a piece works on each value by itself, alike everywhere."""
    match piece.what:
        case Function() | Product() | Sum() | Activation():
            return True
        case Affine():
            return piece.what.scalar
        case _:
            return False


def _computed(rewriting: Rewriting, at: int, base: int) -> Array | None:
    """A piece at `POINTS` as a function of `base`; None where it reads anything else, or where a part of it is read."""
    values: dict[int, Array | None] = {base: POINTS}
    inner: list[int] = []

    def value(each: int, depth: int) -> Array | None:
        if each in values:
            return values[each]
        values[each] = None
        if each == INPUT or depth > DEPTH or not _of_values(rewriting.pieces[each]):
            return None
        piece = rewriting.pieces[each]
        given = [value(source, depth + 1) for source in piece.sources]
        if any(one is None for one in given):
            return None
        made = _applied(piece, [one for one in given if one is not None])
        if made is not None:
            values[each] = made
            inner.append(each)
        return made

    with np.errstate(all="ignore"):
        found = value(at, 0)
    if found is None or not np.all(np.isfinite(found)):
        return None
    own = set(inner)
    return found if all(set(rewriting.readers[each]) <= own for each in inner if each != at) else None


def _applied(piece: Piece, given: Sequence[Array]) -> Array | None:
    match piece.what:
        case Function(name, numbers):
            return FUNCTIONS[name](given[0], *numbers)
        case Affine(scale, shift) if piece.what.scalar:
            return float(scale) * given[0] + float(shift)
        case Product(sign):
            return given[0] * given[1] if sign > 0 else given[0] / given[1]
        case Sum():
            return sum(given[1:], given[0])
        case Activation() if piece.what.function == "relu":
            return np.maximum(given[0], 0)
        case Activation() if piece.what.function == "relu6":
            return np.clip(given[0], 0, 6)
        case _:
            return None
