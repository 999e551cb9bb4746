"""Makes the module of each layer of a description, under the layer's own name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

import torch
from torch import nn

from striate.description.layers import (
    RBF,
    Activation,
    Auxiliary,
    BatchNorm,
    Block,
    Branches,
    Conv,
    Dropout,
    Flatten,
    Gate,
    GlobalAveragePool,
    Layer,
    Linear,
    LocalResponseNorm,
    PadChannels,
    Pool,
    PositionBias,
    Residual,
    Scale,
    Shuffle,
    Simple,
    Softmax,
    Subsample,
    Upsample,
)
from striate.description.network import branches_of, names
from striate.description.shapes import Shape
from striate.errors import SpecError
from striate.modules.containers import Chain, Concatenation, Head, Product, Sum
from striate.modules.convolution import convolution
from striate.modules.elementwise import (
    ChannelPadding,
    ChannelScale,
    ChannelShuffle,
    GlobalAverage,
    PaperLocalResponseNorm,
    PositionBiases,
    Upsampling,
    activation,
    batch_norm,
)
from striate.modules.pooling import Subsampling, pooling
from striate.modules.rbf import RadialBasis
from striate.modules.unset import unset


def add(
    parent: nn.Module, layers: Sequence[Layer], prefix: str, shapes: dict[str, Shape], device: torch.device
) -> None:
    for name, layer in zip(names(layers), layers, strict=True):
        _require_free(parent, name, prefix + name)
        parent.add_module(name, _module(layer, prefix + name, shapes, device))


def _require_free(parent: nn.Module, name: str, path: str) -> None:
    if hasattr(parent, name):
        raise SpecError(
            f"a layer cannot be called {name!r} in a built module.",
            "PyTorch's modules have a member of that name.",
            "Give the layer another name.",
            where=path,
        )


def _module(layer: Layer, path: str, shapes: dict[str, Shape], device: torch.device) -> nn.Module:
    match layer:
        case Block():
            module = Chain()
            add(module, layer.layers, f"{path}.", shapes, device)
            return module
        case Residual():
            module = Sum()
            add(module, layer.layers, f"{path}.", shapes, device)
            if layer.shortcut:
                shortcut = Chain()
                add(shortcut, layer.shortcut, f"{path}.shortcut.", shapes, device)
                module.add_module("shortcut", shortcut)
                module.projects = True
            return module
        case Gate():
            module = Product()
            add(module, layer.layers, f"{path}.", shapes, device)
            return module
        case Branches():
            module = Concatenation()
            for name, block in branches_of(layer).items():
                _require_free(module, name, f"{path}.{name}")
                module.add_module(name, _module(block, f"{path}.{name}", shapes, device))
            return module
        case Auxiliary():
            module = Head(path)
            add(module, layer.layers, f"{path}.", shapes, device)
            return module
        case _:
            return _simple(layer, shapes[path], device)


def _simple(layer: Simple, shape: Shape, device: torch.device) -> nn.Module:
    match layer:
        case Conv():
            return convolution(layer, shape, device=device)
        case Pool():
            return pooling(layer, shape)
        case Subsample():
            return Subsampling(layer, shape, device=device)
        case Activation():
            return activation(layer)
        case BatchNorm():
            return batch_norm(layer, shape, device=device)
        case LocalResponseNorm():
            return PaperLocalResponseNorm(layer)
        case Softmax():
            return nn.Softmax(dim=1)
        case Dropout():
            return nn.Dropout(layer.rate)
        case Flatten():
            return nn.Flatten()
        case GlobalAveragePool():
            return GlobalAverage()
        case PadChannels():
            return ChannelPadding(layer)
        case Upsample():
            return Upsampling(layer)
        case Shuffle():
            return ChannelShuffle(layer)
        case Scale():
            return ChannelScale(shape, device=device)
        case Linear():
            return unset(nn.Linear, shape[0], layer.units, bias=layer.bias, device=device)
        case RBF():
            return RadialBasis(layer, device=device)
        case PositionBias():
            return PositionBiases(shape, device=device)
        case _:
            assert_never(layer)
