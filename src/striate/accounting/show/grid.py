"""Tables as aligned lines of text, and running text in lines, for any width of the page."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from itertools import chain

from striate.wording import cells, padded

GAP = "  "
LEAST = 12
"""The smallest line width of running text, in characters; on a narrower page the terminal breaks the lines."""
NARROWEST = 6
"""The smallest width of a column of words, in characters."""


def grid(rows: Sequence[Sequence[str]], align: str) -> list[str]:
    """Each row as a line; `align` has "<" or ">" for each column. An empty row becomes a rule.

    >>> print(*grid([("layer", "MACs"), (), ("C1", "117,600")], "<>"), sep="\\n")
    layer     MACs
    ──────────────
    C1     117,600
    """
    return [line for lines in _lines(rows, align, _natural(rows, align)) for line in lines]


def fitted(rows: Sequence[Sequence[str]], align: str, width: int, drop: Sequence[int] = ()) -> list[str]:
    """The lines of `grid` within `width`: see `fitted_rows`.

    >>> print(*fitted([("layer", "what it is", "MACs"), ("C1", "conv 6 5×5", "117,600")], "<<>", 20, [1]), sep="\\n")
    layer     MACs
    C1     117,600
    """
    return list(chain.from_iterable(fitted_rows(rows, align, width, drop)))


def fitted_rows(rows: Sequence[Sequence[str]], align: str, width: int, drop: Sequence[int] = ()) -> list[list[str]]:
    """The lines of each row, within `width` where this is possible.

    As many of the columns `drop` as necessary are left out, in that order. If that is not enough, the words of
    left-aligned columns are broken over several lines. Numbers are never cut.

    >>> fitted_rows([("stage1.block1.conv1", "3,407,872")], "<>", 24)
    [['stage1.block1  3,407,872', '.conv1']]
    """
    left = list(range(len(align)))
    sizes: list[int] = []
    for column in (-1, *drop):
        left = [place for place in left if place != column]
        sizes = _natural([[row[place] for place in left] if row else () for row in rows], [align[i] for i in left])
        if _total(sizes) <= width:
            break
    sides = "".join(align[place] for place in left)
    words = [place for place, side in enumerate(sides) if side == "<"]
    while words and _total(sizes) > width:
        widest = max(words, key=lambda place: sizes[place])
        if sizes[widest] <= NARROWEST:
            break
        sizes[widest] -= 1
    return _lines([[row[place] for place in left] if row else () for row in rows], sides, sizes)


def wrapped(text: str, width: int, indent: str = "  ", first: str = "") -> list[str]:
    """Text in lines of at most `width` characters (at least `LEAST`), with `first` before the first line and `indent`
    before all others. On a narrow page the indent shrinks, and `first` has a line of its own.

    >>> wrapped("What every layer costs", 16)
    ['What every layer', '  costs']
    >>> wrapped("What every layer costs", 16, " " * 12, "account     ")
    ['account', '    What every', '    layer costs']
    """
    width = max(width, LEAST)
    indent = indent[: width - LEAST]
    lines = [] if width - len(first) >= LEAST else textwrap.wrap(first, width)
    if not text.strip():
        return lines or [each for each in [first.rstrip()] if each]
    start = indent if lines else first
    return [*lines, *textwrap.wrap(text, width, initial_indent=start, subsequent_indent=indent)]


def megabytes(size: int, largest: int) -> tuple[str, str]:
    """Bytes as MB and as MiB, with as many decimals as suit a column whose largest entry is `largest` bytes.

    >>> megabytes(60_950_432, 60_950_432), megabytes(82_896, 82_896)
    (('60.95', '58.13'), ('0.0829', '0.0791'))
    """
    decimals = 2 if largest >= 10**7 else 4
    return f"{size / 10**6:,.{decimals}f}", f"{size / 2**20:,.{decimals}f}"


def _natural(rows: Sequence[Sequence[str]], align: Sequence[str]) -> list[int]:
    """The width of each column that holds its longest cell."""
    return [max((cells(row[place]) for row in rows if row), default=0) for place in range(len(align))]


def _total(sizes: Sequence[int]) -> int:
    return sum(sizes) + len(GAP) * (len(sizes) - 1)


def _lines(rows: Sequence[Sequence[str]], align: str, sizes: Sequence[int]) -> list[list[str]]:
    """The lines of each row in columns of some widths; a cell that is wider is wrapped."""
    return [_row(row, align, sizes) if row else ["─" * _total(sizes)] for row in rows]


def _row(row: Sequence[str], align: str, sizes: Sequence[int]) -> list[str]:
    if all(cells(cell) <= size for cell, size in zip(row, sizes, strict=True)):
        return [_line(row, align, sizes)]
    parts = [_broken(cell, size) for cell, size in zip(row, sizes, strict=True)]
    height = max(map(len, parts))
    return [_line([part[at] if at < len(part) else "" for part in parts], align, sizes) for at in range(height)]


def _broken(cell: str, size: int) -> list[str]:
    """A cell in lines of at most `size`: broken after commas, semicolons and bars, or anywhere if necessary."""
    if cells(cell) <= size:
        return [cell]
    parts = re.split(r"(?<=[,;|]) ", cell.replace(" %", "\xa0%"))
    whole = " ".join(part.replace(" ", "\xa0") if len(part) <= size else part for part in parts)
    lines = textwrap.wrap(whole, size, break_on_hyphens=False)
    return [piece.replace("\xa0", " ") for line in lines for piece in _pieces(line, size)]


def _pieces(line: str, size: int) -> list[str]:
    """A line in pieces of at most `size` cells: `textwrap` counts letters, and a wide one takes two cells."""
    pieces = [""]
    for letter in line:
        if pieces[-1] and cells(pieces[-1] + letter) > size:
            pieces.append("")
        pieces[-1] += letter
    return pieces


def _line(row: Sequence[str], align: str, sizes: Sequence[int]) -> str:
    parts = (padded(cell, width, side) for cell, width, side in zip(row, sizes, align, strict=True))
    return GAP.join(parts).rstrip()
