"""Colour jitter and cutout: what each change does to a pixel, against formulas written out for single pixels."""

from __future__ import annotations

import colorsys

import pytest
import torch

from striate.data import Augmentation, cut_out, recolour
from striate.errors import DataError


def seeded(number: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(number)


def pictures(count: int, *, channels: int = 3, low: float = 0.0, high: float = 1.0) -> torch.Tensor:
    """Pixels well inside the range, so that no change is cut off at its ends."""
    return low + (high - low) * (0.3 + 0.3 * torch.rand(count, channels, 5, 7, generator=seeded(9)))


def test_nothing_is_drawn_for_nothing():
    batch, generator = pictures(2), seeded()
    before = generator.get_state()
    assert recolour(batch, Augmentation(cutout=3), low=0.0, high=1.0, generator=generator) is batch
    assert cut_out(batch, 0, generator=generator) is batch
    assert torch.equal(generator.get_state(), before)


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-2.0, 2.5), (1.0, -1.0)])
@pytest.mark.parametrize("channels", [1, 2, 3])
def test_brightness_multiplies_from_black_on(low, high, channels):
    batch = pictures(50, channels=channels, low=low, high=high)
    found = recolour(batch, Augmentation(brightness=0.4), low=low, high=high, generator=seeded())
    factors = ((found - low) / (batch - low)).flatten(1)
    assert (factors.amax(1) - factors.amin(1)).max() < 1e-4
    assert 0.6 <= factors.min() < 0.65 < 1.35 < factors.max() <= 1.4


@pytest.mark.parametrize("channels", [1, 3])
def test_contrast_keeps_the_mean_brightness(channels):
    weights = torch.tensor([0.299, 0.587, 0.114]) if channels == 3 else torch.ones(1)
    batch = pictures(50, channels=channels)
    found = recolour(batch, Augmentation(contrast=0.5), low=0.0, high=1.0, generator=seeded())
    means = [(each.mean((2, 3)) * weights).sum(1) for each in (batch, found)]
    torch.testing.assert_close(means[0], means[1])
    spread = found.std((1, 2, 3)) / batch.std((1, 2, 3))
    assert spread.min() < 0.7 < 1.3 < spread.max()


def test_saturation_blends_with_the_grey_of_each_pixel():
    batch = pictures(40)
    found = recolour(batch, Augmentation(saturation=0.9), low=0.0, high=1.0, generator=seeded())
    grey = (batch * torch.tensor([0.299, 0.587, 0.114])[:, None, None]).sum(1, keepdim=True)
    factors = ((found - grey) * (batch - grey)).sum((1, 2, 3)) / ((batch - grey) ** 2).sum((1, 2, 3))
    blended = grey + factors[:, None, None, None] * (batch - grey)
    torch.testing.assert_close(found, blended.clamp(0, 1), atol=2e-3, rtol=0)
    assert factors.min() < 0.3 < 1.7 < factors.max()


def test_hue_turns_in_yiq_as_the_standard_library_has_it():
    batch = pictures(20)
    found = recolour(batch, Augmentation(hue=60), low=0.0, high=1.0, generator=seeded())
    for before, after in zip(batch[:, :, 0, 0].tolist(), found[:, :, 0, 0].tolist(), strict=True):
        (y, i, q), (y2, i2, q2) = colorsys.rgb_to_yiq(*before), colorsys.rgb_to_yiq(*after)
        assert y2 == pytest.approx(y, abs=2e-3)
        assert (i2**2 + q2**2) ** 0.5 == pytest.approx((i**2 + q**2) ** 0.5, abs=5e-3)
    assert (found - batch).abs().max() > 0.05


def test_pixels_stay_in_their_range_and_follow_the_seed():
    batch = torch.rand(64, 3, 8, 8, generator=seeded(1)) * 2 - 1
    jitter = Augmentation(brightness=0.9, contrast=0.9, saturation=0.9, hue=180)
    found = [recolour(batch, jitter, low=-1.0, high=1.0, generator=seeded(seed)) for seed in (3, 3, 4)]
    assert found[0].min() == -1
    assert found[0].max() == 1
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])


@pytest.mark.parametrize("channels", [1, 2, 48])
def test_only_three_colours_have_saturation_and_hue(channels):
    for jitter in (Augmentation(saturation=0.1), Augmentation(hue=5)):
        with pytest.raises(DataError, match=f"images of {channels} channels? have no saturation and no hue."):
            recolour(torch.zeros(1, channels, 2, 2), jitter, low=0.0, high=1.0, generator=seeded())


@pytest.mark.parametrize("side", [1, 2, 5, 8])
def test_cutout_sets_one_square_whose_middle_is_anywhere(side):
    count, height, width = 4000, 9, 12
    found = cut_out(torch.ones(count, 2, height, width), side, generator=seeded())
    gone = found == 0
    assert torch.equal(gone[:, 0], gone[:, 1])
    rows, columns = gone[:, 0].any(2).sum(1), gone[:, 0].any(1).sum(1)
    assert torch.equal(gone[:, 0].sum((1, 2)), rows * columns)
    assert (rows.max(), columns.max()) == (min(side, height), min(side, width))
    ahead, behind = side // 2, side - side // 2 - 1
    for at in ((0, 0), (4, 6), (height - 1, width - 1)):
        reached = [
            min(size - 1, each + ahead) - max(0, each - behind) + 1
            for each, size in zip(at, (height, width), strict=True)
        ]
        share = gone[:, 0, at[0], at[1]].double().mean().item()
        assert share == pytest.approx(reached[0] * reached[1] / (height * width), abs=0.03)


def test_a_training_uses_them_and_is_the_same_again(few_digits, tmp_path):
    from striate.train import Recipe, session
    from striate.train.loop import Batch, Epoch
    from tests.support.networks import TINY

    kept = []
    for name in ("a", "b"):
        recipe = Recipe(epochs=1, augmentation=Augmentation(cutout=5, brightness=0.2, contrast=0.2, shift=1))
        images = session.Images(str(few_digits))
        run, split = session.prepare(TINY, images, recipe, folder=tmp_path / name, device="cpu", threads=1)
        kept.append([each.loss for each in session.start(run, split) if isinstance(each, Batch | Epoch)])
    assert len(kept[0]) > 1
    assert kept[0] == kept[1]
