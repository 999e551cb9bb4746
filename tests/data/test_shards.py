"""Tar files of images in WebDataset's format: the same images as in a folder; what is no shard is refused."""

from __future__ import annotations

import io
import random
import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from striate.data import load
from striate.data.thumbnails import thumbnails
from striate.errors import DataError, MissingSplitError
from striate.look.dataset import examine
from striate.networks.adapt import adapted
from striate.train import Recipe, open_run, session
from striate.train.evaluation import evaluate
from tests.support.networks import TINY

CLASSES = ("bird", "cat", "dog")


def picture(number: int) -> bytes:
    pixels = np.random.default_rng(number).integers(0, 256, (28, 28), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def shard(file: Path, members: dict[str, bytes]) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(file, "w") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return file


def samples(numbers: range, *, words: bool = False) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for number in numbers:
        label = number % len(CLASSES)
        found[f"photos/{number:05}.png"] = picture(number)
        found[f"photos/{number:05}.cls"] = (CLASSES[label] if words else str(label)).encode()
        found[f"photos/{number:05}.json"] = b'{"more": 1}'
    return found


@pytest.fixture
def shards(tmp_path: Path) -> Path:
    folder = tmp_path / "shards"
    shard(folder / "photos-train-000.tar", samples(range(30)))
    shard(folder / "photos-train-001.tar", samples(range(30, 51)))
    shard(folder / "photos-test-000.tar", samples(range(60, 72)))
    (folder / "classes.txt").write_text("\n".join(CLASSES) + "\n")
    return folder


def test_they_hold_the_images_of_both_splits_in_their_order(shards: Path) -> None:
    train, test = load(shards), load(shards, "test")
    assert (len(train), len(test), train.classes) == (51, 12, CLASSES)
    assert train.names[:2] == ("photos-train-000.tar/photos/00000", "photos-train-000.tar/photos/00001")
    assert train.labels.tolist() == [number % 3 for number in range(51)]
    for images, first in ((train, 0), (test, 60)):
        for at in (0, len(images) - 1):
            number = first + at
            wanted = np.random.default_rng(number).integers(0, 256, (28, 28), dtype=np.uint8)
            assert np.array_equal(images.images[at, 0].numpy(), wanted)
    again = load(shards)  # from the cache
    assert torch.equal(again.images, train.images)


def test_labels_may_be_words_and_then_no_file_names_them(tmp_path: Path) -> None:
    folder = tmp_path / "words"
    shard(folder / "a-training.tar", samples(range(12), words=True))
    shard(folder / "a-val.tar", samples(range(12, 18), words=True))
    assert load(folder).classes == CLASSES
    assert load(folder, "test").labels.tolist() == [0, 1, 2, 0, 1, 2]  # those for validation stand for the test


def test_without_a_word_for_the_split_images_are_drawn_by_name(tmp_path: Path) -> None:
    folder = tmp_path / "plain"
    shard(folder / "000.tar", samples(range(60)))
    train, test = load(folder), load(folder, "test")
    assert len(train) + len(test) == 60
    assert 3 <= len(test) <= 20
    assert not set(train.names) & set(test.names)


@pytest.mark.parametrize(
    ("names", "labels", "wanted"),
    [
        ("1\n2\n3", "012", [0, 1, 2]),  # of lines, although two are names as well
        ("1\n2\n3", "123", [0, 1, 2]),
        ("01\n02\n03", ["01", "02", "03"], [0, 1, 2]),
        ("3\n2\n1", "321", [0, 1, 2]),
        ("2\n1\n0", "012", "may be a name or a line"),
        ("1\n01\n3", "013", "names a class twice: two numbers differ only in zeros"),
    ],
)
def test_classes_may_have_numbers_as_names(tmp_path: Path, names: str, labels: str, wanted: list[int] | str) -> None:
    members: dict[str, bytes] = {}
    for number, label in enumerate(labels):
        members |= {f"{number}.png": picture(number), f"{number}.cls": label.encode()}
    shard(tmp_path / "numbers" / "train.tar", members)
    (tmp_path / "numbers" / "classes.txt").write_text(names)
    if isinstance(wanted, list):
        assert load(tmp_path / "numbers").labels.tolist() == wanted
    else:
        with pytest.raises(DataError, match=wanted):
            load(tmp_path / "numbers")


def test_a_picture_beside_the_image_of_its_key_is_no_image(shards: Path) -> None:
    shard(
        shards / "photos-train-002.tar",
        {"x.seg.png": picture(1), "x.png": picture(2), "x.cls": b"1", "y.seg.png": picture(3)},
    )
    assert len(load(shards)) == 52


def test_names_of_classes_as_an_editor_saves_them(shards: Path) -> None:
    (shards / "classes.txt").write_text("\ufeffbird\r\ncat\r\ndog\r\n\r\n", encoding="utf-8")
    assert load(shards).classes == CLASSES
    (shards / "classes.txt").write_text("bird\n\ncat\ndog")
    with pytest.raises(DataError, match="or has an empty line"):
        load(shards)


def test_a_class_that_only_test_images_have_is_refused(shards: Path) -> None:
    shard(shards / "photos-test-001.tar", {"9.png": picture(9), "9.cls": b"3"})
    (shards / "classes.txt").write_text("bird\ncat\ndog\nemu\nfox\n")
    for split in ("train", "test"):
        with pytest.raises(DataError, match="class 'emu' has test images and no training images"):
            load(shards, split)


def test_a_network_is_trained_on_them_and_the_doctor_looks_at_them(shards: Path, tmp_path: Path) -> None:
    recipe = Recipe(epochs=1, batch=10)
    network, images = adapted(TINY, CLASSES), session.Images(str(shards))
    run, split = session.prepare(network, images, recipe, folder=tmp_path / "run", device="cpu", threads=1)
    list(session.start(run, split))
    again = open_run(tmp_path / "run")
    assert len(session.reload(again).train) == len(split.train)
    assert len(evaluate(again)[0].labels) == 12
    found = examine(shards, labels=False)
    assert (len(found.parts[0]), found.leaked, found.unreadable) == (51, 0, [])
    assert thumbnails(shards, "test").picture(0, side=20).size == (32, 32)


def test_an_image_that_cannot_be_read_is_named_or_skipped(shards: Path) -> None:
    shard(shards / "photos-train-002.tar", {"x.jpg": b"junk", "x.cls": b"1"})
    with pytest.raises(DataError, match="photos-train-002.tar/x: not an image of a known format"):
        load(shards)
    skipped = load(shards, skip_unreadable=True)
    assert skipped.unreadable == (("photos-train-002.tar/x", "not an image of a known format"),)
    assert len(skipped) == 51


def test_an_image_of_a_format_that_is_not_decoded_is_named_and_not_ignored(shards: Path) -> None:
    shard(shards / "photos-train-002.tar", {"x.HEIC": b"a photograph", "x.cls": b"0"})
    with pytest.raises(DataError, match="1 of 52 files cannot be read as images:\n  photos-train-002.tar/x: "):
        load(shards)
    assert len(load(shards, skip_unreadable=True)) == 51


@pytest.mark.parametrize(
    ("members", "text"),
    [
        ({"a.png": b"x"}, "a has an image and no .cls (1 of 1 images)."),
        ({"a.png": b"x", "a.jpg": b"y", "a.cls": b"1"}, "a has two images."),
        ({"a.png": b"x", "a.cls": b""}, "a.cls holds no class."),
        ({"a.png": b"x", "a.cls": b"\xff"}, "a.cls holds no class."),
        ({"a.png": b"x", "a.cls": b"1\n2"}, "a.cls holds no class."),
        ({"a.png": b"x", "a.cls": b"1" * 2000}, "a.cls holds no class."),
        ({"a.png": b"x", "a.cls": b"3"}, "a .cls says 3, and classes.txt names 3 classes."),
        ({"a.png": b"x", "a.cls": "²".encode()}, "a .cls says ², and classes.txt names 3 classes."),
        ({"a.png": b"x", "a.cls": b"9" * 900}, "a .cls says 999"),
        ({"a.png": b"x", "a.cls": b"cow"}, "a .cls says cow, and classes.txt names 3 classes."),
        (
            {"at 10.12.png": b"x", "at 10.12.cls": b"1"},
            "at 10.12 has a dot in its KEY, which ends at the first one (1 ",
        ),
    ],
)
def test_what_is_no_sample_is_refused(shards: Path, members: dict[str, bytes], text: str) -> None:
    shard(shards / "photos-train-002.tar", members)
    with pytest.raises(DataError) as caught:
        load(shards)
    assert text in str(caught.value)
    assert "whole tar file" not in str(caught.value)


def test_what_is_no_shard_is_refused(shards: Path) -> None:
    shard(shards / "odd.tar", samples(range(3)))
    with pytest.raises(DataError, match=r"the name of odd\.tar says no split"):
        load(shards)
    (shards / "odd.tar").rename(shards / "train-9.tar.gz")
    with pytest.raises(DataError, match=r"train-9\.tar\.gz: is compressed"):
        load(shards)
    (shards / "train-9.tar.gz").unlink()
    (shards / "photos-test-000.tar").unlink()
    with pytest.raises(MissingSplitError, match="no test shards"):
        load(shards, "test")
    (shards / "classes.txt").write_text("a\na\n")
    with pytest.raises(DataError, match="names a class twice"):
        load(shards)


def test_links_and_devices_in_a_tar_file_are_passed_over(shards: Path) -> None:
    file = shards / "photos-train-002.tar"
    with tarfile.open(file, "w") as tar:
        for name, kind in (("a.png", tarfile.SYMTYPE), ("b.png", tarfile.LNKTYPE), ("c.png", tarfile.CHRTYPE)):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            tar.addfile(info)
    assert len(load(shards)) == 51


def test_damaged_tar_files_end_in_one_error(shards: Path) -> None:
    whole = (shards / "photos-train-000.tar").read_bytes()
    dice = random.Random(0)
    refused: list[str] = []
    for _ in range(60):
        content = bytearray(whole[: dice.randrange(len(whole))] if dice.random() < 0.5 else whole)
        for _ in range(dice.randrange(4)):
            if content:
                content[dice.randrange(len(content))] = dice.randrange(256)
        (shards / "photos-train-000.tar").write_bytes(content)
        try:
            load(shards, skip_unreadable=True)
        except DataError as error:
            refused.append(str(error))
    assert len(refused) > 10
    assert all(str(shards) in each for each in refused)


def test_a_tar_file_beside_folders_of_images_is_what_they_came_in(tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        (tmp_path / "pets/train" / name).mkdir(parents=True)
        for number in range(2):
            (tmp_path / "pets/train" / name / f"{number}.png").write_bytes(picture(number))
    (tmp_path / "pets/pets.tar.gz").write_bytes(b"the download")
    shard(tmp_path / "pets/more.tar", samples(range(3)))
    assert load(tmp_path / "pets").classes == ("cat", "dog")
