from __future__ import annotations

from dataclasses import FrozenInstanceError, replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from striate.data.store import ImageSet, epoch_order, hold_out
from striate.errors import DataError


def numbered(labels: list[int], classes: int = 2) -> ImageSet:
    """One image for each label, its pixels its number."""
    pixels = torch.arange(len(labels)).remainder(256).to(torch.uint8).view(-1, 1, 1, 1).expand(-1, 1, 2, 2).contiguous()
    names = tuple(f"{number}.png" for number in range(len(labels)))
    return ImageSet(
        pixels, torch.tensor(labels), tuple(str(one) for one in range(classes)), "x", "train", "picture", names
    )


def test_subset_takes_pixels_labels_and_names_in_the_order_asked_for():
    part = numbered([0, 1, 1]).subset(torch.tensor([2, 0]), split="validation")
    assert part.images[:, 0, 0, 0].tolist() == [2, 0]
    assert part.labels.tolist() == [1, 0]
    assert part.names == ("2.png", "0.png")
    assert (len(part), part.split) == (2, "validation")


def test_it_is_frozen_and_shows_itself_in_a_line():
    images = numbered([0, 1])
    assert repr(images) == "ImageSet(2 images of 1 × 2 × 2, 2 classes, 'train' of 'x')"
    with pytest.raises(FrozenInstanceError):
        images.split = "test"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"images": torch.zeros(2, 1, 2, 2)}, r"the images are torch.float32, \(2, 1, 2, 2\)"),
        ({"labels": torch.tensor([0])}, r"takes torch.int64, \(2,\)"),
        ({"labels": torch.tensor([0, 2])}, "run from 0 to 2.\nWith 2 classes they run from 0 to 1"),
        ({"labels": torch.tensor([0, -1])}, "run from -1 to 0"),
        ({"names": ("a.png",)}, "2 images have 1 names"),
    ],
)
def test_what_does_not_belong_together_is_refused(change: dict[str, object], text: str):
    with pytest.raises(DataError, match=text):
        replace(numbered([0, 1]), **change)  # type: ignore[arg-type]


def test_the_fingerprint_tells_pixels_labels_classes_and_shape_apart():
    images = numbered([0, 1, 1])
    brighter = images.images.clone()
    brighter[0, 0, 0, 0] += 1
    others = [
        replace(images, images=brighter),
        replace(images, labels=torch.tensor([0, 1, 0])),
        replace(images, classes=("0", "one")),
        replace(images, images=images.images.view(3, 1, 1, 4)),
    ]
    prints = {one.fingerprint() for one in (images, *others)}
    assert len(prints) == 5
    assert len(images.fingerprint()) == 64
    assert replace(images, names=(), split="test", source="elsewhere").fingerprint() == images.fingerprint()
    strided = replace(images, images=images.images.transpose(2, 3))
    assert strided.fingerprint() == images.fingerprint()


@given(st.lists(st.integers(2, 40), min_size=2, max_size=6), st.floats(0.01, 0.4))
def test_hold_out_parts_every_class_alike(counts: list[int], fraction: float):
    images = numbered([label for label, count in enumerate(counts) for _ in range(count)], len(counts))
    train, validation = hold_out(images, fraction=fraction)
    assert sorted(train.names + validation.names) == sorted(images.names)
    assert len(validation) == max(1, round(fraction * len(images)))
    assert (train.split, validation.split) == ("train", "validation")
    held = torch.bincount(validation.labels, minlength=len(counts)).tolist()
    for count, part in zip(counts, held, strict=True):
        assert part < count
        assert abs(part - fraction * count) < 2
    assert hold_out(images, fraction=fraction)[1].names == validation.names


def test_hold_out_keeps_the_order_of_the_images():
    train, _ = hold_out(numbered([0, 1] * 30))
    numbers = [int(name.removesuffix(".png")) for name in train.names]
    assert numbers == sorted(numbers)


def test_a_class_of_one_image_stays_in_training():
    train, validation = hold_out(numbered([0] * 13 + [1], 2), fraction=0.14)
    assert train.labels.tolist().count(1) == 1
    assert validation.labels.tolist() == [0, 0]


def test_hold_out_refuses_to_take_the_last_image_of_a_class():
    with pytest.raises(DataError) as caught:
        hold_out(numbered([0, 1], 2))
    assert str(caught.value).splitlines() == [
        "holding out 1 of 2 images would leave class '0' without a training image.",
        "Every class keeps at least one training image.",
        "Add images (the smallest class has 1), or hold out a smaller fraction.",
    ]


@pytest.mark.parametrize("fraction", [0, 1, -0.1, float("nan")])
def test_hold_out_refuses_a_fraction_that_is_none(fraction: float):
    with pytest.raises(DataError, match="above 0 and below 1"):
        hold_out(numbered([0, 1] * 10), fraction=fraction)


@given(st.integers(0, 300), st.integers(-3, 2**40), st.integers(0, 1000))
def test_an_epochs_order_is_a_permutation_of_its_arguments_alone(count: int, seed: int, epoch: int):
    order = epoch_order(count, seed=seed, epoch=epoch)
    state = torch.get_rng_state()
    again = epoch_order(count, seed=seed, epoch=epoch)
    assert sorted(order.tolist()) == list(range(count))
    assert torch.equal(order, again)
    assert torch.equal(state, torch.get_rng_state())


def test_orders_differ_between_epochs_and_seeds_and_stay_as_they_are():
    orders = {tuple(epoch_order(50, seed=seed, epoch=epoch).tolist()) for seed in range(3) for epoch in range(3)}
    assert len(orders) == 9
    threads = torch.get_num_threads()
    one = epoch_order(70_000, seed=1, epoch=2)
    torch.set_num_threads(1)
    try:
        assert torch.equal(one, epoch_order(70_000, seed=1, epoch=2))
    finally:
        torch.set_num_threads(threads)
