"""The sandbox of the page as one file: whatever is tried, its words and numbers are the account's."""

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
from striate.serve import Predictor
from striate.train import open_run
from striate.web.sandbox import EXAMPLES, error_to_dict, read_trial, try_it
from tests.support.browsing import NEEDS_CHROMIUM, Page, rest, sync_api
from tests.support.networks import GATED, ODD
from tests.support.pages import ask, written
from tests.support.serving import fresh
from tests.support.small import small

pytestmark = NEEDS_CHROMIUM

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


@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.name)
def test_whatever_is_tried_has_the_accounts_words_and_numbers(network, tmp_path, visit) -> None:
    own = find("lenet1") if network.name in EXAMPLES else network
    page = visit(written(tmp_path / "page.html", fresh(own, tmp_path / "run")))
    dice = random.Random(network.name)
    kinds: set[str] = set()
    for trial in [{"network": network.name}, *(edits(network, dice) for _ in range(TRIALS))]:
        found, expected = ask(page, "account", **trial), of_python(trial, own)
        assert_same(found, expected)
        kinds.add("unread" if "what" in found else "refused" if found["problem"] else "fit")
        if found.get("account"):
            keys = {"rows", "totals", "input"}
            assert keys == set(found["account"])
            assert {"unseen", "receptive_field", "weights", "output"} < set(found["account"]["rows"][0])
            kinds |= {"misfit"} if found["fit"]["misfits"] else set()
    assert kinds == {"unread", "refused", "fit", "misfit"}


def shown(page: Page) -> str:
    """All that the sandbox says, but the names to choose from."""
    names = page.locator("[data-part=network]").inner_text()
    return page.get_by_test_id("sandbox").inner_text().replace(names, "")


def test_the_section_says_what_the_served_one_says(server, digits_run, visit, tmp_path) -> None:
    served, alone = visit(server), visit(written(tmp_path / "page.html", Predictor(open_run(digits_run))))
    before = ""
    for field, value in (
        ("try-conv1-stride", "3"),
        ("try-conv1-stride", "2"),
        ("sandbox-network", open_run(digits_run).network.name),
        ("try-C3-kernel", "6"),
        ("try-S2-padding", "3"),
        ("try-S2-padding", "1"),
        ("try-C5-kernel", "40"),
        ("try-C5-kernel", "3"),
        ("try-F6-filters", "0"),
        ("try-F6-filters", "8"),
        ("sandbox-height", "33"),
    ):
        for page in (served, alone):
            box = page.get_by_test_id(field)
            box.select_option(value) if field == "sandbox-network" else box.fill(value)
        for page in (served, alone):
            rest(page)
        said = {shown(page) for page in (served, alone)}
        assert len(said) == 1
        assert said != {before}
        (before,) = said


def test_a_misfit_leaves_no_figure_that_seems_to_be_so(digits_run, visit, tmp_path) -> None:
    page = visit(written(tmp_path / "page.html", Predictor(open_run(digits_run))))
    page.get_by_test_id("sandbox-network").select_option("lenet5-dense")
    page.get_by_test_id("try-C3-kernel").fill("6")
    wrong = page.locator("#sandbox tr.wrong")
    sync_api.expect(wrong).to_have_attribute("data-path", "C5")
    sync_api.expect(wrong.locator("[data-of=fit]")).to_have_text("does not fit")
    assert (
        page.locator("#sandbox tbody .stale:not([data-of=fit])").count()
        == 4 * page.locator("#sandbox tbody tr").count()
    )
    page.get_by_test_id("try-C3-kernel").fill("5")
    sync_api.expect(page.locator("#sandbox tr[data-path=C5] [data-of=fit]")).to_have_text("fits")
    assert page.locator("#sandbox .stale, #sandbox .wrong").count() == 0


def test_what_harms_is_said_before_what_does_no_harm(visit, tmp_path) -> None:
    page = visit(written(tmp_path / "page.html", fresh(find("resnet20-cifar"), tmp_path / "run")))
    page.get_by_test_id("sandbox-network").select_option("resnet20-cifar")
    fit = page.get_by_test_id("sandbox-fit")
    sync_api.expect(fit).to_contain_text(
        "stage2.block1.shortcut.pool: (32 − 1)/2 + 1 = 16.5, so 16; unseen: 16 rows and 16 columns of the input."
    )
    sync_api.expect(fit).to_contain_text(
        "3 more layers do not fit exactly: stage2.block1.conv1, stage3.block1.conv1, stage3.block1.shortcut.pool."
    )
