"""Positions of Go games as images: two bytes per move are stored, and the planes are computed when they are indexed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Int64, UInt8
from torch import Tensor

from striate.data.indexed import Indexed, Several
from striate.errors import DataError
from striate.go.games import Games
from striate.go.planes import COUNT, planes_before
from striate.go.symmetries import targets

MOST_HELD_OUT = 10_000
"""The most positions that are held out: more take long to judge, and say little more."""
SET = 255
"""The value of a plane where it is set, as pixels have it."""


@dataclass(frozen=True, eq=False)
class Boards(Indexed):
    """The positions before some `moves` of games, by the moves' places in `games.moves`.

    It is indexed by a number, a slice or a vector of numbers, as a tensor is, and gives the planes, uint8, 0 or 255.
    """

    games: Games
    moves: Int64[Tensor, " positions"]

    @property
    def shape(self) -> torch.Size:
        """(positions, 48, size, size)."""
        return torch.Size((len(self.moves), COUNT, self.games.size, self.games.size))

    def at(self, several: Several) -> Tensor:
        """The planes of several positions."""
        return self._planes(self.moves[several], None)

    def part(self, rows: Int64[Tensor, " chosen"]) -> Boards:
        """The positions of these numbers."""
        return replace(self, moves=self.moves[rows])

    def turned(
        self, chosen: Int64[Tensor, " batch"], labels: Int64[Tensor, " batch"], symmetries: Int64[Tensor, " batch"]
    ) -> tuple[UInt8[Tensor, "batch planes size size"], Int64[Tensor, " batch"]]:
        """Some positions, each shown by the symmetry of its number, and their labels moved along."""
        table = torch.from_numpy(targets(self.games.size).astype(np.int64))
        return self._planes(self.moves[chosen], symmetries), table[symmetries, labels]

    def held_out(self, fraction: float, *, seed: int) -> torch.Tensor:
        """A mask of the positions that are held out: those of whole games, drawn by a seed.

        At least one game is held out; more are added as long as their positions stay within a `fraction` of all, and
        within MOST_HELD_OUT. Raises DataError where there is only one game.
        """
        owner = self.games.game_of(self.moves.numpy())
        counts = np.bincount(owner, minlength=len(self.games))
        order = np.random.default_rng(seed).permutation(counts.nonzero()[0])
        if len(order) < 2:
            raise DataError(
                "one game alone cannot be learned from.",
                "Whole games are held out for validation, and others are learned from.",
                "Give more games.",
            )
        fits = np.cumsum(counts[order]) <= min(fraction * len(self), MOST_HELD_OUT)
        fits[0], fits[-1] = True, False
        held = np.zeros(len(self.games), bool)
        held[order[fits]] = True
        return torch.from_numpy(held[owner])

    def key(self) -> bytes:
        """A digest of the positions: equal exactly for equal games and moves."""
        digest = hashlib.sha256(repr(self.games.size).encode())
        for values in (self.games.moves.astype("<i2"), self.games.starts.astype("<i8")):
            digest.update(values.data)
        digest.update(self.moves.numpy().astype("<i8").data)
        return digest.digest()

    def _planes(self, moves: Tensor, symmetries: Tensor | None) -> Tensor:
        turned = None if symmetries is None else symmetries.numpy().astype(np.uint8)
        return torch.from_numpy(planes_before(self.games, moves.numpy(), turned, one=SET))
