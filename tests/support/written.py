"""A network as a file of its inference has it: without what only training uses, every number written out."""

from __future__ import annotations

from dataclasses import replace

from striate.description.layers import (
    Block,
    Branches,
    Conv,
    Dropout,
    Flatten,
    Layer,
    PadChannels,
    Pool,
    Shuffle,
    Upsample,
)
from striate.description.network import INPUT, Network, plan
from striate.description.shapes import window

Written = list[tuple[str, Layer | str, tuple[int, ...]]]


def written(network: Network, *, closing: bool = True) -> Written:
    """Each step's path, its layer without a name, and the steps that it reads; dropout and heads left out.

    Padding "same" is numbers, and what makes no difference is at its default. Without `closing`, a closing softmax is
    left out, too.
    """
    planned = plan(network)
    last = planned.last
    if network.probabilities and not closing:
        last = planned.steps[last].sources[0]
    numbers: dict[int, int] = {INPUT: INPUT}
    found: Written = []
    for at, step in enumerate(planned.steps):
        if step.head or (at == planned.last != last):
            continue
        sources = tuple(numbers[each] for each in step.sources)
        if isinstance(step.layer, Dropout) or _does_nothing(step.layer, step.inputs[0]):
            numbers[at] = sources[0]
            continue
        numbers[at] = len(found)
        found.append((step.path, _plain(step.layer, step.inputs[0]), sources))
    return found


def _does_nothing(layer, shape) -> bool:
    match layer:
        case Shuffle():
            return layer.groups in (1, shape[0])
        case Flatten():
            return len(shape) == 1
        case Upsample():
            return layer.factor == (1, 1)
        case PadChannels():
            return layer.channels == shape[0]
        case Pool():
            return layer.kernel == layer.stride == (1, 1) and not any(window(layer, shape).padding)
        case _:
            return False


def _plain(layer, shape) -> Layer | str:
    if hasattr(layer, "layers") or isinstance(layer, (Branches, Block)):
        return type(layer).__name__
    if isinstance(layer, Conv):
        layer = replace(layer, padding=window(layer, shape).padding)
    if isinstance(layer, Pool):  # the windows: where they begin, how many there are, and what an average counts
        moved = window(layer, shape)
        hangs = any(axis.hangs for axis in moved.axes)
        counts = layer.function == "average" and (any(moved.padding) or hangs) and layer.count_padding
        axes = [(axis.kernel, axis.stride, axis.before, axis.output) for axis in moved.axes]
        return f"{layer.function} {axes} {'counted' if counts else ''}"
    return replace(layer, name="")
