"""Characters as bitmaps of 7×12, the targets of LeNet-5's RBF units.

The paper shows its bitmaps in a picture (figure 3) and prints no table, and the transcriptions in circulation disagree.
These are drawn for Striate in the same spirit: stylised, so that characters that look alike have codes that are alike.
"""

from __future__ import annotations

WIDTH, HEIGHT = 7, 12

_DIGITS = """
..###..  ...##..  .#####.  .#####.  ....##.  #######  ..####.  #######  .#####.  .#####.
.##.##.  ..###..  ##...##  ##...##  ...###.  ##.....  .##....  ##...##  ##...##  ##...##
##...##  .####..  .....##  .....##  ..####.  ##.....  ##.....  .....##  ##...##  ##...##
##...##  ...##..  .....##  .....##  .##.##.  ##.....  ##.....  ....##.  ##...##  ##...##
##...##  ...##..  ....##.  .....##  ##..##.  ######.  ######.  ....##.  .##.##.  ##...##
##...##  ...##..  ...##..  ..####.  ##..##.  .....##  ##...##  ...##..  ..###..  .######
##...##  ...##..  ..##...  .....##  #######  .....##  ##...##  ...##..  .##.##.  .....##
##...##  ...##..  .##....  .....##  ....##.  .....##  ##...##  ..##...  ##...##  .....##
##...##  ...##..  ##.....  .....##  ....##.  .....##  ##...##  ..##...  ##...##  .....##
.##.##.  ...##..  ##.....  ##...##  ....##.  ##...##  ##...##  ..##...  ##...##  ....##.
..###..  .######  #######  .#####.  ....##.  .#####.  .#####.  ..##...  .#####.  .####..
.......  .......  .......  .......  .......  .......  .......  .......  .......  .......
"""


def digits() -> tuple[tuple[float, ...], ...]:
    """The ten digits, each as 84 values of +1 (ink) and −1, row by row.

    >>> len(digits()), len(digits()[0]), sum(digits()[0])
    (10, 84, 0.0)
    """
    rows = [line.split() for line in _DIGITS.split("\n") if line]
    return tuple(tuple(1.0 if mark == "#" else -1.0 for row in rows for mark in row[digit]) for digit in range(10))


def empty() -> tuple[float, ...]:
    """A bitmap without ink: what LeNet-5 is to say where there is no character.

    >>> sum(empty())
    -84.0
    """
    return (-1.0,) * (WIDTH * HEIGHT)
