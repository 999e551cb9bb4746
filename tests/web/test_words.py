"""The page's words in Korean: none is missing, none is left over, and computed texts are known by their form."""

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

from striate import Network, find, from_text
from striate.description.network import plan
from striate.look.unit import explain
from tests.support.networks import ODD
from tests.support.node import NEEDS_NODE, under_node
from tests.support.pictures import picture, places
from tests.support.serving import fresh

MORE = from_text(
    "name more 3x8x8: conv 4 3x3 same, bn, gelu_tanh, lrn, branches(conv 2 1x1; ), shuffle 2, upsample 2, "
    "residual(conv 6 3x3 same), gate(global_average, linear 6, sigmoid), average 2, dropout 0.5, global_average, "
    "linear 3, softmax"
)
UI = Path(__file__).parents[2] / "src/striate/web/ui"
STRING = r'"((?:[^"\\]|\\.)*)"'
HANGUL = re.compile("[가-힣]")
INDIRECT = {
    "filters", "kernel", "stride", "padding",  # the fields of the sandbox
    "output", "parameters", "connections", "MACs", "field",  # the headings of figures
    "input",  # in a sentence that is computed
}  # fmt: skip
"""Words that the code says through a name."""
STAY = {"K", "F", "S", "P", "×", "–", "…", "·"}
"""Texts of the page that are the same in every language."""


FILES = {"words": "korean.js", "computed": "korean.js", "lecture": "korean-lecture.js"}
"""The file of each part of the catalogue."""


def catalogue(name: str) -> dict[str, str]:
    source = (UI / FILES[name]).read_text(encoding="utf-8")
    body = source.split(f"export const {name} = {{\n", 1)[1].split("\n};\n", 1)[0]
    found = re.findall(rf"^  {STRING}:\s*{STRING},$", body, re.MULTILINE)
    assert len(found) == len({key for key, _ in found}), "a text stands twice"
    assert len(re.findall(r"^  \"", body, re.MULTILINE)) == len(found), "an entry cannot be read"
    return dict(found)


def code() -> str:
    paths = [path for path in sorted(UI.glob("*.js")) if not path.stem.startswith("korean")]
    return "\n".join(path.read_text(encoding="utf-8") for path in paths)


def said() -> set[str]:
    """The texts of the code: those in say(...), which may choose between two."""
    calls = re.findall(rf'\bsay\(\s*((?:[^"(){{}}]*{STRING})+)', code())
    return {text for call, _ in calls for text in re.findall(STRING, call)}


class _Texts(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.within = ""
        self.feed((UI / "index.html").read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.within = tag
        self.found |= {value for name, value in attrs if value and name in ("aria-label", "title", "data-hint")}

    def handle_data(self, data: str) -> None:
        if data.strip() and self.within not in ("title", "script", "style"):
            self.found.add(data.strip())


def test_no_text_is_missing_in_korean() -> None:
    words = catalogue("words") | catalogue("lecture")
    needed = (said() | _Texts().found | INDIRECT) - STAY
    assert len(needed) > 90
    assert sorted(needed - set(words)) == []


def test_no_text_in_korean_is_left_over() -> None:
    used = said() | _Texts().found | INDIRECT
    words, lecture = set(catalogue("words")), set(catalogue("lecture"))
    assert sorted((words | lecture) - used) == []
    assert sorted(words & lecture) == []


@pytest.mark.parametrize("name", [*FILES])
def test_each_text_has_the_values_of_the_english_one_and_is_in_korean(name: str) -> None:
    for english, korean in catalogue(name).items():
        assert sorted(re.findall(r"\{\w+\}", english)) == sorted(re.findall(r"\{\w+\}", korean)), english
        assert HANGUL.search(korean) or korean == "MAC", english


def test_the_style_says_nothing_itself() -> None:
    for path in UI.glob("*.css"):
        assert re.findall(r'content: "[^"]*[A-Za-z]', path.read_text(encoding="utf-8")) == []


@pytest.fixture
def retold(tmp_path: Path):
    """Computed texts as the page in a language shows them, by its own module under Node."""

    def told(texts: list[str], language: str = "ko") -> list[str]:
        script = tmp_path / "told.mjs"
        script.write_text(
            "globalThis.location = { search: '' };\n"
            f"globalThis.document = {{ documentElement: {{ dataset: {{ lang: {json.dumps(language)} }} }} }};\n"
            f"const {{ retold }} = await import({json.dumps((UI / 'say.js').as_uri())});\n"
            f"console.log(JSON.stringify({json.dumps(texts)}.map(retold)));\n",
            encoding="utf-8",
        )
        return json.loads(under_node(script))

    return told


@NEEDS_NODE
def test_the_address_goes_before_the_file_and_the_file_before_the_browser(tmp_path: Path) -> None:
    cases = [
        ("", "", ["en-GB", "ko"], "en"),
        ("", "", ["ko-KR", "en"], "ko"),
        ("", "", ["fr-FR", "ko"], "ko"),
        ("", "", ["fr-FR"], "en"),
        ("?lang=ko", "", ["en"], "ko"),
        ("?lang=xx", "", ["ko"], "en"),
        ("?lang=en", "ko", ["ko"], "en"),
        ("", "ko", ["en"], "ko"),
        ("", "en", ["ko"], "en"),
    ]
    script = tmp_path / "chosen.mjs"
    script.write_text(
        "const found = [];\n"
        f"for (const [at, [search, lang, languages]] of {json.dumps([case[:3] for case in cases])}.entries()) {{\n"
        "  Object.defineProperty(globalThis, 'navigator', { value: { languages }, configurable: true });\n"
        "  globalThis.location = { search };\n"
        "  globalThis.document = { documentElement: { dataset: lang ? { lang } : {} } };\n"
        f"  found.push((await import({json.dumps((UI / 'say.js').as_uri())} + `?${{at}}`)).language);\n"
        "}\nconsole.log(JSON.stringify(found));\n",
        encoding="utf-8",
    )
    assert json.loads(under_node(script)) == [case[3] for case in cases]


def explained(network: Network, folder: Path) -> Iterator[str]:
    """The formulas and labels of a unit of each layer of a network, as the server computes them."""
    predictor = fresh(network, folder)
    watched = predictor.watch(picture(network))
    for number, step in enumerate(predictor.plan.steps):
        for place in () if step.head else places(step.output):
            found = explain(predictor, watched.outputs, number, place)
            yield found.formula
            yield from (term.label for term in found.terms)


@NEEDS_NODE
def test_remarks_on_sizes_and_on_the_drawing_are_told_in_korean(retold) -> None:
    texts = [
        "unseen: 1 row and 1 column of the input",
        "unseen: 2 rows of the input; 1 column of the padding",
        "3 rows and 1 column of the input unseen",
        "input 6 or 9",
        "kernel 4",
        "padding 1 before and 2 after",
        "6 or 9",
        "grey",
        "224 × 224, one channel",
        "1200 × 800, one channel, shrunk to 600 × 400",
        "longer side 20; strokes of 3 pixels thickened by 2",
    ]
    told = retold(texts)
    assert [each for each in told if re.search("[a-z]", each)] == []
    assert told[:2] == ["읽지 않는 것: 입력의 행 1개와 열 1개", "읽지 않는 것: 입력의 행 2개; 패딩의 열 1개"]
    assert retold(texts, "en") == texts
    assert retold(["what nobody knows", "sin(2) = 1"]) == ["what nobody knows", "sin(2) = 1"]


@NEEDS_NODE
@pytest.mark.parametrize("network", [find("lenet5"), ODD, MORE], ids=lambda net: net.name)
def test_the_sums_of_units_of_every_kind_are_told_in_korean(network: Network, tmp_path: Path, retold) -> None:
    texts = sorted(set(explained(network, tmp_path / "run")))
    paths = {step.path.partition(".")[0] for step in plan(network).steps}
    names = "|".join(["tanh", "exp", "max", "min", *sorted(paths, key=len, reverse=True)])
    left = [text for text in retold(texts) if re.search("[a-z]{2,}", re.sub(rf"\b(?:{names})[\w.]*", "", text))]
    assert len(texts) > 10
    assert left == []
