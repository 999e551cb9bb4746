"""Characters as bitmaps of 7×12, the targets of LeNet-5's RBF units.

The paper shows its bitmaps in a picture (figure 3) and prints no table, and the transcriptions in circulation disagree.
These bitmaps are drawn for Striate in the same style, so that characters that look alike have similar codes.
"""

from __future__ import annotations

from functools import cache

from striate.errors import UnknownNameError
from striate.networks.characters import BLOCKS

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
    return centres(tuple("0123456789"))


def centres(characters: tuple[str, ...]) -> tuple[tuple[float, ...], ...]:
    """Each character as 84 values of +1 (ink) and −1, row by row. Raises UnknownNameError where one has no bitmap.

    >>> centres(("O",))[0][:7]
    (-1.0, 1.0, 1.0, 1.0, 1.0, 1.0, -1.0)
    """
    drawn = bitmaps()
    strange = [each for each in characters if each not in drawn]
    if strange:
        raise UnknownNameError(
            f"no bitmap is drawn for {', '.join(map(repr, strange[:5]))}.",
            f"There is one for each of the {len(drawn)} printable characters of ASCII.",
        )
    return tuple(tuple(1.0 if mark == "#" else -1.0 for row in drawn[each] for mark in row) for each in characters)


@cache
def bitmaps() -> dict[str, tuple[str, ...]]:
    """Every printable character of ASCII, in its order: 12 rows of 7 marks, "#" for ink and "." for none.

    >>> print("\\n".join(bitmaps()["a"][4:11]))
    .#####.
    .....##
    .######
    ##...##
    ##...##
    ##..###
    .###.##
    """
    found: dict[str, tuple[str, ...]] = {}
    for characters, art in (("0123456789", _DIGITS), *BLOCKS):
        rows = [line.split() for line in art.split("\n") if line]
        found |= {each: tuple(row[place] for row in rows) for place, each in enumerate(characters)}
    return dict(sorted(found.items()))
