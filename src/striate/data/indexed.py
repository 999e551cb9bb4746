"""Images that are kept in another form and computed when they are asked for, indexed as a tensor is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TypeAlias

import torch
from torch import Tensor

Several: TypeAlias = slice | Tensor | list[int]
"""Images by a slice, or by the numbers in a vector or a list."""
Index: TypeAlias = int | Several


class Indexed(ABC):
    """Images as uint8, (images, channels, height, width): by a number, a slice or a vector of numbers, which may be
    followed by indices of the other axes."""

    @property
    @abstractmethod
    def shape(self) -> torch.Size:
        """(images, channels, height, width)."""

    @abstractmethod
    def at(self, several: Several) -> Tensor:
        """The images of several numbers, which may be negative, or true and false, as those of a vector's values."""

    @property
    def dtype(self) -> torch.dtype:
        """uint8."""
        return torch.uint8

    @property
    def ndim(self) -> int:
        """4."""
        return 4

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: Index | tuple[Index, ...]) -> Tensor:
        if isinstance(index, tuple):
            first, *others = index
            return self[first][tuple(others) if isinstance(first, int) else (slice(None), *others)]
        if isinstance(index, int):
            return self.at([range(len(self))[index]])[0]
        return self.at(index)
