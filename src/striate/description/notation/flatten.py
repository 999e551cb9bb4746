"""Inserts the flattens that the notation may leave out: before layers that need a vector and are given maps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from striate.description.layers import Auxiliary, Block, Branches, Flatten, Gate, Layer, Residual
from striate.description.network import branches_of
from striate.description.properties import properties


def flattened(layers: Sequence[Layer], *, flat: bool) -> tuple[list[Layer], bool]:
    """The layers with all missing flattens inserted, and whether their output is a flat vector."""
    found: list[Layer] = []
    for layer in layers:
        match layer:
            case Block():
                inside, flat = flattened(layer.layers, flat=flat)
                found.append(replace(layer, layers=inside))
            case Residual():
                shortcut, _ = flattened(layer.shortcut, flat=flat)
                inside, flat = flattened(layer.layers, flat=flat)
                found.append(replace(layer, layers=inside, shortcut=shortcut))
            case Auxiliary() | Gate():
                found.append(replace(layer, layers=flattened(layer.layers, flat=flat)[0]))
            case Branches():
                blocks = branches_of(layer).values()
                inner = [replace(block, layers=flattened(block.layers, flat=flat)[0]) for block in blocks]
                found.append(replace(layer, branches=inner))
            case _:
                own = properties(layer)
                missing = own.reads == "vector" and not flat
                found += [Flatten(), layer] if missing else [layer]
                flat = flat or missing or own.flattens
    return found, flat
