"""The eight symmetries of the square, four turns, each of them mirrored too; and flips that alternate."""

from __future__ import annotations

import hashlib

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from striate.data.part import Part, all_of
from striate.errors import DataError

Squares = Float[Tensor, "batch channels side side"]
Labels = Int64[Tensor, " batch"]


def symmetric(
    batch: Squares, labels: Labels, kind: str, *, generator: torch.Generator, part: Part | None = None
) -> tuple[Squares, Labels]:
    """Each image turned and mirrored by a symmetry drawn for it; with `kind` "boards" its label moves along.

    A label of a board is a position: row · side + column. With `kind` "none" nothing changes. Raises DataError where
    the images are not square.

    >>> board = torch.arange(9.0).view(1, 1, 3, 3)
    >>> turned, places = symmetric(board, torch.tensor([5]), "boards", generator=torch.Generator().manual_seed(3))
    >>> turned.flatten()[places]
    tensor([5.])
    """
    if kind == "none":
        return batch, labels
    side = batch.shape[3]
    require_square(batch.shape[2], side)
    part = part or all_of(batch)
    drawn = part.of(draw_symmetries(part.total, generator=generator))
    places = _places(side)
    sources = places[drawn].to(batch.device)
    flat = batch.flatten(2)
    turned = flat.gather(2, sources[:, None].expand_as(flat)).view_as(batch)
    if kind == "images":
        return turned, labels
    return turned, places.argsort(1)[drawn].to(labels.device).gather(1, labels[:, None])[:, 0]


def require_square(height: int, width: int) -> None:
    """Raise DataError for images that have no eight symmetries."""
    if height != width:
        raise DataError(
            f"images of {height}×{width} have no eight symmetries.",
            "They must be square.",
            'Give the recipe "symmetries": "none".',
        )


def draw_symmetries(count: int, *, generator: torch.Generator) -> Int64[Tensor, " count"]:
    """The number of a symmetry for each image, in the order of `striate.go.symmetries.places`."""
    return torch.randint(0, 8, (count,), generator=generator)


def alternated(
    batch: Float[Tensor, "batch channels height width"], numbers: Int64[Tensor, " batch"], *, seed: int, epoch: int
) -> Float[Tensor, "batch channels height width"]:
    """Images, by their `numbers` in the set, mirrored left and right in every second epoch.

    Whether that is the even or the odd ones is drawn for each image, a function of the seed and of its number alone: so
    any two epochs in a row show both (K. Jordan, 94% on CIFAR-10 in 3.29 seconds on a single GPU, 2024, section 3.6).

    >>> images = torch.tensor([[1.0, 2.0]]).expand(8, 1, 1, 2)
    >>> first, second = (alternated(images, torch.arange(8), seed=0, epoch=each) for each in (0, 1))
    >>> torch.equal(first, second.flip(3)), torch.equal(first, images)
    (True, False)
    """
    key = int.from_bytes(hashlib.blake2b(f"alternating flip {seed}".encode(), digest_size=3).digest())
    mirrored = _mixed(numbers + key) + epoch & 1
    return torch.where(mirrored.to(batch.device, torch.bool)[:, None, None, None], batch.flip(3), batch)


def _mixed(numbers: Int64[Tensor, " batch"]) -> Int64[Tensor, " batch"]:
    """Numbers of 32 bits whose every bit depends on all bits of these (the end of A. Appleby's MurmurHash3)."""
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        numbers = (numbers ^ (numbers >> shift)) * factor & 0xFFFFFFFF
    return numbers ^ (numbers >> 16)


def _places(side: int) -> Int64[Tensor, "symmetries places"]:
    """For each symmetry, the source of each position of the result."""
    board = torch.arange(side * side).view(side, side)
    turns = [torch.rot90(board, turn) for turn in range(4)]
    return torch.stack([each.flatten() for turn in turns for each in (turn, turn.flip(1))])
