"""The random field of elastic distortions: how far, how smooth, the same everywhere."""

from __future__ import annotations

import math

import pytest
import torch

from striate.data import Augmentation, augment
from striate.data.elastic import draw_field, factor

SIZE = (32, 28)


def fields(count: int = 4000, *, smoothness: float = 4.0, amplitude: float = 2.0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return draw_field(count, SIZE, amplitude=amplitude, smoothness=smoothness, generator=generator).pushes()


def test_every_pixel_is_pushed_by_the_amplitude_borders_too() -> None:
    made = fields()
    assert made.shape == (4000, 2, *SIZE)
    assert made.mean(0).abs().max() < 0.15
    assert made.std(0).sub(2).abs().max() < 0.15
    assert made.norm(dim=1).mean().item() == pytest.approx(2 * math.sqrt(math.pi / 2), rel=0.02)


def test_the_two_axes_have_nothing_to_do_with_each_other() -> None:
    made = fields()
    assert (made[:, 0] * made[:, 1]).mean(0).abs().max() < 0.4


@pytest.mark.parametrize("smoothness", [1.0, 2.5, 4.0, 8.0])
def test_its_correlation_is_that_of_noise_smoothed_by_the_gaussian(smoothness: float) -> None:
    made = fields(2000, smoothness=smoothness, amplitude=1.0)
    for apart in (1, 3, 6):
        wanted = math.exp(-(apart**2) / (4 * smoothness**2))
        assert (made[..., apart:] * made[..., :-apart]).mean().item() == pytest.approx(wanted, abs=0.03)
        assert (made[..., apart:, :] * made[..., :-apart, :]).mean().item() == pytest.approx(wanted, abs=0.03)


def test_the_slow_way_gives_the_same_correlations() -> None:
    """White noise on a large plane, smoothed by a Gaussian, cut out of the middle."""
    reach, sigma = 16, 4.0
    kernel = torch.exp(-torch.arange(-reach, reach + 1).double().square() / (2 * sigma**2))
    columns = torch.zeros(32, 32 + 2 * reach, dtype=torch.float64)
    for row in range(32):
        columns[row, row : row + 2 * reach + 1] = kernel / kernel.norm()
    ours = factor(32, sigma).double()
    assert (ours.T @ ours - columns @ columns.T).abs().max() < 2e-3


def test_a_side_of_one_pixel_has_a_field_too() -> None:
    assert torch.equal(factor(1, 4.0), torch.ones(1, 1))


def test_a_small_push_moves_the_image_by_the_field() -> None:
    ramp = torch.arange(28.0).expand(50, 1, 32, 28).contiguous()
    out = augment(ramp, Augmentation(elastic=1.0), generator=torch.Generator().manual_seed(2), fill=0.0)
    moved = (out - ramp)[:, 0, 6:26, 8:20]
    assert moved.std().item() == pytest.approx(1.0, rel=0.1)
    assert moved[:, :, 1:].sub(moved[:, :, :-1]).std() < 0.25
