"""Affine distortions of whole batches: rotation, scale, squeeze, shear and shift about the middle of the image."""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

from striate.kernels.warp import Warp

Maps = Float[Tensor, "batch channels height width"]
Moves = Float[Tensor, "batch 7"]
Number = float | Float[Tensor, " batch"]


@dataclass(frozen=True)
class Affine:
    """An image mirrored, slanted, squeezed and scaled, turned, then shifted, all about its middle.

    Each member is one number for every image of a batch, or a vector with one for each. `rotation` is degrees
    clockwise, `scale` a factor, `squeeze` a fraction: heights times 1 + squeeze, widths divided by it. `shear` is the
    degrees by which uprights lean to the right; `right` and `down` are pixels; left and right are mirrored where
    `mirror` is below 0.
    """

    rotation: Number = 0.0
    scale: Number = 1.0
    squeeze: Number = 0.0
    shear: Number = 0.0
    right: Number = 0.0
    down: Number = 0.0
    mirror: Number = 1.0

    def moves(self, count: int) -> Moves:
        """A row of all members for each of `count` images.

        >>> Affine(rotation=5.0, right=torch.tensor([2.0, 3.0])).moves(2)
        tensor([[5., 1., 0., 0., 2., 0., 1.],
                [5., 1., 0., 0., 3., 0., 1.]])
        """
        members = (torch.as_tensor(getattr(self, each.name), dtype=torch.float32) for each in fields(self))
        return torch.stack([each.expand(count) for each in members], dim=1)


def move(batch: Maps, affine: Affine, *, fill: float) -> Maps:
    """The distorted batch, by bilinear interpolation; outside of the images is `fill`.

    >>> move(torch.tensor([[[[1.0, 2.0, 3.0]]]]), Affine(right=0.5), fill=0.0)
    tensor([[[[0.5000, 1.5000, 2.5000]]]])
    """
    return resample(batch, Warp(affine.moves(len(batch))), fill=fill)


def resample(batch: Maps, warp: Warp, *, fill: float) -> Maps:
    """The values at the positions of `warp`, by bilinear interpolation; outside of the images is `fill`."""
    height, width = batch.shape[2:]
    size = torch.tensor([width, height], dtype=torch.float32)
    unit = warp.matrices() * torch.cat([size / size[:, None], 2 / size[:, None]], 1)  # from −1 to 1 along each axis
    grid = affine_grid(unit.to(batch), list(batch.shape), align_corners=False)
    if warp.field:
        grid = grid + warp.field.pushes().permute(0, 2, 3, 1).to(batch) * (2 / size).to(batch)
    return grid_sample(batch - fill, grid, mode="bilinear", padding_mode="zeros", align_corners=False).add_(fill)
