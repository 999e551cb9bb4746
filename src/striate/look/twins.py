"""Images that a data set has more than once: equal ones by their digests, and nearly equal ones by small pictures."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from striate.data.thumbnails import Thumbnails

ALIKE = 0.95
"""The least correlation of two pictures that are called nearly equal, at 8 × 8 pixels and at 32 × 32."""
SIDE = 8
ROWS = 2048
"""Pictures that are compared with all others at once."""
MOST = 300_000
"""The most images of which all pairs are compared, which takes minutes; of more, only equal ones are found."""
MOST_PAIRS = 20
"""The most nearly equal pairs per image. Beyond, all images look alike, as digits do, and the pairs are no copies."""


@dataclass(frozen=True)
class Twins:
    """The numbers of images that show the same, among those of all splits in a row; `equal` where all pixels are."""

    members: tuple[int, ...]
    equal: bool


@dataclass(frozen=True)
class TwinGroups:
    """The groups of equal and of nearly equal images; with `equal_only`, nearly equal ones could not be looked for."""

    groups: tuple[Twins, ...]
    equal_only: bool = False


def twins(parts: Sequence[Thumbnails], *, watch: Callable[[float], None] = lambda _: None) -> TwinGroups:
    """The images of all splits of a data set that are there more than once; every pair is compared.

    Nearly equal are two whose pixels correlate by 0.95 both at 8 × 8 and at 32 × 32 pixels, less the mean of each
    channel and also less one mean: a copy in another quality, size or brightness is found, one that was turned,
    mirrored or cut is not. Digits are all alike in that sense: of these, and of pictures with many such pairs, only
    equal ones are found. The time grows with the square of the number of images; `watch` is told the share that is
    done.
    """
    digests = [digest for part in parts for digest in part.digests]
    first: dict[bytes, int] = {}
    equal: dict[int, list[int]] = defaultdict(list)
    for number, digest in enumerate(digests):
        equal[first.setdefault(digest, number)].append(number)
    kept = list(equal)  # one of each
    joined, pairs = _Joined(len(kept)), 0
    comparable = all(part.form == "picture" for part in parts) and len(kept) <= MOST
    pixels = torch.cat([part.pixels for part in parts])[kept if comparable else []]
    for one, other in _near(pixels, watch):
        joined.join(one, other)
        pairs += 1
        if pairs > MOST_PAIRS * len(kept):
            break
    equal_only = not comparable or pairs > MOST_PAIRS * len(kept)
    found = [Twins(tuple(members), equal=True) for members in equal.values() if len(members) > 1]
    for group in [] if equal_only else joined.groups():
        members = sorted(number for at in group for number in equal[kept[at]])
        found.append(Twins(tuple(members), equal=False))
    return TwinGroups(tuple(found), equal_only)


def _near(pixels: Tensor, watch: Callable[[float], None]) -> Iterator[tuple[int, int]]:
    """Pairs of nearly equal pictures, (images, 3, 32, 32)."""
    small = torch.cat([interpolate(part.float(), size=(SIDE, SIDE), mode="area") for part in pixels.split(ROWS)])
    vectors = _normed(small)
    for start in range(0, len(small), ROWS):
        alike = (vectors[start : start + ROWS] @ vectors[start:].T >= ALIKE).triu(1)
        ones, others = (each + start for each in alike.nonzero(as_tuple=True))
        for part in range(0, len(ones), ROWS):
            one, other = ones[part : part + ROWS], others[part : part + ROWS]
            sure = _alike(pixels[one].float(), pixels[other].float()) & _alike(small[one], small[other])
            yield from zip(one[sure].tolist(), other[sure].tolist(), strict=True)
        watch(1 - (1 - (start + ROWS) / max(len(small), start + ROWS)) ** 2)


def _alike(ones: Tensor, others: Tensor) -> Tensor:
    """Whether pictures correlate, pair by pair, both with a mean for each channel and with one mean for all.

    By the second alone any two pictures of much blue sky correlate, by the first alone shapes of different colours.
    """
    each = (_normed(ones) * _normed(others)).sum(1) >= ALIKE
    return each & ((_normed(ones.flatten(1)[:, None]) * _normed(others.flatten(1)[:, None])).sum(1) >= ALIKE)


def _normed(pictures: Tensor) -> Tensor:
    """Pictures as vectors of length 1 whose channels have mean 0, so that a product is a correlation; one without
    contrast is 0."""
    flat = pictures.flatten(2)
    flat = (flat - flat.mean(2, keepdim=True)).flatten(1)
    return flat / flat.norm(dim=1, keepdim=True).clamp_min(1.0)


class _Joined:
    """Numbers that are joined to groups, pair by pair."""

    def __init__(self, count: int) -> None:
        self.parents = list(range(count))

    def root(self, number: int) -> int:
        while self.parents[number] != number:
            self.parents[number] = self.parents[self.parents[number]]
            number = self.parents[number]
        return number

    def join(self, one: int, other: int) -> None:
        self.parents[self.root(one)] = self.root(other)

    def groups(self) -> list[list[int]]:
        found: dict[int, list[int]] = defaultdict(list)
        for number in range(len(self.parents)):
            found[self.root(number)].append(number)
        return [group for group in found.values() if len(group) > 1]
