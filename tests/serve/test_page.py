"""The page in a real browser: Debian's Chromium, headless, driven by Playwright."""

from __future__ import annotations

import base64
import json
import math
from itertools import pairwise

import pytest

from striate.accounting.unit import view
from tests.support.browsing import (
    FAINT,
    FOUR,
    NAMELESS,
    NARROW,
    NEEDS_CHROMIUM,
    OVERFLOWING,
    SEVEN,
    TABLET,
    WIDE,
    Page,
    draw,
    maps,
    rest,
    says,
    sync_api,
    zoom_of,
)
from tests.support.networks import ODD
from tests.support.pictures import DIGITS
from tests.support.serving import fresh, serving_here

pytestmark = NEEDS_CHROMIUM


@pytest.mark.parametrize(("strokes", "digit"), [(SEVEN, "7"), (FOUR, "4")])
def test_a_drawn_digit_is_recognised_and_every_layer_changes(server, visit, strokes, digit, predictor) -> None:
    page = visit(server)
    says(page, "–")
    before = maps(page)
    draw(page, strokes)
    says(page, digit)
    after = maps(page)
    assert list(after) == [step.path for step in predictor.plan.steps]
    assert [path for path in before if before[path] == after[path]] == []
    names = page.locator("#steps li b").all_inner_texts()
    assert names == ["grey", "polarity", "crop", "scale", "centre"]
    shares = page.locator("#scores .share").all_inner_texts()
    assert max(range(10), key=lambda at: float(shares[at].strip("<> %"))) == int(digit)


def test_undo_clear_and_eraser(server, visit) -> None:
    page = visit(server)
    blank = maps(page)["C1"]
    draw(page, SEVEN)
    says(page, "7")
    seven = maps(page)["C1"]
    draw(page, [[(0.2, 0.8), (0.8, 0.8)]])
    assert maps(page)["C1"] != seven
    page.get_by_test_id("undo").click()
    says(page, "7")
    assert maps(page)["C1"] == seven
    page.get_by_test_id("clear").click()
    says(page, "–")
    assert maps(page)["C1"] == blank
    page.get_by_test_id("undo").click()
    says(page, "7")
    page.get_by_role("button", name="Eraser").click()
    draw(page, [[(0.2, 0.2), (0.8, 0.22)]])
    assert maps(page)["C1"] != seven


def test_the_steps_can_be_switched_off(server, visit) -> None:
    page = visit(server)
    draw(page, [[(x / 2, y / 2) for x, y in stroke] for stroke in FOUR])
    says(page, "4")
    page.get_by_test_id("prepared").click()
    sync_api.expect(page.locator("#steps li b")).to_have_text(["picture", "input"])
    page.get_by_test_id("prepared").click()
    says(page, "4")


@pytest.mark.parametrize(
    ("path", "row", "column"),
    [("C1", 27, 0), *(pytest.param(*each, marks=pytest.mark.slow) for each in [("C3", 5, 9), ("S4", 4, 4)])],
)
def test_hover_shows_the_field_and_the_sum(server, visit, predictor, path, row, column) -> None:
    page = visit(server)
    draw(page, FOUR)
    says(page, "4")
    canvas = page.locator(f"[data-path={path}] canvas")
    canvas.scroll_into_view_if_needed()
    zoom = zoom_of(page, path)
    canvas.hover(position={"x": (column + 0.5) * zoom, "y": (row + 0.5) * zoom})
    field = page.get_by_test_id("field")
    expected = view(predictor.run.network, f"{path}:{row},{column}").clipped
    rows, columns = expected.rows, expected.columns
    text = f"It sees rows {rows[0]}–{rows[1]}, columns {columns[0]}–{columns[1]} of the input."
    sync_api.expect(field).to_have_text(text)
    sync_api.expect(page.locator("#unit h3")).to_have_text(f"{path} map 0, row {row}, column {column}")
    assert_frame(page, expected)


def assert_frame(page: Page, field) -> None:
    """The frame on the input lies around the field, to within a pixel of the screen."""
    script = """canvas => {
      const context = canvas.getContext('2d');
      const { data, width, height } = context.getImageData(0, 0, canvas.width, canvas.height);
      const at = { rows: [height, -1], columns: [width, -1] };
      for (let y = 0; y < height; y += 1) for (let x = 0; x < width; x += 1) {
        const [r, g, b] = data.slice(4 * (y * width + x), 4 * (y * width + x) + 3);
        if (r > 240 && g > 160 && g < 190 && b < 60) {
          at.rows = [Math.min(at.rows[0], y), Math.max(at.rows[1], y)];
          at.columns = [Math.min(at.columns[0], x), Math.max(at.columns[1], x)];
        }
      }
      return { ...at, zoom: (width - 24) / 32 };
    }"""
    found = page.get_by_test_id("input").evaluate(script)
    for name in ("rows", "columns"):
        first, last = getattr(field, name)
        assert found[name][0] == pytest.approx(12 + first * found["zoom"], abs=2.5)
        assert found[name][1] == pytest.approx(12 + (last + 1) * found["zoom"], abs=2.5)


def test_the_numbers_of_a_sum_are_the_networks(server, visit, predictor) -> None:
    page = visit(server)
    page.set_input_files("[data-testid=file]", DIGITS / "4-pen.png")
    says(page, "4")
    canvas = page.locator("[data-path=C1] canvas")
    canvas.click(position={"x": 10.5 * zoom_of(page, "C1"), "y": 12.5 * zoom_of(page, "C1")})
    sync_api.expect(page.locator("#unit h3")).to_have_text("C1 map 0, row 12, column 10")
    watched = predictor.watch((DIGITS / "4-pen.png").read_bytes())
    value = watched.outputs[0][0, 12, 10].item()
    assert page.get_by_test_id("value").inner_text() == f"{value:.3f}".replace("-", "−")
    shown = page.get_by_test_id("filter").locator("td").evaluate_all("cells => cells.map(cell => cell.title)")
    weights = predictor.model.get_submodule("C1").weight[0, 0].flatten().tolist()
    assert shown == [f"{weight:.3f}".replace("-", "−") for weight in weights]
    canvas.hover(position={"x": 5, "y": 5})
    sync_api.expect(page.locator("#unit h3")).to_have_text("C1 map 0, row 12, column 10")
    page.keyboard.press("Escape")
    sync_api.expect(page.locator("#unit h3")).to_have_count(0)


def test_a_class_shows_what_speaks_for_it(server, visit) -> None:
    page = visit(server)
    draw(page, SEVEN)
    says(page, "7")
    rest(page)
    plain = page.get_by_test_id("input").evaluate("canvas => canvas.toDataURL()")
    with page.expect_response("**/attribution?*") as occlusion:
        page.locator("#scores button.top").click()
    assert occlusion.value.ok
    sync_api.expect(page.locator("#legend-class")).to_have_text("7")
    page.wait_for_function("before => document.querySelector('#input').toDataURL() !== before", arg=plain)
    hidden = page.get_by_test_id("input").evaluate("canvas => canvas.toDataURL()")
    with page.expect_response("**/attribution?*method=integrated-gradients*"):
        page.get_by_test_id("method").select_option("integrated-gradients")
    rest(page)
    assert len({plain, hidden, page.get_by_test_id("input").evaluate("canvas => canvas.toDataURL()")}) == 3


@pytest.mark.parametrize("way", ["chosen", "dropped", "pasted"])
def test_a_picture_is_predicted(server, visit, way: str) -> None:
    page = visit(server)
    file = DIGITS / "5-photo.png"
    if way == "chosen":
        page.set_input_files("[data-testid=file]", file)
    else:
        page.evaluate(
            """([way, text]) => {
              const bytes = Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
              const data = new DataTransfer();
              data.items.add(new File([bytes], "five.png", { type: "image/png" }));
              const options = { bubbles: true, cancelable: true };
              document.body.dispatchEvent(way === "dropped"
                ? new DragEvent("drop", { ...options, dataTransfer: data })
                : new ClipboardEvent("paste", { ...options, clipboardData: data }));
            }""",
            [way, base64.b64encode(file.read_bytes()).decode()],
        )
    says(page, "5")
    draw(page, SEVEN)
    says(page, "7")
    page.get_by_test_id("undo").click()
    says(page, "5")


def test_while_an_attribution_is_computed_the_page_says_so_and_shows_no_other(server, visit) -> None:
    page = visit(server)
    draw(page, SEVEN)
    says(page, "7")
    rest(page)
    shown = "document.querySelector('#input').toDataURL()"
    plain = page.evaluate(shown)
    page.locator("#scores button.top").click()
    page.wait_for_function(f"before => {shown} !== before", arg=plain)
    held: list = []
    page.route("**/attribution?*", lambda route: held.append(route))
    page.get_by_test_id("method").select_option("integrated-gradients")
    sync_api.expect(page.locator("#working")).to_have_text("computing …")
    assert page.evaluate(shown) == plain
    held[0].continue_()
    sync_api.expect(page.locator("#working")).to_have_text("")
    assert page.evaluate(shown) != plain


def test_a_file_that_is_no_picture_is_explained(server, browser, tmp_path) -> None:
    (tmp_path / "notes.txt").write_text("no picture")
    page = browser.new_page()
    page.goto(server.address)
    page.set_input_files("[data-testid=file]", tmp_path / "notes.txt")
    sync_api.expect(page.get_by_role("alert")).to_contain_text("not an image of a known format.")
    draw(page, SEVEN)
    says(page, "7")
    sync_api.expect(page.get_by_role("alert")).to_be_hidden()
    page.close()


def test_a_file_that_is_chosen_while_the_page_loads_is_taken(server, browser) -> None:
    page = browser.new_page()
    held: list = []
    page.route("**/network", lambda route: held.append(route))
    with page.expect_request("**/network"):
        page.goto(server.address)
    page.set_input_files("[data-testid=file]", DIGITS / "4-pen.png")
    held[0].continue_()
    says(page, "4")
    page.close()


def test_the_pad_can_be_used_from_the_keyboard(server, visit) -> None:
    page = visit(server)
    page.get_by_test_id("pad").focus()
    for key, times in (("ArrowUp", 7), (" ", 1), ("ArrowDown", 14), (" ", 1)):
        for _ in range(times):
            page.keyboard.press(key)
    says(page, "1")
    canvas = page.locator("[data-path=C3] canvas")
    canvas.focus()
    page.keyboard.press("ArrowRight")
    sync_api.expect(page.locator("#unit h3")).to_have_text("C3 map 0, row 5, column 5")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("PageDown")
    sync_api.expect(page.locator("#unit h3")).to_have_text("C3 map 1, row 5, column 6")


def test_touch_draws_and_does_not_scroll(server, visit) -> None:
    page = visit(server, NARROW, has_touch=True, is_mobile=True)
    pad = page.get_by_test_id("pad")
    assert pad.evaluate("pad => getComputedStyle(pad).touchAction") == "none"
    box = pad.bounding_box()
    link = page.context.new_cdp_session(page)
    (stroke,) = SEVEN
    ends = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in stroke]
    steps = [(a[0] + (b[0] - a[0]) * i / 8, a[1] + (b[1] - a[1]) * i / 8)
             for a, b in pairwise(ends) for i in range(9)]  # fmt: skip
    for kind, points in [("touchStart", steps[:1]), *(("touchMove", [one]) for one in steps), ("touchEnd", [])]:
        touches = [{"x": x, "y": y} for x, y in points]
        link.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})
    says(page, "7")
    assert page.evaluate("scrollY") == 0


def test_the_sandbox_shows_the_misfit_and_the_cure(server, visit) -> None:
    page = visit(server)
    fit = page.get_by_test_id("sandbox-fit")
    sync_api.expect(fit).to_contain_text("(7 − 3)/3 + 1 = 2.333, so 2; unseen: 1 row and 1 column of the input.")
    sync_api.expect(fit).to_contain_text("Fits exactly with input 6 or 9 · kernel 4 · stride 2 · padding 1.")
    row = page.locator("#sandbox tbody tr")
    sync_api.expect(row.locator("[data-of=output]")).to_have_text("1×2×2")
    page.get_by_test_id("try-conv1-stride").fill("2")
    sync_api.expect(fit).to_contain_text("Every window fits exactly")
    sync_api.expect(row.locator("[data-of=output]")).to_have_text("1×3×3")
    page.get_by_test_id("try-conv1-kernel").fill("9")
    sync_api.expect(fit).to_contain_text("a window 9 long does not fit an input of 1×7×7")
    page.get_by_test_id("try-conv1-kernel").fill("0")
    sync_api.expect(fit).to_contain_text("Conv kernel is 0.")
    page.get_by_role("button", name="As it was").click()
    sync_api.expect(row.locator("[data-of=output]")).to_have_text("1×2×2")
    page.get_by_test_id("sandbox-network").select_option("lenet5")
    sync_api.expect(page.get_by_test_id("sandbox-totals")).to_contain_text("60,000 parameters")
    page.get_by_test_id("try-C1-kernel").fill("3")
    sync_api.expect(page.get_by_test_id("sandbox-totals")).not_to_contain_text("60,000 parameters")
    page.get_by_test_id("sandbox-line").fill("1x9x9: conv 2 3 same, conv 2 1x7")
    page.get_by_test_id("sandbox-line").press("Enter")
    sync_api.expect(row.nth(1).locator("[data-of=field]")).to_have_text("3×9")
    page.get_by_test_id("try-conv1-kernel").fill("5")
    sync_api.expect(page.get_by_test_id("try-conv1-padding")).to_have_value("2")


@pytest.mark.parametrize("theme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
@pytest.mark.parametrize("size", [WIDE, TABLET, NARROW], ids=["wide", "tablet", "narrow"])
def test_the_layout_holds_and_can_be_read(server, visit, size, theme) -> None:
    page = visit(server, size, theme)
    draw(page, SEVEN)
    says(page, "7")
    page.locator("[data-path=C3] canvas").click(position={"x": 5, "y": 5})
    sync_api.expect(page.get_by_test_id("formula")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    assert page.evaluate(OVERFLOWING) == []
    assert page.evaluate(FAINT) == []
    assert page.evaluate(NAMELESS) == []
    if size != WIDE:
        page.get_by_role("button", name="Close").click()
        sync_api.expect(page.get_by_test_id("formula")).to_have_count(0)
        page.locator("#scores button.top").click()
        sync_api.expect(page.locator("#legend")).to_be_visible()
        page.get_by_role("button", name="Close").click()
        sync_api.expect(page.locator("#legend")).to_be_hidden()


@pytest.mark.parametrize("width", [780, 900, 1200, 1280])
def test_the_names_of_layers_have_room_beside_the_panels(server, visit, width: int) -> None:
    page = visit(server, {"width": width, "height": 800}, "light")
    sync_api.expect(page.get_by_test_id("layer").first).to_be_visible()
    boxes = "[...document.querySelectorAll('.layer h3, .layer .output')]"
    heights = page.evaluate(f"{boxes}.map((one) => one.offsetHeight)")
    assert max(heights) < 50  # two lines of text at most
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(OVERFLOWING) == []


def test_a_prediction_is_announced_once_it_rests(server, visit) -> None:
    page = visit(server)
    spoken = page.locator("[aria-live=polite][role=status]")
    draw(page, SEVEN)
    sync_api.expect(spoken).to_contain_text("7, ")


def test_layers_are_reached_through_the_drawing(server, visit) -> None:
    page = visit(server)
    sync_api.expect(page.locator("[data-path=F6]")).not_to_be_in_viewport()
    page.get_by_role("navigation").get_by_role("link", name="F6").click()
    sync_api.expect(page.locator("[data-path=F6]")).to_be_in_viewport()


def test_a_stroke_is_shown_before_it_ends_and_never_more_than_two_answers_are_awaited(server, visit) -> None:
    page = visit(server)
    blank = maps(page)["C1"]
    box = page.get_by_test_id("pad").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    held: list = []

    def hold_two(route) -> None:
        held.append(route)
        if len(held) > 2:
            route.continue_()

    page.route("**/activations?*", hold_two)
    page.mouse.move(x, y - 60)
    page.mouse.down()
    for step in range(60):
        page.mouse.move(x + 60 * math.sin(step / 9), y - 60 * math.cos(step / 9))
    page.wait_for_function("() => document.body.dataset.pending === '2'")
    assert len(held) == 2
    for route in list(held):
        route.continue_()
    assert maps(page)["C1"] != blank  # the pen is still down
    frames = page.evaluate("performance.getEntriesByName('striate-frame').length")
    assert 2 <= frames <= 4  # those two, and the last drawing of all that came meanwhile
    page.mouse.up()


def test_blocks_branches_and_odd_shapes_are_shown(tmp_path, visit) -> None:
    with serving_here(fresh(ODD, tmp_path / "run")) as other:
        page = visit(other)
        page.set_input_files("[data-testid=file]", DIGITS / "0-pen.png")
        sync_api.expect(page.get_by_test_id("prediction")).to_contain_text("class")
        paths = page.get_by_test_id("layer").evaluate_all("all => all.map((one) => one.dataset.path)")
        assert json.dumps(paths).count("mixed.block") == 2
        for path in ("mixed", "residual1", "grouped", "out"):
            page.locator(f"[data-path='{path}'] canvas").click(position={"x": 4, "y": 4})
            sync_api.expect(page.locator("#unit h3 .path")).to_have_text(path)
