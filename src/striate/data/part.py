"""A part of a batch whose images change as they would in the whole batch, so that several processes can share it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Int64
from torch import Tensor


@dataclass(frozen=True)
class Part:
    """The images `first` to `end` − 1 of a batch of `total`.

    Random numbers are drawn for the whole batch, and each image takes those of its place in it. Drawing costs little
    beside changing the images.

    >>> Part(2, 4, 6).of(torch.arange(6))
    tensor([2, 3])
    """

    first: int
    end: int
    total: int

    def __len__(self) -> int:
        return self.end - self.first

    def of(self, whole: Tensor) -> Tensor:
        """The part's rows of a tensor that has a row for each image of the batch."""
        return whole if len(self) == self.total else whole[self.first : self.end]


def spread(total: int, most: int) -> Int64[Tensor, " chosen"]:
    """The numbers of at most `most` of `total` images, evenly spread: folders list their images class by class.

    >>> spread(10, 4)
    tensor([0, 2, 5, 7])
    """
    count = min(total, most)
    return torch.arange(count) * total // max(1, count)


def all_of(batch: Tensor) -> Part:
    """The part that is all of a batch."""
    return Part(0, len(batch), len(batch))
