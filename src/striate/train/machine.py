"""The machine that a training runs on."""

from __future__ import annotations

import os
import platform
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
