"""The sandbox of the page as one file, in a real browser."""

from __future__ import annotations

import pytest

from striate import find
from striate.serve import Predictor
from striate.train import open_run
from tests.support.browsing import NEEDS_CHROMIUM, Page, rest, sync_api
from tests.support.pages import written
from tests.support.serving import fresh

pytestmark = NEEDS_CHROMIUM


def shown(page: Page) -> str:
    """All that the sandbox says, but the names to choose from."""
    names = page.locator("[data-part=network]").inner_text()
    return page.get_by_test_id("sandbox").inner_text().replace(names, "")


@pytest.mark.slow
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
