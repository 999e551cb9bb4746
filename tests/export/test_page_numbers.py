"""The worker of the page as one file, under Node: its numbers are PyTorch's, its words the server's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from striate import find, from_text
from striate.accounting.unit import seen
from striate.description.network import INPUT
from striate.export.page import MOST_MACS
from striate.look.unit import explain, step_number
from striate.networks import NETWORKS
from striate.serve import Predictor
from striate.train import open_run
from striate.web.attribution import METHODS, attribution
from tests.support.networks import GATED, ODD
from tests.support.node import NEEDS_NODE, Worker, working
from tests.support.pages import numbers_of, unsettled, written
from tests.support.pictures import DIGITS, picture, places
from tests.support.serving import fresh
from tests.support.sizes import macs_of
from tests.support.small import small

pytestmark = NEEDS_NODE

UNDER_THE_LIMIT = [name for name in NETWORKS if macs_of(name) <= MOST_MACS]
OF_EVERY_KIND = [ODD, *(small(find(name)) for name in ("alexnet", "googlenet", "resnet18", "resnet50"))]


@pytest.fixture(scope="module")
def lenet(digits_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    """The worker of a LeNet-5 that has learned."""
    file = written(tmp_path_factory.mktemp("alone") / "lenet5.html", Predictor(open_run(digits_run)))
    with working(file.path) as found:
        yield found


@pytest.mark.parametrize("network", [*map(find, UNDER_THE_LIMIT), *OF_EVERY_KIND], ids=lambda network: network.name)
def test_every_layer_of_every_network_gives_pytorchs_numbers(network, tmp_path, worker) -> None:
    predictor = unsettled(network, tmp_path / "run")
    image = picture(network)
    page = worker(predictor)
    watched = predictor.watch(image)
    found = page.ask("values", image, steps="on")
    assert set(found) == {"input", *(predictor.plan.steps[each].path for each in watched.outputs if each != INPUT)}
    for number, expected in watched.outputs.items():
        path = "input" if number == INPUT else predictor.plan.steps[number].path
        values = numbers_of(found[path])
        scale = max(1.0, expected.abs().max().item())
        assert (values - expected.flatten()).abs().max().item() <= 1e-4 * scale, path


@pytest.mark.parametrize("network", [ODD, GATED], ids=lambda network: network.name)
def test_the_parts_of_every_kind_of_unit_are_the_servers(network, tmp_path, worker) -> None:
    predictor = unsettled(network, tmp_path / "run")
    image = picture(network)
    page = worker(predictor)
    watched = predictor.watch(image)
    for number, step in enumerate(predictor.plan.steps):
        for place in places(step.output):
            found = page.ask("unit", image, path=step.path, map=place[0], row=place[1], column=place[2])
            expected = explain(predictor, watched.outputs, number, place)
            assert_same_sum(found, expected)
            one = [range(each, each + 1) for each in place[1:]] if len(step.output) == 3 else [None, None]
            box = seen(predictor.plan, number, *one)
            field = None if box is None else {"rows": list(box.rows), "columns": list(box.columns)}
            assert found["field"] == field, (step.path, place)


def test_the_sums_of_a_learned_network_are_the_servers(lenet, predictor) -> None:
    image = (DIGITS / "5-photo.png").read_bytes()
    watched = predictor.watch(image)
    for path, place in (("C1", (3, 0, 27)), ("S2", (1, 5, 6)), ("C3", (15, 9, 9)), ("F6", (80, 0, 0))):
        number = step_number(predictor.plan, path)
        found = lenet.ask("unit", image, path=path, map=place[0], row=place[1], column=place[2])
        expected = explain(predictor, watched.outputs, number, place)
        assert_same_sum(found, expected)
        assert found["formula"] == expected.formula


def assert_same_sum(found, expected) -> None:
    assert found["value"] == pytest.approx(expected.value, rel=1e-4, abs=1e-4)
    assert [term["label"] for term in found["terms"]] == [term.label for term in expected.terms]
    for mine, term in zip(found["terms"], expected.terms, strict=True):
        assert mine["value"] == pytest.approx(term.value, rel=1e-3, abs=1e-3)
        assert torch.allclose(
            torch.tensor(mine["patch"], dtype=torch.float32), torch.tensor(term.patch), rtol=1e-4, atol=1e-4
        )
        assert (mine["weights"] is None) == (term.weights is None)
        if term.weights is not None:
            assert torch.allclose(torch.tensor(mine["weights"], dtype=torch.float32), torch.tensor(term.weights))
    assert (found["others"]["count"], found["bias"] is None) == (expected.others[0], expected.bias is None)
    assert found["others"]["value"] == pytest.approx(expected.others[1], rel=1e-3, abs=1e-3)
    words = r"[−\d.]+"
    assert re.sub(words, "", found["formula"]) == re.sub(words, "", expected.formula)


@pytest.mark.parametrize("name", sorted(each.name for each in DIGITS.glob("*.png")))
@pytest.mark.parametrize("steps", ["on", "off"])
def test_a_picture_takes_the_same_steps_to_the_input(lenet, predictor, name, steps) -> None:
    image = (DIGITS / name).read_bytes()
    watched = predictor.watch(image, prepared=steps == "on")
    found = lenet.ask("activations", image, steps=steps)
    expected = watched.prediction
    notes = [(step.name, re.sub("RGB|grey", "", step.note)) for step in expected.steps]
    assert [(step["name"], re.sub("RGB|grey", "", step["note"])) for step in found["steps"]] == notes
    level = (predictor.run.preprocessing.high - predictor.run.preprocessing.low) / 255
    values = numbers_of(lenet.ask("values", image, steps=steps)["input"])
    assert (values - watched.outputs[INPUT].flatten()).abs().max().item() < 1.5 * level
    assert found["class"] == expected.name
    assert found["probability"] == pytest.approx(expected.probability, abs=0.02)


def test_a_class_is_spoken_for_by_the_same_pixels(lenet, predictor) -> None:
    image = (DIGITS / "4-pen.png").read_bytes()
    values, _ = predictor.read(image)
    for method in METHODS:
        expected = attribution(predictor, values, 4, method=method)
        found = torch.tensor(lenet.ask("attribution", image, method=method, **{"class": "4"})["values"])
        assert torch.allclose(found, expected, rtol=1e-3, atol=1e-3 * expected.abs().max().item())


def test_a_layer_called_input_does_not_take_the_place_of_the_input(tmp_path: Path, seven: bytes) -> None:
    predictor = fresh(from_text("name named 3x9x9: input: conv 2 3x3, flatten, linear 3"), tmp_path / "run")
    with working(written(tmp_path / "page.html", predictor).path) as worker:
        found = worker.ask("activations", seven, steps="on")
    assert (found["input"]["shape"], [each["shape"] for each in found["layers"].values()]) == (
        [3, 9, 9],
        [[2, 7, 7], [98], [3]],
    )


def test_a_run_of_maps_answers_no_image(tmp_path: Path, seven: bytes) -> None:
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    from tests.support.by_hand import Hand

    hand = Hand(("n", 1, 8, 8))
    hand.write(tmp_path / "maps.onnx", hand.node("Conv", hand.images, hand.noise(5, 1, 8, 8)))
    with working(written(tmp_path / "page.html", Predictor(open_run(tmp_path / "maps.onnx"))).path) as worker:
        found = worker.ask("predict", seven, steps="on")
    assert found["what"] == "the network gives 5 × 1 × 1 and no value for each class."
