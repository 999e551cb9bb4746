"""Networks by name as parameters of a test, the large ones marked slow."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from striate import Network, account, find
from striate.description.narrow import narrow

HEAVY = 400e6
"""MACs of a network from which on a test of it is slow."""


HEAVIEST = 40e6
"""Parameters of a network from which on a test of what its layers compute takes it narrower."""
AS_IT_IS = "alexnet"
"""One of these that keeps its width, and with it weights of a hundred megabytes."""


def lighter(network: Network) -> Network:
    """The network, or where it has very many parameters the same layers on the same input at a quarter of the width."""
    heavy = network.name != AS_IT_IS and account(network).totals.parameters > HEAVIEST
    return narrow(network, 1 / 4) if heavy else network


@cache
def macs_of(name: str) -> int:
    """The MACs of a network of the catalogue; modules that choose networks by them ask while tests are collected."""
    return account(find(name)).totals.macs


def by_name(names: list[str]) -> list[Any]:
    """The names, each a parameter."""
    return [pytest.param(name, marks=[pytest.mark.slow] if macs_of(name) > HEAVY else []) for name in names]
