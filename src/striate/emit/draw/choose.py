"""The figure of a network: its style and how far its blocks are opened, chosen where they are not given."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import get_args

from striate.description import checks
from striate.description.layers import Joined
from striate.description.network import Network, Plan, plan
from striate.emit.draw.blocks import Manner, Value, laid
from striate.emit.draw.columns import Chained, arranged, shrunk
from striate.emit.draw.figure import SLIDE, Figure
from striate.emit.draw.fold import folded
from striate.emit.draw.marks import INPUT, LARGE, OUTPUT, Box, Style, Text
from striate.emit.draw.opening import Opening, parts_of
from striate.emit.draw.page import HEADER, MARGIN, bound
from striate.emit.draw.parts import Part
from striate.emit.draw.pieces import Piece
from striate.emit.draw.volumes import volumes
from striate.emit.draw.widths import width
from striate.emit.draw.words import detail

ROOM = SLIDE[0] - 2.0 * MARGIN, SLIDE[1] - HEADER - 66.0
"""The room that a slide has for the drawing."""
TALLEST = (940, 560, 380)
"""The heights of frames that are tried."""
HOPELESS = 1.7
"""How much too large a first try is that no other manner will bring onto a slide."""
STYLES: tuple[Style, ...] = get_args(Style)


def figure_of(network: Network, *, style: Style | None = None, depth: int | None = None) -> Figure:
    """The figure of a network.

    `style` is "volumes", feature maps as solids, which is usual for a network whose layers follow each other, or
    "blocks", boxes with lanes and joins, for any other. Blocks whose paths have `depth` names are not opened; without
    it they are opened as far as the figure stays legible on a slide.

    >>> from striate.networks import find
    >>> figure_of(find("lenet5")).style, figure_of(find("resnet50")).style
    ('volumes', 'blocks')
    """
    if style is not None:
        checks.one_of("style", style, STYLES)
    if depth is not None:
        checks.whole("depth", depth)
    planned = plan(network)
    joins = any(isinstance(step.layer, Joined) for step in planned.steps)
    style = style or ("blocks" if joins else "volumes")
    details = {step.path: detail(step) for step in planned.steps}
    tried: list[Piece] = []
    for opening in _openings(planned, style) if depth is None else [Opening(depth, flat=style == "volumes")]:
        parts = folded(parts_of(network, opening))
        tried.append(_blocks(planned, parts) if style == "blocks" else volumes(parts, planned.input, ROOM))
        if shrunk(tried[-1], ROOM) <= 1:
            break
    return bound(network, details, style, tried[-1])


def _openings(planned: Plan, style: Style) -> Iterator[Opening]:
    """Ways of opening blocks, the most telling one first."""
    deepest = max(step.path.count(".") + 1 for step in planned.steps)
    for depth in range(deepest, 0, -1):
        yield Opening(depth, flat=style == "volumes")
        if planned.heads and depth > 1 and style == "blocks":
            yield Opening(depth, heads=False)


def _blocks(planned: Plan, parts: tuple[Part, ...]) -> Piece:
    """The parts in the first manner in which they are legible on a slide, else in the one that is largest there."""
    start = Value(INPUT, (planned.input,))
    tried: list[Piece] = []
    for sparse in (False, True):
        highest = math.inf
        for tallest in TALLEST:
            if highest <= tallest:
                continue
            pieces = [
                Chained(_end(INPUT, "input"), start.node, start.size),
                *laid(parts, start, Manner(tallest, sparse)),
                Chained(_end(OUTPUT, "output"), OUTPUT, (planned.output,)),
            ]
            tried.append(arranged(pieces, ((),), ROOM))
            highest = max(each.piece.height for each in pieces)
            if shrunk(tried[0], ROOM) > HOPELESS:
                return tried[0]
        if shrunk(min(tried, key=lambda piece: shrunk(piece, ROOM)), ROOM) <= 1:
            break
    return min(tried, key=lambda piece: shrunk(piece, ROOM))


def _end(node: str, word: str) -> Piece:
    """The input or the output of a network, as a box."""
    wide, high = width(word, LARGE) + 34, 30.0
    text = Text(0, 20, word, LARGE, "middle")
    box = Box(node, "data", (-wide / 2, 0), wide, high, (text,))
    return Piece(left=wide / 2, right=wide / 2, height=high, marks=(box,), exit=(0, high), nodes=(node, node))
