"""Modules that are read, and how far the description is off them."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from striate.exchange.reading import Read
from striate.train.onnx_run import module_of

NEAR = 1e-5
"""The largest difference of outputs as a share of their range."""


def pictures(read: Read) -> Tensor:
    return torch.randn(3, *read.network.input, generator=torch.Generator().manual_seed(5))


@torch.inference_mode()
def difference(module: nn.Module, read: Read) -> float:
    """By how much the description's outputs differ from the module's, as a share of their range."""
    images = pictures(read)
    scale, shift = (torch.from_numpy(np.float32(each).reshape(-1, 1, 1)) for each in (read.scale, read.shift))
    wanted, found = module.eval()(images), module_of(read.network, read)(scale * images + shift)
    return float((wanted.flatten() - found.flatten()).abs().max() / (wanted.max() - wanted.min()))


def stirred(module: nn.Module) -> nn.Module:
    for each in module.modules():
        if isinstance(each, nn.BatchNorm2d):
            assert each.running_mean is not None
            assert each.running_var is not None
            each.running_mean.normal_(0, 0.2)
            each.running_var.uniform_(0.5, 2)
    return module


class Function(nn.Module):
    """Some modules, and a function that puts them together."""

    def __init__(self, function, *parts: nn.Module) -> None:
        super().__init__()
        self.function, self.parts = function, nn.ModuleList(parts)

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x, *self.parts)


def conv(filters: int = 4, kernel: int | tuple[int, int] = 3, **given) -> nn.Conv2d:
    return nn.Conv2d(3, filters, kernel, **given)
