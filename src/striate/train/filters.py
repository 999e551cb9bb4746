"""The first layer's filters over the course of a training: a small file in the run, with one frame per epoch."""

from __future__ import annotations

import re
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn

from striate.description.layers import Conv
from striate.description.network import plan
from striate.errors import RunError
from striate.files import write_whole
from striate.modules import Built

FILE = "filters.safetensors"
MOST_FILTERS = 64
_NAME = re.compile(r"epoch\d{6,9}")
MOST_FRAMES = 60
"""The most frames of a file: a long training keeps every second epoch, or every fourth, ..., and always the last."""


def first_kernels(model: nn.Module) -> Tensor | None:
    """The weight of the first convolution, in PyTorch's shape; None where there is none."""
    if not isinstance(model, Built):
        return None
    step = next((step for step in plan(model.network).steps if isinstance(step.layer, Conv)), None)
    return None if step is None else model.get_parameter(f"{step.path}.weight").detach()


def keep_filters(path: Path, model: nn.Module, *, epoch: int) -> None:
    """Add the filters after an epoch (0: before the first) to the file, and remove frames of later epochs.

    The frames that are kept depend on the epoch numbers alone, so a resumed training makes the same file.
    """
    weight = first_kernels(model)
    if weight is None:
        return
    frames = load_filters(path) if epoch else {}
    apart = spacing(epoch)
    frames = {each: frame for each, frame in frames.items() if each < epoch and each % apart == 0}
    frames[epoch] = weight[:MOST_FILTERS].cpu().half()
    write_whole(path, save({f"epoch{each:06d}": frame.contiguous() for each, frame in frames.items()}))


def load_filters(path: Path) -> dict[int, Tensor]:
    """The filters by epoch, in float16; none where the run has no such file. Raises RunError for a damaged file."""
    if not path.exists():
        return {}
    try:
        frames = load(path.read_bytes())
        if not all(_NAME.fullmatch(name) and _is_frame(frame) for name, frame in frames.items()):
            raise ValueError("a frame is no set of filters of an epoch")
        if len({frame.shape for frame in frames.values()}) > 1:
            raise ValueError("frames differ in size")
    except (SafetensorError, OSError, ValueError, KeyError) as problem:
        expected = "It holds the first layer's filters by epoch."
        raise RunError(f"{path} is damaged: {problem}.", expected, "Nothing else needs it: remove it.") from None
    return {int(name.removeprefix("epoch")): frames[name] for name in sorted(frames)}


def _is_frame(frame: Tensor) -> bool:
    finite = frame.dtype == torch.float16 and bool(frame.isfinite().all())
    return finite and frame.ndim in (3, 4) and 0 < len(frame) <= MOST_FILTERS and frame.numel() > 0


def spacing(epoch: int) -> int:
    """The number of epochs between frames at an epoch: the least power of two that keeps the frames few enough.

    >>> spacing(20), spacing(60), spacing(200)
    (1, 1, 4)
    """
    apart = 1
    while epoch > MOST_FRAMES * apart:
        apart *= 2
    return apart
