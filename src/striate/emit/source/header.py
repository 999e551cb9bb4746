"""The comments at the head of a source: the network, its paper, and the command that made the source."""

from __future__ import annotations

import math
import textwrap
from typing import assert_never

from striate.description.layers import (
    RBF,
    Activation,
    BatchNorm,
    Conv,
    Dropout,
    Flatten,
    GlobalAveragePool,
    Linear,
    LocalResponseNorm,
    PadChannels,
    Pool,
    PositionBias,
    Scale,
    Shuffle,
    Simple,
    Softmax,
    Subsample,
    Upsample,
)
from striate.description.network import Network, Step, plan
from striate.description.shapes import Shape, show, window
from striate.emit.source.text import WIDTH


def header(network: Network, tongue: str, made_by: str, *notes: str, mark: str = "#") -> list[str]:
    """The lines of comment; `made_by` is the command, `notes` what else a reader must know.

    A command that does not fit on one line, or holds what cannot be printed, is left out: it could not be run again.
    Names and papers stand from the third line on: in the first two Python looks for the encoding of the file.
    """
    planned, source = plan(network), network.source
    trained = sum(parameters(step) for step in planned.steps if not step.head)
    heads = sum(parameters(step) for step in planned.steps if step.head)
    lines = [f"{tongue} source of a convolutional network, written by Striate.", ""]
    lines += [f"{network.name}: {show(network.input)} in, {show(planned.output)} out; {trained:,} parameters."]
    if heads:
        lines += [f"The auxiliary heads, which are used in training only, have {heads:,} more."]
    if source is not None:
        place = f", {source.place}" if source.place else ""
        lines += ["", f"{source.paper}, {source.year}{place}."]
        lines += ["Departures from it:" if source.departures else "", *(f"- {each}" for each in source.departures)]
    command = f"Made by: {made_by}"
    fits = made_by and made_by.isprintable() and len(command) + len(mark) < WIDTH
    lines += ["", command if fits else "", *notes]
    while "" in lines and lines[-1] == "":
        lines.pop()
    return [text for line in _no_double(lines) for text in _wrapped(line, mark)]


def _no_double(lines: list[str]) -> list[str]:
    return [line for before, line in zip(["", *lines], lines, strict=False) if line or before]


def _wrapped(line: str, mark: str) -> list[str]:
    if not line:
        return [mark]
    inner = f"{mark}   " if line.startswith("- ") else f"{mark} "
    return textwrap.wrap(
        line, WIDTH, initial_indent=f"{mark} ", subsequent_indent=inner, break_long_words=False, break_on_hyphens=False
    )


def parameters(step: Step) -> int:
    """The trained parameters of a step."""
    return _trained(step.layer, step.inputs[0]) if isinstance(step.layer, Simple) else 0


def _trained(layer: Simple, shape: Shape) -> int:
    match layer:
        case Conv():
            moved = window(layer, shape)
            area = moved.height.kernel * moved.width.kernel
            links = sum(map(len, layer.table)) if layer.table else layer.filters * shape[0] // layer.groups
            return links * area + layer.bias * layer.filters
        case Linear():
            return (shape[0] + layer.bias) * layer.units
        case BatchNorm() | Subsample():
            return 2 * shape[0]
        case Scale():
            return shape[0]
        case PositionBias():
            return math.prod(shape)
        case Pool() | LocalResponseNorm() | Activation() | Softmax() | Dropout() | Flatten() | RBF():
            return 0
        case GlobalAveragePool() | PadChannels() | Upsample() | Shuffle():
            return 0
        case _:
            assert_never(layer)
