"""What is made once for all workers of a test session, such as a training that several tests read."""

from __future__ import annotations

import os
from collections.abc import Callable
from fcntl import LOCK_EX, flock
from pathlib import Path

import pytest


def once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """The folder of a name, which the first worker that asks for it makes and the others wait for."""
    base = factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    out, making = shared / name, shared / f"{name}.making"
    with (shared / f"{name}.lock").open("w") as file:
        flock(file, LOCK_EX)
        if not out.exists():
            make(making)
            making.rename(out)
    return out
