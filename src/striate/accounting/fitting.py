"""How a network fits an input: each layer that does not fit, sizes that would, and the inputs that the network takes.

A layer fits exactly where its windows read every row and column of its padded input. PyTorch and most other frameworks
round down without a message; a convolution of 3×3 with stride 3 then drops the last row of a 7×7 input.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from striate.accounting.fit import pads, remedies, unseen, window_of
from striate.accounting.smallest import least_side
from striate.accounting.words import words
from striate.description.checks import Pair
from striate.description.json import Json
from striate.description.layers import Conv, Pool
from striate.description.network import Network, Outline, Plan, Step, input_shape, outline, shaped
from striate.description.shapes import Axis, Shape, same_padding
from striate.errors import SpecError

REACH = 64
"""The largest distance, in pixels, from the given input size to another one that is tried."""
TRIES = 200_000
"""The number of layers, summed over all sizes, that the search for the smallest input tries."""


@dataclass(frozen=True)
class Misfit:
    """A layer whose windows leave rows or columns unread: along which axis, how many, and remedies.

    `layer` holds remedies for the layer alone; `same` the padding (before, after) and the output of "same", where that
    fits exactly; `inputs` the nearest inputs of the network, smaller and larger, with which this layer fits.
    `padding_only` says that only padding is unread, which does no harm.
    """

    path: str
    words: str
    input: Shape
    axis: str
    formula: str
    output: int
    unseen: str
    layer: tuple[str, ...]
    same: tuple[Pair, int] | None
    inputs: tuple[int, ...]
    padding_only: bool


@dataclass(frozen=True)
class Same:
    """A layer with padding "same" that PyTorch does not have: (before, after) here, and PyTorch's nearest padding."""

    path: str
    axis: str
    here: Pair
    torch: str


@dataclass(frozen=True)
class Fitting:
    """How a network fits an input.

    `problem` is the error of the layer that does not take its input, "" where all do. `exact` holds the nearest inputs,
    smaller and larger, with which every layer fits exactly; `smallest` the side of the smallest square input, None
    where the network takes none with a side of up to `tried`.
    """

    network: Network
    input: Shape
    windows: int
    problem: str
    misfits: tuple[Misfit, ...]
    same: tuple[Same, ...]
    exact: tuple[int, ...]
    smallest: int | None
    tried: int

    def to_dict(self) -> dict[str, Json]:
        """The fit as JSON."""
        return {
            "network": self.network.name,
            "input": list(self.input),
            "layers_with_windows": self.windows,
            "problem": self.problem or None,
            "misfits": [
                {
                    "path": each.path,
                    "axis": each.axis,
                    "formula": each.formula,
                    "output": each.output,
                    "unseen": each.unseen,
                    "padding_only": each.padding_only,
                    "fits": list(each.layer),
                    "same": list(each.same[0]) if each.same else None,
                    "network_inputs": list(each.inputs),
                }
                for each in self.misfits
            ],
            "same": [
                {"path": each.path, "axis": each.axis, "padding": list(each.here), "pytorch": each.torch}
                for each in self.same
            ],
            "exact_inputs": list(self.exact),
            "smallest_input": self.smallest,
        }


def fitting(network: Network, *, input: Shape | None = None) -> Fitting:
    """How `network` fits its own input, or another of (channels, height, width).

    Raises SpecError where the description is wrong with any input.

    >>> from striate.description.layers import Conv
    >>> found = fitting(Network("post-002", (1, 7, 7), [Conv(1, kernel=3, stride=3)]))
    >>> found.misfits[0].formula, found.exact, found.smallest
    ('(7 − 3)/3 + 1 = 2.333', (6, 9), 3)
    """
    shape = input_shape(network.input if input is None else input)
    outlined = outline(network)
    planned, problem = _try(outlined, shape)
    around = _around(outlined, shape)
    steps = planned.steps if planned else ()
    misfits = tuple(each for step in steps for each in _misfits(step, around, shape))
    same = tuple(each for step in steps for each in _same(step))
    windows = sum(window_of(step) is not None for step in steps)
    exact = _nearest(shape[1], {size for size, paths in around.items() if not paths})
    return Fitting(network, shape, windows, problem, misfits, same, exact, *_smallest(outlined, shape))


def _try(outlined: Outline, shape: Shape) -> tuple[Plan | None, str]:
    try:
        return shaped(outlined, shape), ""
    except SpecError as error:
        return None, str(error)


def _around(outlined: Outline, shape: Shape) -> dict[int, set[str]]:
    """For each input size near the given one that the network takes, the paths of the layers that do not fit."""
    found: dict[int, set[str]] = {}
    for size in range(max(1, shape[1] - REACH), shape[1] + REACH + 1):
        planned, _ = _try(outlined, _resized(shape, size))
        if planned is not None:
            found[size] = {step.path for step in planned.steps if unseen(step) is not None}
    return found


def _resized(shape: Shape, height: int) -> Shape:
    """The input with another height; the width changes by the same number of pixels."""
    return shape[0], height, max(1, shape[2] + height - shape[1])


def _misfits(step: Step, around: dict[int, set[str]], shape: Shape) -> list[Misfit]:
    moved, left = window_of(step), unseen(step)
    if moved is None or left is None:
        return []
    inputs = _nearest(shape[1], {size for size, paths in around.items() if step.path not in paths})
    found: list[Misfit] = []
    axes = {"height": moved.height, "width": moved.width}
    if moved.height == moved.width:
        axes = {"height and width": moved.height}
    for name, axis in axes.items():
        if axis.unseen() == (0, 0):
            continue
        only = not axis.unseen()[0]
        fits = remedies(axis, pads=pads(step))
        head = (step.path, words(step), step.inputs[0], name, axis.formula, axis.output, str(left))
        found.append(Misfit(*head, fits, _as_same(axis) if pads(step) else None, inputs, only))
    return found


def _as_same(axis: Axis) -> tuple[Pair, int] | None:
    before, after = same_padding(axis)
    padded = replace(axis, before=before, after=after)
    return ((before, after), padded.output) if padded.unseen() == (0, 0) else None


def _same(step: Step) -> list[Same]:
    """The axes of a step where "same" pads as TensorFlow does and PyTorch's symmetric padding differs."""
    layer, moved = step.layer, window_of(step)
    if not isinstance(layer, (Conv, Pool)) or layer.padding != "same" or moved is None:
        return []
    axes = {"height": moved.height, "width": moved.width}
    if moved.height == moved.width:
        axes = {"height and width": moved.height}
    return [Same(step.path, name, (a.before, a.after), _torch(a)) for name, a in axes.items() if a.stride > 1]


def _torch(axis: Axis) -> str:
    side = (axis.extent - 1) // 2
    other = replace(axis, before=side, after=side)
    shift = axis.before - side
    way = "before ours" if shift < 0 else "after ours"
    moved = f"its windows {abs(shift)} pixel{'s' * (abs(shift) > 1)} {way}"
    if other.output != axis.output:
        return f"padding={side} gives {other.output}, not {axis.output}"
    return f"padding={side} gives {axis.output} too, {moved if shift else 'with the same windows'}"


def _nearest(value: int, sizes: set[int]) -> tuple[int, ...]:
    below = max((size for size in sizes if size < value), default=None)
    above = min((size for size in sizes if size > value), default=None)
    return tuple(size for size in (below, above) if size is not None)


def _smallest(outlined: Outline, shape: Shape) -> tuple[int | None, int]:
    """The side of the smallest square input that the network takes, and the last side that was tried.

    The search starts at the smallest side that all windows fit into. Where the parts of sums, or the centres of RBF
    units, need a larger one, larger sides are tried in turn, fewer of them for a network of thousands of layers.
    """
    first = least_side(outlined)
    last = min(max(2 * max(shape), first) + REACH - 1, first + max(REACH, TRIES // len(outlined.nodes)))
    for side in range(first, last + 1):
        if _try(outlined, (shape[0], side, side))[0]:
            return side, side
    return None, last
