"""A position as text."""

from __future__ import annotations

from striate.go.coordinates import COLUMNS
from striate.go.position import BLACK, EMPTY, Position


def board(position: Position, marks: dict[int, str] | None = None) -> str:
    """The board: X black, O white, + a star point; the last move in parentheses, `marks` in place of empty points.

    >>> from striate.go.position import play, point_named, start
    >>> print(board(play(play(start(5), point_named("C3", 5)), point_named("C4", 5)), {0: "1"}))
       A B C D E
     5 1 . . . . 5
     4 . .(O). . 4
     3 . . X . . 3
     2 . . . . . 2
     1 . . . . . 1
       A B C D E
    """
    size, marks = position.size, marks or {}
    header = "   " + " ".join(COLUMNS[:size])
    stars = _stars(size)
    lines = [header]
    for row in range(size):
        text = list(" " * (2 * size + 1))
        for column in range(size):
            point = row * size + column
            colour = position.stones[point]
            free = marks.get(point, "+" if point in stars else ".")
            text[2 * column + 1] = free if colour == EMPTY else "XO"[colour - BLACK]
            if point == position.last and colour != EMPTY:
                text[2 * column], text[2 * column + 2] = "()"
        lines.append(f"{size - row:2}{''.join(text)}{size - row}")
    return "\n".join([*lines, header])


def _stars(size: int) -> set[int]:
    """The star points, for the sizes that have them."""
    if size < 7:
        return set()
    edge = 2 if size < 13 else 3
    lines = {edge, size - 1 - edge} | ({size // 2} if size % 2 else set())
    return {row * size + column for row in lines for column in lines}
