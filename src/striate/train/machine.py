"""The machine that a training runs on."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from striate.errors import RunError, UnknownNameError
from striate.version import __version__


def environment() -> dict[str, str]:
    """The machine and the versions, for run.json."""
    return {
        "striate": __version__,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "system": platform.platform(),
        "processor": _processor(),
        "cores": str(os.cpu_count()),
    }


def device_called(name: str) -> str:
    """The device of that name, or for "auto" the best one. Raises UnknownNameError where this machine lacks it."""
    here = _devices()
    if name == "auto":
        return "cpu" if len(here) == 1 else here[1].partition(":")[0]
    if name not in here:
        raise UnknownNameError(f"no device {name!r} on this machine.", f"The devices here are: {', '.join(here)}.")
    return name


def require_device(name: str, *, folder: Path) -> None:
    """Raise RunError where a run cannot be resumed because this machine lacks the device that it began on."""
    here = _devices()
    if name not in here:
        raise RunError(
            f"{folder} was trained on {name}, which this machine does not have.",
            f"It goes on only on such a device, as other devices give other last bits; here are: {', '.join(here)}.",
            "Take it to a machine that has one. Evaluate, predict, look and serve run its weights on the CPU here.",
        )


def _devices() -> list[str]:
    """The names of this machine's devices: cpu first, then cuda, cuda:0, cuda:1, ..."""
    accelerator = torch.accelerator.current_accelerator(check_available=True)
    if accelerator is None:
        return ["cpu"]
    numbered = [f"{accelerator.type}:{number}" for number in range(torch.accelerator.device_count())]
    return ["cpu", accelerator.type, *numbered]


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()


@contextmanager
def tiny_is_zero() -> Iterator[None]:
    """Context in which PyTorch treats numbers below 1.2e-38 as 0, which keeps the last epochs of a training fast.

    It is a setting of the processor for this thread and for threads that it starts afterwards: also PyTorch's own, if
    they have not started yet. These keep the setting until they end.
    """
    before = takes_tiny_for_zero()
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(before)


def takes_tiny_for_zero() -> bool:
    """Whether this thread treats numbers below 1.2e-38 as 0."""
    return not (torch.full((), 1e-40) * 1.0).item()
