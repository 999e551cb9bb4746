"""The page in Korean, as a file in a real browser: by the browser's language, by the file's, or by the address."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from striate.export.page import alone
from striate.serve import Predictor
from striate.train import open_run
from tests.support.browsing import (
    FAINT,
    NAMELESS,
    NARROW,
    NEEDS_CHROMIUM,
    OVERFLOWING,
    SEVEN,
    WIDE,
    draw,
    says,
    sync_api,
)
from tests.support.pages import File, written

pytestmark = NEEDS_CHROMIUM

NOTATION = {"conv", "max", "relu", "flatten", "linear", "output", "dense"}
"""The words of layers, which are those of the notation in every language, and of the name of the network."""


@pytest.fixture(scope="module")
def run(digits_run: Path) -> Predictor:
    return Predictor(open_run(digits_run))


@pytest.fixture(scope="module")
def page(run: Predictor, tmp_path_factory: pytest.TempPathFactory) -> File:
    """The page of a LeNet-5 that has learned."""
    return written(tmp_path_factory.mktemp("korean") / "lenet5.html", run)


def language(page) -> str:
    return page.evaluate("document.documentElement.lang")


@pytest.mark.parametrize("size", [WIDE, pytest.param(NARROW, marks=pytest.mark.slow)], ids=["wide", "narrow"])
def test_every_word_is_korean_and_the_layout_holds(page, visit, size) -> None:
    shown = visit(page, size, locale="ko-KR")
    assert language(shown) == "ko"
    sync_api.expect(shown.locator("#draw-title")).to_have_text("숫자를 그려 보십시오")
    draw(shown, SEVEN)
    says(shown, "7")
    shown.locator("[data-path=C3] canvas").click(position={"x": 20, "y": 20})
    sync_api.expect(shown.get_by_test_id("field")).to_have_text(re.compile(r"^입력의 \d+–\d+행, \d+–\d+열을 봅니다\.$"))
    sync_api.expect(shown.get_by_test_id("formula")).to_contain_text("곱 150개의 합과 편향")
    text = shown.locator("body").inner_text().replace(shown.locator("#source").inner_text(), "")
    english = set(re.findall(r"[A-Za-z]{3,}", re.sub(r"[CSF]\d|lenet\d|tanh\d|conv\d|flatten\d", "", text)))
    assert english - NOTATION == {"MAC", "MNIST"}
    for problem in (OVERFLOWING, FAINT, NAMELESS):
        assert shown.evaluate(problem) == []


def test_a_file_keeps_its_language_whatever_the_browsers_is(run, visit, tmp_path) -> None:
    (tmp_path / "korean.html").write_text(alone(run, language="ko"), encoding="utf-8")
    assert language(visit(File(tmp_path / "korean.html"), locale="en-GB")) == "ko"
