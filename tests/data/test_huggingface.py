"""Data sets that Hugging Face's library saved: the same images, classes and splits; what is unclear is refused."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from striate.data import load
from striate.errors import DataError, MissingSplitError, RequirementError
from striate.look.dataset import examine

datasets: Any = pytest.importorskip("datasets", reason="the extra huggingface is not installed")
pyarrow: Any = pytest.importorskip("pyarrow", reason="the extra huggingface is not installed")


def picture(number: int) -> bytes:
    out = io.BytesIO()
    Image.fromarray(np.random.default_rng(number).integers(0, 256, (12, 10, 3), dtype=np.uint8)).save(out, "PNG")
    return out.getvalue()


def split(numbers: range, labels: Any = None, **columns: list[Any]) -> Any:
    labels = labels or datasets.ClassLabel(names=["cat", "dog"])
    words = isinstance(labels, datasets.Value)
    found = [("dog" if number % 2 else "cat") if words else number % 2 for number in numbers]
    rows = {"picture": [{"bytes": picture(number), "path": None} for number in numbers], "label": found, **columns}
    features = {"picture": datasets.Image(), "label": labels}
    features |= {name: datasets.Value("string") for name in columns}
    return datasets.Dataset.from_dict(rows, features=datasets.Features(features))


def saved(folder: Path, **parts: Any) -> Path:
    datasets.DatasetDict(parts).save_to_disk(str(folder))
    return folder


def test_both_splits_are_read_with_their_classes(tmp_path: Path) -> None:
    folder = saved(
        tmp_path / "pets", train=split(range(20), note=["x"] * 20), test=split(range(50, 56), note=["y"] * 6)
    )
    for name, first, count in (("train", 0, 20), ("test", 50, 6)):
        images = load(folder, name)
        assert (len(images), images.classes) == (count, ("cat", "dog"))
        assert images.names[0] == f"{name} 0"
        for at in range(count):
            wanted = np.random.default_rng(first + at).integers(0, 256, (12, 10, 3), dtype=np.uint8)
            assert np.array_equal(images.images[at].permute(1, 2, 0).numpy(), wanted)
            assert int(images.labels[at]) == (first + at) % 2
    found = examine(folder, labels=False)
    assert (len(found.parts[0]), len(found.parts[1]), found.leaked) == (20, 6, 0)


def test_labels_may_be_words_and_validation_stands_for_test(tmp_path: Path) -> None:
    words = datasets.Value("string")
    folder = saved(tmp_path / "words", train=split(range(8), words), validation=split(range(8, 12), words))
    assert load(folder).classes == ("cat", "dog")
    assert load(folder, "test").labels.tolist() == [0, 1, 0, 1]


def test_a_class_without_training_images_is_refused(tmp_path: Path) -> None:
    words = datasets.Value("string")
    for labels in (None, words):
        folder = saved(tmp_path / f"{labels}", train=split(range(0, 8, 2), labels), test=split(range(8, 12), labels))
        for part in ("train", "test"):
            with pytest.raises(DataError, match="class 'dog' has test images and no training images"):
                load(folder, part)
    train = datasets.ClassLabel(names=["ant", "cat", "dog"])  # the same animals, numbered in another order
    test = datasets.ClassLabel(names=["cat", "ant", "dog"])
    rows = split(range(8)).cast_column("label", datasets.Value("int64"))
    one = rows.map(lambda row: {"label": 2 * row["label"]}).cast_column("label", train)  # ants and dogs
    two = rows.map(lambda row: {"label": 1 + row["label"]}).cast_column("label", test)  # ants and dogs, too
    orders = saved(tmp_path / "orders", train=one, test=two)
    assert load(orders).classes == ("ant", "cat", "dog")
    assert examine(orders, labels=False).counts() == {"ant": [4, 4], "cat": [0, 0], "dog": [4, 4]}
    unlabelled = split(range(8, 12)).map(lambda _: {"label": -1})
    folder = saved(tmp_path / "unlabelled", train=split(range(8)), test=unlabelled)
    assert load(folder).classes == ("cat", "dog")
    with pytest.raises(DataError, match="a label that is none of its 2 classes"):
        load(folder, "test")
    unlabelled = split(range(8, 12), words).map(lambda _: {"label": None})
    assert load(saved(tmp_path / "none", train=split(range(8), words), test=unlabelled)).classes == ("cat", "dog")


def test_one_split_is_divided(tmp_path: Path) -> None:
    split(range(60)).save_to_disk(str(tmp_path / "one"))
    train, test = load(tmp_path / "one"), load(tmp_path / "one", "test")
    assert len(train) + len(test) == 60
    assert 3 <= len(test) <= 20
    assert not set(train.names) & set(test.names)
    number = int(test.names[0].split()[1])
    wanted = np.random.default_rng(number).integers(0, 256, (12, 10, 3), dtype=np.uint8)
    assert np.array_equal(test.images[0].permute(1, 2, 0).numpy(), wanted)


def test_a_format_that_was_saved_along_changes_nothing(tmp_path: Path) -> None:
    folder = saved(tmp_path / "arrow", train=split(range(6)).with_format("arrow"))
    assert load(folder).labels.tolist() == [0, 1] * 3


def test_a_file_outside_of_the_data_set_is_not_read(tmp_path: Path) -> None:
    """A row may have a path in place of bytes."""
    (tmp_path / "secret.png").write_bytes(picture(0))
    folder = saved(tmp_path / "pets", train=split(range(6)))
    file = next(folder.rglob("*.arrow"))
    with pyarrow.ipc.open_stream(file) as stream:
        kept = stream.read_all()
    kind = kept.schema.field("picture").type
    paths = pyarrow.array([{"bytes": None, "path": str(tmp_path / "secret.png")}] * 6, type=kind)
    changed = kept.set_column(kept.schema.get_field_index("picture"), kept.schema.field("picture"), paths)
    with pyarrow.OSFile(str(file), "wb") as sink, pyarrow.ipc.new_stream(sink, changed.schema) as stream:
        stream.write_table(changed)
    with pytest.raises(DataError, match="train 0: it has no bytes in the data set"):
        load(folder)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda each: each.remove_columns("label"), "1 columns of images and 0 of labels."),
        (lambda each: each.remove_columns("picture"), "0 columns of images and 1 of labels."),
        (lambda each: each.add_column("two", each["label"]).cast_column("two", datasets.ClassLabel(2)), "2 of labels"),
    ],
)
def test_unclear_columns_are_refused(tmp_path: Path, change: Any, text: str) -> None:
    with pytest.raises(DataError) as caught:
        load(saved(tmp_path / "odd", train=change(split(range(6)))))
    assert text in str(caught.value)


def test_a_missing_split_a_damaged_file_and_a_missing_package_are_told(tmp_path: Path, monkeypatch) -> None:
    folder = saved(tmp_path / "pets", train=split(range(6)))
    with pytest.raises(MissingSplitError, match=r"no test split.\nIts splits are: train"):
        load(folder, "test")
    next(folder.rglob("*.arrow")).write_bytes(b"junk")
    with pytest.raises(DataError, match="cannot be read"):
        load(folder)
    monkeypatch.setattr("striate.extras.find_spec", lambda _: None)
    with pytest.raises(RequirementError, match="which needs datasets."):
        load(folder)
