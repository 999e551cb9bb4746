"""Chooses the layers for figures."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import TypeVar

from striate.description.layers import Conv, Dropout, Flatten, Pool, Softmax, Subsample
from striate.description.network import INPUT, Network, Step, plan
from striate.errors import ShapeError, UnknownNameError, unknown_name
from striate.language.say import say

Item = TypeVar("Item")


def find_step(network: Network, path: str) -> Step:
    """The layer at a path. Raises UnknownNameError with the nearest path."""
    steps = {step.path: step for step in plan(network).steps}
    if path in steps:
        return steps[path]
    error = unknown_name("layer", path, steps)
    expected = error.expected if len(steps) <= 24 else f"`striate account {network.name} --all` lists their paths."
    raise UnknownNameError(error.what, expected, error.remedy)


def main_steps(network: Network) -> list[Step]:
    """The layers that the answer depends on, in the order in which they run; auxiliary heads are left out."""
    return [step for step in plan(network).steps if not step.head]


def seen_steps(network: Network) -> list[Step]:
    """The layers whose outputs are drawn: without layers that only reorder values or pass them on."""
    return [step for step in main_steps(network) if not isinstance(step.layer, (Flatten, Dropout, Softmax))]


def is_map(step: Step) -> bool:
    """Whether a layer's output is maps of more than one pixel."""
    return len(step.output) == 3 and prod(step.output[1:]) > 1


def cam_step(network: Network, path: str | None = None) -> Step:
    """The layer for Grad-CAM: the one at `path`, or the last non-pooling layer with maps larger than 1×1.

    Raises ShapeError where the layer at `path` has no such maps: a single pixel would give one flat colour.

    >>> from striate.networks import find
    >>> cam_step(find("lenet5")).path, cam_step(find("simple-cnn")).path
    ('tanh4', 'relu5')
    """
    steps = [step for step in main_steps(network) if is_map(step)]
    if path is not None:
        step = find_step(network, path)
        if is_map(step) and not step.head:
            return step
        last = f"Try {steps[-1].path!r}." if steps else ""
        raise ShapeError(
            "has no maps larger than 1×1.", "Grad-CAM weighs maps, and spreads them over the image.", last
        ).at(path)
    if not steps:
        raise ShapeError(
            f"{network.name} has no maps larger than 1×1.", "Grad-CAM weighs maps; it needs a convolution."
        )
    own = [step for step in steps if not isinstance(step.layer, (Pool, Subsample))]
    return (own or steps)[-1]


def source_name(network: Network, step: Step) -> str:
    """The name of a layer's input: another layer's path, or the image."""
    source = step.sources[0]
    return say("the image") if source == INPUT else plan(network).steps[source].path


def convolutions(network: Network) -> list[Step]:
    """The convolutions that the answer depends on."""
    return [step for step in main_steps(network) if isinstance(step.layer, Conv)]


def spread(items: Sequence[Item], count: int) -> list[Item]:
    """At most `count` of the items, evenly spread, the first and the last among them.

    >>> spread("abcdefg", 3)
    ['a', 'd', 'g']
    """
    if len(items) <= count:
        return list(items)
    if count == 1:
        return [items[-1]]
    return [items[round(place * (len(items) - 1) / (count - 1))] for place in range(count)]
