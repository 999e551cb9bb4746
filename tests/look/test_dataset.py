"""What is planted in a data set is found: copies, near copies, leaks, wrong labels, unreadable files; and no more."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image, ImageEnhance

from striate.cli import root
from striate.cli.print.dataset import dataset_lines
from striate.data.thumbnails import Thumbnails, thumbnails
from striate.errors import DataError
from striate.look import suspects
from striate.look.dataset import DataSet, Place, examine
from striate.look.dataset_page import dataset_page
from striate.look.suspects import judge
from striate.look.twins import twins

COLOURS = {"blue": (60, 80, 200), "green": (70, 180, 80), "red": (210, 60, 60)}


def picture(name: str, number: int, *, size: tuple[int, int] = (40, 48)) -> Image.Image:
    """A picture of a class: blobs of other colours on its own."""
    dice = np.random.default_rng([number, *name.encode()])
    blobs = dice.integers(0, 256, (5, 6, 3)) * 0.4 + np.array(COLOURS[name]) * 0.6
    return Image.fromarray(blobs.astype(np.uint8)).resize(size, Image.Resampling.BICUBIC)


@pytest.fixture(scope="module", autouse=True)
def few_steps() -> Iterator[None]:
    """These pictures are learned sooner than photographs are."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(suspects, "LEAST_STEPS", 120)
        yield


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one of each fault, and no other."""
    folder = tmp_path_factory.mktemp("data") / "photos"
    for split, count in (("train", 40), ("test", 9)):
        for name in COLOURS:
            place = folder / split / name
            place.mkdir(parents=True)
            for number in range(count):
                picture(name, number + 1000 * (split == "test")).save(place / f"{number:03}.png")
    train, test = folder / "train", folder / "test"
    picture("red", 3).save(test / "red" / "copy.png")  # an equal leak
    picture("red", 5).resize((60, 72)).save(test / "red" / "larger.jpg", quality=60)  # a near one
    picture("blue", 7).save(train / "blue" / "again.png")  # within a class
    ImageEnhance.Brightness(picture("green", 9)).enhance(0.8).save(train / "red" / "dark.png")  # under another class
    picture("green", 500).save(train / "blue" / "wrong.png")  # a wrong label
    picture("blue", 501, size=(30, 20)).save(train / "blue" / "small.png")
    (train / "green" / "broken.jpg").write_bytes(b"not a picture")
    return folder


@pytest.fixture(scope="module")
def found(photos: Path) -> DataSet:
    return examine(photos)


def named(found: DataSet, numbers: tuple[int, ...]) -> set[str]:
    return {found.place(number).name for number in numbers}


def test_every_copy_is_found_and_nothing_else(found: DataSet) -> None:
    groups = {frozenset(named(found, each.members)): each.equal for each in found.twins}
    assert groups == {
        frozenset({"train/red/003.png", "test/red/copy.png"}): True,
        frozenset({"train/red/005.png", "test/red/larger.jpg"}): False,
        frozenset({"train/blue/007.png", "train/blue/again.png"}): True,
        frozenset({"train/green/009.png", "train/red/dark.png"}): False,
    }
    assert found.leaked == 2
    assert [named(found, each.members) for each in found.conflicts] == [{"train/green/009.png", "train/red/dark.png"}]


def test_a_wrong_label_comes_first(found: DataSet) -> None:
    assert found.judged is not None
    assert found.judged.accuracy > 0.9
    names = [found.place(each.number).name for each in found.suspects]
    assert set(names[:2]) == {"train/blue/wrong.png", "train/red/dark.png"}
    first = found.suspects[names.index("train/blue/wrong.png")]
    assert (found.parts[0].classes[first.label], found.parts[0].classes[first.other]) == ("blue", "green")
    assert first.own < 0.2 < 0.6 < first.likely


def test_sizes_classes_and_unreadable_files_are_told(found: DataSet) -> None:
    assert found.unreadable == [("train/green/broken.jpg", "not an image of a known format")]
    assert found.sizes()[48, 40] == 3 * 49 + 4
    assert found.sizes()[20, 30] == 1
    assert found.counts() == {"blue": [43, 9], "green": [40, 9], "red": [41, 11]}
    assert found.place(len(found.parts[0])) == Place("test", "test/blue/000.png", "blue")
    with pytest.raises(IndexError):
        found.place(len(found.parts[0]) + len(found.parts[1]))


def test_the_command_prints_writes_a_page_and_changes_nothing(photos: Path, tmp_path: Path, monkeypatch) -> None:
    before = {file: file.read_bytes() for file in photos.rglob("*") if file.is_file()}
    monkeypatch.chdir(tmp_path)
    made = CliRunner().invoke(root, ["doctor", "--data", str(photos)], catch_exceptions=False)
    assert made.exit_code == 0
    assert f"{photos}: 124 training and 29 test images, 3 classes" in made.output
    assert "3 sizes, 20 to 72 high and 30 to 60 wide, all in colour," in made.output
    assert "2 images equal to an earlier one, 2 nearly so; 1 group under several classes:" in made.output
    assert "2 test images (6.90%) also in training:" in made.output
    assert "train/red/003.png = test/red/copy.png" in made.output
    assert "train/red/005.png ≈ test/red/larger.jpg" in made.output
    assert "train/blue/wrong.png: green rather than blue?" in made.output
    assert made.output.endswith("page: doctor-photos.html\n")
    page = (tmp_path / "doctor-photos.html").read_text(encoding="utf-8")
    assert page.count("data:image/png;base64,") > 8
    assert "http" not in page
    assert {file: file.read_bytes() for file in photos.rglob("*") if file.is_file()} == before
    quick = CliRunner().invoke(root, ["doctor", "--data", str(photos), "--quick", "--json", "--page", "mine.html"])
    members = json.loads(quick.output)
    assert members["page"] == "mine.html"
    assert members["mislabelled"] == []
    assert members["judge_accuracy"] is None
    assert members["leaked_test_images"] == 2
    assert members["classes"]["red"] == {"train": 41, "test": 11}
    assert "Not judged." in (tmp_path / "mine.html").read_text(encoding="utf-8")


def test_an_equal_copy_with_a_near_one_is_counted_once(tmp_path: Path) -> None:
    for name in ("green", "red"):
        (tmp_path / "train" / name).mkdir(parents=True)
        for number in range(30):
            picture(name, number).save(tmp_path / "train" / name / f"{number}.png")
    picture("red", 4).save(tmp_path / "train" / "red" / "equal.png")
    picture("red", 4).resize((60, 72)).save(tmp_path / "train" / "red" / "near.jpg")
    found = examine(tmp_path, labels=False)
    assert [(len(each.members), each.equal) for each in found.twins] == [(2, True), (3, False)]
    assert found.copies == (1, 1)
    assert "1 image equal to an earlier one, 1 nearly so" in "\n".join(dataset_lines(found))
    picture("red", 4).save(tmp_path / "train" / "green" / "equal.png")
    found = examine(tmp_path, labels=False)
    assert [(len(each.members), each.equal) for each in found.twins] == [(3, True), (4, False)]
    assert [len(each.members) for each in found.conflicts] == [4]
    assert "green/equal.png" in "\n".join(dataset_lines(found))


def test_names_are_escaped_on_the_page(photos: Path, tmp_path: Path) -> None:
    folder = tmp_path / "odd"
    for name in ("<b>x", "y"):
        (folder / name).mkdir(parents=True)
        for number in range(30):
            picture("red", number + 100 * len(name)).save(folder / name / f"<i>{number}.png")
    picture("red", 0 + 100).save(folder / "<b>x" / "copy<script>.png")
    page = dataset_page(examine(folder, labels=False))
    assert "<script>" not in page
    assert "<b>x" not in page
    assert "&lt;b&gt;x" in page


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--data", "nowhere-at-all"], "no source is called 'nowhere-at-all'"),
        (["--quick"], "--quick and --page go with --data."),
        (["--page", "x.html"], "--quick and --page go with --data."),
        (["--data", "mnist", "--page", "none/x.html"], "none/x.html cannot be written: there is no folder none."),
        (["--data", "mnist", "--page", "x.txt"], "x.txt does not end in .html."),
    ],
)
def test_what_cannot_be_checked_is_refused(arguments: list[str], text: str) -> None:
    made = CliRunner().invoke(root, ["doctor", *arguments])
    assert made.exit_code != 0
    assert text in made.output + str(made.exception)


def test_a_folder_without_images_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no folders of images"):
        examine(tmp_path)


def test_of_digits_only_equal_ones_are_looked_for() -> None:
    part = thumbnails("mnist", "test")
    assert (part.folder, part.names[:2], part.sizes[0], part.grey[0]) == (None, ("test 0", "test 1"), (28, 28), True)
    found = twins([part, part])
    assert found.equal_only
    assert len(found.groups) == len(part)
    assert all(each.equal and len(each.members) == 2 for each in found.groups)


def test_pictures_of_one_colour_are_no_copies_of_each_other(tmp_path: Path) -> None:
    for number in range(24):
        row, column = np.random.default_rng(number).integers(0, 56, 2)
        sky = np.full((64, 64, 3), (80, 140, 230), np.uint8)
        sky[row : row + 8, column : column + 8] = 40
        file = tmp_path / ("train", "test")[number % 4 == 3] / ("bird", "plane")[number // 12] / f"{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(sky).save(file)
    found = examine(tmp_path, labels=False)
    assert not found.equal_only
    assert found.leaked == 0


def test_pictures_that_are_all_alike_have_no_twins_but_equal_ones() -> None:
    base = torch.randint(0, 256, (1, 3, 32, 32), dtype=torch.uint8)
    pixels = (base.float() + torch.randn(200, 3, 32, 32)).clamp(0, 255).to(torch.uint8)
    part = Thumbnails(
        "train", None, ("a", "b"), tuple(map(str, range(200))), torch.arange(200) % 2, ((32, 32),) * 200,
        (False,) * 200, tuple(bytes([number]) for number in range(200)), pixels,
    )  # fmt: skip
    found = twins([part])
    assert found.equal_only
    assert found.groups == ()


@pytest.mark.long
def test_planted_wrong_labels_of_digits_are_found() -> None:
    """Of MNIST's 60,000 labels 1,200 are made wrong; nearly all that are listed are of these, and most are listed."""
    part = thumbnails("mnist", "train")
    wrong = random.Random(0).sample(range(len(part)), 1200)
    part.labels[wrong] = (part.labels[wrong] + torch.randint(1, 10, (1200,))) % 10
    judged = judge(part)
    assert judged is not None
    listed = {each.number for each in judged.suspects}
    assert len(listed & set(wrong)) > 0.95 * len(listed)
    assert len(listed & set(wrong)) > 0.8 * 1200


def test_a_set_of_which_no_image_can_be_read_is_reported(tmp_path: Path, monkeypatch) -> None:
    for number, name in enumerate(("cat", "dog")):
        (tmp_path / "train" / name).mkdir(parents=True)
        for each in range(2):
            (tmp_path / "train" / name / f"{each}.heic").write_bytes(bytes([number, each]) * 40)
    monkeypatch.chdir(tmp_path)
    made = CliRunner().invoke(root, ["doctor", "--data", str(tmp_path)], catch_exceptions=False)
    assert made.exit_code == 0, made.output
    assert "of no image: none can be read" in made.output
    assert "4 files: train with --skip-unreadable, or mend them" in made.output
