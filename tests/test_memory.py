"""The memory of this machine, where the system tells it and where it does not."""

from __future__ import annotations

import os

import pytest

from striate.memory import machine_memory
from striate.modules import build


def test_a_system_that_does_not_tell_its_memory_builds_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows has no `os.sysconf`."""
    assert 2**28 < machine_memory() < 2**50
    monkeypatch.delattr(os, "sysconf")
    assert machine_memory() == 2**62
    assert build("lenet5-dense").network.name == "lenet5-dense"
