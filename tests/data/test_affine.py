"""Planar moves against exact pictures: quarter turns, whole shifts, and what undoes them."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from striate.data import Affine, move

BATCH = torch.rand(3, 2, 12, 10, generator=torch.Generator().manual_seed(1))


def blob(height: int = 41, width: int = 61) -> torch.Tensor:
    """A smooth spot off the middle: interpolated without visible loss."""
    y, x = torch.meshgrid(torch.arange(float(height)), torch.arange(float(width)), indexing="ij")
    return torch.exp(-((x - 36).square() + (y - 16).square() * 2) / 40)[None, None]


def middle_of(image: torch.Tensor) -> tuple[float, float]:
    """The centre of mass, from the middle of the image: right, and down."""
    mass, (height, width) = image.sum(), image.shape[2:]
    right = (image.sum((0, 1, 2)) @ torch.arange(float(width))) / mass - (width - 1) / 2
    down = (image.sum((0, 1, 3)) @ torch.arange(float(height))) / mass - (height - 1) / 2
    return right.item(), down.item()


def spread_of(image: torch.Tensor) -> tuple[float, float]:
    """The deviations of mass about its centre, on both axes."""

    def deviation(weights: torch.Tensor) -> float:
        places = torch.arange(float(len(weights)))
        middle = weights @ places / weights.sum()
        return ((weights @ (places - middle).square()) / weights.sum()).sqrt().item()

    return deviation(image.sum((0, 1, 2))), deviation(image.sum((0, 1, 3)))


def test_no_move_gives_the_same_pixels() -> None:
    torch.testing.assert_close(move(BATCH, Affine(), fill=-0.1), BATCH)


def test_quarter_turns_are_exact_and_clockwise() -> None:
    square = BATCH[:, :, :10]
    for turns in range(4):
        turned = move(square, Affine(rotation=90.0 * turns), fill=0.0)
        torch.testing.assert_close(turned, torch.rot90(square, -turns, (2, 3)), atol=1e-5, rtol=0)


def test_shifts_go_right_and_down_and_leave_the_fill() -> None:
    moved = move(BATCH, Affine(right=3.0, down=2.0), fill=-7.0)
    torch.testing.assert_close(moved[:, :, 2:, 3:], BATCH[:, :, :-2, :-3], atol=1e-5, rtol=0)
    torch.testing.assert_close(moved[:, :, :2], torch.full((3, 2, 2, 10), -7.0), atol=1e-4, rtol=0)


def test_a_mirror_comes_first_and_goes_by_the_sign() -> None:
    torch.testing.assert_close(move(BATCH, Affine(mirror=-0.3), fill=0.0), BATCH.flip(3))
    torch.testing.assert_close(move(BATCH, Affine(mirror=0.3), fill=0.0), BATCH)
    both = move(BATCH, Affine(rotation=20.0, right=2.0, mirror=-1.0), fill=0.0)
    torch.testing.assert_close(both, move(BATCH.flip(3), Affine(rotation=20.0, right=2.0), fill=0.0), atol=1e-5, rtol=0)


def test_a_vector_gives_each_image_its_own_move() -> None:
    angles = torch.tensor([0.0, 10.0, -25.0])
    together = move(BATCH, Affine(rotation=angles, right=1.0), fill=0.0)
    for number, angle in enumerate(angles.tolist()):
        alone = move(BATCH[number : number + 1], Affine(rotation=angle, right=1.0), fill=0.0)
        torch.testing.assert_close(together[number : number + 1], alone)


def test_scale_and_squeeze_change_the_spreads_by_their_factors() -> None:
    width, height = spread_of(blob())
    larger = spread_of(move(blob(), Affine(scale=1.25), fill=0.0))
    assert larger == pytest.approx((1.25 * width, 1.25 * height), rel=0.02)
    squeezed = spread_of(move(blob(), Affine(squeeze=0.2), fill=0.0))
    assert squeezed == pytest.approx((width / 1.2, height * 1.2), rel=0.02)


def test_a_shear_leans_uprights_to_the_right_by_its_angle() -> None:
    image = torch.zeros(1, 1, 41, 61)
    image[..., 30] = 1
    out = move(image, Affine(shear=20.0), fill=0.0)[0, 0]
    top, bottom = (out[row] @ torch.arange(61.0) / out[row].sum() for row in (5, 35))
    assert (top - bottom).item() == pytest.approx(30 * math.tan(math.radians(20)), abs=0.05)


def test_the_shift_comes_last() -> None:
    right, down = middle_of(blob())
    moved = middle_of(move(blob(), Affine(rotation=90.0, right=2.0, down=1.0), fill=0.0))
    assert moved == pytest.approx((-down + 2, right + 1), abs=0.05)


@given(rotation=st.floats(-40, 40), scale=st.floats(0.9, 1.3), right=st.floats(-3, 3), seed=st.integers(0, 9))
@settings(max_examples=25, deadline=None, derandomize=True)
def test_moving_back_brings_the_image_back(rotation: float, scale: float, right: float, seed: int) -> None:
    there = move(blob(), Affine(rotation=rotation, scale=scale), fill=0.0)
    back = move(there, Affine(rotation=-rotation, scale=1 / scale), fill=0.0)
    assert (back - blob()).abs().max() < 0.08
    sideways = move(move(blob(), Affine(right=right), fill=0.0), Affine(right=-right), fill=0.0)
    assert (sideways - blob()).abs().max() < 0.05
