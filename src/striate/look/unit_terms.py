"""The terms of a unit's value: the values that a window reads, their weights, and how they are written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from torch import Tensor

from striate.description.shapes import Axis

Place = tuple[int, int, int]
"""(map, row, column) of a unit; (unit, 0, 0) in a flat vector."""
Rows = list[list[float]]

TERMS = 16
"""The number of terms of a sum, the largest ones, that are written out; the others are added up."""


@dataclass(frozen=True)
class Term:
    """A term of a unit's value: the values read, row by row, their weights where there are any, and their sum."""

    label: str
    patch: Rows
    weights: Rows | None
    value: float


@dataclass(frozen=True)
class Explanation:
    """A unit's `value` as the sum of its `terms`, of `others` that are not written out, and of its `bias`.

    `formula` is the computation with its numbers.
    """

    value: float
    formula: str
    terms: tuple[Term, ...] = ()
    others: tuple[int, float] = (0, 0.0)
    bias: float | None = None


def patch_of(maps: Tensor, height: Axis, width: Axis, row: int, column: int, blank: float = 0.0) -> Tensor:
    """The values that a window reads of some maps; `blank` where it lies in the padding."""
    out = maps.new_full((len(maps), height.kernel, width.kernel), blank)
    downs, acrosses = _places(height, row), _places(width, column)
    for at, down in downs:
        for to, across in acrosses:
            out[:, at, to] = maps[:, down, across]
    return out


def counted(axis: Axis, output: int, *, padding: bool) -> int:
    """The number of values along an axis that a pooling counts in one window; with `padding`, those in it too."""
    start = output * axis.stride - axis.before
    first, end = (-axis.before, axis.size + axis.after) if padding else (0, axis.size)
    return min(start + axis.kernel, end) - max(start, first)


def _places(axis: Axis, output: int) -> list[tuple[int, int]]:
    """(tap, position in the input) for the taps of a window that are not in the padding."""
    start = output * axis.stride - axis.before
    taps = ((tap, start + tap * axis.dilation) for tap in range(axis.kernel))
    return [(tap, place) for tap, place in taps if 0 <= place < axis.size]


def term_of(label: str, patch: Tensor, weights: Tensor) -> Term:
    rows = [cast(Rows, (each if each.ndim == 2 else each.reshape(1, 1)).tolist()) for each in (patch, weights)]
    return Term(label, rows[0], rows[1], float((patch * weights).sum()))


def largest(terms: list[Term]) -> tuple[tuple[Term, ...], tuple[int, float]]:
    """The largest terms, in their order, and the number and the sum of the others."""
    kept = sorted(sorted(range(len(terms)), key=lambda each: -abs(terms[each].value))[:TERMS])
    rest = set(range(len(terms))).difference(kept)
    return tuple(terms[each] for each in kept), (len(rest), sum(terms[each].value for each in rest))


def value_at(values: Tensor, place: Place) -> Tensor:
    return values[place] if values.ndim == 3 else values[place[0]]


def sum_text(count: int, what: str, bias: float | None, value: float) -> str:
    if bias is None:
        return f"the sum of {count} {what} = {text_of(value)}"
    return f"{text_of(value - bias)} {signed(bias)} = {text_of(value)}: the sum of {count} {what}, and the bias"


def text_of(value: float) -> str:
    """A number as the page writes it: three decimals, with a minus sign (U+2212).

    >>> text_of(-0.12345), text_of(1234.5)
    ('−0.123', '1234.500')
    """
    return f"{value:.3f}".replace("-", "−")


def signed(value: float) -> str:
    return f"{'−' if value < 0 else '+'} {text_of(abs(value))}"
