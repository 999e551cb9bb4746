"""The eight symmetries of a board: four turns, each of them mirrored too."""

from __future__ import annotations

from functools import cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Places: TypeAlias = NDArray[np.int16]


@cache
def places(size: int) -> Places:
    """For each symmetry, int16 (8, points), the point that each point of the result comes from. The first changes none.

    >>> places(3)[:2].tolist()
    [[0, 1, 2, 3, 4, 5, 6, 7, 8], [2, 1, 0, 5, 4, 3, 8, 7, 6]]
    """
    board = np.arange(size * size, dtype=np.int16).reshape(size, size)
    turns = [np.rot90(board, turn) for turn in range(4)]
    found = np.stack([each.reshape(-1) for turn in turns for each in (turn, turn[:, ::-1])])
    found.flags.writeable = False
    return found


@cache
def targets(size: int) -> Places:
    """The inverse, int16 (8, points): where each point goes.

    >>> bool((places(19)[3][targets(19)[3]] == np.arange(361)).all())
    True
    """
    return places(size).argsort(1).astype(np.int16)
