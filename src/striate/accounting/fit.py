"""Whether windows fit their input exactly, the rows and columns that they leave unread, and sizes that would fit."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import lru_cache

from striate.description.layers import Conv, Pool, Subsample
from striate.description.network import Step
from striate.description.shapes import Axis, Window, window
from striate.errors import ShapeError

FAR = 2048
"""The largest change of input, kernel, stride or padding that is tried in the search for a remedy."""


@dataclass(frozen=True)
class Unseen:
    """The rows and columns that no window of a layer reads: of the input, and of its padding."""

    rows: int
    columns: int
    padding_rows: int
    padding_columns: int

    def __str__(self) -> str:
        parts = [_lines(self.rows, self.columns, "input"), _lines(self.padding_rows, self.padding_columns, "padding")]
        return "unseen: " + "; ".join(part for part in parts if part)


def unseen(step: Step) -> Unseen | None:
    """The rows and columns that a step's windows leave unread, or None where they read all.

    Post 002's 7×7 input under a 3×3 filter with stride 3:

    >>> from striate.description.network import Network, plan
    >>> net = Network("post-002", (1, 7, 7), [Conv(1, kernel=3, stride=3)])
    >>> print(unseen(plan(net).steps[0]))
    unseen: 1 row and 1 column of the input
    """
    moved = window_of(step)
    if moved is None:
        return None
    (rows, padding_rows), (columns, padding_columns) = (axis.unseen() for axis in moved.axes)
    found = Unseen(rows, columns, padding_rows, padding_columns)
    return found if found != Unseen(0, 0, 0, 0) else None


def require_exact(steps: Iterable[Step]) -> None:
    """Raise ShapeError for the first layer whose windows leave anything unseen."""
    for step in steps:
        moved, left = window_of(step), unseen(step)
        if moved is None or left is None:
            continue
        axis = next(axis for axis in moved.axes if axis.unseen() != (0, 0))
        raise ShapeError(
            f"the windows do not cover the input of {axis.size}: {axis.formula}; {left}.",
            "With --strict every row and column must be read.",
            f"What fits: {'; '.join(remedies(axis, pads=pads(step)))}.",
            where=step.path,
        )


@lru_cache(maxsize=1024)
def remedies(axis: Axis, *, pads: bool = True) -> tuple[str, ...]:
    """The nearest input, kernel, stride and padding that leave nothing unread, each with all else unchanged.

    No change of more than `FAR` is tried, and no padding of a layer that does not have it: without `pads`.

    >>> remedies(Axis(7, kernel=3, stride=3))
    ('input 6 or 9', 'kernel 4', 'stride 2', 'padding 1')
    >>> remedies(Axis(224, kernel=11, stride=4))  # AlexNet's first layer, on the input that its paper prints
    ('input 223 or 227', 'kernel 8 or 12', 'stride 3', 'padding 1 before and 2 after')
    """
    found = [
        ("input", _nearest(axis.size, lambda size: replace(axis, size=size))),
        ("kernel", _nearest(axis.kernel, lambda kernel: replace(axis, kernel=kernel))),
        ("stride", _nearest(axis.stride, lambda stride: replace(axis, stride=stride))),
    ]
    paddings = _nearest(axis.before, lambda side: replace(axis, before=side, after=side), least=0) if pads else []
    lines = [f"{word} {' or '.join(map(str, values))}" for word, values in [*found, ("padding", paddings)] if values]
    if pads and not paddings and (uneven := _uneven(axis)):
        lines.append(f"padding {uneven[0]} before and {uneven[1]} after")
    return tuple(lines)


def _uneven(axis: Axis) -> tuple[int, int] | None:
    """The least padding, one more after than before, with which the windows fit exactly."""
    given = axis.before + axis.after
    for total in range(given + 1, min(2 * axis.extent, given + FAR + 1)):
        before, after = total // 2, total - total // 2
        if _exact(replace(axis, before=before, after=after)):
            return before, after
    return None


def _nearest(value: int, change: Callable[[int], Axis], *, least: int = 1) -> list[int]:
    """The nearest value below and above with which the windows fit exactly."""
    below = next((each for each in range(value - 1, max(least, value - FAR) - 1, -1) if _exact(change(each))), None)
    above = next(
        (each for each in range(value + 1, min(2 * value + 16, value + FAR + 1)) if _exact(change(each))), None
    )
    return [each for each in (below, above) if each is not None]


def _exact(axis: Axis) -> bool:
    return axis.output > 0 and axis.unseen() == (0, 0) and axis.before < axis.extent


def pads(step: Step) -> bool:
    """Whether a step's layer can have padding; a subsampling has none."""
    return not isinstance(step.layer, Subsample)


def window_of(step: Step) -> Window | None:
    """The windows of a step on its input, None for a layer without windows."""
    layer = step.layer
    return window(layer, step.inputs[0]) if isinstance(layer, (Conv, Pool, Subsample)) else None


def _lines(rows: int, columns: int, where: str) -> str:
    parts = [_plural(rows, "row"), _plural(columns, "column")]
    return " and ".join(part for part in parts if part) + (f" of the {where}" if rows or columns else "")


def _plural(count: int, word: str) -> str:
    return "" if not count else f"1 {word}" if count == 1 else f"{count} {word}s"
