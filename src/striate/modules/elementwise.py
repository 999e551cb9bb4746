"""Modules of layers without a window: elementwise and normalising layers, and layers that reorder values."""

from __future__ import annotations

from typing import assert_never, cast

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from striate.description.layers import Activation, BatchNorm, LocalResponseNorm, PadChannels, Shuffle, Upsample
from striate.description.shapes import Shape
from striate.description.simple import AMPLITUDE, LEAST_EPSILON, SLOPE

FIRST_WRONG = 41


def activation(layer: Activation) -> nn.Module:
    """The module of an Activation. None works in place, so that captured outputs do not change."""
    match layer.function:
        case "relu":
            return nn.ReLU()
        case "tanh":
            return nn.Tanh()
        case "scaled_tanh":
            return ScaledTanh()
        case "sigmoid":
            return nn.Sigmoid()
        case "leaky_relu":
            return nn.LeakyReLU(_alpha(layer))
        case "relu6":
            return nn.ReLU6()
        case "elu":
            return nn.ELU(_alpha(layer))
        case "silu":
            return nn.SiLU()
        case "gelu":
            return nn.GELU()
        case "gelu_tanh":
            return nn.GELU(approximate="tanh")
        case "hard_sigmoid":
            return nn.Hardsigmoid()
        case "hard_swish":
            return nn.Hardswish()
        case other:
            assert_never(other)


def _alpha(layer: Activation) -> float:
    assert layer.alpha is not None  # noqa: S101 - the description gives these functions one
    return layer.alpha


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
    """Batch normalisation for maps, or for a flat vector.

    PyTorch does not train with an epsilon of 0, so that the least one stands for it.
    """
    kind = nn.BatchNorm2d if len(shape) == 3 else nn.BatchNorm1d
    return kind(shape[0], eps=max(layer.epsilon, LEAST_EPSILON), momentum=layer.momentum, device=device)


class GlobalAverage(nn.Module):
    """The mean of each map."""

    def forward(self, maps: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch channels"]:
        return maps.mean((2, 3))


class ChannelPadding(nn.Module):
    """Appends maps of zeros."""

    def __init__(self, layer: PadChannels) -> None:
        super().__init__()
        self.channels = layer.channels

    def forward(self, maps: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch more height width"]:
        return F.pad(maps, (0, 0, 0, 0, 0, self.channels - maps.shape[1]))


class Upsampling(nn.Module):
    """Each value repeated along the height and the width."""

    def __init__(self, layer: Upsample) -> None:
        super().__init__()
        self.factor = cast("tuple[int, int]", layer.factor)
        # From a factor of 41 on, "nearest" repeats wrongly: some quotients come out just below a whole number. Below,
        # it is the one that PyTorch's exporters and other tools know.
        self.mode = "nearest" if max(self.factor) < FIRST_WRONG else "nearest-exact"

    def forward(
        self, maps: Float[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch channels rows columns"]:
        size = (maps.shape[2] * self.factor[0], maps.shape[3] * self.factor[1])
        return F.interpolate(maps, size, mode=self.mode)


class ChannelShuffle(nn.Module):
    """The maps of groups interleaved."""

    def __init__(self, layer: Shuffle) -> None:
        super().__init__()
        self.groups = layer.groups

    def forward(
        self, maps: Float[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch channels height width"]:
        return maps.unflatten(1, (self.groups, -1)).transpose(1, 2).flatten(1, 2)


class ChannelScale(nn.Module):
    """Each map, or feature, times its own `weight`."""

    def __init__(self, shape: Shape, *, device: torch.device) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(shape[0], device=device))
        self.shape = (shape[0], *[1] * (len(shape) - 1))

    def forward(self, values: Tensor) -> Tensor:
        return values * self.weight.view(self.shape)


class PositionBiases(nn.Module):
    """Adds a `bias` to every value."""

    def __init__(self, shape: Shape, *, device: torch.device) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.empty(shape, device=device))

    def forward(self, values: Tensor) -> Tensor:
        return values + self.bias
