"""The main tests of the page, in Firefox: Debian's firefox-esr, headless."""

from __future__ import annotations

import pytest

from striate.serve import Predictor
from striate.train import open_run
from tests.serve.test_page import test_a_class_shows_what_speaks_for_it as test_a_class_shows_what_speaks_for_it
from tests.serve.test_page import (
    test_the_numbers_of_a_sum_are_the_networks as test_the_numbers_of_a_sum_are_the_networks,
)
from tests.serve.test_page import test_the_steps_can_be_switched_off as test_the_steps_can_be_switched_off
from tests.serve.test_page import test_undo_clear_and_eraser as test_undo_clear_and_eraser
from tests.support.browsing import SEVEN, draw, says
from tests.support.firefox import NEEDS_FIREFOX, program
from tests.support.pages import written

pytest.importorskip("websockets", reason="websockets is not installed")
pytestmark = [pytest.mark.slow, NEEDS_FIREFOX]


@pytest.fixture(scope="module")
def browser(playwright, tmp_path_factory: pytest.TempPathFactory):
    """Firefox in the place of Chromium: of it `visit` opens pages here."""
    folder = tmp_path_factory.mktemp("firefox")
    found = playwright.firefox.launch(executable_path=program(folder), channel="moz-firefox", timeout=180_000)
    yield found
    found.close()


def test_a_page_as_one_file_computes_and_takes_a_network_that_is_typed_in(digits_run, visit, tmp_path) -> None:
    page = visit(written(tmp_path / "page.html", Predictor(open_run(digits_run))))
    draw(page, SEVEN)
    says(page, "7")
    page.get_by_test_id("sandbox-line").fill("1x7x7: conv 1 3x3 /3")
    page.get_by_test_id("sandbox-line").press("Enter")
    page.get_by_test_id("sandbox-fit").get_by_text("(7 − 3)/3 + 1 = 2.333").wait_for()
