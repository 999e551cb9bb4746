"""The page of a run as a widget: what it takes, what it refuses, and what a browser shows of it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch

import striate
from striate import find, from_text
from striate.errors import RequirementError, RunError, SpecError, StriateError, UnknownNameError
from striate.export.page import alone
from striate.extras import install
from striate.look.predictor import Predictor
from striate.notebook import predictor_of
from striate.train import open_run
from tests.support.browsing import NEEDS_CHROMIUM, SEVEN, draw, sync_api

NEEDS_ANYWIDGET = pytest.mark.usefixtures("anywidget")
SMALL = "1x28x28: conv 2 9x9 /5, relu, linear 10"


@pytest.fixture
def anywidget() -> None:
    pytest.importorskip("anywidget", reason="anywidget is not installed")


@NEEDS_ANYWIDGET
def test_it_is_the_page_of_striate_page(finished_run: Path) -> None:
    made = striate.widget(finished_run, language="ko", height=500)
    assert made.page == alone(Predictor(open_run(finished_run), images=1), language="ko")
    assert (made.title, made.height) == ("tiny", 500)
    again = striate.widget(open_run(finished_run), str(finished_run))
    assert again.title == "tiny"
    assert again.page.count('"trained":true') == 2


@NEEDS_ANYWIDGET
def test_a_network_stands_for_its_run_or_is_untrained(finished_run: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert '"trained":false' in striate.widget(SMALL).page
    assert '"trained":false' in striate.widget(from_text(SMALL)).page
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "tiny").symlink_to(finished_run)
    notation = striate.to_text(open_run(finished_run).network)
    assert '"trained":true' in striate.widget(notation).page


def test_the_name_of_a_network_is_its_run_though_it_has_other_classes(finished_run, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(finished_run, Path("runs", "lenet5"))
    assert predictor_of("lenet5").run.network.name == "tiny"
    assert predictor_of(find("lenet5")).run.network.name == "lenet5"


@NEEDS_ANYWIDGET
def test_it_takes_what_fit_returns() -> None:
    images = torch.arange(40 * 28 * 28, dtype=torch.uint8).view(40, 28, 28)
    model = striate.fit("1x28x28: conv 2 9x9 /5, relu, linear 2", images, ["low", "high"] * 20, epochs=1)
    made = striate.widget(model)
    assert '"trained":true' in made.page
    assert '"classes":["high","low"]' in made.page


@NEEDS_ANYWIDGET
@pytest.mark.parametrize(
    ("runs", "options", "kind", "text"),
    [
        (
            (),
            {},
            SpecError,
            'no run is given.\nA widget shows one run or several.\nName one: striate.widget("lenet5").',
        ),
        ((SMALL,), {"height": 10}, SpecError, "height is 10.\nIt is from 200 to 4,000 pixels."),
        ((SMALL,), {"language": "kr"}, UnknownNameError, "no language is called 'kr'."),
        ((Path("no/run"),), {}, RunError, "no/run"),
        (("vgg-d",), {}, SpecError, "vgg-d takes 15,470,264,320 MACs per image."),
        (("lenet6",), {}, UnknownNameError, "no network is called 'lenet6'."),
        (("runs/lenet6",), {}, RunError, "runs/lenet6"),
        (("lost.safetensors",), {}, RunError, "lost.safetensors"),
    ],
)
def test_what_cannot_be_shown(runs, options, kind: type[StriateError], text: str) -> None:
    with pytest.raises(kind) as refused:
        striate.widget(*runs, **options)
    assert text in str(refused.value)


def test_without_anywidget_an_error_says_what_to_install(monkeypatch) -> None:
    monkeypatch.setattr("striate.extras.find_spec", lambda name: None)
    with pytest.raises(RequirementError) as refused:
        striate.widget("lenet5")
    assert str(refused.value) == (
        "a widget needs anywidget.\nIt comes with the extra `notebook`; `striate page` writes the same page as a file "
        f"without it.\nInstall it: {install('notebook')}"
    )


HOST = """<!doctype html><meta charset="utf-8"><title>host</title><div id="cell"></div>
<script type="module">
const state = JSON.parse(document.getElementById("state").textContent);
const told = {};
const model = {
  get: (name) => state[name],
  on: (name, call) => { told[name] = call; },
  off: (name) => { delete told[name]; },
};
window.change = (name, value) => { state[name] = value; told[`change:${name}`]?.(); };
const source = new Blob([document.getElementById("widget").textContent], { type: "text/javascript" });
const { default: widget } = await import(URL.createObjectURL(source));
const end = widget.render({ model, el: document.getElementById("cell") });
window.end = () => { end(); return Object.keys(told).length; };
</script>"""
"""A notebook in a few lines: what anywidget does with the JavaScript of a widget."""


@NEEDS_CHROMIUM
@NEEDS_ANYWIDGET
def test_in_a_frame_the_page_computes_and_cannot_reach_the_notebook(browser, digits_run: Path, tmp_path: Path) -> None:
    made = striate.widget(digits_run)
    state = json.dumps({name: getattr(made, name) for name in ("page", "title", "height")}).replace("<", "\\u003c")
    texts = {"state": state, "widget": made._esm}
    data = "".join(f'<script type="text/plain" id="{name}">{text}</script>' for name, text in texts.items())
    (tmp_path / "host.html").write_text(HOST.replace("<script type", data + "<script type", 1), encoding="utf-8")
    context = browser.new_context(viewport={"width": 1200, "height": 1000})
    page = context.new_page()
    page.set_default_timeout(120_000)
    page.goto((tmp_path / "host.html").as_uri())
    frame = page.frame_locator("iframe")
    frame.locator("[data-testid=layer] canvas[aria-label]").first.wait_for()
    inner = page.frames[1]
    draw(page, SEVEN, frame=frame)
    sync_api.expect(frame.get_by_test_id("prediction")).to_have_text("7")
    assert inner.evaluate(
        "() => { try { return String(parent.document.title); } catch (error) { return error.name; } }"
    ) == ("SecurityError")
    page.evaluate("change('height', 300)")
    assert page.locator("iframe").evaluate("frame => frame.clientHeight") == 300
    assert page.evaluate("end()") == 0
    context.close()
