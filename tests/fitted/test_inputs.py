"""What `striate.fit` and its networks take as images and labels, and what they refuse."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import striate
from striate.errors import DataError, ShapeError, SpecError, UnknownNameError
from striate.fitted.fitted import Fitted
from striate.fitted.inputs import learned_pixels
from tests.support.bars import IMAGES, NUMBERS, SMALL, TEST, TRUTH, WORDS

pytestmark = pytest.mark.filterwarnings("ignore:No validation image")  # of trainings that are kept short


@pytest.mark.parametrize(
    ("images", "labels", "kind", "text"),
    [
        (IMAGES, NUMBERS[:-1], DataError, "there are 120 images and 119 labels."),
        (IMAGES, NUMBERS % 2, ShapeError, r"has an output of 3 for 2 classes.\nThe labels are: 0, 1.\nstriate.with_cl"),
        (IMAGES, NUMBERS * 0, DataError, "the labels are all of one class, '0'."),
        (IMAGES[:0], [], DataError, "the labels are none."),
        (IMAGES / 16, NUMBERS, DataError, r"Say what black and full light are, such as span=\(0, 14.9375\)"),
        (IMAGES[:3], [0, 1, 2], DataError, "would leave class '0' without a training image"),
        (
            IMAGES[0],
            NUMBERS,
            DataError,
            r"shape \(8, 8\)\..*\n.*\nOne image becomes images by images\[None\]",
        ),
        ([], [0, 1], DataError, "there are no images."),
        ([Image.fromarray(IMAGES[0]), "no-such.png"], [0, 1], DataError, "no-such.png: no such file."),
        (
            [Image.new("L", (8, 8)), Image.new("L", (9, 8))],
            [0, 1],
            DataError,
            "1 is 8 × 9, and image 0 is 8 × 8.",
        ),
        (
            [Image.new("L", (8, 8)), np.full((8, 8), np.nan)],
            [0, 1],
            DataError,
            "image 1: images have values that",
        ),
    ],
)
def test_what_cannot_be_learned_is_refused(images: Any, labels: Any, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=text):
        striate.fit(SMALL, images, labels)


@pytest.mark.parametrize("network", [5, torch.nn.Linear(3, 4)])
def test_a_value_that_is_no_network_is_refused(network: Any) -> None:
    for call in (lambda: striate.fit(network, IMAGES, NUMBERS), lambda: striate.account(network)):
        with pytest.raises(SpecError, match="is no network.\nIt is a Network, a name of the catalogue, or a line of"):
            call()


def test_pictures_and_files_of_every_mode_are_learned_as_arrays_are(model: Fitted, tmp_path: Path) -> None:
    pictures: list[Any] = [Image.fromarray(each) for each in IMAGES]
    pictures[0] = pictures[0].convert("P")  # its numbers are places in a palette
    pictures[1] = pictures[1].convert("RGBA").convert("L").convert("LA")
    pictures[2].save(tmp_path / "two.png")
    pictures[2] = tmp_path / "two.png"
    pictures[3] = (tmp_path / "two.png").read_bytes()
    pictures[4], pictures[5] = IMAGES[4], torch.from_numpy(IMAGES[5]) / 255
    pixels = learned_pixels(pictures)
    expected = np.concatenate([IMAGES[:3], IMAGES[2:3], IMAGES[4:]])
    assert pixels.shape == (120, 3, 8, 8)  # a palette has colours, so all are in colour
    assert all((pixels[:, channel].numpy() == expected).all() for channel in range(3))
    learned = striate.fit(SMALL, [Image.fromarray(each) for each in IMAGES], WORDS[NUMBERS], epochs=20)
    assert np.array_equal(learned.predict_proba(TEST), model.predict_proba(TEST))


def test_a_list_of_pictures_and_arrays_is_answered(model: Fitted, tmp_path: Path) -> None:
    file = tmp_path / "zero.png"
    Image.fromarray(TEST[0]).save(file)
    mixed = [file, TEST[1], torch.from_numpy(TEST[2]) / 255, Image.fromarray(TEST[3]), str(file)]
    assert (model.predict(mixed) == model.predict(TEST[[0, 1, 2, 3, 0]])).all()
    assert model.predict([]).shape == (0,)
    with pytest.raises(DataError, match="image 1: images are float64 and run from 0 to 300."):
        model.predict([file, np.linspace(0, 300, 64).reshape(8, 8)])


def test_one_picture_in_colour_is_not_read_as_many_grey_ones() -> None:
    colour = np.repeat(IMAGES[..., None], 3, axis=3)
    model = striate.fit(SMALL.replace("1x", "3x"), colour, NUMBERS, epochs=1)
    for one in (colour[0], colour[0].transpose(2, 0, 1), torch.from_numpy(colour[0])):
        with pytest.raises(DataError, match=r"one in colour, or \d in grey.\n.*\nimages\[None\] is one; grey ones are"):
            model.predict(one)
    assert model.predict(colour[:1]).shape == (1,)
    assert model.predict(IMAGES[:5]).shape == (5,)


def test_one_picture_in_colour_is_not_read_as_many_rows_by_a_network_for_grey(model: Fitted) -> None:
    colour = np.repeat(TEST[..., None], 3, axis=3)
    with pytest.raises(DataError, match=r"one in colour, or 8 in grey.\nThe network takes images in grey, of 8 × 8."):
        model.predict(colour[0])
    assert (model.predict(colour[:2]) == model.predict(TEST[:2])).all()
    assert model.predict(TEST[:3]).shape == (3,)


def test_tensors_that_ask_for_gradients_are_images(model: Fitted) -> None:
    tensors = [torch.from_numpy(each / 255).requires_grad_() for each in IMAGES]
    assert np.array_equal(learned_pixels(tensors)[:, 0].numpy(), IMAGES)
    assert (model.predict(tensors[:4]) == model.predict(IMAGES[:4])).all()


def test_lists_and_pictures_that_are_no_images_are_refused_in_words(model: Fitted, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="images are object of shape"):
        model.predict([[[1], [1, 2]]])
    (tmp_path / "cut.png").write_bytes(_png()[:200])
    with Image.open(tmp_path / "cut.png") as picture, pytest.raises(DataError, match="cut short .*\n.*\nSave the pict"):
        model.predict(picture)


def _png() -> bytes:
    file = BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 40), dtype=np.uint8)).save(file, "PNG")
    return file.getvalue()


def test_the_remedy_for_values_beyond_the_span_is_one_that_predict_has(model: Fitted) -> None:
    with pytest.raises(DataError, match="Bring them to the values that the training images had.") as caught:
        model.predict(TEST.astype(float))
    assert "span=" not in str(caught.value)


def test_strange_images_and_labels_are_refused(model: Fitted, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="the network did not learn the labels up.\nIt learned left, middle, right."):
        model.evaluate(TEST, np.where(TRUTH == 1, "up", "left"))
    with pytest.raises(DataError, match="there are 40 images and 39 labels"):
        model.evaluate(TEST, WORDS[TRUTH][1:])
    with pytest.raises(DataError, match="no-such.png: no such file"):
        model.predict([tmp_path / "no-such.png"])
    with pytest.raises(DataError, match=r"images are of several sizes: \(8, 8\), \(9, 8\)"):
        model.predict([np.zeros((8, 8)), np.zeros((9, 8))])
    with pytest.raises(UnknownNameError, match="no network is called 'no-such-network'"):
        striate.fit("no-such-network", IMAGES, NUMBERS)


def test_images_of_another_size_are_brought_to_the_input() -> None:
    large = IMAGES.repeat(2, axis=1).repeat(2, axis=2)
    model = striate.fit(SMALL, large, NUMBERS, epochs=15)
    assert (model.predict(TEST.repeat(2, axis=1).repeat(2, axis=2)) == TRUTH).mean() > 0.8


def test_the_bytes_of_a_large_photograph_are_read_as_its_file_is(tmp_path: Path) -> None:
    file = tmp_path / "large.png"
    Image.linear_gradient("L").resize((5000, 4000)).save(file)
    model = striate.fit(SMALL, IMAGES, NUMBERS, epochs=1)
    assert np.array_equal(model.predict_proba([file]), model.predict_proba([file.read_bytes()]))
