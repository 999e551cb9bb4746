"""Text in lines of a terminal's width, where a character may take two cells."""

from __future__ import annotations

from striate.wording import cells

JOIN = "\N{NO-BREAK SPACE}"
LEAST = 16
"""A text is indented where this many cells are left beside its label."""


def lines(text: str, width: int, label: str = "") -> list[str]:
    """A text behind its label, in lines of at most `width` cells; a character that is wider has a line of its own.

    A per cent sign stays with its number.

    >>> lines("(64 − 3)/1 + 1 = 62.", 24, "  ✓ 10  ")
    ['  ✓ 10  (64 − 3)/1 + 1 =', '        62.']
    """
    if not text:
        return []
    indent = " " * cells(label)
    if width < len(indent) + LEAST:
        text, label, indent = f"{label.strip()} {text}", "", ""
    found, line, room = list[str](), "", width - len(indent)
    for word in text.replace(" %", f"{JOIN}%").split(" "):
        gap = " " if line else ""
        if cells(line + gap + word) <= room:
            line += gap + word
            continue
        *full, line = [*([line] if line else []), *_pieces(word, room)]
        found += full
    starts = [label, *[indent] * len(found)]
    return [start + each.replace(JOIN, " ") for start, each in zip(starts, [*found, line], strict=True)]


def _pieces(word: str, room: int) -> list[str]:
    """A word in pieces that fit."""
    pieces, piece = list[str](), ""
    for character in word:
        if piece and cells(piece + character) > room:
            pieces.append(piece)
            piece = ""
        piece += character
    return [*pieces, piece]
