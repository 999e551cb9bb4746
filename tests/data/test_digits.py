from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from striate.data.digits import CENTRE, digit_steps, steps_strip
from striate.data.mnist import mnist
from striate.errors import DataError

DIGITS = mnist("test").images[:200, 0].numpy()
TWO = [(0.3, 0.3), (0.4, 0.2), (0.6, 0.2), (0.7, 0.35), (0.6, 0.5), (0.3, 0.8), (0.72, 0.8)]


def drawn(*, side: int = 200, width: int = 16, ink: object = "black", paper: object = "white", mode: str = "RGB"):
    image = Image.new(mode, (side, side), paper)  # type: ignore[arg-type]
    ImageDraw.Draw(image).line([(x * side, y * side) for x, y in TWO], fill=ink, width=width, joint="curve")  # type: ignore[arg-type]
    return image


def result(image: Image.Image) -> np.ndarray:
    return np.asarray(digit_steps(image)[-1].image, dtype=np.float64)


def check_form(levels: np.ndarray) -> None:
    """MNIST's form: 28 × 28, a box of 20, the centre of mass in the middle, strokes that are seen."""
    assert levels.shape == (28, 28)
    rows, columns = np.flatnonzero(levels.any(axis=1)), np.flatnonzero(levels.any(axis=0))
    assert max(rows[-1] - rows[0], columns[-1] - columns[0]) + 1 == 20
    for axis in (0, 1):
        middle = (levels.sum(axis=1 - axis) * np.arange(28)).sum() / levels.sum()
        assert abs(middle - CENTRE) <= 0.51
    assert levels.max() > 200


def likeness(one: np.ndarray, other: np.ndarray) -> float:
    """The best correlation within one pixel: rounding may put a digit one pixel aside."""
    shifts = [(down, right) for down in (-1, 0, 1) for right in (-1, 0, 1)]
    return max(float(np.corrcoef(np.roll(one, shift, (0, 1)).ravel(), other.ravel())[0, 1]) for shift in shifts)


def test_mnists_own_images_pass_unchanged():
    for digit in DIGITS:
        steps = digit_steps(Image.fromarray(digit))
        assert [step.name for step in steps] == ["unchanged"]
        assert np.array_equal(np.asarray(steps[-1].image), digit)


def test_digits_pasted_big_inverted_and_off_centre_come_back():
    rng = np.random.default_rng(0)
    found = []
    for digit in DIGITS[:60]:
        canvas = np.full((200, 200), 255, dtype=np.uint8)
        top, left = rng.integers(0, 80, 2)
        canvas[top : top + 120, left : left + 120] = 255 - np.asarray(
            Image.fromarray(digit).resize((120, 120), Image.Resampling.BICUBIC)
        )
        levels = result(Image.fromarray(canvas))
        check_form(levels)
        found.append(likeness(levels, digit.astype(float)))
    assert np.mean(found) > 0.96
    assert min(found) > 0.85


@pytest.mark.parametrize(
    "image",
    [
        drawn(),
        drawn(width=40),
        drawn(side=400, width=2),
        drawn(side=2000, width=30, ink="navy", paper="#ffffe0"),
        drawn(ink="white", paper="black"),
        drawn(ink=0, paper=255, mode="L"),
        drawn(ink=(0, 0, 0, 255), paper=(0, 0, 0, 0), mode="RGBA"),
        drawn(ink=120, paper=90, mode="L"),
        drawn(side=24, width=2),
        drawn(side=28, width=3, ink="white", paper="black"),
    ],
    ids=["pen", "marker", "hairline", "large", "chalk", "grey", "transparent", "faint", "tiny", "28 off-centre"],
)
def test_every_drawing_of_a_two_comes_to_one_form(image: Image.Image):
    levels = result(image)
    check_form(levels)
    assert likeness(levels, result(drawn(width=20))) > 0.7


def test_light_and_dark_drawings_give_one_result():
    inverted = drawn(ink="white", paper="black")
    assert np.array_equal(result(inverted), result(drawn()))
    notes = {step.name: step.note for step in digit_steps(inverted)}
    assert notes["polarity"] == "light on dark: kept"
    assert {step.name: step.note for step in digit_steps(drawn())}["polarity"] == "dark on light: inverted"


def test_a_thin_pen_is_thickened_and_a_thick_one_is_not():
    notes = {step.name: step.note for step in digit_steps(drawn(side=400, width=2))}
    assert "thickened" in notes["scale"]
    assert result(drawn(side=400, width=2)).max() == 255
    assert {step.name: step.note for step in digit_steps(drawn(width=20))}["scale"] == "longer side 20"


def test_a_photograph_in_uneven_light_with_noise():
    rng = np.random.default_rng(1)
    paper = np.asarray(drawn(side=600, width=40).convert("L"), dtype=np.float64) * 0.8 + 30
    down, across = np.mgrid[0:600, 0:600] / 600
    photo = paper * (0.3 + 0.5 * across + 0.2 * down) + rng.normal(0, 8, (600, 600))
    steps = digit_steps(Image.fromarray(photo.clip(0, 255).astype(np.uint8)))
    assert [step.name for step in steps] == ["grey", "background", "polarity", "crop", "scale", "centre"]
    levels = np.asarray(steps[-1].image, dtype=np.float64)
    check_form(levels)
    assert likeness(levels, result(drawn(side=600, width=40))) > 0.95


def test_dust_does_not_move_the_digit():
    dusty = drawn()
    for x, y in ((3, 3), (190, 10), (5, 195)):
        ImageDraw.Draw(dusty).rectangle((x, y, x + 2, y + 2), fill="black")
    assert likeness(result(dusty), result(drawn())) > 0.999


@pytest.mark.parametrize(
    "image",
    [
        Image.new("RGB", (200, 100), "white"),
        Image.new("L", (28, 28), 0),
        Image.new("L", (1, 1), 9),
        Image.new("LA", (30, 30), (0, 0)),
        Image.linear_gradient("L"),
    ],
)
def test_a_blank_image_has_no_ink(image: Image.Image):
    with pytest.raises(DataError) as caught:
        digit_steps(image)
    assert str(caught.value).splitlines() == [
        "no ink found.",
        "Expected one digit that stands out from its background.",
        "Draw it darker, or photograph it closer and in more light.",
    ]


def test_the_strip_shows_every_step():
    steps = digit_steps(drawn())
    strip = steps_strip(steps)
    assert strip.size == (12 + len(steps) * 180, 264)
    shown = np.asarray(strip.convert("L"))
    for place in range(len(steps)):
        tile = shown[12:180, 12 + 180 * place : 180 + 180 * place]
        assert tile.min() == 0
        assert tile.max() == 255
    assert digit_steps(drawn())[0].image.size == (200, 200)
