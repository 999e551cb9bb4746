"""The lecture of the page: its steps in a real browser, in both languages, and its LeNet-5 against the catalogue's."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from striate import account, find
from striate.exercises import exercise
from striate.look.untrained import untrained
from tests.support.browsing import FAINT, NAMELESS, NEEDS_CHROMIUM, sync_api
from tests.support.node import NEEDS_NODE, under_node
from tests.support.pages import File, written

UI = Path(__file__).parents[2] / "src/striate/web/ui"
LARGE, SMALL = {"width": 1920, "height": 1080}, {"width": 1280, "height": 720}

PROBLEMS = """() => {
  const lecture = document.querySelector('#lecture');
  const found = [];
  const letter = innerHeight / 45;
  if (lecture.scrollHeight > lecture.clientHeight + 1) found.push('higher than the screen');
  if (lecture.scrollWidth > lecture.clientWidth + 1) found.push('wider than the screen');
  const texts = [];
  const walker = document.createTreeWalker(lecture, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode;
    const one = node.parentElement;
    if (!node.data.trim() || !one.checkVisibility()) continue;
    const svg = one.closest('svg');
    const scale = svg ? svg.getBoundingClientRect().width / svg.viewBox.baseVal.width : 1;
    const size = parseFloat(getComputedStyle(one).fontSize) * scale;
    if (size < letter - 0.1) found.push(`small ${size} ${node.data}`);
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const box of range.getClientRects()) {
      const cut = box.left < 0 || box.top < 0 || box.right > innerWidth || box.bottom > innerHeight;
      if (cut) found.push(`cut ${node.data}`);
      texts.push([node, box]);
    }
  }
  for (const [at, [one, box]] of texts.entries()) for (const [other, there] of texts.slice(at + 1)) {
    const across = Math.min(box.right, there.right) - Math.max(box.left, there.left);
    const down = Math.min(box.bottom, there.bottom) - Math.max(box.top, there.top);
    const upon = across > 1 && down > 0.35 * Math.min(box.height, there.height);
    if (one !== other && upon) found.push(`overlap ${one.data} ${other.data}`);
  }
  return found;
}"""
"""Text that is cut, too small for a projector (24 pixels on 1920 × 1080) or upon other text."""


@NEEDS_NODE
def test_its_lenet5_is_the_catalogues(tmp_path: Path) -> None:
    script = tmp_path / "lenet5.mjs"
    modules = {name: json.dumps((UI / path).as_uri()) for name, path in (
        ("own", "lecture-lenet5.js"), ("account", "../compute/account.js"), ("sketch", "../compute/sketch.js"),
    )}  # fmt: skip
    script.write_text(
        f"const {{ LAYERS, INPUT }} = await import({modules['own']});\n"
        f"const {{ account }} = await import({modules['account']});\n"
        f"const {{ sketched }} = await import({modules['sketch']});\n"
        "console.log(JSON.stringify(account(sketched(LAYERS, INPUT), INPUT)));\n",
        encoding="utf-8",
    )
    own = json.loads(under_node(script))
    theirs = account(find("lenet5"))
    rows = {row.path: row for row in theirs.rows}
    shown = [row for row in own["rows"] if row["path"] != "flatten"]
    assert [row["path"] for row in shown] == ["C1", "S2", "C3", "S4", "C5", "F6", "output"]
    for row in shown:
        counts = rows[row["path"]].counts
        assert (row["weights"], row["biases"], row["connections"]) == (
            counts.weights,
            counts.biases,
            counts.connections,
        )
        assert tuple(row["output"]) == rows[row["path"]].step.output
    assert own["totals"]["parameters"] == theirs.totals.parameters == 60_000
    source = (UI / "lecture-lenet5.js").read_text(encoding="utf-8")
    formulas = dict(re.findall(r'^  (\w+): "([0-9·+() ]+)",$', source, re.MULTILINE))
    for path, formula in formulas.items():
        assert eval(formula.replace("·", "*")) == rows[path].counts.parameters, path
    assert len(formulas) == 7


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> File:
    return written(tmp_path_factory.mktemp("lecture") / "page.html", untrained(find("lenet5-dense")))


def opened(browser, page: File, size, step: str, language: str = "en"):
    shown = browser.new_page(viewport=size)
    shown.goto(f"{page.address}?lang={language}#lecture{step}")
    shown.locator("#lecture").wait_for()
    return shown


@NEEDS_CHROMIUM
@pytest.mark.slow
@pytest.mark.parametrize(("size", "language"), [(LARGE, "en"), (SMALL, "ko")], ids=["large", "korean"])
def test_each_step_has_a_link_fits_the_screen_and_projects(page, browser, size, language) -> None:
    shown = opened(browser, page, size, "", language)
    seen: list[str] = []
    while True:
        shown.evaluate("() => new Promise((then) => requestAnimationFrame(() => requestAnimationFrame(then)))")
        step = shown.get_by_test_id("lecture-stage").get_attribute("data-step")
        assert shown.evaluate(PROBLEMS) == [], step
        seen.append(step)
        if step == "exercises":
            break
        shown.keyboard.press("ArrowRight")
        shown.wait_for_function("(name) => document.querySelector('.stage').dataset.step !== name", arg=step)
    assert seen[0] == "contents"
    assert len(seen) == len(set(seen)) == 22
    assert shown.evaluate(FAINT) == []
    assert shown.evaluate(NAMELESS) == []
    shown.close()


@NEEDS_CHROMIUM
def test_keys_links_and_an_exercise(page, browser) -> None:
    shown = opened(browser, page, SMALL, "/stride-3")
    stage = shown.get_by_test_id("lecture-stage")
    sync_api.expect(shown.get_by_test_id("lecture-formula")).to_have_text("(7 − 3)/3 + 1 = 2.333 → 2")
    shown.keyboard.press("ArrowRight")
    sync_api.expect(stage).to_have_attribute("data-step", "padding-1")
    shown.keyboard.press("ArrowLeft")
    sync_api.expect(stage).to_have_attribute("data-step", "stride-3")
    assert shown.evaluate("location.hash") == "#lecture/stride-3"
    shown.keyboard.press("Home")
    sync_api.expect(stage).to_have_attribute("data-step", "contents")

    asked = exercise(3, 2)
    shown.evaluate("location.hash = '#lecture/exercises/3/2'")
    answer = shown.get_by_test_id("lecture-answer")
    told = shown.get_by_test_id("lecture-told")
    answer.fill("many")
    answer.press("Enter")
    sync_api.expect(told).to_have_text("Type a whole number, such as 1216.")
    answer.fill("1")
    answer.press("Enter")
    sync_api.expect(told).to_have_text("Not yet. The formula, with the numbers put in:")
    assert shown.get_by_test_id("lecture-way").locator("li").all_inner_texts() == list(asked.hints)
    answer.press("ArrowLeft")  # moves within the answer
    answer.fill(asked.shown)
    answer.press("Enter")
    sync_api.expect(told).to_have_text(f"Right: {asked.shown}")
    sync_api.expect(shown.get_by_test_id("lecture-score")).to_have_text("1 of 1 right")
    answer.press("Enter")
    shown.wait_for_function("() => location.hash === '#lecture/exercises/3/3'")
    shown.evaluate("location.hash = '#lecture/exercises/2147483647/1'")
    sync_api.expect(shown.get_by_test_id("lecture-place")).to_contain_text("Seed 2147483647")
    shown.evaluate("location.hash = '#lecture/nobody'")
    sync_api.expect(stage).to_have_attribute("data-step", "contents")
    shown.keyboard.press("Escape")
    sync_api.expect(shown.locator("#lecture")).to_be_hidden()
    assert shown.evaluate("location.hash") == ""
    assert shown.evaluate("document.activeElement.id") == "present"
    assert shown.evaluate("[...document.body.children].some((one) => one.inert)") is False
    shown.close()
