"""Tensors of a safetensors file, checked: nothing is unpickled, and no value is other than it was written."""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from striate.errors import RunError

TYPES = (torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.uint8, torch.bool)
"""The types of values that tensors of a checkpoint may have."""


def read_tensors(path: Path, *, expected: str) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors and the metadata of a file. Raises RunError without a remedy, and FileNotFoundError."""
    try:
        with safe_open(str(path), framework="pt") as file:
            metadata = file.metadata() or {}
            return {name: file.get_tensor(name) for name in file.keys()}, metadata  # noqa: SIM118 - not a dict
    except FileNotFoundError:
        raise
    except (SafetensorError, OSError, ValueError, RecursionError) as problem:
        raise RunError(f"{path} is damaged: {problem}.", expected) from None


def require_sound(path: Path, tensors: dict[str, Tensor], *, expected: str) -> None:
    """Raises RunError, without a remedy, for a tensor of another type, and for a value that is not finite."""
    if strange := next((name for name, each in tensors.items() if each.dtype not in TYPES), None):
        raise RunError(f"{path} is damaged: {strange} is {form(tensors[strange])}.", expected)
    if problem := not_finite(tensors):
        cause = "Weights are finite numbers; these ran away in training, or the file was changed."
        raise RunError(f"{path} cannot be used: {problem}", cause)


def form(tensor: Tensor) -> str:
    """The type and the shape of a tensor, in words."""
    return f"{str(tensor.dtype).removeprefix('torch.')} {'×'.join(map(str, tensor.shape)) or 'number'}"


def not_finite(tensors: dict[str, Tensor]) -> str | None:
    """The first tensor with values that are not finite, in words, or None."""
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not tensor.isfinite().all():
            count = int(tensor.isfinite().logical_not().sum())
            return f"{count:,} of the {tensor.numel():,} values of {name} are not finite."
    return None


def checksum(tensors: dict[str, Tensor], state: str) -> str:
    """A hash of names, types, shapes, values and state."""
    digest = hashlib.blake2b(state.encode(), digest_size=32)
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"\0{name}\0{tensor.dtype}\0{tuple(tensor.shape)}\0".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
