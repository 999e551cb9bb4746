"""A module's tensors as the kernels take them."""

from __future__ import annotations

from torch import Tensor, nn


def tensors_of(module: nn.Module) -> dict[str, Tensor]:
    """A module's parameters and buffers by their path, such as "C1.weight"; the tensors are the module's own.

    >>> from striate.modules import build
    >>> list(tensors_of(build("lenet5-dense")))[:2]
    ['C1.weight', 'C1.bias']
    """
    return dict(module.named_parameters()) | dict(module.named_buffers())
