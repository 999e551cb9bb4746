"""Pages in two languages: the Korean ones show the commands of the English ones; claims that a page names are wrong."""

import re
from pathlib import Path

import pytest

from striate.claims import CLAIMS, UNCOMPUTED, Verdict

ROOT = Path(__file__).parents[2]
FENCE = re.compile(r"^```(?:console|python)\n.*?^```", re.DOTALL | re.MULTILINE)
TRANSLATED = [("docs/tour.md", "docs/ko/tour.md"), ("docs/lenet5-by-hand.md", "docs/ko/lenet5-by-hand.md")]


def text(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def named(page: str) -> list[int]:
    """The numbers of claims in a page: those in brackets, in prose."""
    prose = FENCE.sub("", text(page))
    return [int(each) for group in re.findall(r"\((\d+(?:, \d+)*)\)", prose) for each in group.split(", ")]


@pytest.mark.parametrize(("english", "korean"), TRANSLATED)
def test_a_korean_page_shows_the_commands_of_the_english_one(english: str, korean: str) -> None:
    """So that what the tests run on the English page holds for both."""
    assert FENCE.findall(text(korean)) == FENCE.findall(text(english))
    assert text(korean).count("\n## ") == text(english).count("\n## ")
    assert text(korean).count("\n### ") == text(english).count("\n### ")


def test_the_korean_readme_shows_commands_of_the_english_one() -> None:
    english = FENCE.findall(text("README.md"))
    korean = FENCE.findall(text("README.ko.md"))
    assert korean
    assert [each for each in korean if each not in english] == []


@pytest.mark.parametrize("page", ["docs/lenet5-by-hand.md", "docs/ko/lenet5-by-hand.md"])
def test_claims_that_the_page_corrects_are_not_right(page: str) -> None:
    verdicts = {each.number: each.verdict for each in (*CLAIMS, *UNCOMPUTED)}
    numbers = named(page)
    assert len(numbers) > 30
    right = [each for each in numbers if verdicts[each] is Verdict.RIGHT]
    assert right == [144]  # post 004 counts C3's filters as the paper does, where post 003 does not


def test_both_languages_name_the_same_claims() -> None:
    assert sorted(named("docs/ko/lenet5-by-hand.md")) == sorted(named("docs/lenet5-by-hand.md"))
