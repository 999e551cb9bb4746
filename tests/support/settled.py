"""Modules whose fixed values and parameters are all different, as if they had learned."""

from __future__ import annotations

import torch
from torch import nn

from striate import Network
from striate.modules import Built, build


def settled(network: Network, *, seed: int = 0) -> Built:
    """A module in evaluation mode whose biases differ, and whose batch norms have means, variances, scales and shifts
    of their own."""
    generator = torch.Generator().manual_seed(seed)
    made = build(network, generator=generator).eval()
    with torch.no_grad():
        for module in made.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                assert module.running_mean is not None
                assert module.running_var is not None
                module.running_mean.normal_(0, 0.2, generator=generator)
                module.running_var.uniform_(0.5, 2, generator=generator)
                module.weight.uniform_(0.5, 1.5, generator=generator)
            for name, own in module.named_parameters(recurse=False):
                if name == "bias":
                    own += 0.1 * torch.randn(own.shape, generator=generator)
    return made


def spread(module: nn.Module, generator: torch.Generator) -> None:
    """Weights of which every one matters: the normalisations' too."""
    for name, value in [*module.named_parameters(), *module.named_buffers()]:
        if value.is_floating_point() and not name.endswith("centres"):
            low = 0.5 if name.endswith(("running_var", "norm.weight")) else -1.0
            size = 1.0 if value.ndim < 2 else (3 / (value[0].numel() or 1)) ** 0.5
            value.data = (torch.rand(value.shape, generator=generator, dtype=value.dtype) * (1 - low) + low) * size
