"""Maps, kernels and vectors as tiles of colour, in rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import torch.nn.functional as F
from torch import Tensor

from striate.look.drawing import Drawing

GAP, LABEL = 6, 12
"""Pixels between tiles, and the height of the numbers under them."""


@dataclass(frozen=True)
class TileRow:
    """The room for tiles: from `left` to `right`, from `top` on, each about `side` pixels, in at most `rows` rows."""

    left: int
    right: int
    top: int
    side: int
    rows: int = 1000

    def fits(self, tile: Tensor) -> int:
        """The number of tiles of this size that there is room for."""
        return self.across(tile) * self.rows

    def across(self, tile: Tensor) -> int:
        """The number of tiles of this size side by side."""
        return max(1, (self.right - self.left + GAP) // (tile.shape[1] * scale_for(tile, self.side) + GAP))


def draw_tiles(drawing: Drawing, tiles: Sequence[Tensor], row: TileRow, largest: float, *, zeros: bool = False) -> int:
    """Draw maps of (height, width), numbered from 0, on one scale, as many as fit; returns their number."""
    tiles = [reduced(tile, row.side) for tile in tiles[: row.fits(reduced(tiles[0], row.side))]]
    scale, across = scale_for(tiles[0], row.side), row.across(tiles[0])
    height, width = (size * scale for size in tiles[0].shape)
    numbered = width >= 12
    for place, tile in enumerate(tiles):
        left = row.left + place % across * (width + GAP)
        top = row.top + place // across * (height + GAP + LABEL * numbered)
        drawing.values(left, top, tile / largest, scale=scale, zeros=zeros)
        if numbered:
            drawing.text(left + width / 2, top + height + 11, str(place), "small", anchor="middle")
    return len(tiles)


def draw_vector(drawing: Drawing, values: Tensor, row: TileRow, largest: float, *, zeros: bool = False) -> None:
    """Draw a flat vector as one block of squares, row by row."""
    scale = 12 if len(values) <= 360 else 6 if len(values) <= 1200 else 4
    rows = ceil(len(values) * scale / (row.right - row.left))
    across = ceil(len(values) / rows)
    full = len(values) // across
    drawing.values(row.left, row.top, (values[: full * across] / largest).view(full, across), scale=scale, zeros=zeros)
    rest = values[full * across :] / largest
    if len(rest):
        drawing.values(row.left, row.top + full * scale, rest[None], scale=scale, zeros=zeros)


def scale_for(tile: Tensor, side: int) -> int:
    """The side of a value's square, in pixels, with which a tile has about `side` pixels."""
    longest = max(tile.shape)
    return 14 if longest <= 2 else max(1, side // longest)


def reduced(tile: Tensor, side: int) -> Tensor:
    """A map larger than about `side` pixels, reduced to the means of blocks; smaller maps are unchanged."""
    return in_blocks(tile, block_for(max(tile.shape), side))


def block_for(size: int, side: int) -> int:
    """The values per pixel along one axis with which `size` values take about `side` pixels."""
    return ceil(size / (1.3 * side))


def in_blocks(tile: Tensor, factor: int) -> Tensor:
    """The means of blocks of `factor` × `factor` values."""
    return tile if factor == 1 else F.avg_pool2d(tile[None], factor, ceil_mode=True)[0]


def extent(values: Tensor) -> float:
    """The largest absolute value, never 0."""
    return max(values.abs().max().item(), 1e-12) if values.numel() else 1e-12


def shortened(path: str, most: int = 19) -> str:
    """A path of at most `most` characters: its last characters, if it is longer.

    >>> shortened("stage2.block1.shortcut.pool1")
    '…k1.shortcut.pool1'
    """
    return path if len(path) <= most else f"…{path[2 - most :]}"
