"""The images of a step: a function of the recipe and the step alone; mixed, alternating, in ranges of each channel."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from striate.data import Augmentation, ImageSet, Preprocessing
from striate.description.network import Network
from striate.errors import SpecError
from striate.execution.executor import executor
from striate.kernels.binary import library
from striate.modules import build
from striate.train import Recipe
from striate.train.learner import cannot_train
from striate.train.losses import Mixed, training_loss
from striate.train.step_images import Drawer
from tests.support.networks import TINY

CPU = torch.device("cpu")
WAY = Preprocessing((3, 12, 10), "resize", low=-1.0, high=2.0, form="picture")
EACH = replace(WAY, low=(-1.0, -2.0, 0.0), high=(2.0, 1.0, 5.0))
EVERYTHING = Augmentation(
    rotation=10, shift=1, crop=0.4, lighting=0.1, brightness=0.2, contrast=0.2, saturation=0.3, hue=9, flip=True
)


def pictures(count: int = 40) -> ImageSet:
    pixels = torch.randint(0, 256, (count, 3, 12, 10), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    return ImageSet(pixels, torch.arange(count) % 4, ("a", "b", "c", "d"), "made", "train", "picture")


def test_channels_with_ranges_of_their_own_are_changed_as_those_of_one_range_are() -> None:
    """All changes but cutout are made to pixels from 0 to 1, whatever numbers they become."""
    recipe, chosen = Recipe(augmentation=EVERYTHING), torch.arange(7)
    unit = replace(WAY, low=0.0, high=1.0)
    plain = Drawer(pictures(), unit, recipe).draw(chosen, step=5, epoch=1, device=CPU)
    found = Drawer(pictures(), EACH, recipe).draw(chosen, step=5, epoch=1, device=CPU)
    low, high = (torch.tensor(each).view(3, 1, 1) for each in (EACH.low, EACH.high))
    torch.testing.assert_close(found.pixels, plain.pixels * (high - low) + low)
    untouched = Drawer(pictures(), EACH, Recipe()).draw(chosen, step=5, epoch=1, device=CPU)
    torch.testing.assert_close(untouched.pixels, EACH.normalise(pictures().images[:7]))


def test_a_mixed_batch_is_the_sum_of_two_by_one_part_and_so_is_its_loss() -> None:
    recipe, chosen = Recipe(mixup=0.4), torch.arange(12)
    parts = set()
    for step in range(20):
        drawn = Drawer(pictures(), WAY, recipe).draw(chosen, step=step, epoch=0, device=CPU)
        plain = WAY.normalise(pictures().images[:12])
        assert drawn.mixed is not None
        part = drawn.mixed.part
        others = (drawn.pixels - part * plain) / (1 - part)
        nearest = torch.cdist(others.flatten(1), plain.flatten(1)).argmin(1)
        if part < 0.9:
            torch.testing.assert_close(others, plain[nearest], rtol=1e-3, atol=1e-3)
            assert torch.equal(drawn.mixed.labels, pictures().labels[:12][nearest])
        assert torch.equal(drawn.labels, pictures().labels[:12])
        parts.add(part)
    assert len(parts) == 20
    assert min(parts) < 0.2  # Beta(0.4, 0.4) is mostly near its ends
    assert max(parts) > 0.8
    outputs, labels, other = torch.randn(5, 4), torch.tensor([0, 1, 2, 3, 0]), torch.tensor([1, 1, 0, 2, 3])
    soft = 0.3 * F.one_hot(labels, 4) + 0.7 * F.one_hot(other, 4)
    found = training_loss(outputs, labels, recipe, weights=None, mixed=Mixed(other, 0.3))
    torch.testing.assert_close(found, F.cross_entropy(outputs, soft.float()))


def test_what_is_drawn_is_a_function_of_the_step_alone() -> None:
    recipe, chosen = Recipe(augmentation=EVERYTHING, mixup=1.0), torch.tensor([3, 1, 30])
    drawer = Drawer(pictures(), WAY, recipe)
    first, again, other = (drawer.draw(chosen, step=step, epoch=0, device=CPU) for step in (4, 4, 5))
    assert torch.equal(first.pixels, again.pixels)
    assert first.mixed is not None
    assert again.mixed is not None
    assert first.mixed.part == again.mixed.part
    assert not torch.equal(first.pixels, other.pixels)


def test_alternating_flips_follow_the_epoch_and_the_image() -> None:
    recipe = Recipe(augmentation=Augmentation(alternating_flip=True))
    drawer = Drawer(pictures(), WAY, recipe)
    chosen = torch.arange(40)
    first, second = (drawer.draw(chosen, step=9, epoch=epoch, device=CPU).pixels for epoch in (0, 1))
    assert torch.equal(first, second.flip(3))
    one = drawer.draw(torch.tensor([17]), step=100, epoch=0, device=CPU).pixels
    assert torch.equal(one[0], first[17])


@pytest.mark.skipif(isinstance(library(), str), reason="the kernels have not been compiled")
@pytest.mark.parametrize("more", [{}, {"alternating_flip": True}, {"crop": 0.5}])
def test_the_engine_moves_images_to_the_same_values(more: dict) -> None:
    augmentation = Augmentation(rotation=8, shift=1.5, elastic=0.5, **more)
    pixels = torch.randint(0, 256, (20, 1, 28, 28), dtype=torch.uint8)
    images = ImageSet(pixels, torch.arange(20) % 10, tuple("abcdefghij"), "made", "train", "picture")
    way = Preprocessing(TINY.input, "resize", low=-0.1, high=1.175, form="picture")
    drawer = Drawer(images, way, Recipe(augmentation=augmentation))
    runs = executor(build(TINY), "engine")
    with_engine = drawer.draw(torch.arange(9), step=2, epoch=1, device=CPU, engine=(runs.engine, 1))
    without = drawer.draw(torch.arange(9), step=2, epoch=1, device=CPU)
    torch.testing.assert_close(with_engine.pixels, without.pixels, rtol=1e-3, atol=2e-3)


def test_every_kernel_mixes_and_no_other_loss_does() -> None:
    assert (cannot_train(Recipe(mixup=0.2)), cannot_train(Recipe(freeze=("conv1",)))) == ((), ("engine",))
    with pytest.raises(SpecError, match="mixup 0.2, class_weights 'none', and the loss rbf-mle"):
        Recipe(mixup=0.2, loss="rbf-mle")
    assert isinstance(TINY, Network)


@pytest.mark.parametrize("way", [WAY, EACH], ids=["one range", "a range for each channel"])
@pytest.mark.parametrize("mapped", [False, True])
def test_an_engines_pictures_have_their_own_labels(way: Preprocessing, mapped: bool) -> None:
    """Where images are gathered by their numbers in a store, labels are read by these; else by their place."""
    images = replace(pictures(), mapped=mapped).subset(torch.tensor([3, 8, 17, 30, 21]))
    chosen = torch.tensor([4, 0, 2])
    found, labels = Drawer(images, way, Recipe()).pictures(chosen)
    places = torch.arange(3) if found.chosen is None else found.chosen
    assert torch.equal(labels[places], images.labels[chosen])
    torch.testing.assert_close(found.floats(), way.normalise(images.images[chosen]))
