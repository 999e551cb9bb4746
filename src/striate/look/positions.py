"""Positions of Go as the input of a network: the planes that it reads, and the move of each output."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import UInt8
from torch import Tensor

from striate.description.network import Network, plan
from striate.errors import DataError, SpecError
from striate.go.coordinates import SMALLEST, name_of
from striate.go.planes import COUNT, planes_of
from striate.go.position import Position
from striate.go.sgf import GameRecord, read_game

LARGEST_PLANES = 19
"""The lines of the largest board whose planes the kernels compute."""

Planes = UInt8[Tensor, "positions 48 size size"]


def board_size(network: Network) -> int | None:
    """The lines of the board that a network plays on: 48 planes of a square in, a score for each point out.

    None for a network of images.

    >>> from striate.networks import find
    >>> board_size(find("alphago-policy")), board_size(find("lenet5"))
    (19, None)
    """
    planes, *sides = network.input
    if planes != COUNT or len(sides) != 2 or sides[0] != sides[1] or not SMALLEST <= sides[0] <= LARGEST_PLANES:
        return None
    return sides[0] if plan(network).output == (sides[0] ** 2,) else None


def require_board(network: Network) -> int:
    """The lines of its board. Raises SpecError for a network that does not play Go."""
    size = board_size(network)
    if size is None:
        raise SpecError(
            f"{network.name} does not play Go.",
            "Expected a network of 48 planes of a square board with an output for each point.",
            "Take one such as alphago-policy: striate list shows them.",
        )
    return size


def move_names(size: int) -> tuple[str, ...]:
    """The name of each output's move: A19, B19, ... T1."""
    return tuple(name_of(point, size) for point in range(size * size))


def planes(positions: Sequence[Position], symmetries: Sequence[int] | None = None) -> Planes:
    """The planes of positions as pixels, 0 or 255; each by a symmetry of `striate.go.symmetries`, or as it is."""
    return torch.from_numpy(planes_of(positions, symmetries)).mul_(255)


def game_for(content: bytes, size: int) -> GameRecord:
    """The game in the bytes of an SGF file. Raises DataError, also where its board has another size."""
    game = read_game(content)
    if game.size != size:
        raise DataError(
            f"a game on {game.size}×{game.size}.", f"The network plays on {size}×{size}.", "Send a game of this size."
        )
    return game


def whole_game(content: bytes, size: int) -> GameRecord:
    """The same game. Raises DataError also where a move of it is illegal."""
    game = game_for(content, size)
    if game.broken:
        raise DataError(
            f"the game breaks off at {game.broken}", "All moves of a game that is answered are legal.", "Leave it out."
        )
    return game
