from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image, ImageDraw

from striate.data.image_file import read_image
from striate.data.mnist import mnist
from striate.data.preprocess import Preprocessing
from striate.errors import DataError

Paint = Callable[..., Path]
DIGITS = Preprocessing((1, 32, 32), "pad", low=0, high=1, form="digits", size=(28, 28))
PICTURE = Preprocessing((3, 10, 12), "resize", low=0, high=1, form="picture", size=(20, 24))


def test_a_digit_of_mnist_is_what_the_network_was_trained_on(tmp_path: Path):
    image = mnist("test").images[:1]
    Image.fromarray(image[0, 0].numpy()).save(tmp_path / "seven.png")
    pixels, steps = read_image(tmp_path / "seven.png", DIGITS)
    assert torch.equal(pixels, DIGITS.pack(image))
    assert [step.name for step in steps] == ["unchanged"]


def test_a_drawing_is_brought_to_the_digits_form(tmp_path: Path):
    drawing = Image.new("RGB", (300, 200), "white")
    ImageDraw.Draw(drawing).line((220, 30, 220, 170), fill="black", width=14)
    drawing.save(tmp_path / "one.jpg")
    pixels, steps = read_image(str(tmp_path / "one.jpg"), DIGITS)
    assert (pixels.shape, pixels.dtype) == ((1, 1, 32, 32), torch.uint8)
    assert steps[-1].name == "centre"
    rows = pixels[0, 0].amax(1).nonzero().flatten()
    assert int(rows[-1] - rows[0]) == 19
    assert int(rows[0]) in (6, 7)


def test_a_picture_is_fitted_as_the_training_images_were(tmp_path: Path, paint: Paint):
    file = paint(tmp_path / "one.png", mode="L", size=(50, 40), level=9)
    pixels, steps = read_image(file, PICTURE)
    assert pixels.shape == (1, 3, 10, 12)
    assert pixels.eq(9).all()
    assert [(step.name, step.image.size, step.note) for step in steps] == [
        ("picture", (40, 50), "50 × 40, grey"),
        ("input", (12, 10), "10 × 12, RGB"),
    ]


def test_a_blank_drawing_names_its_file(tmp_path: Path, paint: Paint):
    with pytest.raises(DataError, match="one.png: no ink found"):
        read_image(paint(tmp_path / "one.png", level=255), DIGITS)


def test_files_that_cannot_be_read(tmp_path: Path, paint: Paint):
    whole = paint(tmp_path / "whole.png", size=(40, 40)).read_bytes()
    for name, content, reason in (
        ("empty.png", b"", "empty (0 bytes)."),
        ("text.png", b"no image", "not an image of a known format."),
        ("cut.png", whole[: len(whole) - 40], "cut short"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DataError) as caught:
            read_image(tmp_path / name, PICTURE)
        found = str(caught.value).splitlines()
        assert found[0].startswith(f"{tmp_path / name}: {reason}")
        assert found[1:] == ["Expected an image file, such as PNG or JPEG.", "Save the picture again, as PNG or JPEG."]
    with pytest.raises(DataError, match="none.png: no such file.\n.*\nCheck the path."):
        read_image(tmp_path / "none.png", PICTURE)
    with pytest.raises(DataError, match="is a folder"):
        read_image(tmp_path, PICTURE)
