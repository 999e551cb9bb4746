"""A module's weights as NumPy arrays, for rooms that do not import PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn


def weights_of(module: nn.Module) -> dict[str, np.ndarray[Any, Any]]:
    """A module's parameters and fixed values as 32-bit floats, by their path.

    >>> from striate.modules import build
    >>> weights_of(build("lenet5-dense"))["C1.weight"].shape
    (6, 1, 5, 5)
    """
    return {
        name: values.detach().to("cpu", torch.float32).contiguous().numpy()
        for name, values in module.state_dict().items()
    }
