from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from striate.data.source import load
from striate.errors import DataError, UnknownNameError

Paint = Callable[..., Path]


def test_a_name_that_is_no_source_answers_with_the_nearest():
    with pytest.raises(UnknownNameError) as caught:
        load("MNSIT")
    assert str(caught.value).splitlines() == [
        "no source is called 'MNSIT'.",
        "The sources are: mnist, mnist-lines.",
        "Did you mean 'mnist'? A folder may be given too: of images, train/CLASS/*.png or CLASS/*.png, or of IDX, "
        "CIFAR's or tar files.",
    ]
    with pytest.raises(UnknownNameError, match="A folder may be given too"):
        load("imagenet")


def test_a_folder_that_is_not_there(tmp_path: Path):
    for source in (tmp_path / "none", str(tmp_path / "none"), "./none"):
        with pytest.raises(DataError, match="none: no such folder.\nA folder may be given too"):
            load(source)
    file = tmp_path / "photo.png"
    file.write_bytes(b"x")
    with pytest.raises(DataError, match="photo.png: is a file"):
        load(file)
    with pytest.raises(DataError, match="the source has no name"):
        load("")


def test_only_two_splits():
    with pytest.raises(DataError, match="split is 'validation'.\nA source has two splits: train and test.\n.*hold_out"):
        load("mnist", "validation")


@pytest.mark.parametrize("resize", [(0, 4), (4,), (4.0, 4), (True, 4)])
def test_resize_is_two_whole_numbers(resize):
    with pytest.raises(DataError, match=r"It must be \(height, width\)"):
        load("mnist", "test", resize=resize)


@pytest.mark.parametrize("resize", [(999_999, 999_999), (65_537, 1), (1, 10**15), (10_000, 5_001)])
@pytest.mark.parametrize("source", ["mnist", "a folder that is not even there"])
def test_a_size_beyond_all_images_is_refused_before_any_is_read(resize: tuple[int, int], source: str):
    with pytest.raises(DataError) as caught:
        load(source, "test", resize=resize)
    assert str(caught.value).splitlines() == [
        f"resize is {resize[0]} × {resize[1]}.",
        "Neither side is more than 65,536 pixels, and both together no more than 50,000,000.",
        "Give the size that the network takes, such as 32x32.",
    ]


def test_mnist_resized():
    images = load("mnist", "test", resize=(14, 20))
    assert images.images.shape == (10_000, 1, 14, 20)
    assert images.form == "digits"


def test_a_folder_by_a_relative_path_has_an_absolute_source(pets: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(pets.parent)
    assert load("pets").source == str(pets)
    assert load("pets", resize=(3, 4)).images.shape == (5, 3, 3, 4)


def test_loading_train_opens_no_test_file(pets: Path):
    for file in (pets / "test").glob("*/*.png"):
        file.write_bytes(b"poison")
    assert len(load(pets)) == 5
    with pytest.raises(DataError, match="2 of 2 files cannot be read"):
        load(pets, "test")
    for file in (pets / "test").glob("*/*.png"):
        file.unlink()
    assert load(pets).images[:, 0, 0, 0].tolist() == [10, 11, 12, 20, 21]


def test_skipping_is_passed_on(pets: Path):
    (pets / "train/cat/1.png").write_bytes(b"")
    assert load(pets, skip_unreadable=True).unreadable == (("train/cat/1.png", "empty (0 bytes)"),)


@pytest.mark.parametrize("source", ["~nobody-of-this-name/x", f"./{'x' * 400}", "a\0/b"])
def test_a_path_that_cannot_be_is_no_folder(source: str):
    with pytest.raises(DataError, match="no such folder"):
        load(source)
