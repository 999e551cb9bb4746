"""What operators share: the compiled kernels, tensors as C wants them, and how PyTorch comes to know an operator."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch import library as operators

from striate.kernels.binary import Library, library
from striate.kernels.lower import NotLoweredError

GROUP = 16
"""Images side by side."""
_OPERATORS = operators.Library("striate", "DEF")


@dataclass(frozen=True)
class Operator:
    """An operator: its work, and what it makes, empty, of tensors that hold no numbers.

    `keep` keeps what `gradients`, its backward pass, needs.
    """

    signature: str
    work: Callable[..., Any]
    shapes: Callable[..., Any]
    keep: Callable[..., None] | None = None
    gradients: Callable[..., Any] | None = None


def register(operator: Operator) -> None:
    """Make `torch.ops.striate` know an operator."""
    name = _OPERATORS.define(operator.signature)
    _OPERATORS.impl(name, operator.work, "CPU")
    operators.register_fake(f"striate::{name}", operator.shapes, lib=_OPERATORS)
    if operator.gradients:
        operators.register_autograd(f"striate::{name}", operator.gradients, setup_context=operator.keep, lib=_OPERATORS)


def binary() -> Library:
    """The compiled kernels. NotLoweredError where there are none."""
    found = library()
    if isinstance(found, str):
        raise NotLoweredError(found)
    return found


def prepared(tensor: Tensor) -> Tensor:
    """Float32, without gaps, and on a boundary of 64 bytes."""
    if tensor.dtype != torch.float32:
        raise ValueError(f"striate's operators take float32, not {tensor.dtype}")
    tensor = tensor.contiguous()
    return tensor.clone() if tensor.data_ptr() % 64 else tensor


def address_of(tensor: Tensor | None) -> int | None:
    """Where its numbers lie; None where there are none."""
    return None if tensor is None or not tensor.numel() else tensor.data_ptr()
