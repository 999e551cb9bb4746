"""Layers that keep the shape, or only lay values out anew."""

from __future__ import annotations

from typing import assert_never

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from striate.description.layers import Activation, BatchNorm, LocalResponseNorm, PadChannels
from striate.description.shapes import Shape

AMPLITUDE = 1.7159
SLOPE = 2 / 3


def activation(layer: Activation) -> nn.Module:
    """The module of an Activation; none works in place, so that what is captured stays what it was."""
    match layer.function:
        case "relu":
            return nn.ReLU()
        case "tanh":
            return nn.Tanh()
        case "scaled_tanh":
            return ScaledTanh()
        case "sigmoid":
            return nn.Sigmoid()
        case other:
            assert_never(other)  # pyright: ignore[reportArgumentType] - the description lets no other word in


class ScaledTanh(nn.Module):
    """1.7159 · tanh(2a/3), which is ±1 at ±1 (LeNet-5, appendix A)."""

    def forward(self, values: Tensor) -> Tensor:
        return AMPLITUDE * torch.tanh(SLOPE * values)


class PaperLocalResponseNorm(nn.Module):
    """AlexNet's normalisation across maps, with the paper's alpha, which PyTorch's function divides by the size."""

    def __init__(self, layer: LocalResponseNorm) -> None:
        super().__init__()
        self.size, self.beta, self.k = layer.size, layer.beta, layer.k
        self.alpha = layer.alpha * layer.size

    def forward(
        self, maps: Float[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch channels height width"]:
        return F.local_response_norm(maps, self.size, self.alpha, self.beta, self.k)


def batch_norm(layer: BatchNorm, shape: Shape, *, device: torch.device) -> nn.Module:
    """Batch normalisation for maps, or for a flat vector."""
    kind = nn.BatchNorm2d if len(shape) == 3 else nn.BatchNorm1d
    return kind(shape[0], eps=layer.epsilon, momentum=layer.momentum, device=device)


class GlobalAverage(nn.Module):
    """The mean of each map."""

    def forward(self, maps: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch channels"]:
        return maps.mean((2, 3))


class ChannelPadding(nn.Module):
    """Maps of zeros after the last."""

    def __init__(self, layer: PadChannels) -> None:
        super().__init__()
        self.channels = layer.channels

    def forward(self, maps: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch more height width"]:
        return F.pad(maps, (0, 0, 0, 0, 0, self.channels - maps.shape[1]))


class PositionBiases(nn.Module):
    """A `bias` for every value."""

    def __init__(self, shape: Shape, *, device: torch.device) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.empty(shape, device=device))

    def forward(self, values: Tensor) -> Tensor:
        return values + self.bias
