"""Attribution, where the right answer is known: on a network that is one weighted sum."""

import pytest
import torch

from striate import Flatten, Linear, Network, from_text
from striate.web.attribution import METHODS, attribution
from tests.support.serving import fresh

LINEAR = Network("sum", (3, 12, 10), [Flatten(), Linear(3, name="sum")])


@pytest.fixture
def known(tmp_path):
    predictor = fresh(LINEAR, tmp_path / "run")
    weights = predictor.model.get_submodule("sum").weight.detach().view(3, 3, 12, 10)
    image = torch.rand(1, 3, 12, 10, generator=torch.Generator().manual_seed(3))
    return predictor, weights, image


def test_the_gradient_gives_each_pixels_part_of_the_score(known) -> None:
    predictor, weights, image = known
    found = attribution(predictor, image, 1, method="integrated-gradients")
    blank = torch.full_like(image, predictor.run.preprocessing.low)
    torch.testing.assert_close(found, (weights[1] * (image - blank)[0]).sum(0))
    with torch.inference_mode():
        difference = predictor.scores(image)[0, 1] - predictor.scores(blank)[0, 1]
    assert found.sum().item() == pytest.approx(difference.item(), abs=1e-4)


def test_occlusion_gives_what_the_patches_with_a_pixel_take_away(known) -> None:
    predictor, weights, image = known
    parts = (weights[2] * (image[0] - predictor.run.preprocessing.low)).sum(0)
    found = attribution(predictor, image, 2, method="occlusion")
    torch.testing.assert_close(found, parts, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_what_does_not_reach_a_class_speaks_neither_way(known, method: str) -> None:
    predictor, weights, image = known
    with torch.no_grad():
        weights[0].zero_()
    assert attribution(predictor, image, 0, method=method).abs().max() == 0


@pytest.mark.parametrize("method", METHODS)
def test_a_blank_input_has_nothing_to_say(known, method: str) -> None:
    predictor, _, image = known
    blank = torch.full_like(image, predictor.run.preprocessing.low)
    assert attribution(predictor, blank, 1, method=method).abs().max() < 1e-6


def test_few_large_patches_still_cover_every_pixel(known, monkeypatch: pytest.MonkeyPatch) -> None:
    predictor, _, image = known
    monkeypatch.setattr("striate.web.attribution.MACS", 0.0)
    found = attribution(predictor, image, 1, method="occlusion")
    assert found.isfinite().all()
    assert len(found.unique()) < found.numel() / 4


def test_ink_speaks_for_what_it_writes(predictor, seven) -> None:
    image, _ = predictor.read(seven)
    number = predictor.run.classes.index("7")
    found = attribution(predictor, image, number, method="occlusion")
    ink = image[0, 0] > 0.5
    assert found[ink].mean() > found[~ink].mean()


@pytest.mark.parametrize("method", METHODS)
def test_a_network_without_products_has_an_attribution(tmp_path, method: str) -> None:
    predictor = fresh(from_text("1x8x8: max 4, flatten, softmax"), tmp_path / "run")
    image = torch.rand(1, 1, 8, 8, generator=torch.Generator().manual_seed(3))
    assert attribution(predictor, image, 0, method=method).isfinite().all()
