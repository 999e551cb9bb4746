"""Networks by name as parameters of a test, the large ones marked slow."""

from __future__ import annotations

from typing import Any

import pytest

from striate import account, find

HEAVY = 400e6
"""MACs of a network from which on a test of it is slow."""


def by_name(names: list[str]) -> list[Any]:
    """The names, each a parameter."""
    return [
        pytest.param(name, marks=[pytest.mark.slow] if account(find(name)).totals.macs > HEAVY else [])
        for name in names
    ]
