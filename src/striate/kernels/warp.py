"""The source of each pixel of a distorted batch: an affine move of each image plus a smooth displacement field."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from striate.kernels import binary


@dataclass(frozen=True)
class Field:
    """The displacement of every pixel, downᵀ · noise · across: in pixels, to the right and down."""

    noise: Float[Tensor, "batch 2 rows columns"]
    down: Float[Tensor, "rows height"]
    across: Float[Tensor, "columns width"]

    def pushes(self) -> Float[Tensor, "batch 2 height width"]:
        """The displacements as one tensor."""
        return self.down.T @ self.noise @ self.across


@dataclass(frozen=True)
class Warp:
    """The distortion of a batch: `moves` holds the members of an `Affine` in their order, a row for each image.

    The field's displacements are added to the positions that the moves give.
    """

    moves: Float[Tensor, "batch 7"]
    field: Field | None = None

    def matrices(self) -> Float[Tensor, "batch 2 3"]:
        """From places in the result to places in the image: (x, y, 1) to (x, y), in pixels from the middle.

        >>> Warp(torch.tensor([[0.0, 1.0, 0.0, 0.0, 2.0, 1.0, 1.0]])).matrices()
        tensor([[[ 1.,  0., -2.],
                 [-0.,  1., -1.]]])
        """
        turn, scale, squeeze, lean, right, down, mirror = self.moves.unbind(1)
        angles = torch.stack([turn, lean]) * (math.pi / 180)
        (cosine, upright), (sine, leaning) = torch.cos(angles), torch.sin(angles)
        taller = 1 + squeeze
        wide, high = taller / scale, 1 / (taller * scale)
        slant = high * leaning / upright
        linear = torch.stack(
            [wide * cosine - slant * sine, wide * sine + slant * cosine, -high * sine, high * cosine], dim=1
        ).view(-1, 2, 2)
        shift = torch.stack([right, down], dim=1)[:, :, None]
        made = torch.cat([linear, -(linear @ shift)], dim=2)
        made[mirror < 0, 0] *= -1
        return made

    def part(self, first: int, end: int) -> Warp:
        """The warp of the images `first` to `end` − 1."""
        if (first, end) == (0, len(self.moves)):
            return self
        field = self.field
        if field:
            field = Field(field.noise[first:end], field.down, field.across)
        return Warp(self.moves[first:end], field)

    def lowered(self, count: int, shape: tuple[int, int, int]) -> binary.StriateWarp:
        """The C structure, for `count` images of `shape`; keep the warp alive while C reads its tensors."""
        made = binary.StriateWarp(shape, (0, 0), _address(self.moves))
        if self.moves.shape != (count, 7):
            raise ValueError(f"moves of {tuple(self.moves.shape)} for {count} images; they must be ({count}, 7)")
        if self.field:
            noise, down, across = self.field.noise, self.field.down, self.field.across
            if (down.shape[1], across.shape[1]) != shape[1:]:
                raise ValueError(
                    f"a field for {down.shape[1]} × {across.shape[1]} pixels, images of {shape[1]} × {shape[2]}"
                )
            made.ranks = tuple(noise.shape[2:])
            made.noise, made.down, made.across = map(_address, (noise, down, across))
        return made


def _address(tensor: Tensor) -> int:
    if tensor.dtype != torch.float32 or tensor.device.type != "cpu" or not tensor.is_contiguous():
        raise ValueError("a warp's tensors must be float32, contiguous and on the CPU")
    return tensor.data_ptr()
