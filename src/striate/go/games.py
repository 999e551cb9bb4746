"""Games as a network learns from them: packed, two bytes a move; a position is replayed when it is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from striate.go.coordinates import PASS
from striate.go.position import Position, Rules, place, play, start, to_move

Moves: TypeAlias = NDArray[np.int16]
Numbers: TypeAlias = NDArray[np.int64]

POINT, COLOUR, SET_UP, PASSED = 1023, 1024, 4096, 1023
"""How a move is packed: its point, or PASSED; + COLOUR · its colour; + SET_UP for a stone placed before the first move.
`StriateGo` of the kernels' interface has the same."""


@dataclass(frozen=True, eq=False)
class Games:
    """Games on boards of one size: the packed `moves` of all, one game after another; game g has moves[starts[g]] to
    moves[starts[g + 1] − 1]. `names` say where each game was read.

    All moves are legal by simple ko, without suicide.
    """

    size: int
    moves: Moves
    starts: Numbers
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        points, colours = self.moves & POINT, self.moves >> 10 & 3
        sound = ((points < self.size**2) | (points == PASSED)) & (colours > 0) & (colours < 3)
        whole = len(self.starts) > 0 and self.starts[0] == 0 and self.starts[-1] == len(self.moves)
        if self.moves.dtype != np.int16 or not (sound.all() and whole and (np.diff(self.starts) >= 0).all()):
            raise ValueError("moves are int16, of points of the board, and starts ascend from 0 to their number")

    def __len__(self) -> int:
        return len(self.starts) - 1

    @cached_property
    def positions(self) -> Numbers:
        """The moves that a network learns: those on a point. Each is the answer to the position before it."""
        played = (self.moves & SET_UP == 0) & (self.moves & POINT != PASSED)
        return played.nonzero()[0]

    def game_of(self, moves: Numbers) -> Numbers:
        """The game of each move, by the move's place in `moves`."""
        return np.searchsorted(self.starts, moves, side="right") - 1

    def turn_of(self, moves: Numbers) -> Numbers:
        """The number of each move in its game, from 1; passes count, stones that were set up do not."""
        set_up = np.concatenate([[0], np.cumsum(self.moves & SET_UP != 0)])
        firsts = self.starts[self.game_of(moves)]
        return moves - firsts + 1 - (set_up[moves] - set_up[firsts])

    def answers(self, moves: Numbers) -> Numbers:
        """The point of each move, int64."""
        return (self.moves[moves] & POINT).astype(np.int64)


def packed(point: int, colour: int, *, set_up: bool = False) -> int:
    """A move as it is packed; `point` may be PASS.

    >>> packed(72, 1), packed(PASS, 2), packed(60, 1, set_up=True)
    (1096, 3071, 5180)
    """
    return (PASSED if point == PASS else point) + COLOUR * colour + (SET_UP if set_up else 0)


def unpacked(code: int) -> tuple[int, int, bool]:
    """Point or PASS, colour, and whether it is a stone that was set up.

    >>> unpacked(3071)
    (-1, 2, False)
    """
    point = code & POINT
    return (PASS if point == PASSED else point), code >> 10 & 3, bool(code & SET_UP)


def positions_of(size: int, moves: Sequence[int], rules: Rules | None = None) -> list[Position]:
    """The positions of one game from its packed moves: before its first move, and after each. Raises MoveError."""
    codes = [unpacked(int(code)) for code in moves]
    stones = {colour: [point for point, own, set_up in codes if set_up and own == colour] for colour in (1, 2)}
    position = start(size, rules)
    if stones[1] or stones[2]:
        position = place(position, stones[1], stones[2])
    played = [(point, colour) for point, colour, set_up in codes if not set_up]
    found = [to_move(position, played[0][1]) if played else position]
    for number, (point, colour) in enumerate(played):
        position = play(to_move(position, colour), point)
        following = played[number + 1][1] if number + 1 < len(played) else position.to_play
        found.append(to_move(position, following))
    return found
