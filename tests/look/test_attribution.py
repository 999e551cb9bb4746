"""Attribution: held against Captum, and against what the methods promise."""

import pytest
import torch

from striate.errors import ShapeError
from striate.look import (
    attribution,
    grad_cam,
    integrated_gradients,
    occlusion,
    randomised,
    rank_correlation,
    saliency,
    shown,
)
from striate.look.choose import cam_step
from striate.look.subject import scores
from striate.modules import build, evaluating
from striate.networks import find


@pytest.fixture(params=["grey", "colour"])
def case(request):
    """A subject, one image with a gradient in every pixel, and the class scores as Captum wants them."""
    found = request.getfixturevalue(request.param)
    image = torch.rand(1, *found.network.input, generator=torch.Generator().manual_seed(4))
    return found.model, image, lambda images: scores(found.model, images)


def test_saliency_is_captums(case, captum) -> None:
    model, image, forward = case
    expected = captum.Saliency(forward).attribute(image.clone().requires_grad_(), target=1)[0].amax(0)
    torch.testing.assert_close(saliency(model, image, 1), expected)


def test_integrated_gradients_are_captums(case, captum) -> None:
    model, image, forward = case
    way = captum.IntegratedGradients(forward)
    expected = way.attribute(image.clone(), baselines=-0.1, target=2, n_steps=20, method="riemann_middle")[0].sum(0)
    found = integrated_gradients(model, image, 2, baseline=-0.1, steps=20)
    torch.testing.assert_close(found, expected.float(), atol=1e-5, rtol=1e-4)


def test_integrated_gradients_add_up_to_the_difference_of_the_scores(case) -> None:
    model, image, forward = case
    with torch.no_grad():
        difference = (forward(image) - forward(torch.full_like(image, -0.1)))[0, 0].item()
    found = integrated_gradients(model, image, 0, baseline=-0.1, steps=256).sum().item()
    assert found == pytest.approx(difference, rel=0.02, abs=1e-3)


def test_occlusion_is_captums(case, captum) -> None:
    model, image, forward = case
    channels = image.shape[1]
    with torch.no_grad():
        expected = captum.Occlusion(forward).attribute(
            image.clone(), sliding_window_shapes=(channels, 3, 3), baselines=0.5, target=1
        )[0, 0]
    torch.testing.assert_close(occlusion(model, image, 1, baseline=0.5, side=3), expected.float(), atol=1e-5, rtol=1e-4)


def test_occlusion_covers_every_pixel_whatever_the_stride(case) -> None:
    model, image, _ = case
    assert occlusion(model, image, 0, side=5, stride=4).isfinite().all()


def test_grad_cam_is_captums_without_what_is_below_zero(case, captum) -> None:
    model, image, forward = case
    layer = model.get_submodule(cam_step(model.network).path)
    expected = captum.LayerGradCam(forward, layer).attribute(image.clone(), target=1, relu_attributions=True)
    expected = captum.LayerAttribution.interpolate(expected, tuple(image.shape[2:]), "bilinear")[0, 0]
    found = grad_cam(model, image, 1)
    torch.testing.assert_close(found, expected.detach(), atol=1e-6, rtol=1e-4)
    assert (found >= 0).all()


@pytest.mark.parametrize(
    ("name", "path"),
    [("lenet5", "tanh4"), ("simple-cnn", "relu5"), ("resnet20-cifar", "stage3.relu3"), ("alexnet", "relu5")],
)
def test_grad_cam_takes_the_last_layer_with_maps(name: str, path: str) -> None:
    assert cam_step(find(name)).path == path


def test_grad_cam_refuses_what_would_be_one_flat_colour() -> None:
    with pytest.raises(ShapeError) as refused:
        cam_step(find("lenet5"), "C5")
    assert str(refused.value) == (
        "C5: has no maps larger than 1×1.\nGrad-CAM weighs maps, and spreads them over the image.\nTry 'tanh4'."
    )
    with pytest.raises(ShapeError, match="fully-connected has no maps larger than 1×1"):
        cam_step(find("fully-connected"))


def test_an_rbf_units_score_is_minus_its_distance(grey) -> None:
    images = grey.some(4)
    with torch.no_grad(), evaluating(grey.model):
        distances = grey.model(images)
        assert torch.equal(scores(grey.model, images), -distances)
    assert (distances >= 0).all()


def test_what_is_learned_shows_and_the_control_does_not_have_it(learned) -> None:
    """On digits that a network knows, covering strokes costs more score than it costs a random network."""
    image = learned.preprocessing.normalise(shown(learned)[0].pixels)
    with torch.no_grad():
        target = int(scores(learned.model, image).argmax())
    maps = [occlusion(each.model, image, target, baseline=learned.empty) for each in (learned, randomised(learned))]
    assert maps[0].max() > 2 * maps[1].abs().max()
    assert abs(rank_correlation(maps[0], maps[1])) < 0.9


def test_rank_correlation() -> None:
    rising = torch.arange(1.0, 13).view(3, 4)
    assert rank_correlation(rising, rising.square()) == 1
    assert rank_correlation(rising, -rising) == -1
    assert rank_correlation(rising, torch.ones(3, 4)) == 0
    empty = torch.zeros(2, 4)
    assert rank_correlation(torch.cat([rising, empty]), torch.cat([-rising, empty])) == -1


def test_the_figure_names_the_layer_the_class_and_the_sum(learned) -> None:
    figure = attribution(learned, shown(learned)[0], target=3)
    assert "What speaks for &#x27;3&#x27;" in figure.svg
    assert "of relu1, 12×12" in figure.svg
    assert figure.svg.count("rank correlation") == 4
    whole = integrated_gradients(
        learned.model, learned.preprocessing.normalise(shown(learned)[0].pixels), 3, baseline=learned.empty
    ).sum()
    assert f"add up to {whole:.3g}:".replace("-", "−") in figure.caption


def test_grey_images_of_any_size_do(grey) -> None:
    tall = build(find("1x9x31: conv 3 3x3, tanh, flatten, linear 2"))
    image = torch.rand(1, 1, 9, 31)
    for method in (occlusion, saliency, integrated_gradients, grad_cam):
        assert method(tall, image, 0).shape == (9, 31)
