"""Elastic distortions: every pixel pushed by a random field that changes smoothly from place to place.

P. Simard, D. Steinkraus, J. Platt, Best practices for convolutional neural networks applied to visual document
analysis, ICDAR 2003, section 2: white noise smoothed by a Gaussian of deviation σ. Two pixels d apart are then
correlated by e^(−d²/4σ²) on each axis. What is drawn here has this very correlation, out to the borders, but costs few
random numbers: with the correlations along an axis written as F Fᵀ, and N of unit noise, the field is F N Fᵀ, and a few
columns of F hold nearly all, as it is smooth. The paper's amplitude is a factor on unscaled noise; ours is in pixels.
"""

from __future__ import annotations

from functools import cache

import torch
from jaxtyping import Float
from torch import Tensor

LEFT_OUT = 1e-4
"""The share of the field's variance that columns of F may hold to be left out."""


@cache
def factor(side: int, smoothness: float) -> Float[Tensor, "side columns"]:
    """F for an axis of `side` pixels: F Fᵀ has 1 on its diagonal, and e^(−d²/4σ²) at d pixels from it.

    >>> factor(32, 4.0).shape, factor(32, 8.0).shape
    (torch.Size([32, 9]), torch.Size([32, 6]))
    """
    places = torch.arange(side, dtype=torch.float64)
    apart = places[:, None] - places
    values, vectors = torch.linalg.eigh(torch.exp(-apart.square() / (4 * smoothness**2)))
    values, vectors = values.flip(0).clamp(min=0), vectors.flip(1)
    kept = int((values.cumsum(0) < (1 - LEFT_OUT) * side).sum()) + 1
    columns = vectors[:, :kept] * values[:kept].sqrt()
    columns = columns * columns[0].sign()  # an eigenvector's sign is anybody's
    return (columns / columns.square().sum(1, keepdim=True).sqrt()).float()


def draw_noise(
    count: int, size: tuple[int, int], smoothness: float, *, generator: torch.Generator
) -> Float[Tensor, "batch 2 rows columns"]:
    """N of fields of `size` (height, width): to the right, and down."""
    rows, columns = (factor(side, smoothness).shape[1] for side in size)
    return torch.randn(count, 2, rows, columns, generator=generator)


def displacements(
    noise: Float[Tensor, "batch 2 rows columns"], size: tuple[int, int], *, amplitude: float, smoothness: float
) -> Float[Tensor, "batch 2 height width"]:
    """How far each pixel is pushed, in pixels; on each axis with deviation `amplitude`."""
    down, across = (factor(side, smoothness) for side in size)
    return amplitude * (down @ noise @ across.T)
