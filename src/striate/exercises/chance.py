"""Random numbers that Python and the page's JavaScript draw alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

Item = TypeVar("Item")

_MASK = 0xFFFFFFFF


class Chance:
    """A stream of random numbers for one exercise of a seed: T. Ettinger's mulberry32, in 32-bit arithmetic.

    >>> chance = Chance(seed=1, number=2)
    >>> [chance.below(10) for _ in range(6)]
    [9, 9, 6, 3, 4, 0]
    """

    def __init__(self, seed: int, number: int) -> None:
        self.state = (seed * 0x9E3779B1 + number * 0x85EBCA77) & _MASK
        self.below(2)  # the first one follows the seed too closely

    def below(self, limit: int) -> int:
        """A number from 0 to limit − 1."""
        self.state = (self.state + 0x6D2B79F5) & _MASK
        mixed = (self.state ^ self.state >> 15) * (self.state | 1) & _MASK
        mixed ^= mixed + ((mixed ^ mixed >> 7) * (mixed | 61) & _MASK) & _MASK
        return (mixed ^ mixed >> 14) * limit >> 32

    def one_of(self, items: Sequence[Item]) -> Item:
        """One of the items."""
        return items[self.below(len(items))]
