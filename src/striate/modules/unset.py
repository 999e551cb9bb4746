"""PyTorch's own layers with weights that are not yet set."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch
from torch import nn

Made = TypeVar("Made", bound=nn.Module)


def unset(make: Callable[..., Made], *arguments: object, device: torch.device, **options: object) -> Made:
    """A layer whose parameters have their shapes and uninitialised values.

    `torch.nn.utils.skip_init` gives the same; but to leave the device "meta", where nothing is drawn, it imports
    PyTorch's symbolic shapes, which takes half a second.

    >>> unset(nn.Linear, 3, 2, device=torch.device("cpu")).weight.shape
    torch.Size([2, 3])
    """
    module = make(*arguments, device=torch.device("meta"), **options)
    for name, parameter in [*module.named_parameters(recurse=False)]:
        values = torch.empty(parameter.shape, dtype=parameter.dtype, device=device)
        setattr(module, name, nn.Parameter(values, requires_grad=parameter.requires_grad))
    return module
