"""Images that a program has: every layout that is meant, and an error for what is not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from striate.data import from_arrays, load, pixels_of, preprocessing_for
from striate.errors import DataError
from striate.modules import build
from striate.train import Epoch, Learner, Recipe, Split, train

PIXELS = np.random.default_rng(0).integers(0, 256, (6, 5, 7, 3), dtype=np.uint8)


@pytest.mark.parametrize("kind", [np.asarray, torch.from_numpy])
def test_every_layout_gives_the_same_images(kind: Any) -> None:
    behind = from_arrays(kind(PIXELS), np.arange(6) % 2)
    before = from_arrays(kind(np.ascontiguousarray(PIXELS.transpose(0, 3, 1, 2))), torch.arange(6) % 2)
    assert torch.equal(behind.images, before.images)
    assert torch.equal(behind.labels, before.labels)
    assert behind.images.shape == (6, 3, 5, 7)
    grey = from_arrays(kind(PIXELS[..., 0].copy()), [0, 1, 2, 0, 1, 2], classes=("a", "b", "c"))
    assert torch.equal(grey.images[:, 0], behind.images[:, 0])
    assert grey.classes == ("a", "b", "c")


def test_views_of_arrays_are_taken() -> None:
    found = from_arrays(PIXELS[::-1, :, ::2], [0] * 6, classes=("a", "b"))
    assert np.array_equal(found.images.permute(0, 2, 3, 1).numpy(), PIXELS[::-1, :, ::2])


def test_a_network_learns_from_them() -> None:
    some = load("mnist", "test").subset(torch.arange(600))
    images = from_arrays(some.images.numpy(), some.labels.numpy())
    recipe = Recipe(epochs=3, batch=50)
    module = build("1x28x28: conv 4 5x5 /2, relu, max 2, linear 10")
    way = preprocessing_for(module.network.input, images, low=recipe.low, high=recipe.high)
    events = train(Learner(module, recipe), Split.of(images, way, hold_out_fraction=0.1), way)
    epochs = [event for event in events if isinstance(event, Epoch)]
    assert epochs[-1].loss < epochs[0].loss


@pytest.mark.parametrize(
    ("images", "labels", "text"),
    [
        (
            PIXELS / 200,
            [0] * 6,
            "images are float64 and run from 0 to 1.275.\nWithout a span, fractions run from 0 to 1.",
        ),
        (PIXELS.astype(int) + 1, [0] * 6, "images are int64 and run from 1 to 256.\nWithout a span, whole numbers run"),
        (PIXELS * np.nan, [0] * 6, "images have values that are not finite"),
        (
            PIXELS.astype(complex),
            [0] * 6,
            "images are complex128 of shape (6, 5, 7, 3).\nThey are one array of numbers",
        ),
        ([[1, 2], [3]], [0] * 2, "images are object"),
        (np.zeros((6, 3, 4, 3)), [0] * 6, "images are of shape (6, 3, 4, 3), whose channels may be the second"),
        (np.zeros((6, 0, 4)), [0] * 6, "images are of shape (6, 0, 4)."),
        (PIXELS[0, 0], [0] * 6, "images are of shape (7, 3).\nThey are (images, height, width)"),
        (np.zeros((6, 4, 5, 2), np.uint8), [0] * 6, "images are of shape (6, 4, 5, 2)."),
        (torch.zeros(6, 4, 4, dtype=torch.complex64), [0] * 6, "images are complex64 of shape (6, 4, 4)."),
        (torch.zeros(6, 4, 4).to(torch.float8_e5m2), [0] * 6, "images are float8_e5m2 of shape (6, 4, 4)."),
        (torch.zeros(6, 4, 4).to_sparse(), [0] * 6, "images are sparse_coo of shape (6, 4, 4)."),
        (torch.full((6, 4, 4), 300, dtype=torch.uint16), [0] * 6, "images are int64 and run from 300 to 300."),
        (PIXELS, ["a", "b"] * 3, "labels are no array of numbers.\nThere is one whole number"),
        (PIXELS, [[0], [0, 1]] * 3, "labels are no array of numbers."),
        (PIXELS, [1j] * 6, "labels are torch.complex128, (6,), for 6 images."),
        (PIXELS, [0] * 5, "labels are torch.int64, (5,), for 6 images.\nThere is one whole number"),
        (PIXELS, [0.5] * 6, "labels are torch.float64, (6,), for 6 images."),
        (PIXELS, [[0]] * 6, "labels are torch.int64, (6, 1), for 6 images."),
        (PIXELS, [0, 1, 2, 3, 4, -1], "labels run from -1 to 4, and there are 5 classes."),
    ],
)
def test_what_is_not_meant_is_refused(images: Any, labels: Any, text: str) -> None:
    with pytest.raises(DataError) as caught:
        from_arrays(images, labels)
    assert str(caught.value).startswith(text)


def test_every_type_of_values_gives_the_same_bytes() -> None:
    own = from_arrays(PIXELS, [0] * 6).images
    for given in (
        PIXELS / 255,
        (PIXELS / 255).astype(np.float16),
        PIXELS.astype(">f4") / 255,
        torch.from_numpy(PIXELS) / 255,
        PIXELS.astype(np.int64),
        PIXELS.astype(np.uint16),
        torch.from_numpy(PIXELS.astype(np.uint16)),
        [torch.from_numpy(each) for each in PIXELS],
        list((torch.from_numpy(PIXELS) / 255).requires_grad_()),
    ):
        assert torch.equal(pixels_of(given), own), type(given)
    assert torch.equal(pixels_of(PIXELS / 10 - 5, span=(-5, 20.5)), own)
    assert torch.equal(pixels_of(PIXELS > 100), (own > 100) * torch.tensor(255, dtype=torch.uint8))


def test_a_layout_says_where_the_channels_are() -> None:
    open_ = PIXELS[:, :3, :3]  # (6, 3, 3, 3)
    assert torch.equal(pixels_of(open_, layout="NHWC"), torch.from_numpy(open_.copy()).permute(0, 3, 1, 2))
    assert torch.equal(pixels_of(open_, layout="NCHW"), torch.from_numpy(open_.copy()))
    with pytest.raises(DataError, match=r"of shape \(6, 5, 7, 3\), with layout 'NCHW'"):
        pixels_of(PIXELS, layout="NCHW")
    with pytest.raises(DataError, match="layout is 'NCWH'"):
        pixels_of(PIXELS, layout="NCWH")  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("span", [(1, 0), (0, 0), (0, float("nan")), 16, ("a", "b"), (1, 2, 3)])
def test_a_span_is_two_ascending_numbers(span: Any) -> None:
    with pytest.raises(DataError, match="span is "):
        pixels_of(PIXELS, span=span)


def test_values_beyond_a_span_are_refused() -> None:
    with pytest.raises(DataError, match="They must lie within the span of 0 to 16.\nCut them off"):
        pixels_of(PIXELS, span=(0, 16))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("span", [(-0.1, 1.1), (0.1, 0.7), (0.3, 1.9)])
def test_a_span_holds_its_ends_in_the_values_own_precision(dtype: type, span: tuple[float, float]) -> None:
    assert pixels_of(np.array([[span]], dtype), span=span).flatten().tolist() == [0, 255]


def test_fractions_that_rounding_left_beyond_their_span_are_cut_off() -> None:
    assert pixels_of(np.array([[[-2e-7, 1.0000002]]], np.float32)).flatten().tolist() == [0, 255]
    with pytest.raises(DataError, match=r"run from 0 to 1\.00001"):
        pixels_of(np.array([[[0, 1.00001]]], np.float32))


def test_labels_of_any_order_in_memory() -> None:
    for labels in (np.arange(6)[::-1], np.arange(5, -1, -1).astype(">i4"), torch.arange(5, -1, -1).to(torch.uint16)):
        assert from_arrays(PIXELS, labels).labels.tolist() == [5, 4, 3, 2, 1, 0]


def test_labels_beyond_the_classes_are_refused() -> None:
    with pytest.raises(DataError, match="labels run from 0 to 2, and there are 2 classes"):
        from_arrays(PIXELS, [0, 1, 2, 0, 1, 2], classes=("a", "b"))
