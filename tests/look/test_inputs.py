"""What a predictor takes: each form of the same images gives the same answers, and what is none is said in words."""

import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps

from striate.data import Preprocessing, load
from striate.errors import DataError
from striate.look.inputs import batches, pixels_of
from striate.serve import Predictor
from striate.train import open_run

GREY = np.random.default_rng(0).integers(0, 256, (5, 28, 28), dtype=np.uint8)
FORM = "They are bytes (uint8) from 0 to 255, or floats from 0 to 1."


@pytest.fixture(scope="module")
def tiny(finished_run) -> Predictor:
    return Predictor(open_run(finished_run))


@pytest.fixture(scope="module")
def wanted(tiny: Predictor) -> torch.Tensor:
    """The plain module's probabilities of GREY."""
    way = tiny.run.preprocessing
    values = way.normalise(way.pack(torch.from_numpy(GREY)[:, None]))
    return (tiny.run.model().logits(values) / tiny.run.temperature).softmax(1).detach()


@pytest.mark.parametrize(
    "images",
    [
        GREY,
        GREY[..., None],
        np.repeat(GREY[..., None], 3, 3),
        (GREY / 255).astype(np.float32),
        GREY / 255,
        np.asfortranarray(GREY),
        torch.from_numpy(GREY),
        torch.from_numpy(GREY)[:, None],
        torch.from_numpy(GREY)[:, None].expand(-1, 3, -1, -1),
        (torch.from_numpy(GREY) / 255).requires_grad_(),
        [*GREY],
        [each[..., None] for each in GREY],
        tuple(torch.from_numpy(GREY)[:, None]),
        [Image.fromarray(each) for each in GREY],
        [GREY[0], Image.fromarray(GREY[1]), torch.from_numpy(GREY[2]), GREY[3] / 255, GREY[4][..., None]],
    ],
)
def test_every_form_of_the_same_images_has_the_same_answers(images, tiny: Predictor, wanted) -> None:
    assert torch.allclose(tiny.predict_proba(images), wanted, atol=1e-5)
    found = tiny(images)
    assert [each.name for each in found] == [tiny.run.classes[number] for number in wanted.argmax(1)]
    assert list(found[3].probabilities.values()) == pytest.approx(wanted[3].tolist(), abs=1e-5)


def test_a_photograph_that_pillow_opened_is_turned_upright_as_its_file_is(tmp_path: Path) -> None:
    way = Preprocessing((3, 28, 28), "letterbox", low=0, high=1, form="picture")
    exif = Image.Exif()
    exif[0x0112] = 6
    file = tmp_path / "photo.png"
    Image.fromarray(np.repeat(GREY[0, :12, :, None], 3, 2)).save(file, exif=exif)
    with Image.open(file) as photograph:
        upright = ImageOps.exif_transpose(photograph)
        found = [pixels_of(each, way) for each in (file, photograph, photograph.convert("RGBA"), upright)]
        assert photograph.size == (28, 12)
    assert all(torch.equal(each, found[0]) for each in found)
    assert found[0][0, 0].amax(0).ne(0).sum() == 12


def test_one_image_gives_one_answer(tiny: Predictor, tmp_path: Path) -> None:
    file = tmp_path / "one.png"
    Image.fromarray(GREY[1]).save(file)
    one, *others = (tiny(each) for each in (GREY[1], torch.from_numpy(GREY[1]), Image.open(file), file, str(file)))
    for other in others:
        assert (one.name, one.probabilities) == (other.name, pytest.approx(other.probabilities, abs=1e-6))
    assert [each.image for each in tiny([file, GREY[0], str(file)])] == [str(file), "", str(file)]


def test_a_drawing_of_a_digit_is_brought_to_its_form_and_an_array_is_not() -> None:
    digit = Image.fromarray(load("mnist", "test").images[0, 0].numpy())
    drawing = Image.eval(digit.resize((90, 90)), lambda level: 255 - level)
    way = Preprocessing((1, 28, 28), "pad", low=0.0, high=1.0, form="digits", size=(28, 28))
    as_picture, as_values = (pixels_of(each, way) for each in (drawing, np.array(drawing)))
    assert as_picture[0, 0, 0, 0] == 0
    assert as_values[0, 0, 0, 0] == 255


def test_many_are_answered_in_batches_and_none_are_none(tiny: Predictor) -> None:
    many = np.tile(GREY, (61, 1, 1))
    assert [len(each) for each in batches(many, tiny.run.preprocessing, 128)] == [128, 128, 49]
    assert [len(each) for each in batches([*many], tiny.run.preprocessing, 128)] == [128, 128, 49]
    assert torch.allclose(tiny.predict_proba(many), tiny.predict_proba(GREY).repeat(61, 1), atol=1e-6)
    assert tiny([]) == tiny(GREY[:0]) == []
    assert tiny.predict_proba([]).shape == (0, 10)


@pytest.mark.parametrize(
    ("images", "text"),
    [
        (GREY.astype(np.int64), f"the values are of type int64.\n{FORM}\nBytes are made by images.astype('uint8')."),
        (GREY > 9, f"the values are of type bool.\n{FORM}"),
        (GREY / 16, "the values are float64 from 0 to 15.94.\nFloats run from 0 (black) to 1 (white), and none is NaN"),
        (GREY / 255 - 0.5, "the values are float64 from -0.5 to 0.5."),
        (np.full((2, 28, 28), np.nan), "the values are float64 from nan to nan."),
        (np.array([["a"]]), "the array is of type <U1.\nImages are paths, PIL's images, arrays or tensors"),
        (GREY[0, 0], "the values are of shape (28,).\nSeveral are (images, height, width), or have an axis of 1 or 3"),
        (np.zeros((2, 28, 28, 4), np.uint8), "the values are of shape (2, 28, 28, 4).\nSeveral are (images, height"),
        (np.zeros((2, 0, 28), np.uint8), "the values are of shape (2, 0, 28).\nEach image has at least one pixel."),
        (np.zeros((28, 28, 3), np.uint8), "28 × 28 × 3 may be one image, whose last axis is its channels, or 28 grey"),
        (torch.zeros(3, 28, 28), "3 × 28 × 28 may be one image, whose first axis is its channels, or 3 grey ones."),
        ([GREY[0], 7], "image 1: 7 is no image.\nImages are paths, PIL's images, arrays or tensors of bytes"),
        ([GREY[0], GREY[:2, 0] / 9], "image 1: the values are float64 from 0.2222 to 27.56"),
        ([GREY], "image 0: the values are of shape (5, 28, 28)"),
        ([GREY[:, None]], "image 0: the values are of shape (5, 1, 28, 28).\nOne image is (height, width), or has 1"),
        (["no.png"], "no.png: no such file.\nExpected an image file, such as PNG or JPEG.\nCheck the path."),
        (7, "7 is no image.\nImages are paths"),
        (b"bytes", "b'bytes' is no image."),
        (None, "None is no image."),
    ],
)
def test_what_is_no_image_is_said(images, text: str, tiny: Predictor) -> None:
    with pytest.raises(DataError) as caught:
        tiny(images)
    assert str(caught.value).startswith(text)


def test_an_empty_crop_is_told_and_arrays_of_every_kind_are_read(tiny: Predictor, wanted: torch.Tensor) -> None:
    for empty in ((0, 28), (28, 0)):
        with pytest.raises(DataError, match="Each image has at least one pixel"):
            tiny(np.zeros(empty, np.uint8))
    for kind in (">f4", ">f8", np.longdouble):
        assert torch.allclose(tiny.predict_proba((GREY / 255).astype(kind)), wanted, atol=1e-5)
    still = GREY.copy()
    still.flags.writeable = False
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert torch.allclose(tiny.predict_proba(still), wanted, atol=1e-5)
