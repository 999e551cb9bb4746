"""Random resized crops: a part of each image scaled to the whole size, as a part of the move that an image makes."""

from __future__ import annotations

from math import log

import torch

from striate.data.affine import Moves

WIDEST = 4 / 3
"""The limit of a crop's aspect ratio; its inverse is the other one."""
SCALE, SQUEEZE, RIGHT, DOWN = 1, 2, 4, 5
"""Columns of `Moves`."""


def crop_moves(moves: Moves, size: tuple[int, int], most: float, *, generator: torch.Generator) -> Moves:
    """Moves that also cut a part out of each image of `size` (height, width) and scale it to the whole.

    The part has a fraction of the area, drawn from 1 − `most` to 1, and an aspect ratio relative to the image's, drawn
    from 3/4 to 4/3 among logarithms, or as far as the part still fits; its place is drawn among all that are inside
    (C. Szegedy et al., Going deeper with convolutions, 2015, section 6).

    >>> still = torch.tensor([[0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0]])
    >>> crop_moves(still, (8, 8), 0.0, generator=torch.Generator()).allclose(still)
    True
    """
    drawn = torch.rand(len(moves), 4, generator=generator)
    area = (1 - most * drawn[:, 0]).log()
    widest = torch.minimum(-area, torch.tensor(log(WIDEST)))
    aspect = widest * (2 * drawn[:, 1] - 1)
    height, width = ((area - aspect) / 2).exp(), ((area + aspect) / 2).exp()  # of the part, as fractions of the image's
    moves = moves.clone()
    moves[:, SCALE] *= (-area / 2).exp()
    moves[:, SQUEEZE] = (1 + moves[:, SQUEEZE]) * (width / height).sqrt() - 1
    # The part is in the middle of the scaled image until that is moved by up to half of what lies outside.
    moves[:, RIGHT] += (2 * drawn[:, 2] - 1) * (1 / width - 1) * size[1] / 2
    moves[:, DOWN] += (2 * drawn[:, 3] - 1) * (1 / height - 1) * size[0] / 2
    return moves
