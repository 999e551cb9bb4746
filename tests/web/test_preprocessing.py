"""A crop, a cubic kernel and a range for each channel: the page's worker, under Node, as Python has them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from striate.data import Preprocessing
from striate.data.ink import _border
from striate.description.network import INPUT
from striate.serve import Predictor
from striate.web.attribution import METHODS, attribution
from tests.support.networks import ODD
from tests.support.node import COMPUTE, NEEDS_NODE, under_node
from tests.support.pages import numbers_of
from tests.support.serving import fresh, png

pytestmark = NEEDS_NODE

LOW, HIGH = (-2.0, -1.5, -1.0), (2.0, 2.5, 3.0)


def cropped(folder: Path, *, shorter: int = 23, interpolation: str = "bilinear") -> Predictor:
    way = Preprocessing(ODD.input, "crop", LOW, HIGH, "picture", shorter=shorter, interpolation=interpolation)
    return Predictor(replace(fresh(ODD, folder).run, preprocessing=way))


def noise(width: int, height: int) -> bytes:
    pixels = np.random.default_rng(3).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return png(Image.fromarray(pixels))


def hold(predictor: Predictor, image: bytes, worker) -> None:
    """The page gives the network the same input as Python, to one level of a few pixels: those between two levels."""
    expected = predictor.watch(image).outputs[INPUT]
    found = numbers_of(worker(predictor).ask("values", image, steps="on")["input"]).view(expected.shape)
    levels = (found - expected).abs() / ((torch.tensor(HIGH) - torch.tensor(LOW)) / 255).view(3, 1, 1)
    assert levels.max() < 1.001
    assert (levels > 0.01).float().mean() < 0.02
    assert expected.std() > 0.1


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
@pytest.mark.parametrize(("width", "height"), [(60, 41), (30, 47), (15, 17), (23, 23), (9, 200)])
def test_a_picture_is_cropped_as_in_python(width, height, interpolation, tmp_path: Path, worker) -> None:
    predictor = cropped(tmp_path / "run", interpolation=interpolation)
    hold(predictor, noise(width, height), worker)


@pytest.mark.parametrize(("width", "height"), [(60, 41), (30, 47), (15, 17), (9, 200), (200, 9), (7, 8)])
def test_a_picture_is_letterboxed_as_in_python(width, height, tmp_path: Path, worker) -> None:
    way = Preprocessing(ODD.input, "letterbox", LOW, HIGH, "picture")
    predictor = Predictor(replace(fresh(ODD, tmp_path / "run").run, preprocessing=way))
    hold(predictor, noise(width, height), worker)


@pytest.mark.parametrize("size", [(9, 11), (40, 8)])
def test_a_picture_gets_the_size_of_the_training_images_first_as_in_python(size, tmp_path: Path, worker) -> None:
    way = Preprocessing(ODD.input, "resize", LOW, HIGH, "picture", size=size)
    predictor = Predictor(replace(fresh(ODD, tmp_path / "run").run, preprocessing=way))
    for width, height in ((60, 41), ODD.input[:0:-1]):
        hold(predictor, noise(width, height), worker)


def test_a_picture_that_is_too_narrow_is_refused(tmp_path: Path, worker) -> None:
    predictor = cropped(tmp_path / "run", shorter=900)
    found = worker(predictor).ask("predict", noise(2, 60), run="")
    assert found["what"] == "too long and narrow: 60 × 2 pixels."


def test_a_blank_has_a_value_for_each_channel(tmp_path: Path, worker) -> None:
    predictor = cropped(tmp_path / "run")
    image = noise(40, 50)
    page = worker(predictor)
    values, _ = predictor.read(image)
    for method in METHODS:
        expected = attribution(predictor, values, 1, method=method)
        found = torch.tensor(page.ask("attribution", image, method=method, **{"class": "class 1"})["values"])
        assert torch.allclose(found, expected, rtol=1e-2, atol=1e-2 * expected.abs().max().item())


def test_the_frame_around_a_drawing_is_as_wide_as_pythons(tmp_path: Path) -> None:
    """At sides of 75, 175 and so on, 6 % is a number and a half, which Python rounds to the even one."""
    sizes = [(height, height + 25) for height in range(5, 500, 10)]
    script = tmp_path / "frame.mjs"
    script.write_text(f"""
        import {{ border }} from {json.dumps((COMPUTE / "surface.js").as_uri())};
        const sum = ([height, width]) => border({{ height, width }}).reduce((a, b) => a + b, 0);
        console.log(JSON.stringify({json.dumps(sizes)}.map(sum)));
    """)
    assert json.loads(under_node(script)) == [int(_border(size).sum()) for size in sizes]
