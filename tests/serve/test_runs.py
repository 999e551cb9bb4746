"""Several runs behind one server: each answers under its name, and the page shows them side by side."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from striate import find
from striate.errors import RunError
from striate.execution.names import KERNELS
from striate.serve import Predictor, model
from striate.serve.app import app
from striate.serve.endpoints import ENDPOINTS
from striate.train import open_run
from striate.web.describe import run_names
from tests.support.answering import answering
from tests.support.asking import IMAGE, PATIENCE
from tests.support.browsing import (
    FAINT,
    NAMELESS,
    NARROW,
    NEEDS_CHROMIUM,
    OVERFLOWING,
    SEVEN,
    WIDE,
    draw,
    maps,
    says,
    sync_api,
)
from tests.support.commands import striate
from tests.support.networks import TINY
from tests.support.node import NEEDS_NODE, working
from tests.support.pages import File, written
from tests.support.pictures import picture
from tests.support.playing import NEEDS_KERNELS, policy
from tests.support.serving import Server, fresh, serving_here


@pytest.fixture(scope="module")
def blank(digits_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    """A LeNet-5 of 1998 that has learned nothing, for the same images."""
    learned = open_run(digits_run)
    run = fresh(find("lenet5"), tmp_path_factory.mktemp("runs") / "blank").run
    replace(run, data=replace(run.data, classes=learned.classes), preprocessing=learned.preprocessing).write()
    return Predictor(open_run(run.folder))


@pytest.fixture(scope="module")
def both(digits_run: Path, blank: Predictor) -> Iterator[Server]:
    with serving_here(Predictor(open_run(digits_run)), blank) as found:
        yield found


@pytest.fixture(scope="module")
def both_alone(digits_run: Path, blank: Predictor, tmp_path_factory: pytest.TempPathFactory) -> File:
    """The same two in one file."""
    return written(tmp_path_factory.mktemp("runs") / "both.html", Predictor(open_run(digits_run)), blank)


def test_each_answers_under_its_name(both, digits_run, blank, predictor, seven) -> None:
    digits = [str(each) for each in range(10)]
    same = {"classes": digits, "reads": False, "trained": True, "board": None}
    runs = [{"name": name, **same} for name in ("lenet5-dense", "blank")]
    status, found = both.json("GET", "/runs")
    assert {each.pop("kernels") for each in found["runs"]} <= {*KERNELS}
    assert (status, found) == (200, {"runs": runs})
    for query, expected in (("?run=lenet5-dense", predictor), ("?run=blank", blank)):
        _, found = both.json("POST", f"/predict{query}", seven, **IMAGE)
        assert found["probabilities"] == pytest.approx(expected.predict(seven).probabilities, abs=1e-6)
        assert both.json("GET", f"/network{query}")[1]["network"] == expected.run.network.name
    for path in ("/activations", "/unit?path=C1&map=0&row=0&column=0", "/attribution?class=7"):
        joined = f"{path}{'&' if '?' in path else '?'}run=blank"
        status, found = both.json("POST", joined, seven, **IMAGE)
        assert status == 200
        assert found != both.json("POST", joined.replace("blank", "lenet5-dense"), seven, **IMAGE)[1]


def test_a_run_that_is_not_there_is_named(both, seven) -> None:
    status, found = both.json("POST", "/predict?run=blanc", seven, **IMAGE)
    assert status == 404
    assert found["error"] == {
        "where": "",
        "what": "no run is called 'blanc'.",
        "expected": "The runs are: blank, lenet5-dense.",
        "remedy": "Did you mean 'blank'?",
    }


@pytest.mark.parametrize("path", [each.path for each in ENDPOINTS if each.of_run])
def test_where_there_are_several_a_request_names_one(both, path: str) -> None:
    method = next(each.method for each in ENDPOINTS if each.path == path)
    required = {"/unit": "?path=C1", "/attribution": "?class=7"}.get(path, "")
    status, found = both.json(method, path + required, b"{}")
    assert status == 422
    assert found["error"] == {
        "where": "",
        "what": "2 runs are served, and the request names none of them.",
        "expected": "The runs are: lenet5-dense, blank.",
        "remedy": f"Name one in the path, as in /models/lenet5-dense{path}, or by ?run=NAME.",
    }


def test_a_run_that_is_named_twice_or_parameters_that_are_not_there(both, seven) -> None:
    for path, what, expected, remedy in (
        ("/models/blank/predict?run=blank", "the run is named twice.", "The path names it already.",
         "Leave out ?run=."),
        ("/predict?run=blank&step=off", "there is no parameter 'step' here.", "The parameters are: run, steps.",
         "Did you mean 'steps'?"),
        ("/predict?run=blank&run=blank", "run is given 2 times.", "Once is expected.", ""),
        ("/runs?x=", "there is no parameter 'x' here.", "There are no parameters.", "Leave it out."),
        ("/health?verbose=1", "there is no parameter 'verbose' here.", "There are no parameters.", "Leave it out."),
        ("/account?run=blank&network=blank", "there is no parameter 'network' here.", "The parameters are: run.",
         "Leave it out."),
    ):  # fmt: skip
        method = "GET" if path[1] in "rh" else "POST"
        status, found = both.json(method, path, seven, **IMAGE)
        assert status == 422, path
        assert found["error"] == {"where": "", "what": what, "expected": expected, "remedy": remedy}


def test_runs_have_names_of_their_own(tmp_path: Path) -> None:
    one, two = tmp_path / "a/net", tmp_path / "b/net"
    assert run_names([one, two, tmp_path / "c/a/net"]) == [
        f"{tmp_path.name}/a/net",
        f"{tmp_path.name}/b/net",
        "c/a/net",
    ]
    with pytest.raises(RunError) as caught:
        run_names([one, two, tmp_path / "b/../a/net"])
    assert str(caught.value) == (
        f"two runs have the name {tmp_path / 'b/../a/net'}.\n"
        "A request names its run, so that each needs a name of its own.\n"
        "Leave one of them out, or copy one to another folder."
    )


def test_two_runs_of_one_name_are_refused_by_the_command(tmp_path: Path) -> None:
    fresh(TINY, tmp_path / "tiny")
    done = striate("serve", "tiny", tmp_path / "tiny", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"Error: two runs have the name {tmp_path / 'tiny'}.\n")


@NEEDS_CHROMIUM
@pytest.mark.parametrize("size", [WIDE, pytest.param(NARROW, marks=pytest.mark.slow)], ids=["wide", "narrow"])
@pytest.mark.parametrize("theme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
@pytest.mark.parametrize("place", ["both", "both_alone"])
def test_one_drawing_goes_to_all_and_a_choice_shows_its_layers(place, request, visit, blank, size, theme) -> None:
    page = visit(request.getfixturevalue(place), size, theme)
    draw(page, SEVEN)
    says(page, "7")
    first, second = page.get_by_test_id("run").all()
    sync_api.expect(first.locator(".says")).to_have_text("7")
    sync_api.expect(second.locator(".says")).not_to_have_text("–")
    other = second.locator(".says").inner_text()
    dense = maps(page)
    second.click()
    sync_api.expect(page.locator("h1")).to_have_text("lenet5")
    says(page, other)
    sync_api.expect(second).to_have_attribute("aria-pressed", "true")
    assert list(maps(page)) == [step.path for step in blank.plan.steps]
    page.locator("[data-path=C3] canvas").click(position={"x": 5, "y": 5})
    sync_api.expect(page.get_by_test_id("formula")).to_contain_text("the sum of 75 products")
    for problem in (OVERFLOWING, FAINT, NAMELESS):
        assert page.evaluate(problem) == []
    if size == NARROW:
        page.get_by_role("button", name="Close").click()
    first.click()
    says(page, "7")
    assert maps(page) == dense
    page.get_by_test_id("clear").click()
    sync_api.expect(second.locator(".says")).to_have_text("–")


@NEEDS_CHROMIUM
@NEEDS_KERNELS
def test_one_run_of_images_beside_one_that_plays_go_has_its_page(digits_run, visit) -> None:
    with serving_here(Predictor(open_run(digits_run)), policy().predictor) as found:
        page = visit(found)
        draw(page, SEVEN)
        says(page, "7")
        sync_api.expect(page.locator("#loading-error")).to_be_hidden()
        sync_api.expect(page.get_by_test_id("run")).to_have_count(0)


@NEEDS_CHROMIUM
def test_where_one_picture_has_no_answer_no_run_keeps_an_earlier_one(both_alone, visit) -> None:
    page = visit(both_alone)
    draw(page, SEVEN)
    runs = [run.locator(".says") for run in page.get_by_test_id("run").all()]
    for run in runs:
        sync_api.expect(run).not_to_have_text("–")
    page.get_by_test_id("file").set_input_files({"name": "a.png", "mimeType": "image/png", "buffer": white()})
    for run in runs:
        sync_api.expect(run).to_have_text("–")


@NEEDS_NODE
def test_each_run_in_a_file_has_its_own_weights(both_alone, predictor, blank, seven) -> None:
    with working(both_alone.path) as worker:
        for name, expected in (("lenet5-dense", predictor), ("blank", blank)):
            found = worker.ask("predict", seven, run=name)
            assert found["probabilities"] == pytest.approx(expected.predict(seven).probabilities, abs=0.02)
            rows = worker.ask("account", network=expected.run.network.name)["account"]["rows"]
            assert [row["path"] for row in rows] == [step.path for step in expected.plan.steps]


def white() -> bytes:
    """A picture without ink, as PNG."""
    out = io.BytesIO()
    Image.new("L", (28, 28), 255).save(out, "PNG")
    return out.getvalue()


def test_an_attribution_holds_nothing_up(tmp_path, monkeypatch) -> None:
    begun, gate = threading.Event(), threading.Event()
    real = model.attribution

    def held(*arguments, **options):
        begun.set()
        gate.wait(PATIENCE)
        return real(*arguments, **options)

    monkeypatch.setattr(model, "attribution", held)
    image = picture(TINY)
    with answering(app(fresh(TINY, tmp_path / "tiny"))) as server, ThreadPoolExecutor() as pool:
        asked = pool.submit(server.ask, "POST", "/attribution?class=class+7", image, **IMAGE)
        assert begun.wait(PATIENCE)
        for path, body in (("/health", None), ("/predict", image), ("/activations", image)):
            assert server.ask("POST" if body else "GET", path, body, **IMAGE)[0] == 200
        assert not asked.done()
        gate.set()
        assert asked.result(PATIENCE)[0] == 200
