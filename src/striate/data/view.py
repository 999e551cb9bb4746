"""A view of some images of a store, by their numbers in it; only the images that are indexed are read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import torch
from jaxtyping import Int64
from torch import Tensor

from striate.data.boards import Boards
from striate.data.indexed import Indexed, Several
from striate.data.stream import Stream


@dataclass(frozen=True, eq=False)
class View(Indexed):
    """The images of a `store`, uint8 (images, channels, height, width), that have these `rows`, in their order.

    It is indexed as a tensor is, and gives a tensor with a copy of the images that were asked for.

    >>> view = View(torch.arange(10, dtype=torch.uint8).view(10, 1, 1, 1), torch.tensor([7, 2, 5]))
    >>> tuple(view.shape), view[1:].flatten()
    ((3, 1, 1, 1), tensor([2, 5], dtype=torch.uint8))
    """

    store: Tensor
    rows: Int64[Tensor, " images"]

    @property
    def shape(self) -> torch.Size:
        """(images, channels, height, width)."""
        return torch.Size((len(self.rows), *self.store.shape[1:]))

    def at(self, several: Several) -> Tensor:
        """A copy of several images."""
        return self.store[self.rows[several]]


Pixels: TypeAlias = Tensor | View | Stream | Boards
"""Images as uint8: a tensor, a view of a store, a stream that is decoded as it is read, or positions of games."""


def view_of(images: Pixels, rows: Int64[Tensor, " images"]) -> View | Stream | Boards:
    """The images of these numbers as a view of the store that holds them, or as a part of the stream or the boards."""
    if isinstance(images, (Stream, Boards)):
        return images.part(rows)
    return View(images.store, images.rows[rows]) if isinstance(images, View) else View(images, rows)


def parts_of(images: Pixels, count: int) -> Iterator[Tensor]:
    """All images in their order, `count` at a time; those of a stream are decoded ahead of the use."""
    if isinstance(images, Stream):
        yield from images.batches(torch.arange(len(images)), count)
    else:
        for first in range(0, len(images), count):
            yield images[first : first + count]
