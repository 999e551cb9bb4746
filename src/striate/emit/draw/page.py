"""The texts around the drawing: the network's name and paper above it, the legend below."""

from __future__ import annotations

import re
from collections.abc import Sequence

from striate.description.network import Network
from striate.emit.draw.families import LOOKS, Family
from striate.emit.draw.figure import Figure
from striate.emit.draw.marks import LARGE, SMALL, TITLE, Box, Join, Key, Mark, Panel, Style, Text, Volume
from striate.emit.draw.pieces import Piece, flattened
from striate.emit.draw.widths import shortened, width

MARGIN, HEADER = 24, 50
"""Pixels: around everything, and of the title."""
LEAST, CITED = 420, 720
"""The least width of a figure, and of one that names a paper."""
SWATCH, APART = 22, 24


def bound(network: Network, details: dict[str, str], style: Style, piece: Piece) -> Figure:
    """The figure of a network whose drawing is one piece."""
    least = LEAST if network.source is None else CITED
    wide = max(piece.left + piece.right, least, width(network.name, TITLE, bold=True))
    middle = MARGIN + piece.left + (wide - piece.left - piece.right) / 2
    marks = tuple(flattened(piece.marks, (middle, HEADER)))
    bottom = HEADER + piece.height + 14
    keys, notes, height = _legend(marks, wide, bottom)
    return Figure(
        network.name, style, wide + 2 * MARGIN, height, marks, (*_titles(network, wide), *notes), keys, details
    )


def _titles(network: Network, wide: float) -> tuple[Text, ...]:
    """The name, and the paper at its right where there is room for it."""
    name = Text(MARGIN, 34, shortened(network.name, TITLE * 1.08, wide), TITLE, bold=True)
    if network.source is None:
        return (name,)
    taken = width(name.words, TITLE, bold=True) + APART
    paper = shortened(f"{network.source.paper}, {network.source.year}", LARGE, wide - taken)
    return (name, Text(MARGIN + taken, 34, paper, LARGE, soft=True)) if wide - taken > 160 else (name,)


def _legend(marks: Sequence[Mark], wide: float, top: float) -> tuple[tuple[Key, ...], tuple[Text, ...], float]:
    """The entries, the notes after them, and where the figure ends."""
    used = _families(marks)
    entries: list[tuple[Family | None, str]] = [(each, look.name) for each, look in LOOKS.items() if each in used]
    if any(isinstance(mark, Panel) and mark.times > 1 for mark in marks):
        entries.append((None, "× n: n times in a row, drawn once"))
    if any(re.search(r"\d…\d", text.words) for mark in marks for text in mark.lines):
        entries.append((None, "a…b: from a to b over the repetitions"))
    if any(not isinstance(mark, (Join, Volume)) and mark.dashed for mark in marks):
        entries.append((None, "dashed: in training only"))
    keys: list[Key] = []
    notes: list[Text] = []
    x, y = float(MARGIN), top + 18
    for name, words in entries:
        room = (SWATCH if name else 0) + width(words, SMALL)
        if x > MARGIN and x + room > MARGIN + wide:
            x, y = float(MARGIN), y + 24
        if name is None:
            notes.append(Text(x, y + 13, words, SMALL, soft=True))
        else:
            keys.append(Key(name, (x, y), Text(x + SWATCH, y + 13, words, SMALL, soft=True)))
        x += room + APART
    return tuple(keys), tuple(notes), y + 16 + MARGIN * 0.75


def _families(marks: Sequence[Mark]) -> set[Family]:
    found: set[Family] = set()
    for mark in marks:
        if isinstance(mark, (Box, Volume)):
            found.add(mark.family)
        elif isinstance(mark, Join):
            found.add("join")
    return found
