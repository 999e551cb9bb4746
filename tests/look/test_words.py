"""The words of figures and of the report in Korean: none is missing, none is left over, none has lost a value."""

import ast
import re
import string
from collections.abc import Iterator
from pathlib import Path

import pytest
from jinja2 import Environment, nodes

from striate.accounting import CONVENTION
from striate.errors import UnknownNameError
from striate.language.korean import NOUNS, RECORDED, WORDS
from striate.language.say import language, retold, say, say_count, say_html, speaking
from striate.look.attribution_figure import UNITS
from striate.look.bench import KERNELS
from striate.look.invariance import POOLINGS
from striate.look.page import SECTIONS
from striate.train.rejection import scores_compared

SOURCE = Path(__file__).parents[2] / "src/striate"
FILES = sorted([*(SOURCE / "look").glob("*.py"), SOURCE / "train/curves.py"])
HANGUL = re.compile("[가-힣]")
THE_SAME = {"Grad-CAM", " and ", "{network}, after {paper}, {year}", "{truth} as {answer}"}
"""Texts whose translation has no word of Korean."""


def literals(call: ast.Call) -> Iterator[str]:
    """The texts that the first argument of a call may be."""
    names = {"say", "say_html"}
    if isinstance(call.func, ast.Name) and call.func.id in names and call.args:
        for node in ast.walk(call.args[0]):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


def in_code() -> set[str]:
    """The texts of say(...) in the room's modules; a name stands for the texts that are assigned to it there."""
    found: set[str] = set()
    for file in FILES:
        tree = ast.parse(file.read_text(encoding="utf-8"))
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
        found |= {text for call in calls for text in literals(call)}
        named = {
            call.args[0].id
            for call in calls
            if isinstance(call.func, ast.Name) and call.func.id == "say" and isinstance(call.args[0], ast.Name)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id in named for t in node.targets):
                texts = [each.value for each in ast.walk(node.value) if isinstance(each, ast.Constant)]
                found |= {text for text in texts if isinstance(text, str) and len(text) > 1}
    return found


def in_templates() -> set[str]:
    found: set[str] = set()
    for name in ("look.html.jinja", "report.html.jinja"):
        tree = Environment().parse((SOURCE / "look" / name).read_text(encoding="utf-8"))
        for call in tree.find_all(nodes.Call):
            if isinstance(call.node, nodes.Name) and call.node.name in ("say", "say_html"):
                found |= {each.value for each in call.args[0].find_all(nodes.Const)}
                found |= {call.args[0].value} if isinstance(call.args[0], nodes.Const) else set()
    return found


def indirect() -> set[str]:
    """The texts that are said through a name."""
    return {
        *(text for texts in SECTIONS.values() for text in texts),
        *UNITS,
        *UNITS.values(),
        *KERNELS,
        *POOLINGS,
        *CONVENTION,
        *CONVENTION.values(),
        *(scores_compared(each) for each in (_network("linear 10"), _network("linear 84, rbf 10"))),
        "validation",
        "test",
        "{count} training images of {source}",
        "{count} validation images of {source}",
        "{count} pictures drawn by rule",
        "map {unit}, up to {strongest}",
        "unit {unit}, up to {strongest}",
    }


def _network(end: str):
    from striate import find, from_text

    return find("lenet5") if "rbf" in end else from_text(f"1x8x8: {end}")


def needed() -> set[str]:
    return in_code() | in_templates() | indirect()


def test_no_text_is_missing_in_korean() -> None:
    assert len(needed()) > 180
    assert sorted(needed() - set(WORDS)) == []


def test_no_text_in_korean_is_left_over() -> None:
    assert sorted(set(WORDS) - needed()) == []


def _values(text: str) -> list[str]:
    return sorted(name for _, name, _, _ in string.Formatter().parse(text) if name is not None)


def test_each_text_has_the_values_of_the_english_one_and_is_in_korean() -> None:
    for english, korean in WORDS.items():
        assert _values(english) == _values(korean), english
        assert english.count("<") == korean.count("<"), english
        assert HANGUL.search(korean) or english in THE_SAME or korean == "MAC", english


def test_a_language_ends_with_its_block_and_an_unknown_one_is_refused() -> None:
    with speaking("ko"):
        assert (language(), say("the image"), say_count(3, "image")) == ("ko", "이미지", "이미지 3개")
        with speaking("en"):
            assert say_count(3, "image") == "3 images"
        assert language() == "ko"
    assert (language(), say("the image")) == ("en", "the image")
    with pytest.raises(UnknownNameError) as refused, speaking("kr"):
        pass
    assert str(refused.value) == "no language is called 'kr'.\nThe languages are: en, ko.\nDid you mean 'ko'?"


def test_values_in_html_are_escaped() -> None:
    with speaking("ko"):
        told = say_html("{truth}, taken for <b>{answer}</b>", truth="<i>", answer="a & b")
    assert told == "&lt;i&gt;을(를) <b>a &amp; b</b>(으)로 봄"


@pytest.mark.parametrize(
    "why",
    [
        "1 epoch",
        "12 epochs",
        "20 passes",
        "reached 99.00% on the validation images",
        "reached 99.00% balanced accuracy on the validation images",
        "3 epochs without a better validation accuracy",
    ],
)
def test_why_a_training_ended_is_told_in_korean(why: str) -> None:
    assert retold(why) == why
    with speaking("ko"):
        assert HANGUL.search(retold(why))
        assert not re.search("[a-z]", retold(why))
        assert retold("what nobody knows") == "what nobody knows"


def test_every_counted_noun_is_there() -> None:
    told = "\n".join(file.read_text(encoding="utf-8") for file in (*FILES, *(SOURCE / "look").glob("*.jinja")))
    nouns = set(re.findall(r'say_count\([^"\n]*"(\w+)"', told))
    assert nouns == {"image", "epoch", "thread"}
    assert nouns | {"test image", "validation image"} == set(NOUNS)
    assert all(_values(korean) == sorted(re.findall(r"\?P<(\w+)>", form)) for form, korean in RECORDED.items())
