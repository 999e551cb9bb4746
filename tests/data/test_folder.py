from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from striate import Flatten, Linear, Network
from striate.data import Preprocessing, load, read_image
from striate.data.folder import image_folder
from striate.errors import DataError
from striate.train import Recipe, session

Paint = Callable[..., Path]


def test_images_labels_names_and_classes(pets: Path):
    train = image_folder(pets, "train")
    assert train.images.shape == (5, 3, 6, 8)
    assert train.images[:, 0, 0, 0].tolist() == [10, 11, 12, 20, 21]
    assert train.labels.tolist() == [0, 0, 0, 1, 1]
    assert train.names[0] == "train/cat/0.png"
    assert (train.classes, train.source, train.split, train.form) == (("cat", "dog"), str(pets), "train", "picture")
    assert image_folder(pets, "test").images[:, 2, 5, 7].tolist() == [30, 40]


def test_grey_files_have_one_channel_and_a_mixture_three(tmp_path: Path, paint: Paint):
    for name in ("a", "b"):
        paint(tmp_path / "train" / name / "0.png", mode="L", level=7)
    assert image_folder(tmp_path, "train").images.shape == (2, 1, 6, 8)
    paint(tmp_path / "train/a/1.png", mode="RGBA", level=0)
    mixed = image_folder(tmp_path, "train")
    assert mixed.images.shape == (3, 3, 6, 8)
    assert mixed.images[:, :, 0, 0].tolist() == [[7] * 3, [255] * 3, [7] * 3]


def test_an_unreadable_grey_or_coloured_file_does_not_decide_the_channels(tmp_path: Path, paint: Paint):
    for name in ("a", "b"):
        paint(tmp_path / "train" / name / "0.png", mode="L")
    (tmp_path / "train/a/1.png").write_bytes(b"no image")
    assert image_folder(tmp_path, "train", skip_unreadable=True).images.shape == (2, 1, 6, 8)


def test_different_sizes_are_told_with_counts_and_examples(pets: Path, paint: Paint):
    paint(pets / "train/dog/9.png", size=(4, 8))
    paint(pets / "train/dog/10.png", size=(4, 8))
    with pytest.raises(DataError) as caught:
        image_folder(pets, "train")
    assert str(caught.value).splitlines() == [
        f"{pets}: images of 2 sizes (height × width):",
        "  6 × 8: 5 images, such as train/cat/0.png",
        "  4 × 8: 2 images, such as train/dog/9.png",
        "A network takes images of one size.",
        "Bring them to one size: striate train --resize 6x8 does, the size of most.",
    ]


def test_the_size_that_is_proposed_is_the_networks(pets: Path, paint: Paint):
    paint(pets / "train/dog/9.png", size=(4, 8))
    for read in (image_folder, load):
        with pytest.raises(DataError, match="striate train --resize 32x30 does, the network's size; --fit"):
            read(pets, "train", wanted=(32, 30))
    network = Network("two", (3, 20, 24), [Flatten(), Linear(2)])
    with pytest.raises(DataError, match="striate train --resize 20x24 does, the network's size; --fit"):
        session.prepare(network, session.Images(str(pets)), Recipe(), folder=pets / "run")


def test_many_sizes_are_cut_short(tmp_path: Path, paint: Paint):
    for side in range(1, 14):
        paint(tmp_path / "train" / ("a" if side % 2 else "b") / f"{side}.png", size=(side, 3))
    with pytest.raises(DataError, match=r"images of 13 sizes(?s:.*)\n  and 3 sizes more\n"):
        image_folder(tmp_path, "train")


def test_resize_brings_all_to_one_size_as_pillow_does(pets: Path):
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 30, 3), dtype=np.uint8))
    noise.save(pets / "train/dog/1.png")
    images = image_folder(pets, "train", resize=(10, 12)).images
    assert images.shape == (5, 3, 10, 12)
    expected = np.asarray(noise.resize((12, 10), Image.Resampling.BILINEAR))
    assert np.array_equal(images[4].permute(1, 2, 0).numpy(), expected)


def spoil(pets: Path) -> list[str]:
    """Twelve files that are no images, among the cats."""
    for number in range(10, 21):
        (pets / f"train/cat/{number}.png").write_bytes(b"")
    whole = (pets / "train/cat/0.png").read_bytes()
    (pets / "train/cat/0.png").write_bytes(whole[: len(whole) - 30])
    return [f"train/cat/{number}.png" for number in (0, *range(10, 21))]


def test_unreadable_files_are_listed_with_their_reasons(pets: Path):
    bad = spoil(pets)
    for _ in range(2):  # decoded, and again with whatever was kept
        with pytest.raises(DataError) as caught:
            image_folder(pets, "train")
        found = str(caught.value).splitlines()
        assert found[0] == f"{pets}: 12 of 16 files cannot be read as images:"
        assert found[1].startswith(f"  {bad[0]}: cut short")
        assert found[2:11] == [f"  {file}: empty (0 bytes)" for file in bad[1:10]]
        assert found[11:] == [
            "  and 2 more",
            "Every file of a class is a whole image.",
            "Repair or remove them, or pass --skip-unreadable.",
        ]


def test_skipped_files_are_in_the_result(pets: Path):
    bad = spoil(pets)
    for _ in range(2):
        images = image_folder(pets, "train", skip_unreadable=True)
        assert [file for file, _ in images.unreadable] == bad
        assert images.images[:, 0, 0, 0].tolist() == [11, 12, 20, 21]
        assert images.names == ("train/cat/1.png", "train/cat/2.png", "train/dog/0.png", "train/dog/1.png")
        assert images.labels.tolist() == [0, 0, 1, 1]


def test_a_class_that_loses_all_its_images_is_an_error_even_when_skipping(pets: Path):
    for number in (0, 1):
        (pets / f"train/dog/{number}.png").write_bytes(b"")
    with pytest.raises(DataError, match="class 'dog' has no image that can be read"):
        image_folder(pets, "train", skip_unreadable=True)


def test_nothing_readable_at_all(pets: Path):
    for file in (pets / "test").glob("*/*"):
        file.write_bytes(b"")
    with pytest.raises(DataError, match="2 of 2 files cannot be read"):
        image_folder(pets, "test", skip_unreadable=True)


def test_a_crop_takes_images_of_different_sizes(pets: Path, paint: Paint):
    paint(pets / "train/cat/wide.png", size=(20, 50), level=90)
    crop = Preprocessing((3, 6, 6), "crop", low=0, high=1, form="picture", shorter=7)
    found = load(pets, "train", way=crop)
    assert found.fitted
    assert found.images.shape == (6, 3, 6, 6)
    for name, image in zip(found.names, found.images, strict=True):
        assert torch.equal(image, read_image(pets / name, crop)[0][0])
    assert torch.equal(load(pets, "train", way=crop).images, found.images)  # from the cache
    other = replace(crop, shorter=6, shape=(1, 6, 6))
    assert load(pets, "train", way=other).images.shape == (6, 1, 6, 6)
    resize = load(pets, "train", way=crop, resize=(6, 8))
    assert (resize.images.shape, resize.fitted) == ((6, 3, 6, 8), False)
