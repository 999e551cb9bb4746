"""The page as one file, opened from the disk in a real browser: its numbers are PyTorch's, and it asks for nothing."""

from __future__ import annotations

import io
import re
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from striate import find, from_text
from striate.accounting import account
from striate.description.network import plan
from striate.errors import SpecError
from striate.export.page import MOST_MACS, alone
from striate.serve import Predictor
from striate.train import open_run
from tests.support.browsing import (
    FAINT,
    FOUR,
    NAMELESS,
    NARROW,
    NEEDS_CHROMIUM,
    OVERFLOWING,
    SEVEN,
    WIDE,
    ask,
    draw,
    maps,
    rest,
    says,
    sync_api,
    zoom_of,
)
from tests.support.networks import ODD
from tests.support.pages import File, numbers_of, unsettled, written
from tests.support.pictures import DIGITS, picture
from tests.support.serving import fresh, serving_here

pytestmark = NEEDS_CHROMIUM


@pytest.fixture(scope="module")
def lenet(digits_run: Path, tmp_path_factory: pytest.TempPathFactory) -> File:
    """The page of a LeNet-5 that has learned."""
    return written(tmp_path_factory.mktemp("alone") / "lenet5.html", Predictor(open_run(digits_run)))


def test_figures_stand_under_their_heads_for_every_kind_of_layer(tmp_path, visit) -> None:
    kinds = "conv 2 3x3 same, bn, silu, shuffle 2, scale, upsample 2, pad_channels 4, lrn, gate(conv 4 1x1, sigmoid)"
    network = from_text(f"1x8x8: {kinds}, residual(subsample 1), max 2, position_bias, dropout 0.5, linear 3, softmax")
    page = visit(written(tmp_path / "page.html", unsettled(network, tmp_path / "run")))
    page.get_by_test_id("layer").last.wait_for()
    edges = """() => [...document.querySelectorAll(".heads, .layer")].map((row) =>
      [...row.children].slice(1, 6).map((cell) => Math.round(cell.getBoundingClientRect().right)))"""
    heads, *rows = page.evaluate(edges)
    assert len(rows) == len(plan(network).steps)
    assert all(row == heads for row in rows)


@pytest.mark.parametrize(("strokes", "digit"), [(SEVEN, "7"), (FOUR, "4")])
def test_a_drawn_digit_is_recognised_without_a_server(lenet, browser, strokes, digit, predictor) -> None:
    page = browser.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(lenet.address)
    page.wait_for_selector("[data-testid=layer] canvas[aria-label]")
    before = maps(page)
    draw(page, strokes)
    says(page, digit)
    after = maps(page)
    assert list(after) == [step.path for step in predictor.plan.steps]
    assert [path for path in before if before[path] == after[path]] == []
    names = page.locator("#steps li b").all_inner_texts()
    assert names == ["grey", "polarity", "crop", "scale", "centre"]
    page.locator("[data-path=C3] canvas").hover(
        position={"x": 9.5 * zoom_of(page, "C3"), "y": 5.5 * zoom_of(page, "C3")}
    )
    sync_api.expect(page.get_by_test_id("field")).to_have_text("It sees rows 10–23, columns 18–31 of the input.")
    page.locator("#scores button.top").click()
    sync_api.expect(page.locator("#legend-class")).to_have_text(digit)
    page.set_input_files("[data-testid=file]", DIGITS / "5-photo.png")
    says(page, "5")
    assert [url for url in asked if not url.startswith(("file:", "blob:", "data:"))] == []
    page.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_its_layout_holds_and_nothing_of_the_server_is_left(lenet, visit, size, theme) -> None:
    page = visit(lenet, size, theme)
    draw(page, SEVEN)
    says(page, "7")
    for problem in (OVERFLOWING, FAINT, NAMELESS):
        assert page.evaluate(problem) == []
    text = lenet.path.read_text(encoding="utf-8")
    assert page.locator("a[href^='/']").count() == 0
    assert re.findall(r"""(?:src|href)=["'](?!data:|#)[^"']*""", text) == []


def test_pictures_that_the_browser_decodes_are_those_that_python_decodes(lenet, visit, predictor) -> None:
    page = visit(lenet)
    level = (predictor.run.preprocessing.high - predictor.run.preprocessing.low) / 255
    for file in sorted(DIGITS.glob("*.png")):
        image = file.read_bytes()
        expected, _ = predictor.read(image)
        found = numbers_of(ask(page, "values", image, steps="on")["input"])
        assert (found - expected.flatten()).abs().max().item() < 1.5 * level, file.name


@pytest.mark.parametrize("served", [False, True], ids=["file", "served"])
def test_the_steps_of_a_picture_in_colour_are_in_colour(tmp_path, visit, served) -> None:
    predictor = fresh(ODD, tmp_path / "run")
    image = picture(ODD)
    (tmp_path / "noise.png").write_bytes(image)
    with serving_here(predictor) if served else nullcontext(written(tmp_path / "page.html", predictor)) as place:
        page = visit(place)
        page.set_input_files("[data-testid=file]", tmp_path / "noise.png")
        sync_api.expect(page.locator("#steps li")).to_have_count(2)
        rest(page)
        read = "one => Array.from(one.getContext('2d').getImageData(0, 0, one.width, one.height).data)"
        for canvas in page.locator("#steps canvas").all():
            levels = torch.tensor(canvas.evaluate(read)).view(17, 15, 4)[..., :3]
            pixels = torch.from_numpy(np.array(Image.open(io.BytesIO(image))))
            assert torch.equal(levels, pixels.long())


def test_a_picture_that_is_none_is_explained(lenet, visit, tmp_path) -> None:
    (tmp_path / "notes.txt").write_text("no picture")
    page = visit(lenet)
    page.set_input_files("[data-testid=file]", tmp_path / "notes.txt")
    sync_api.expect(page.get_by_role("alert")).to_contain_text("not an image of a known format.")
    page.get_by_test_id("clear").click()
    draw(page, SEVEN)
    says(page, "7")


def test_names_are_text_whatever_they_hold(tmp_path, visit) -> None:
    hostile = "</script><script>document.title = 'taken'</script><!--<img src=x onerror=alert(1)>"
    predictor = fresh(find("lenet5"), tmp_path / "run")
    classes = (hostile, "__proto__", *predictor.run.classes[2:])
    run = replace(predictor.run, data=replace(predictor.run.data, classes=classes))
    named = "<script>alert(1)<!--<img src=x onerror=alert(2)>"  # a name holds no slash
    run = replace(run, network=replace(run.network, name=named))
    file = written(tmp_path / "page.html", Predictor(run))
    page = visit(file)
    draw(page, SEVEN)
    sync_api.expect(page.get_by_test_id("prediction")).not_to_have_text("–")
    assert page.locator("#scores .name").all_inner_texts()[:2] == [hostile, "__proto__"]
    assert page.locator("h1").inner_text() == named
    assert page.title() == f"{named} – Striate"
    assert page.locator("script").count() == 6
    assert page.locator("img").count() == 0


def test_its_policy_lets_nothing_else_in(lenet, browser) -> None:
    page = browser.new_page()
    page.goto(lenet.address)
    policy = page.locator("meta[http-equiv=Content-Security-Policy]").get_attribute("content") or ""
    assert re.fullmatch(
        r"default-src 'none'; script-src 'sha256-\S+'; style-src 'sha256-\S+'; worker-src blob:; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'",
        policy,
    )
    assert page.evaluate("fetch('https://example.org').then(() => 'fetched', () => 'refused')") == "refused"
    page.evaluate("document.body.append(Object.assign(document.createElement('script'), {text: 'window.ran = 1'}))")
    assert page.evaluate("window.ran") is None
    page.close()


def test_no_place_on_this_machine_is_in_the_file(lenet, digits_run, tmp_path) -> None:
    assert str(digits_run.parent) not in lenet.path.read_text(encoding="utf-8")
    twice = alone(*(fresh(find("lenet1"), tmp_path / name / "lenet1") for name in ("one", "other")))
    assert str(tmp_path) not in twice
    assert re.findall(r'"run":"(.*?)"', twice) == 2 * ["lenet1", "lenet1 (2)"]


def test_a_network_that_is_too_large_is_refused_with_the_numbers(tmp_path) -> None:
    with pytest.raises(SpecError) as caught:
        alone(fresh(find("resnet56-cifar"), tmp_path / "run"))
    assert str(caught.value) == (
        "resnet56-cifar takes 125,485,696 MACs per image.\n"
        f"A page that computes in the browser takes {MOST_MACS:,} at most.\n"
        "Serve it: striate serve RUN."
    )


def test_networks_that_are_too_large_together_are_refused(tmp_path) -> None:
    names = ("resnet20-cifar", "resnet32-cifar")
    predictors = [fresh(find(name), tmp_path / name) for name in names]
    with pytest.raises(SpecError) as caught:
        alone(*predictors)
    macs = sum(account(find(name)).totals.macs for name in names)
    assert str(caught.value) == (
        f"resnet20-cifar and resnet32-cifar take {macs:,} MACs per image.\n"
        f"A page that computes in the browser takes {MOST_MACS:,} at most.\n"
        "Serve them: striate serve RUN RUN."
    )
