"""Planar moves of whole batches: turned, scaled, squeezed, slanted and shifted about the middle of the image."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

from striate.kernels.warp import Warp

Batch = Float[Tensor, "batch channels height width"]
Matrices = Float[Tensor, "batch 2 3"]
Number = float | Float[Tensor, " batch"]


@dataclass(frozen=True)
class Affine:
    """An image slanted, squeezed and scaled, turned, then shifted, all about its middle.

    Each member is one number for every image of a batch, or a vector with one for each. `rotation` is degrees
    clockwise, `scale` a factor, `squeeze` a fraction: heights times 1 + squeeze, widths divided by it. `shear` is the
    degrees by which uprights lean to the right; `right` and `down` are pixels.
    """

    rotation: Number = 0.0
    scale: Number = 1.0
    squeeze: Number = 0.0
    shear: Number = 0.0
    right: Number = 0.0
    down: Number = 0.0

    def matrices(self, count: int) -> Matrices:
        """From places in the result to places in the image: (x, y, 1) to (x, y), in pixels from the middle.

        >>> Affine(right=2.0, down=1.0).matrices(1)
        tensor([[[ 1.,  0., -2.],
                 [-0.,  1., -1.]]])
        """
        vectors = (torch.as_tensor(getattr(self, each.name), dtype=torch.float32) for each in fields(self))
        turn, scale, squeeze, lean, right, down = (each.expand(count) for each in vectors)
        angles = torch.stack([turn, lean]) * (math.pi / 180)
        (cosine, upright), (sine, leaning) = torch.cos(angles), torch.sin(angles)
        taller = 1 + squeeze
        wide, high = taller / scale, 1 / (taller * scale)
        slant = high * leaning / upright
        linear = torch.stack(
            [wide * cosine - slant * sine, wide * sine + slant * cosine, -high * sine, high * cosine], dim=1
        ).view(count, 2, 2)
        shift = torch.stack([right, down], dim=1)[:, :, None]
        return torch.cat([linear, -(linear @ shift)], dim=2)


def move(batch: Batch, affine: Affine, *, fill: float) -> Batch:
    """The batch moved, by bilinear interpolation; outside the images lies `fill`.

    >>> move(torch.tensor([[[[1.0, 2.0, 3.0]]]]), Affine(right=0.5), fill=0.0)
    tensor([[[[0.5000, 1.5000, 2.5000]]]])
    """
    return resample(batch, Warp(affine.matrices(len(batch))), fill=fill)


def resample(batch: Batch, warp: Warp, *, fill: float) -> Batch:
    """What lies at the places that `warp` gives, by bilinear interpolation; outside the images lies `fill`."""
    height, width = batch.shape[2:]
    size = torch.tensor([width, height], dtype=torch.float32)
    unit = warp.matrices * torch.cat([size / size[:, None], 2 / size[:, None]], 1)  # from −1 to 1 along each axis
    grid = affine_grid(unit.to(batch), list(batch.shape), align_corners=False)
    if warp.field:
        grid = grid + warp.field.pushes().permute(0, 2, 3, 1).to(batch) * (2 / size).to(batch)
    return grid_sample(batch - fill, grid, mode="bilinear", padding_mode="zeros", align_corners=False).add_(fill)
