"""Cells as aligned lines of text."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

GAP = "  "


def grid(rows: Sequence[Sequence[str]], align: str) -> list[str]:
    """Each row as a line; `align` has "<" or ">" for each column. An empty row becomes a rule.

    >>> print(*grid([("layer", "MACs"), (), ("C1", "117,600")], "<>"), sep="\\n")
    layer     MACs
    ──────────────
    C1     117,600
    """
    widths = [max((len(row[place]) for row in rows if row), default=0) for place in range(len(align))]
    rule = "─" * (sum(widths) + len(GAP) * (len(widths) - 1))
    return [GAP.join(_cells(row, widths, align)).rstrip() if row else rule for row in rows]


def fitted(rows: Sequence[Sequence[str]], align: str, width: int, drop: Sequence[int]) -> list[str]:
    """The lines of `grid`, without as many of the columns `drop`, in that order, as must go to keep within `width`.

    >>> print(*fitted([("layer", "what it is", "MACs"), ("C1", "conv 6 5×5", "117,600")], "<<>", 20, [1]), sep="\\n")
    layer     MACs
    C1     117,600
    """
    gone: set[int] = set()
    lines: list[str] = []
    for column in (-1, *drop):
        gone.add(column)
        left = [place for place in range(len(align)) if place not in gone]
        lines = grid([[row[place] for place in left] if row else () for row in rows], "".join(align[i] for i in left))
        if max(map(len, lines)) <= width:
            return lines
    return lines


def wrapped(text: str, width: int, indent: str = "  ") -> list[str]:
    """Text in lines of at most `width` characters (40 at the least), all but the first indented."""
    return textwrap.wrap(text, max(width, 40), subsequent_indent=indent)


def megabytes(size: int, largest: int) -> tuple[str, str]:
    """Bytes as MB and as MiB, with as many decimals as suit a column whose largest entry is `largest` bytes.

    >>> megabytes(60_950_432, 60_950_432), megabytes(82_896, 82_896)
    (('60.95', '58.13'), ('0.0829', '0.0791'))
    """
    decimals = 2 if largest >= 10**7 else 4
    return f"{size / 10**6:,.{decimals}f}", f"{size / 2**20:,.{decimals}f}"


def _cells(row: Sequence[str], widths: Sequence[int], align: str) -> list[str]:
    return [f"{cell:{side}{width}}" for cell, width, side in zip(row, widths, align, strict=True)]
