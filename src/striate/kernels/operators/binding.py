"""Shared by all operators: the compiled kernels, tensors in the form that C reads, registration with PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch import library as operators

from striate.kernels.binary import Library, library
from striate.kernels.lower import NotLoweredError

_OPERATORS = operators.Library("striate", "DEF")


@dataclass(frozen=True)
class Operator:
    """An operator: `work` computes it, `shapes` gives empty outputs of the right shapes for PyTorch's fake tensors.

    `keep` saves what `gradients`, its backward pass, needs.
    """

    signature: str
    work: Callable[..., Any]
    shapes: Callable[..., Any]
    keep: Callable[..., None] | None = None
    gradients: Callable[..., Any] | None = None


def register(operator: Operator) -> None:
    """Register an operator as a member of `torch.ops.striate`."""
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
    """The tensor in contiguous memory that is aligned to 64 bytes: itself, or a copy."""
    if tensor.dtype != torch.float32:
        raise ValueError(f"striate's operators take float32, not {tensor.dtype}")
    tensor = tensor.contiguous()
    return tensor.clone() if tensor.data_ptr() % 64 else tensor


def address_of(tensor: Tensor | None) -> int | None:
    """The address of a tensor's values; None where it has none."""
    return None if tensor is None or not tensor.numel() else tensor.data_ptr()
