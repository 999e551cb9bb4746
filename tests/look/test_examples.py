"""The pictures that a run keeps for its page: they become the input that the network was judged on."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save

from striate import from_text
from striate.data import ImageSet, Preprocessing
from striate.data.image_file import open_picture, prepare
from striate.errors import RunError
from striate.look.examples import FILE, examples_of, keep_examples
from striate.train.run import Run
from tests.support.serving import fresh

NAMES = tuple(f"class {number}" for number in range(3))
NETWORK = from_text("name small 3x12x12: conv 2 3x3, flatten, linear 3")


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return fresh(NETWORK, tmp_path / "run").run


def images(count: int = 9, split: str = "validation", size: int = 12) -> ImageSet:
    pixels = torch.randint(256, (count, 3, size, size), dtype=torch.uint8, generator=torch.Generator().manual_seed(3))
    return ImageSet(pixels, torch.arange(count) % 3, NAMES, "somewhere", split, "picture", fitted=True)


def test_the_first_two_of_each_class_are_kept(run: Run) -> None:
    keep_examples(run, images())
    found = examples_of(run)
    assert [each.name for each in found] == [name for name in NAMES for _ in range(2)]
    shown = Image.open(io.BytesIO(found[1].picture))
    assert np.array_equal(np.asarray(shown).transpose(2, 0, 1), images().images[3].numpy())


def test_neither_test_images_nor_lines_are_kept(run: Run) -> None:
    keep_examples(run, images(split="test"))
    keep_examples(run, replace(images(), form="line"))
    assert examples_of(run) == []


@pytest.mark.parametrize(
    "way",
    [
        {"fit": "resize"},
        {"fit": "letterbox"},
        {"fit": "crop", "shorter": 12},
        {"fit": "crop", "shorter": 15},
        {"fit": "crop", "shorter": 17},
        {"fit": "pad", "size": (8, 9)},
        {"fit": "pad", "size": (12, 12)},
    ],
    ids=str,
)
def test_a_picture_becomes_the_image_that_it_was(way: dict, run: Run) -> None:
    own = Preprocessing((3, 12, 12), low=0.0, high=1.0, form="picture", **way)
    kept = images()
    if way["fit"] == "pad":
        left, right, top, bottom = own.margins()
        kept.images[:, :, :top] = kept.images[:, :, :, :left] = 0
        kept.images[:, :, 12 - bottom :] = kept.images[:, :, :, 12 - right :] = 0
    keep_examples(replace(run, preprocessing=own), kept)
    for each, number in zip(examples_of(run), [0, 3, 1, 4, 2, 5], strict=True):
        pixels, _ = prepare(open_picture(each.picture), own)
        assert torch.equal(pixels[0], kept.images[number])


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"no tensors", "cannot be read"),
        (save({"pixels": torch.zeros(1, 3, 4, 4)}), "it has not pixels and labels"),
        (save({"pixels": torch.zeros(1, 3, 4, 4), "labels": torch.tensor([0])}), "they are no pictures"),
        (save({"pixels": torch.zeros(99, 3, 4, 4, dtype=torch.uint8), "labels": torch.tensor([0])}), "out of range"),
        (save({"pixels": torch.zeros(1, 3, 4, 4, dtype=torch.uint8), "labels": torch.tensor([7])}), "no class"),
        (save({"pixels": torch.zeros(1, 3, 4, 4, dtype=torch.uint8), "labels": torch.ones(1)}), "no labels"),
    ],
)
def test_a_damaged_file_is_named(content: bytes, why: str, run: Run) -> None:
    run.path(FILE).write_bytes(content)
    with pytest.raises(RunError) as caught:
        examples_of(run)
    assert why in caught.value.what
    assert caught.value.remedy == "Delete it: the page then has no examples."
