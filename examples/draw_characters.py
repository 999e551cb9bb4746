"""Draws the bitmaps of the printable characters, the targets of RBF units, as one SVG.

    python examples/draw_characters.py [FILE]

A page shows it in its own colour of text, light or dark.
"""

from __future__ import annotations

import sys
from pathlib import Path

from striate.networks.glyphs import HEIGHT, WIDTH, bitmaps

COLUMNS, PIXEL, GAP = 16, 4, 16


def main() -> None:
    """Write the picture."""
    path = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/reproductions/characters.svg")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(picture(), encoding="utf-8")


def picture() -> str:
    """Every character in ASCII's order, sixteen in a row; a run of ink is a bar."""
    step = WIDTH * PIXEL + GAP, HEIGHT * PIXEL + GAP
    drawn = list(bitmaps().values())
    rows = -(-len(drawn) // COLUMNS)
    width, height = COLUMNS * step[0] + GAP, rows * step[1] + GAP
    boxes, ink = [], []
    for place, rows_of_marks in enumerate(drawn):
        left, top = GAP + place % COLUMNS * step[0], GAP + place // COLUMNS * step[1]
        boxes.append(f"M{left - 3} {top - 3}h{WIDTH * PIXEL + 6}v{HEIGHT * PIXEL + 6}h{-WIDTH * PIXEL - 6}z")
        for row, marks in enumerate(rows_of_marks):
            ink += [f"M{left + start * PIXEL} {top + row * PIXEL}h{length * PIXEL}" for start, length in runs(marks)]
    return (
        f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" xmlns="http://www.w3.org/2000/svg" '
        'role="img" aria-label="Bitmaps of 7×12 of the printable characters">\n'
        "<style>svg{color:#1a1a1a;background:#fff}"
        "@media(prefers-color-scheme:dark){svg{color:#e8e8e8;background:#14161a}}</style>\n"
        f'<path d="{"".join(boxes)}" fill="none" stroke="currentColor" stroke-opacity="0.25"/>\n'
        f'<path d="{"".join(ink)}" transform="translate(0 {PIXEL / 2:g})" stroke="currentColor" '
        f'stroke-width="{PIXEL}"/>\n</svg>\n'
    )


def runs(marks: str) -> list[tuple[int, int]]:
    """Where ink begins in a row, and how long it runs."""
    starts = [place for place, mark in enumerate(marks) if mark == "#" and not marks[:place].endswith("#")]
    return [(start, len(marks[start:]) - len(marks[start:].lstrip("#"))) for start in starts]


if __name__ == "__main__":
    main()
