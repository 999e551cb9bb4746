"""Reading a line behind the server, and on the page: a box around each character, where the answer has it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from striate import find, from_text
from striate.read import reader_of
from striate.serve import Predictor
from striate.train.run import open_run
from tests.support.asking import IMAGE, is_described
from tests.support.browsing import FAINT, NAMELESS, NARROW, NEEDS_CHROMIUM, OVERFLOWING, WIDE, expect
from tests.support.node import NEEDS_NODE
from tests.support.pages import numbers_of, written
from tests.support.pictures import png
from tests.support.serving import Server, fresh, serving_here

DIGITS = Path(__file__).parents[2] / "examples" / "digits"
CLASSES = (*map(str, range(10)), "blank")
ANSWER = {
    "lines": [
        {
            "text": "71",
            "confidence": 0.9,
            "box": [100, 40, 400, 190],
            "characters": [
                {"name": "7", "confidence": 0.95, "box": [100, 40, 200, 190]},
                {"name": "1", "confidence": 0.97, "box": [350, 40, 400, 190]},
            ],
        }
    ]
}


@pytest.fixture(scope="module")
def reading(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a reader with fresh weights."""
    run = fresh(find("lenet5-reader"), tmp_path_factory.mktemp("lines") / "reader").run
    way = replace(run.preprocessing, form="line", low=-0.1, high=1.175)
    replace(run, data=replace(run.data, classes=CLASSES), preprocessing=way).write()
    return run.folder


@pytest.fixture(scope="module")
def readers(reading: Path, digits_run: Path) -> Iterator[Server]:
    with serving_here(Predictor(open_run(reading)), Predictor(open_run(digits_run))) as found:
        yield found


def strokes() -> bytes:
    image = Image.new("L", (300, 80), 255)
    for left in (20, 120, 220):
        ImageDraw.Draw(image).line((left, 10, left + 12, 70), fill=0, width=8)
    return png(image)


def test_an_image_is_read_as_the_reader_reads_it(readers, reading) -> None:
    status, found = readers.json("POST", "/read?run=reader", strokes(), **IMAGE)
    assert status == 200
    is_described(found, "/read")
    expected = [json.loads(json.dumps(line.to_dict())) for line in reader_of(reading).read(strokes())]
    assert found == {"lines": expected}
    listed = readers.json("GET", "/runs")[1]["runs"]
    assert [(each["name"], each["reads"]) for each in listed] == [("reader", True), ("lenet5-dense", False)]


def test_a_run_that_cannot_read_says_which_can(readers) -> None:
    status, found = readers.json("POST", "/read?run=lenet5-dense", strokes(), **IMAGE)
    assert status == 422
    assert found["error"] == {
        "where": "",
        "what": "lenet5-dense cannot read lines: its network has no class 'blank'.",
        "expected": "Those that can are: reader.",
        "remedy": "Train one: striate train lenet5-reader. Name it by ?run=NAME.",
    }


def test_an_image_of_too_many_pixels_is_refused(readers) -> None:
    assert readers.json("POST", "/read?run=reader", png(Image.new("1", (8000, 4000))), **IMAGE)[0] == 413


@pytest.mark.parametrize(("body", "status"), [(b"", 400), (b"no image", 422), (b"<svg/>", 422)])
def test_what_is_no_image_is_refused(readers, body: bytes, status: int) -> None:
    assert readers.json("POST", "/read?run=reader", body, **IMAGE)[0] == status


@NEEDS_CHROMIUM
@pytest.mark.parametrize("theme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_what_is_written_is_read_with_boxes(readers, visit, size, theme) -> None:
    page = visit(readers, size, theme)
    page.route("**/read?*", lambda route: route.fulfill(json=ANSWER))
    pad = page.get_by_test_id("line-pad")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    page.mouse.move(box["x"] + 40, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + 60, box["y"] + 60, steps=5)
    with page.expect_request("**/read?run=reader") as request:
        page.mouse.up()
    wide = 896 if size == WIDE else 560
    assert request.value.post_data_buffer.startswith(b"P5 %d 224 255\n" % wide)
    expect(page.get_by_test_id("line-text")).to_have_text("71")
    expect(page.get_by_test_id("line-characters").locator("li")).to_have_text(["795.0 %", "197.0 %"])
    for problem in (OVERFLOWING, FAINT, NAMELESS):
        assert page.evaluate(problem) == []
    corner = page.locator("[data-part=boxes]").evaluate(
        """(canvas, wide) => {
          const { data, width } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
          const at = (x, y) => data[4 * (Math.round((y * width) / wide) * width + Math.round((x * width) / wide)) + 3];
          return [at(100, 100), at(200, 100), at(350, 60), at(280, 100)];
        }""",
        wide,
    )
    assert [alpha > 0 for alpha in corner] == [True, True, True, False]
    page.locator("[data-part=clear]").click()
    expect(page.get_by_test_id("line-text")).to_have_text("–")


@NEEDS_CHROMIUM
def test_a_page_whose_runs_cannot_read_has_no_line(server, visit) -> None:
    expect(visit(server).get_by_test_id("line")).to_be_hidden()


@NEEDS_NODE
def test_a_readers_file_brings_a_digit_into_a_window(reading, worker) -> None:
    predictor = Predictor(open_run(reading))
    image = (DIGITS / "5-photo.png").read_bytes()
    expected, _ = predictor.read(image)
    assert expected.shape == (1, 1, 32, 32)
    found = numbers_of(worker(predictor).ask("values", image, steps="on")["input"])
    level = (predictor.run.preprocessing.high - predictor.run.preprocessing.low) / 255
    assert (found - expected.flatten()).abs().max().item() < 1.5 * level


@NEEDS_CHROMIUM
def test_a_readers_page_asks_for_a_digit(reading, tmp_path, visit) -> None:
    page = visit(written(tmp_path / "page.html", Predictor(open_run(reading))))
    expect(page.get_by_role("heading", name="Draw a digit")).to_be_visible()


def test_a_run_with_a_blank_class_that_cannot_slide_is_served(tmp_path: Path) -> None:
    """A camera trap's pictures without an animal are often called blank."""
    run = fresh(from_text("1x28x28: conv 4 3x3 pad 1, relu, linear 2"), tmp_path / "traps").run
    replace(run, data=replace(run.data, classes=("blank", "deer"))).write()
    with serving_here(Predictor(open_run(run.folder))) as found:
        _, listed = found.json("GET", "/runs")
        assert [each["reads"] for each in listed["runs"]] == [False]
        assert found.json("POST", "/predict", strokes(), **IMAGE)[0] == 200
        _, refused = found.json("POST", "/read", strokes(), **IMAGE)
        assert (
            refused["error"]["what"] == "traps cannot read lines: its network cannot slide along a line of 32 pixels."
        )
