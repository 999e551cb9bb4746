"""Every page by axe-core; by the keyboard; with the letters twice as large; without motion."""

from __future__ import annotations

from pathlib import Path

import pytest

from striate import find
from striate.look.report import write_report
from striate.look.untrained import untrained
from striate.serve import Predictor
from striate.train import open_run
from striate.train.evaluation import evaluate
from tests.support.browsing import NARROW, NEEDS_CHROMIUM, OVERFLOWING, WIDE, expect, rest
from tests.support.commands import striate
from tests.support.pages import File, written
from tests.support.pictures import DIGITS
from tests.support.playing import NEEDS_KERNELS, policy
from tests.support.serving import serving_here

axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
pytestmark = NEEDS_CHROMIUM
BOTH = pytest.mark.parametrize(("size", "theme"), [(WIDE, "light"), (NARROW, "dark")], ids=["wide", "narrow"])


def violations(page) -> str:
    """What axe-core finds; empty where it finds nothing."""
    found = axe.Axe().run(page)
    return found.generate_report() if found.violations_count else ""


@pytest.fixture(scope="module")
def file(digits_run: Path, tmp_path_factory: pytest.TempPathFactory) -> File:
    """The page of a LeNet-5 as a file."""
    return written(tmp_path_factory.mktemp("page") / "page.html", Predictor(open_run(digits_run)))


@BOTH
def test_a_page_with_all_that_it_can_show(file, visit, size, theme) -> None:
    page = visit(file, size, theme)
    assert violations(page) == ""
    page.set_input_files("[data-testid=file]", DIGITS / "4-pen.png")
    expect(page.get_by_test_id("prediction")).not_to_have_text("–")
    page.locator("#scores button.top").click()
    page.locator("[data-path=C3] canvas").click(position={"x": 4, "y": 4})
    expect(page.get_by_test_id("formula")).to_be_visible()
    page.get_by_test_id("sandbox-line").fill("1x7x7: cnv 1 3x3")
    page.get_by_test_id("sandbox-line").press("Enter")
    expect(page.get_by_test_id("sandbox-fit")).to_contain_text("'cnv' is no layer.")
    rest(page)
    assert violations(page) == ""
    assert page.evaluate(OVERFLOWING) == []


@pytest.mark.slow
@BOTH
def test_several_runs_with_a_line(predictor, visit, size, theme) -> None:
    with serving_here(predictor, untrained(find("lenet5-reader"))) as served:
        assert violations(visit(served, size, theme)) == ""


@pytest.mark.slow
@NEEDS_KERNELS
@BOTH
def test_a_board(visit, size, theme) -> None:
    with serving_here(policy().predictor) as served:
        page = visit(served, size, theme, locale="ko-KR")
        expect(page.locator("#best li")).to_have_count(5)
        expect(page.get_by_test_id("state")).to_have_text("흑의 차례. 따낸 돌: 흑 0, 백 0.")
        assert violations(page) == ""


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_reports(finished_run, few_digits, browser, tmp_path, theme) -> None:
    run = open_run(finished_run)
    write_report(run, *evaluate(run, split="validation"))
    for command in (
        ("look", finished_run, "--only", "filters", "--only", "fields", "--out", tmp_path / "look"),
        ("doctor", "--data", few_digits, "--quick", "--page", tmp_path / "doctor.html"),
    ):
        assert striate(*map(str, command)).returncode == 0
    page = browser.new_page(color_scheme=theme)
    for path in (run.path("report.html"), tmp_path / "look/look.html", tmp_path / "doctor.html"):
        page.goto(path.as_uri())
        assert violations(page) == "", path
    page.close()


CONTROLS = """() => [...document.querySelectorAll('a[href], button, input, select, canvas[tabindex]')]
  .filter((one) => one.checkVisibility() && !one.disabled && one.tabIndex >= 0).length"""
FOCUSED = """() => {
  const one = document.activeElement;
  if (one === document.body) return null;
  const { outlineStyle, outlineWidth } = getComputedStyle(one);
  window.seen ??= new Set();
  window.seen.add(one);
  return { outline: outlineStyle !== 'none' && parseFloat(outlineWidth) >= 1, html: one.outerHTML.slice(0, 100) };
}"""


def test_each_control_is_reached_by_the_keyboard_and_shows_its_focus(file, visit) -> None:
    page = visit(file)
    count = page.evaluate(CONTROLS)
    hidden = []
    for _ in range(count + 20):
        page.keyboard.press("Tab")
        found = page.evaluate(FOCUSED)
        if found and not found["outline"]:
            hidden.append(found["html"])
    assert hidden == []
    assert count > 40
    assert page.evaluate(f"({CONTROLS.replace('.length', '.filter((one) => !window.seen.has(one)).length')})()") == 0


def test_letters_of_twice_the_size_lose_nothing(file, visit) -> None:
    page = visit(file, {"width": 720, "height": 450}, device_scale_factor=2)
    assert page.evaluate(OVERFLOWING) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 720
    for name in ("pad", "undo", "prediction", "sandbox-network"):
        page.get_by_test_id(name).scroll_into_view_if_needed()
        expect(page.get_by_test_id(name)).to_be_in_viewport()


def test_without_motion_nothing_moves(file, visit) -> None:
    page = visit(file, reduced_motion="reduce")
    moves = "getComputedStyle(document.querySelector('.switch input')).transitionDuration"
    assert page.evaluate(moves) == "0s"
    assert page.evaluate("getComputedStyle(document.documentElement).scrollBehavior") == "auto"
