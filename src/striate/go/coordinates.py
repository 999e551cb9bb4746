"""Points of a board, and their names: 72 is D16 on a 19×19 board, `dd` in a record of a game."""

from __future__ import annotations

from functools import cache

from striate.errors import MoveError, quote

SMALLEST, LARGEST = 2, 25
"""Sizes of boards. Names of columns end at Z, and I is left out."""
COLUMNS = "ABCDEFGHJKLMNOPQRSTUVWXYZ"
PASS = -1
"""The move that places no stone."""


def check_size(size: int) -> int:
    """The size itself. Raises MoveError where no board has it."""
    if not SMALLEST <= size <= LARGEST:
        raise MoveError(
            f"a board of {quote(size)}×{quote(size)}.", f"A board has {SMALLEST} to {LARGEST} lines each way."
        )
    return size


@cache
def neighbours(size: int) -> tuple[tuple[int, ...], ...]:
    """For each point, the two to four points beside it: above, left, right, below.

    >>> neighbours(3)[0], neighbours(3)[4]
    ((1, 3), (1, 3, 5, 7))
    """
    return tuple(
        tuple(
            point + down * size + right
            for down, right in ((-1, 0), (0, -1), (0, 1), (1, 0))
            if 0 <= point // size + down < size and 0 <= point % size + right < size
        )
        for point in range(size * size)
    )


def name_of(move: int, size: int = 19) -> str:
    """The name of a point as players write it, and as the Go Text Protocol has it; "pass" for a pass.

    >>> name_of(0), name_of(72), name_of(360), name_of(PASS)
    ('A19', 'Q16', 'T1', 'pass')
    """
    return "pass" if move == PASS else f"{COLUMNS[move % size]}{size - move // size}"


def point_named(name: str, size: int = 19) -> int:
    """The move with that name, in small or capital letters. Raises MoveError.

    >>> point_named("q16"), point_named("PASS")
    (72, -1)
    """
    if name.lower() == "pass":
        return PASS
    column = COLUMNS.find(name[:1].upper()) if name[:1] else -1
    row = int(name[1:]) if name[1:].isascii() and name[1:].isdigit() and len(name) <= 3 else 0
    if not (0 <= column < size and 1 <= row <= size):
        raise MoveError(
            f"{quote(name)} is no point of a {size}×{size} board.",
            f"Points are A1 (below left) to {name_of(size - 1, size)} (above right), without the letter I; or pass.",
        )
    return (size - row) * size + column
