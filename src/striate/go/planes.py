"""The 48 planes of AlphaGo's policy network (D. Silver et al., Mastering the game of Go, 2016, Extended Data Table 2).

docs/go.md defines each of them. The compiled kernels compute them; without these there is an error.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from striate.errors import RequirementError
from striate.go.games import Games, Moves, Numbers
from striate.go.position import Position
from striate.go.symmetries import places
from striate.kernels.binary import Library, StriateGo, StriateGoBoards, library


@dataclass(frozen=True)
class PlaneKind:
    """Some planes of one kind: `first` is the first of `count`."""

    name: str
    first: int
    count: int
    about: str


KINDS = (
    PlaneKind("stone colour", 0, 3, "own stone, opponent's stone, empty"),
    PlaneKind("ones", 3, 1, "set everywhere"),
    PlaneKind("turns since", 4, 8, "turns since the stone was placed: 1, 2, ... 8 or more"),
    PlaneKind("liberties", 12, 8, "liberties of the stone's chain: 1, 2, ... 8 or more"),
    PlaneKind("capture size", 20, 8, "opponent's stones that a move here takes: 1, 2, ... 8 or more"),
    PlaneKind("self-atari size", 28, 8, "own stones that a move here leaves with one liberty: 1, 2, ... 8 or more"),
    PlaneKind("liberties after move", 36, 8, "liberties of the own chain after a move here: 1, 2, ... 8 or more"),
    PlaneKind("ladder capture", 44, 1, "a move here catches a chain in a ladder"),
    PlaneKind("ladder escape", 45, 1, "a move here saves a chain from a ladder"),
    PlaneKind("sensibleness", 46, 1, "a move here is legal and fills no own eye"),
    PlaneKind("zeros", 47, 1, "set nowhere"),
)
COUNT = 48
"""The number of planes."""


def plane_name(number: int) -> str:
    """The name of a plane.

    >>> plane_name(0), plane_name(19), plane_name(44)
    ('stone colour: own', 'liberties: 8 or more', 'ladder capture')
    """
    kind = next(each for each in reversed(KINDS) if number >= each.first)
    if kind.count == 1:
        return kind.name
    nth = number - kind.first
    if kind.count == 3:
        return f"{kind.name}: {('own', 'opponent', 'empty')[nth]}"
    return f"{kind.name}: {nth + 1}{' or more' if nth == 7 else ''}"


def planes_of(positions: Sequence[Position], symmetries: Sequence[int] | None = None) -> NDArray[np.uint8]:
    """The planes of positions of one size, uint8 (positions, 48, size, size), 0 or 1, row by row from above.

    Each is shown by the symmetry of its number, 0 to 7 (`symmetries.places`), or as it is. Raises RequirementError
    where the kernels are not compiled. Of the rules, planes know the simple ko alone: a suicide is never sensible.
    """
    if not positions:
        return np.zeros((0, COUNT, 19, 19), np.uint8)
    size, count = positions[0].size, len(positions)
    if any(each.size != size for each in positions):
        raise ValueError("positions of several sizes; all must have the size of the first")
    stones = np.frombuffer(b"".join(each.stones for each in positions), np.uint8)
    ages = np.frombuffer(b"".join(each.ages for each in positions), np.uint8)
    kos = np.array([each.ko for each in positions], np.int16)
    to_play = np.array([each.to_play for each in positions], np.uint8)
    turned = np.zeros(count, np.uint8) if symmetries is None else np.asarray(symmetries, np.uint8)
    table, out = places(size), np.empty((count, COUNT, size, size), np.uint8)
    request = StriateGo(size, count, None, None, None, turned.ctypes.data, table.ctypes.data, 1)
    boards = StriateGoBoards(*(each.ctypes.data for each in (stones, ages, kos, to_play)))
    _kernels().calls.striate_go_boards(ctypes.byref(request), ctypes.byref(boards), out.ctypes.data)
    return out


def planes_before(
    games: Games, moves: Numbers, symmetries: NDArray[np.uint8] | None = None, *, one: int = 1
) -> NDArray[np.uint8]:
    """The planes of the positions before these moves of games, by the moves' places in `games.moves`; as `planes_of`.

    A plane has `one` where it is set.
    """
    size, count = games.size, len(moves)
    ends = np.ascontiguousarray(moves, np.int64)
    firsts = np.ascontiguousarray(games.starts[games.game_of(ends)], np.int64)
    turned = np.zeros(count, np.uint8) if symmetries is None else np.ascontiguousarray(symmetries, np.uint8)
    if len(turned) != count or (count and not (0 <= ends.min() <= ends.max() < len(games.moves))):
        raise ValueError(f"{count} moves and {len(turned)} symmetries; moves are those of the games, one symmetry each")
    if count and turned.max() > 7:
        raise ValueError("symmetries are numbers from 0 to 7")
    table, out = places(size), np.empty((count, COUNT, size, size), np.uint8)
    addresses = [each.ctypes.data for each in (games.moves, firsts, ends, turned, table)]
    request = StriateGo(size, count, *addresses, one)
    _kernels().calls.striate_go_planes(ctypes.byref(request), out.ctypes.data)
    return out


def legal_lengths(size: int, moves: Moves, starts: Numbers) -> Numbers:
    """How many moves of each game are legal, up to the first one that is not; `starts` as `Games` has them."""
    bounds = np.ascontiguousarray(starts, np.int64)
    firsts, ends, found = bounds[:-1].copy(), bounds[1:].copy(), np.empty(len(bounds) - 1, np.int64)
    request = StriateGo(size, len(found), moves.ctypes.data, firsts.ctypes.data, ends.ctypes.data, None, None, 1)
    _kernels().calls.striate_go_legal(ctypes.byref(request), found.ctypes.data)
    return found


def _kernels() -> Library:
    found = library()
    if isinstance(found, str):
        raise RequirementError(
            f"the planes of Go positions need Striate's compiled kernels: {found}.",
            "PyTorch has no kernels for them.",
            "Compile them: python -m striate.kernels.compile",
        )
    return found
