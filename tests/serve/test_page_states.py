"""The page while it loads, with nothing drawn, of an untrained network, and its outputs by class."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from striate import find, from_text
from striate.description.network import plan
from striate.look.untrained import untrained
from tests.support.browsing import (
    FAINT,
    FOUR,
    NARROW,
    NEEDS_CHROMIUM,
    OVERFLOWING,
    SEVEN,
    WIDE,
    draw,
    maps,
    rest,
    says,
    sync_api,
)
from tests.support.pages import File, written
from tests.support.pictures import DIGITS
from tests.support.serving import Server, serving_here

pytestmark = NEEDS_CHROMIUM


@pytest.fixture(scope="module")
def random_weights() -> Iterator[Server]:
    """A LeNet-5 of 1998, with its RBF units, that has learned nothing."""
    with serving_here(untrained(find("lenet5"))) as found:
        yield found


@pytest.fixture(scope="module")
def random_file(tmp_path_factory: pytest.TempPathFactory) -> File:
    """The same as one file."""
    return written(tmp_path_factory.mktemp("file") / "page.html", untrained(find("lenet5")))


def later(page, pattern: str, seconds: float) -> None:
    """Answer requests of a pattern after a while only, others meanwhile."""
    page.route(re.compile(pattern), lambda route: threading.Timer(seconds, route.continue_).run())


@pytest.mark.parametrize(
    "slow",
    [
        "/static/.*js",
        *(
            pytest.param(late, marks=pytest.mark.slow)
            for late in ("/static/ui/(pad|page|view).js", "/(runs|network)$", "/(activations|static/ui/l)")
        ),
    ],
)
@pytest.mark.parametrize("size", [WIDE, pytest.param(NARROW, marks=pytest.mark.slow)], ids=["wide", "narrow"])
def test_strokes_are_kept_and_the_pad_stays_from_when_it_shows(server, browser, slow, size) -> None:
    page = browser.new_page(viewport=size)
    page.set_default_timeout(60_000)
    later(page, slow, 0.08)
    page.goto(server.address, wait_until="commit")
    pad = page.get_by_test_id("pad")
    pad.wait_for(state="visible")
    first = pad.bounding_box()
    draw(page, FOUR[:1])
    draw(page, FOUR[1:])
    says(page, "4")
    rest(page)
    page.evaluate("scrollTo(0, 0)")
    assert pad.bounding_box() == first
    page.get_by_test_id("undo").click()
    page.get_by_test_id("undo").click()
    says(page, "–")
    page.close()


@pytest.mark.slow
def test_the_pad_of_several_runs_stays_too(predictor, browser) -> None:
    with serving_here(predictor, untrained(find("lenet5"))) as both:
        page = browser.new_page(viewport=WIDE)
        later(page, "/(runs|network|activations|predict)", 0.2)
        page.goto(both.address, wait_until="commit")
        pad = page.get_by_test_id("pad")
        pad.wait_for(state="visible")
        first = pad.bounding_box()
        draw(page, SEVEN)
        says(page, "7")
        rest(page)
        assert pad.bounding_box() == first
        page.close()


@pytest.mark.parametrize("place", ["random_weights", "random_file"])
def test_nothing_drawn_shows_no_values_and_asks_nothing(place, request, visit) -> None:
    page = visit(request.getfixturevalue(place))
    asked: list[str] = []
    page.on("request", lambda one: asked.append(one.url))
    rest(page)
    scales = page.locator(".layer .scale").all_inner_texts()
    assert scales == ["nothing is drawn yet"] * len(plan(find("lenet5")).steps)
    one_colour = """all => all.map((one) => {
      const canvas = one.querySelector('canvas');
      const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
      const seen = new Set();
      for (let at = 0; at < data.length; at += 4) if (data[at + 3] === 255) seen.add(data.slice(at, at + 3).join());
      return seen.size;
    })"""
    *layers, _ = page.get_by_test_id("layer").evaluate_all(one_colour)
    assert layers == [1] * len(layers)
    before = maps(page)
    draw(page, FOUR)
    sync_api.expect(page.get_by_test_id("prediction")).not_to_have_text("–")
    drawn = maps(page)
    assert [path for path in before if before[path] == drawn[path]] == []
    sync_api.expect(page.locator("[data-path=C1] .scale")).to_have_text(re.compile("±"))
    page.get_by_test_id("clear").click()
    says(page, "–")
    assert maps(page) == before
    assert page.locator("#steps").evaluate("one => getComputedStyle(one, '::before').content").startswith('"Nothing is')
    count = len(asked)
    page.locator("[data-path=C3] canvas").click(position={"x": 1, "y": 1})
    sync_api.expect(page.get_by_test_id("field")).to_have_text("It sees rows 0–13, columns 0–13 of the input.")
    if place == "random_weights":
        assert [url.split("/")[3].split("?")[0] for url in asked[count:]] == ["unit"]
    else:
        assert [url for url in asked if not url.startswith(("file:", "blob:", "data:"))] == []


@pytest.mark.parametrize("place", ["random_weights", "random_file"])
@pytest.mark.parametrize(("size", "theme"), [(WIDE, "light"), (NARROW, "dark")], ids=["wide", "narrow"])
def test_an_output_names_its_classes_with_their_distances(place, request, visit, size, theme) -> None:
    page = visit(request.getfixturevalue(place), size, theme)
    page.set_input_files("[data-testid=file]", DIGITS / "4-pen.png")
    sync_api.expect(page.get_by_test_id("prediction")).not_to_have_text("–")
    rest(page)
    output = page.locator("[data-path=output]")
    watched = untrained(find("lenet5")).watch((DIGITS / "4-pen.png").read_bytes())
    distances = watched.outputs[max(watched.outputs)].tolist()
    label = output.locator("canvas").get_attribute("aria-label") or ""
    shown = dict(re.findall(r"(\d): ([\d.]+)(?=[,.] )", label.partition("up to")[2]))
    assert list(shown) == list("0123456789")
    for name, text in shown.items():
        assert float(text) == pytest.approx(distances[int(name)], rel=0.01)
    nearest = page.get_by_test_id("prediction").inner_text()
    assert nearest == str(min(range(10), key=distances.__getitem__))
    sync_api.expect(output.locator(".caption")).to_have_text(
        f"squared distances to the classes’ centres: the nearest is {nearest}"
    )
    inked = output.locator("canvas").evaluate("""canvas => {
      const { width, height } = canvas;
      const { data } = canvas.getContext('2d').getImageData(0, 0, width, height);
      const colours = new Set();
      for (let at = 0; at < data.length; at += 4) colours.add(data.slice(at, at + 4).join());
      return colours.size;
    }""")
    assert inked > 40  # letters have many shades; squares alone would have ten
    for problem in (OVERFLOWING, FAINT):
        assert page.evaluate(problem) == []


@pytest.mark.parametrize("place", ["random_weights", "random_file"])
def test_a_page_of_random_weights_says_so(place, request, visit) -> None:
    page = visit(request.getfixturevalue(place))
    sync_api.expect(page.get_by_test_id("untrained")).to_have_text(
        "Untrained: random weights. What it says of a picture means nothing yet."
    )


def test_a_page_of_a_run_does_not(server, visit) -> None:
    sync_api.expect(visit(server).get_by_test_id("untrained")).to_be_hidden()


@pytest.mark.parametrize("size", [WIDE, pytest.param(NARROW, marks=pytest.mark.slow)], ids=["wide", "narrow"])
def test_the_sandbox_has_room_for_the_largest_numbers(server, visit, size) -> None:
    page = visit(server, size)
    page.get_by_test_id("sandbox-network").select_option("alexnet")
    field = page.get_by_test_id("try-fc6-filters")
    sync_api.expect(field).to_have_value("4096")
    clipped = """one => {
      const style = getComputedStyle(one);
      const pen = new OffscreenCanvas(1, 1).getContext('2d');
      pen.font = `${style.fontSize} ${style.fontFamily}`;
      const arrows = matchMedia('(max-width: 760px)').matches ? 0 : 18;
      const room = one.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight) - arrows;
      return pen.measureText(one.value).width > room;
    }"""
    inputs = page.locator("#sandbox input[type=number]")
    assert not any(one.evaluate(clipped) for one in inputs.all())
    field.fill("65536")
    assert not field.evaluate(clipped)
    assert page.evaluate(OVERFLOWING) == []


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_a_long_vector_takes_less_than_a_screen_and_its_units_can_be_chosen(visit, size, tmp_path) -> None:
    page = visit(written(tmp_path / "page.html", untrained(from_text("name long 3x64x64: flatten, linear 2"))), size)
    page.set_input_files("[data-testid=file]", DIGITS / "4-pen.png")
    layer = page.locator("[data-path=flatten1]")
    sync_api.expect(layer.locator(".caption")).to_have_text("the first 10,000 of 12,288 units")
    rest(page)
    canvas = layer.locator("canvas")
    box = canvas.bounding_box()
    assert box["height"] < 500
    assert box["width"] <= layer.bounding_box()["width"]
    across = int((box["width"] + 1) / 4)  # squares of 3 pixels, 1 apart
    canvas.click(position={"x": 4 * 2 + 1, "y": 4 * 3 + 1})
    sync_api.expect(page.locator("#unit h3")).to_have_text(f"flatten1 unit {3 * across + 2}")
    page.keyboard.press("ArrowDown")
    sync_api.expect(page.locator("#unit h3")).to_have_text(f"flatten1 unit {4 * across + 2}")


def test_a_server_that_is_gone_while_the_page_loads_is_told(server: Server, browser, tmp_path: Path) -> None:
    page = browser.new_page()
    page.route("**/network", lambda route: route.abort())
    page.goto(server.address)
    sync_api.expect(page.locator("#loading-error")).to_contain_text("the server does not answer.")
    page.close()
