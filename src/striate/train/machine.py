"""The machine that a training runs on."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from striate import __version__
from striate.errors import UnknownNameError


def environment() -> dict[str, str]:
    """The machine and the versions, as a run keeps them."""
    return {
        "striate": __version__,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "system": platform.platform(),
        "processor": _processor(),
        "cores": str(os.cpu_count()),
    }


def device_called(name: str) -> str:
    """The device of that name, or for "auto" the best there is. Raises UnknownNameError where it is not here."""
    accelerator = torch.accelerator.current_accelerator(check_available=True)
    here = ["cpu", accelerator.type] if accelerator else ["cpu"]
    if name == "auto":
        return here[-1]
    if name.partition(":")[0] not in here:
        raise UnknownNameError(f"no device {name!r} on this machine.", f"The devices here are: {', '.join(here)}.")
    return name


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()


@contextmanager
def tiny_is_zero() -> Iterator[None]:
    """Within, PyTorch takes numbers below 1.2e-38 for 0, as the last epochs of a training want it; then as before.

    A setting of the processor for this thread, and for threads that it starts: PyTorch's own, if this comes before the
    first tensor that they share. Those keep it until they end.
    """
    before = takes_tiny_for_zero()
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(before)


def takes_tiny_for_zero() -> bool:
    """Whether this thread does."""
    return not (torch.full((), 1e-40) * 1.0).item()
