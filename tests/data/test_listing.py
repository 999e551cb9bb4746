from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from striate.data import load
from striate.data.folder import image_folder
from striate.data.listing import in_test, list_split, natural
from striate.description.labels import is_one_line
from striate.errors import DataError

Paint = Callable[..., Path]


def touch(root: Path, *files: str) -> Path:
    """Listing opens no file, so empty ones will do."""
    for file in files:
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).touch()
    return root


def test_splits_and_classes_by_name(pets: Path):
    found = list_split(pets, "train")
    assert found.classes == ("cat", "dog")
    assert found.files[2:4] == ("train/cat/2.png", "train/dog/0.png")
    assert found.labels == (0, 0, 0, 1, 1)
    assert list_split(pets, "test").files == ("test/cat/0.png", "test/dog/0.png")


def test_classes_and_files_stand_in_natural_order(tmp_path: Path):
    root = touch(tmp_path, *(f"train/{name}/{file}.PNG" for name in ("10", "2", "1") for file in ("a10", "a9")))
    assert list_split(root, "train").classes == ("1", "2", "10")
    assert list_split(root, "train").files[:2] == ("train/1/a9.PNG", "train/1/a10.PNG")


@given(st.lists(st.text(st.sampled_from("a1B2٣é² 0"), min_size=1, max_size=6), max_size=8))
def test_any_names_have_an_order(names: list[str]):
    other_way = names[::-1]
    assert sorted(names, key=natural) == sorted(other_way, key=natural)


def test_hidden_folders_and_files_of_other_kinds_are_skipped(pets: Path):
    touch(
        pets,
        "train/.ipynb_checkpoints/cat.png",
        "train/__pycache__/x.png",
        "train/cat/.DS_Store",
        "train/cat/._0.png",
        "train/cat/notes.txt",
        ".git/x/y.png",
    )
    assert list_split(pets, "train").labels == (0, 0, 0, 1, 1)
    assert list_split(pets, "train").classes == ("cat", "dog")


def test_classes_alone_are_split_by_the_names_of_their_files(tmp_path: Path):
    root = touch(tmp_path, *(f"{name}/{number}.png" for name in ("a", "b") for number in range(60)))
    train, test = list_split(root, "train"), list_split(root, "test")
    assert not set(train.files) & set(test.files)
    assert len(train.files) + len(test.files) == 120
    assert 10 <= len(test.files) <= 30
    assert all(in_test(file) for file in test.files)
    touch(root, "a/new.png", "b/another.png")
    assert set(train.files) <= set(list_split(root, "train").files)
    assert set(test.files) <= set(list_split(root, "test").files)


def test_a_class_may_be_called_train(tmp_path: Path):
    root = touch(tmp_path, *(f"{name}/{number}.jpg" for name in ("train", "bus") for number in range(30)))
    assert list_split(root, "train").classes == ("bus", "train")


def lines(root: Path, split: str = "train") -> list[str]:
    with pytest.raises(DataError) as caught:
        list_split(root, split)
    return str(caught.value).splitlines()


def test_an_empty_folder(tmp_path: Path):
    assert lines(tmp_path) == [
        f"{tmp_path}: holds no folders of images.",
        "A folder of images is train/CLASS/*.png and test/CLASS/*.png, or CLASS/*.png alone.",
        "Name another folder, or use mnist.",
    ]
    touch(tmp_path, "loose.png", ".hidden/a/b.png")
    assert "holds no folders of images" in lines(tmp_path)[0]


def test_one_class_only(tmp_path: Path):
    assert (
        lines(touch(tmp_path / "a", "train/cat/0.png"))[0]
        == f"{tmp_path / 'a' / 'train'}: holds one class only: 'cat'."
    )
    assert lines(touch(tmp_path / "b", "cat/0.png"))[1] == (
        "A classifier needs at least two classes, each a folder of images."
    )


def test_a_class_without_images(pets: Path):
    (pets / "train/emu").mkdir()
    (pets / "test/emu").mkdir()
    assert lines(pets)[0] == f"{pets / 'train'}: class 'emu' has no images."
    touch(pets, "train/emu/0.psd", "train/emu/1.psd")
    assert lines(pets)[1].endswith("; found .psd.")
    assert lines(pets)[2] == "Add images to the folder, or remove it."


def test_images_that_are_not_decoded_here_are_listed_all_the_same(pets: Path):
    touch(pets, "train/cat/9.heic")
    assert "train/cat/9.heic" in list_split(pets, "train").files


def test_a_folder_within_a_class_is_not_passed_over(pets: Path):
    touch(pets, "train/cat/kittens/0.png")
    assert lines(pets) == [
        f"{pets / 'train'}: class 'cat' holds a folder, cat/kittens.",
        "The images of a class lie directly in its folder.",
        "Move them up, or the folder away.",
    ]


@pytest.mark.parametrize("split", ["train", "test"])
def test_splits_of_different_classes(pets: Path, split: str):
    touch(pets, "train/10/0.png", "train/9/0.png", "test/emu/0.png")
    assert lines(pets, split) == [
        f"{pets}: the classes of train and test differ: only in train: 9, 10; only in test: emu.",
        "Both splits have the same classes, matched by the names of their folders.",
        "Rename, add or remove these folders.",
    ]


def test_a_missing_split_says_what_was_looked_for(tmp_path: Path):
    root = touch(tmp_path, "train/cat/0.png", "train/dog/0.png", "val/cat/0.png")
    assert len(list_split(root, "train").files) == 2
    assert lines(root, "test") == [
        f"{root}: no test split.",
        "Looked for test/CLASS/*.png; the folders here are: train, val.",
        "Add the folder test, with one folder of images per class.",
    ]


def test_a_class_whose_images_are_all_drawn_for_the_test(tmp_path: Path):
    drawn = next(f"cat/{number}.png" for number in range(100) if in_test(f"cat/{number}.png"))
    others = [f"dog/{number}.png" for number in range(30)]
    found = lines(touch(tmp_path, drawn, *others))
    assert found[0] == f"{tmp_path}: class 'cat' has 1 image, drawn as a test image."
    assert found[2] == "Add images, or make the folders train and test."


def test_too_few_files_for_a_test_split(tmp_path: Path):
    files = [name for name in ("cat/0.png", "cat/1.png", "dog/0.png", "dog/1.png") if not in_test(name)]
    assert lines(touch(tmp_path, *files), "test")[0] == f"{tmp_path}: no test images among {len(files)} files."


def test_splits_without_classes_are_not_taken_for_classes(tmp_path: Path):
    root = touch(tmp_path, "train/0.png", "train/1.png", "test/0.png")
    assert lines(root) == [
        f"{root}: test, train: no folders of classes within.",
        "A folder of images is train/CLASS/*.png and test/CLASS/*.png, or CLASS/*.png alone.",
        "Put the images of each class into a folder of its own, such as train/cat.",
    ]


LATIN = os.fsdecode("caf\u00e9".encode("latin-1"))
"""A name as another system wrote it: its byte 0xe9 is not UTF-8."""


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (LATIN, r"the name of the class folder caf\udce9 is not UTF-8."),
        ("a\x1b[2J", r"the name of the class folder a\x1b[2J holds a control character."),
        ("a\nb", r"the name of the class folder a\nb holds a control character."),
    ],
)
@pytest.mark.parametrize("split", ["", "train/", "test/"])
def test_a_class_folder_whose_name_is_no_text(pets: Path, tmp_path: Path, name: str, text: str, split: str):
    root = pets if split else touch(tmp_path / "flat", "cat/0.png", "dog/0.png")
    touch(root, f"{split}{name}/0.png")
    with pytest.raises(DataError) as caught:
        list_split(root, "train")
    assert str(caught.value).splitlines() == [
        f"{root / split}: {text}",
        "A class bears its folder's name, which must be text.",
        "Rename the folder, in train and in test.",
    ]


def test_files_whose_names_are_not_utf_8_are_read_and_shown_in_ascii(pets: Path, paint: Paint):
    paint(pets / f"train/cat/{LATIN}.png", level=13)
    (pets / f"train/dog/{LATIN}.png").write_bytes(b"")
    with pytest.raises(DataError, match=r"\n  train/dog/caf\\udce9.png: empty \(0 bytes\)\n"):
        image_folder(pets, "train")
    for _ in range(2):  # decoded, and again from the cache
        images = image_folder(pets, "train", skip_unreadable=True)
        assert r"train/cat/caf\udce9.png" in images.names
        assert images.images[:, 0, 0, 0].tolist() == [10, 11, 12, 13, 20, 21]
        assert images.unreadable == ((r"train/dog/caf\udce9.png", "empty (0 bytes)"),)


_NAMES = st.one_of(
    st.binary(min_size=1, max_size=6).map(os.fsdecode),
    st.sampled_from(["cat", "dog", "train", "test", ".x", "__pycache__", "0.png", "1.PNG", "x.txt", LATIN]),
)


@given(st.lists(st.lists(_NAMES, min_size=1, max_size=4), max_size=6), st.sampled_from(["train", "test"]))
@settings(
    max_examples=80,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_no_tree_of_files_makes_it_stumble(tmp_path: Path, paint: Paint, trees: list[list[str]], split: str):
    """Whatever a folder holds: images with names that can be written as UTF-8, or an error that can."""
    root = tmp_path / "tree"
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir()
    image = paint(tmp_path / "one.png", size=(2, 2)).read_bytes()
    for parts in trees:
        with contextlib.suppress(OSError, ValueError):
            path = root.joinpath(*(part.replace("/", "_") for part in parts))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(image)
    texts: list[str] = []
    try:
        found = load(str(root), split)
        texts += [*found.classes, *found.names]
    except DataError as error:
        texts += str(error).splitlines()
    assert texts
    for text in texts:
        assert is_one_line(text)
