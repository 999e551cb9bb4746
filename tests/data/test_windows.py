"""Windows on lines: what they show, what they are called, and what they are made of."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from striate.data import hold_out, load
from striate.data import windows as made
from striate.data.mnist import mnist
from striate.data.strips import Letters


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    """Some thousand windows in a cache of their own."""
    monkeypatch.setattr(made, "COUNTS", {"train": 3000, "validation": 600, "test": 600})
    monkeypatch.setenv("STRIATE_CACHE", str(tmp_path))


def test_a_set_of_eleven_classes() -> None:
    images = load("mnist-lines")
    assert images.classes == (*"0123456789", "blank")
    assert (tuple(images.images.shape), images.form, images.source) == ((3600, 1, 32, 32), "line", "mnist-lines")
    shares = torch.bincount(images.labels, minlength=11) / len(images)
    assert 0.18 < shares[made.BLANK] < 0.33
    assert (shares[:10] > 0.05).all()
    train, validation = hold_out(images, fraction=0.5)
    assert (len(train), len(validation)) == (3000, 600)


def test_the_same_every_time_and_kept_in_the_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    first = load("mnist-lines", "test")
    monkeypatch.setattr(made, "_drawn", None)
    again = load("mnist-lines", "test")
    assert first.fingerprint() == again.fingerprint()
    assert first.held is None


def test_other_numbers_are_another_set(monkeypatch: pytest.MonkeyPatch) -> None:
    first = load("mnist-lines", "test")
    monkeypatch.setattr(made, "NOISE", 0.2)
    assert load("mnist-lines", "test").fingerprint() != first.fingerprint()


def test_only_the_files_of_a_split_are_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(made, "mnist", lambda split: asked.append(split) or mnist(split))
    load("mnist-lines")
    assert asked == ["train"]
    load("mnist-lines", "test")
    assert asked == ["train", "test"]


def test_a_window_is_called_by_the_digit_in_its_middle() -> None:
    """Worked out anew from where each digit stands: the label is the one digit that is near, or blank."""
    letters = Letters.of(hold_out(mnist("train"))[0])
    layout = made._laid_out(letters, 2000, np.random.default_rng(0))
    for number in range(2000):
        kept = np.flatnonzero(layout.kept[number])
        widths = letters.widths[layout.digits[number]]
        starts = np.concatenate([[0], np.cumsum(widths[:-1] + layout.gaps[number])])
        middles = starts + widths / 2
        distances = np.abs(middles - middles[made.FLANKS] - layout.places[number])[kept]
        own = letters.labels[layout.digits[number, kept]]
        if layout.labels[number] == made.BLANK:
            assert distances[np.searchsorted(kept, made.FLANKS)] >= made.NEAR - 1e-9
            assert np.abs(distances).min() >= min(made.NEAR, distances.min() + 1e-9)
        else:
            assert distances[np.searchsorted(kept, made.FLANKS)] <= made.NEAR
            assert layout.labels[number] == own[np.searchsorted(kept, made.FLANKS)]


def test_windows_look_like_their_digits() -> None:
    """The middle of a class's mean window is most like the mean of that digit; the mean blank is like none of them."""
    images, digits = load("mnist-lines"), mnist("train")
    wanted = [digits.images[digits.labels == label, 0].float().mean(0)[:, 8:20].flatten() for label in range(10)]
    found = [images.images[images.labels == label, 0, 2:30, 10:22].float().mean(0).flatten() for label in range(11)]
    likeness = torch.corrcoef(torch.stack([*found, *wanted]))[:11, 11:]
    assert likeness[:10].argmax(1).tolist() == list(range(10))
    assert likeness[made.BLANK].max() < likeness[:10].amax(1).min()


def test_some_windows_have_noise() -> None:
    images = load("mnist-lines").images[:, 0]
    corner = (images[:, :3] > 127).float().mean((1, 2))
    assert 0.15 < (corner > 0.04).float().mean() < 0.35
