"""Euclidean radial basis functions."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from striate.description.layers import RBF


class RadialBasis(nn.Module):
    """The squared distance to each of the fixed `centres` (LeNet-5, eq. 7): the smaller, the nearer."""

    centres: Tensor

    def __init__(self, layer: RBF, *, device: torch.device) -> None:
        super().__init__()
        self.register_buffer("centres", torch.tensor(layer.centres, device=device))

    def forward(self, features: Float[Tensor, "batch features"]) -> Float[Tensor, "batch units"]:
        return (features[:, None, :] - self.centres).square().sum(2)
