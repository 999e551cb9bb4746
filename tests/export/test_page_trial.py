"""The sandbox of the page as one file, under Node: whatever is tried, its words and numbers are the account's."""

from __future__ import annotations

import random
from typing import Any

import pytest

from striate import Network, find
from striate.description.layers import (
    Auxiliary,
    Block,
    Branches,
    Conv,
    Flatten,
    GlobalAveragePool,
    Linear,
    Pool,
    Residual,
)
from striate.description.network import plan
from striate.errors import StriateError
from striate.web.sandbox import EXAMPLES, error_to_dict, read_trial, try_it
from tests.support.networks import GATED, ODD
from tests.support.node import NEEDS_NODE
from tests.support.serving import fresh
from tests.support.small import small

pytestmark = NEEDS_NODE

TRIALS = 110
JOINED = Network(
    "joined",
    (3, 20, 13),
    [
        Residual([Conv(4, kernel=3, padding="same")], shortcut=[Conv(4, kernel=1)]),
        Auxiliary([GlobalAveragePool(), Linear(3)]),
        Branches([
            Block([Conv(4, kernel=(5, 3), stride=2, padding=(2, 1))]),
            [Pool("max", kernel=3, stride=2, padding=1)],
        ]),
        Flatten(),
        Residual([Linear(560)]),
        Linear(2),
    ],
)  # fmt: skip
NETWORKS = [
    *EXAMPLES.values(), find("lenet5"), find("lenet1"), find("simple-cnn"), find("resnet20-cifar"), ODD, JOINED,
    small(find("googlenet")), small(find("alexnet")), GATED,
]  # fmt: skip
LARGE = {"simple-cnn", "resnet20-cifar", "alexnet", "googlenet", "resnet50"}


def edits(network: Network, dice: random.Random) -> dict[str, Any]:
    """What a person might type: one to three other numbers, mostly small ones, now and then another input."""
    fields = {"Conv": ("filters", "kernel", "stride", "padding"), "Pool": ("kernel", "stride", "padding")}
    fields |= {"Subsample": ("kernel", "stride"), "Linear": ("filters",)}
    steps = [step for step in plan(network).steps if type(step.layer).__name__ in fields]
    changes: dict[str, dict[str, float]] = {}
    for step in dice.choices(steps, k=dice.randint(1, 3)):
        field = dice.choice(fields[type(step.layer).__name__])
        small = [*range(8), *range(8), 11, 16]
        values = [10, 12, 16, 32, 560, 70_000, 0] if field == "filters" else [*small, -1, 100, 1025, 2.5]
        changes.setdefault(step.path, {})[field] = dice.choice(values)
    trial: dict[str, Any] = {"network": network.name, "changes": changes}
    if dice.random() < 0.4:
        channels, height, width = network.input
        trial["input"] = [channels, max(0, height + dice.randint(-9, 9)), max(1, width + dice.randint(-9, 9))]
        if dice.random() < 0.1:
            trial["input"][dice.randrange(3)] = dice.choice([1, 5, 1025, 7.5])
    return trial


def of_python(trial: dict[str, Any], network: Network) -> Any:
    """The server's answer."""
    try:
        return try_it(read_trial(trial), own=network)
    except StriateError as error:
        return error_to_dict(error)


def assert_same(found: Any, expected: Any) -> None:
    """Equal, in all that the file says; the server says more."""
    if isinstance(found, dict) and isinstance(expected, dict):
        for key, value in found.items():
            assert_same(value, expected[key])
    elif isinstance(found, list) and isinstance(expected, list):
        assert len(found) == len(expected)
        for mine, other in zip(found, expected, strict=True):
            assert_same(mine, other)
    else:
        assert found == expected


@pytest.mark.parametrize(
    "network",
    [pytest.param(each, marks=[pytest.mark.slow] if each.name in LARGE else []) for each in NETWORKS],
    ids=lambda network: network.name,
)
def test_whatever_is_tried_has_the_accounts_words_and_numbers(network, tmp_path, worker) -> None:
    own = find("lenet1") if network.name in EXAMPLES else network
    page = worker(fresh(own, tmp_path / "run"))
    dice = random.Random(network.name)
    kinds: set[str] = set()
    for trial in [{"network": network.name}, *(edits(network, dice) for _ in range(TRIALS))]:
        found, expected = page.ask("account", **trial), of_python(trial, own)
        assert_same(found, expected)
        kinds.add("unread" if "what" in found else "refused" if found["problem"] else "fit")
        if found.get("account"):
            keys = {"rows", "totals", "input"}
            assert keys == set(found["account"])
            assert {"unseen", "receptive_field", "weights", "output"} < set(found["account"]["rows"][0])
            kinds |= {"misfit"} if found["fit"]["misfits"] else set()
    assert kinds == {"unread", "refused", "fit", "misfit"}
