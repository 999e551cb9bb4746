"""Elastic distortions: every pixel is displaced by a smooth random field.

P. Simard, D. Steinkraus, J. Platt, Best practices for convolutional neural networks applied to visual document
analysis, ICDAR 2003, section 2: white noise smoothed by a Gaussian of standard deviation σ. Two pixels at distance d
are then correlated by e^(−d²/4σ²) on each axis. The fields drawn here have exactly this correlation, also at the
borders, from few random numbers: if the correlations along an axis are written as Fᵀ F, and N is unit noise, the field
is Fᵀ N F, and a few rows of F hold nearly all of it, because it is smooth. The paper's amplitude is a factor on
unscaled noise; ours is in pixels.
"""

from __future__ import annotations

from functools import cache

import torch
from jaxtyping import Float
from torch import Tensor

from striate.kernels.warp import Field

LEFT_OUT = 1e-4
"""Rows of F are left out as long as they hold less than this share of the field's variance."""


def factor(side: int, smoothness: float) -> Float[Tensor, "rows side"]:
    """F for an axis of `side` pixels: Fᵀ F has 1 on its diagonal, and e^(−d²/4σ²) at d pixels from it.

    >>> factor(32, 4.0).shape, factor(32, 8.0).shape
    (torch.Size([9, 32]), torch.Size([6, 32]))
    """
    places = torch.arange(side, dtype=torch.float64)
    apart = places[:, None] - places
    values, vectors = torch.linalg.eigh(torch.exp(-apart.square() / (4 * smoothness**2)))
    values, vectors = values.flip(0).clamp(min=0), vectors.flip(1)
    kept = int((values.cumsum(0) < (1 - LEFT_OUT) * side).sum()) + 1
    columns = vectors[:, :kept] * values[:kept].sqrt()
    columns = columns * columns[0].sign()  # the sign of an eigenvector is arbitrary
    return (columns / columns.square().sum(1, keepdim=True).sqrt()).T.float().contiguous()


def draw_field(
    count: int, size: tuple[int, int], *, amplitude: float, smoothness: float, generator: torch.Generator
) -> Field:
    """Fields for `count` images of `size` (height, width), of standard deviation `amplitude` pixels on each axis."""
    down, across = _factors(size, amplitude, smoothness)
    noise = torch.randn(count, 2, len(down), len(across), generator=generator)
    return Field(noise, down, across)


@cache
def _factors(size: tuple[int, int], amplitude: float, smoothness: float) -> tuple[Tensor, Tensor]:
    down, across = (factor(side, smoothness) for side in size)
    return amplitude * down, across
