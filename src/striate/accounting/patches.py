"""The maps, rows and columns of its input that a layer's units read: sets (`places`), traced back layer by layer."""

from __future__ import annotations

from typing import assert_never, cast

from striate.accounting.places import blocks, run, smeared, spread, unshuffled, within
from striate.description.layers import (
    RBF,
    Activation,
    BatchNorm,
    Branches,
    Conv,
    Dropout,
    Flatten,
    Gate,
    GlobalAveragePool,
    Linear,
    LocalResponseNorm,
    PadChannels,
    Pool,
    PositionBias,
    Residual,
    Scale,
    Shuffle,
    Softmax,
    Subsample,
    Upsample,
    Windowed,
)
from striate.description.network import Step
from striate.description.shapes import Axis, Shape, window

Patch = tuple[int, int, int]
"""A patch of a layer's output: maps, rows and columns, each as a set of `places`."""
PATCHES = 32
"""The most patches of one layer's output that are kept apart: on a hostile network they double with every layer."""


def pass_on(step: Step, patch: Patch, wanted: dict[int, list[Patch]]) -> None:
    """Add, for each source of a step, the patch that the units on `patch` read of it."""
    layer, shape = step.layer, step.inputs[0]
    maps, rows, columns = patch
    if isinstance(layer, Windowed):
        height, width = window(layer, shape).axes
        rows, columns = _read(height, rows), _read(width, columns)
    match layer:
        case Conv():
            maps = _read_maps(layer, maps, shape[0])
        case Flatten() | GlobalAveragePool():
            maps, rows, columns = whole(shape)
        case LocalResponseNorm():
            maps = _clipped(smeared(maps, layer.size), layer.size // 2, shape[0])
        case Upsample():
            down, across = cast("tuple[int, int]", layer.factor)
            rows, columns = blocks(rows, down), blocks(columns, across)
        case Shuffle():
            maps = unshuffled(maps, layer.groups, shape[0])
        case PadChannels():
            maps &= run(shape[0])
        case Branches():
            first = 0
            for source, (channels, *_) in zip(step.sources, step.inputs, strict=True):
                ask(wanted, source, (_clipped(maps, first, channels), rows, columns))
                first += channels
            return
        case (
            Pool()
            | Subsample()
            | BatchNorm()
            | Activation()
            | Softmax()
            | Dropout()
            | Scale()
            | Linear()
            | RBF()
            | PositionBias()
            | Residual()
            | Gate()
        ):
            pass  # each unit reads the same map, row and column
        case _:
            assert_never(layer)
    for source, shape in zip(step.sources, step.inputs, strict=True):
        one = run(1)
        own = (maps if len(shape) == 3 else one, one, one) if is_gate(step, shape) else (maps, rows, columns)
        ask(wanted, source, own)


def _read_maps(layer: Conv, filters: int, channels: int) -> int:
    """The input maps that some filters read."""
    if layer.table is not None:
        read = bytearray(channels // 8 + 1)
        for row, wanted in zip(layer.table, reversed(format(filters, f"0{layer.filters}b")), strict=True):
            for each in row if wanted == "1" else ():
                read[each // 8] |= 1 << each % 8
        return int.from_bytes(read, "little")
    if layer.groups == 1 or filters == run(layer.filters):
        return run(channels)
    each = channels // layer.groups
    return smeared(spread(blocks(filters, layer.filters // layer.groups), each), each)


def ask(wanted: dict[int, list[Patch]], number: int, patch: Patch) -> None:
    """Add a patch to a step's list. Patches inside other patches are left out, so that lists stay short."""
    if not all(patch):
        return
    patches = wanted.setdefault(number, [])
    if any(_holds(other, patch) for other in patches):
        return
    patches[:] = [other for other in patches if not _holds(patch, other)]
    patches.append(patch)
    if len(patches) > PATCHES:
        maps = rows = columns = 0
        for one in patches:
            maps, rows, columns = maps | one[0], rows | one[1], columns | one[2]
        patches[:] = [(maps, rows, columns)]


def _holds(outer: Patch, inner: Patch) -> bool:
    return all(within(small, large) for large, small in zip(outer, inner, strict=True))


def _read(axis: Axis, places: int) -> int:
    """The positions of the input that the windows at `places` read, without those in the padding."""
    return _clipped(smeared(spread(places, axis.stride), axis.kernel, axis.dilation), axis.before, axis.size)


def _clipped(places: int, before: int, size: int) -> int:
    """The set without its first `before` positions, which are shifted out, and cut off after the next `size`."""
    return places >> before & run(size)


def whole(shape: Shape) -> Patch:
    """All maps, rows and columns; a flat vector counts as one unit."""
    return (run(shape[0]), run(shape[1]), run(shape[2])) if len(shape) == 3 else (1, 1, 1)


def is_gate(step: Step, shape: Shape) -> bool:
    """Whether a source of that shape gives one value for each map of a product."""
    return isinstance(step.layer, Gate) and shape != step.output
