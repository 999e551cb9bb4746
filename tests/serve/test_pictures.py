"""The page of a run on pictures in colour: its words, its examples, and the camera."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import torch

from striate import from_text
from striate.data import ImageSet
from striate.look.examples import keep_examples
from striate.serve import Predictor
from tests.support.asking import is_described
from tests.support.browsing import NARROW, NEEDS_CHROMIUM, OVERFLOWING, expect, rest
from tests.support.pages import written
from tests.support.serving import Server, fresh, serving_here

NETWORK = from_text("name colours 3x16x16: conv 4 3x3, relu, max 2, flatten, linear 3")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    """A network of pictures in colour whose run has kept examples."""
    predictor = fresh(NETWORK, tmp_path_factory.mktemp("colours") / "run")
    pixels = torch.arange(6 * 3 * 16 * 16).reshape(6, 3, 16, 16).remainder(251).to(torch.uint8)
    labels = torch.arange(6) % 3
    keep_examples(predictor.run, ImageSet(pixels, labels, predictor.classes, "", "validation", "picture"))
    return predictor


@pytest.fixture(scope="module")
def colours(pictures: Predictor) -> Iterator[Server]:
    with serving_here(pictures) as found:
        yield found


def test_the_examples_are_answered(colours: Server) -> None:
    status, found = colours.json("GET", "/examples")
    assert status == 200
    is_described(found, "/examples")
    assert [each["class"] for each in found["examples"]] == [f"class {number}" for number in (0, 0, 1, 1, 2, 2)]


@NEEDS_CHROMIUM
@pytest.mark.parametrize("place", ["served", "file"])
def test_an_example_is_tried_and_nothing_speaks_of_digits(place, pictures, colours, visit, tmp_path) -> None:
    page = visit(colours if place == "served" else written(tmp_path / "page.html", pictures), NARROW, locale="en-GB")
    expect(page.locator("#examples button")).to_have_count(6)
    expect(page.locator("#probability")).to_have_text("drop a picture, or draw one")
    page.get_by_role("button", name="An image of class 1").first.click()
    expect(page.get_by_test_id("prediction")).to_contain_text("class")
    rest(page)
    assert not re.search("digit|MNIST", page.locator("main").inner_text().replace("lenet", ""), re.IGNORECASE)
    assert page.evaluate(OVERFLOWING) == []


WATCHED = """() => {
  const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  window.streams = [];
  navigator.mediaDevices.getUserMedia = async (wanted) => {
    const stream = await ask(wanted);
    window.streams.push(stream);
    return stream;
  };
}"""
TRACKS = "() => window.streams.flatMap((each) => each.getTracks()).map((track) => track.readyState)"


@NEEDS_CHROMIUM
def test_the_camera_is_asked_for_on_its_button_and_off_after_the_picture(colours, visit) -> None:
    page = visit(colours)
    page.evaluate(WATCHED)
    page.context.grant_permissions(["camera"])
    rest(page)
    assert page.evaluate(TRACKS) == []
    page.get_by_test_id("camera").click()
    expect(page.get_by_test_id("shoot")).to_be_focused()
    assert page.evaluate(TRACKS) == ["live"]
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("camera")).to_be_focused()
    assert page.evaluate(TRACKS) == ["ended"]
    page.get_by_test_id("camera").click()
    expect(page.get_by_test_id("shoot")).to_be_focused()
    page.wait_for_function("() => document.querySelector('video').videoWidth > 0")
    page.get_by_test_id("shoot").click()
    expect(page.get_by_test_id("prediction")).to_contain_text("class")
    assert page.evaluate(TRACKS) == ["ended", "ended"]


@NEEDS_CHROMIUM
def test_a_camera_that_is_refused_is_said(colours, visit) -> None:
    page = visit(colours)
    page.get_by_test_id("camera").click()
    expect(page.locator("#error")).to_contain_text("the browser does not let this page use the camera.")
    expect(page.locator("#error")).to_contain_text("Choose, drop or paste a picture instead.")
