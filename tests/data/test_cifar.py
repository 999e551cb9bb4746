"""CIFAR's published formats: the pixels and labels, what is missing or damaged, and pickles that want more."""

from __future__ import annotations

import os
import pickle
import struct
from pathlib import Path

import numpy as np
import pytest
import torch

from striate.data import load
from striate.data.pickled import pickled
from striate.errors import DataError, MissingSplitError

TEN = tuple(f"class {number}" for number in range(10))


def drawn(count: int, seed: int, classes: int = 10) -> tuple[np.ndarray, list[int]]:
    generator = np.random.default_rng(seed)
    return generator.integers(0, 256, (count, 3072), np.uint8), generator.integers(0, classes, count).tolist()


def python_2(images: np.ndarray, labels: list[int]) -> bytes:
    """A pickle as Python 2's cPickle wrote the published files: texts and pixels are its byte strings."""

    def text(value: str) -> bytes:
        return b"U" + bytes([len(value)]) + value.encode()

    shape = b"".join(b"M" + struct.pack("<H", size) for size in images.shape)
    array = b"".join(
        (
            b"cnumpy.core.multiarray\n_reconstruct\nq\x05",
            b"cnumpy\nndarray\nK\x00\x85" + text("b") + b"\x87Rq\x06",
            b"(K\x01" + shape + b"\x86cnumpy\ndtype\n" + text("u1") + b"K\x00K\x01\x87R",
            b"(K\x03" + text("|") + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89",
            b"T" + struct.pack("<i", images.size) + images.tobytes() + b"tb",
        )
    )
    listed = b"]q\x03(" + b"".join(b"K" + bytes([label]) for label in labels) + b"e"
    parts = (text("batch_label"), text("testing batch"), text("labels"), listed, text("data"), array)
    return b"\x80\x02}q\x01(" + b"".join(parts) + b"u."


def write_binary(folder: Path, *, per_file: int = 3) -> tuple[np.ndarray, list[int]]:
    """CIFAR-10 in the binary format; the training images and labels."""
    folder.mkdir(parents=True)
    (folder / "batches.meta.txt").write_text("\n".join(TEN) + "\n\n")
    kept = []
    for seed, name in enumerate((*(f"data_batch_{number}.bin" for number in range(1, 6)), "test_batch.bin")):
        images, labels = drawn(per_file, seed)
        records = (bytes([label]) + image.tobytes() for image, label in zip(images, labels, strict=True))
        (folder / name).write_bytes(b"".join(records))
        kept.append((images, labels))
    return np.concatenate([images for images, _ in kept[:5]]), [label for _, labels in kept[:5] for label in labels]


def write_python(folder: Path, write, *, per_file: int = 3) -> tuple[np.ndarray, list[int]]:
    """CIFAR-10 in the Python format, each file by `write`."""
    folder.mkdir(parents=True)
    (folder / "batches.meta").write_bytes(pickle.dumps({b"label_names": [each.encode() for each in TEN]}, protocol=2))
    kept = []
    for seed, name in enumerate((*(f"data_batch_{number}" for number in range(1, 6)), "test_batch")):
        images, labels = drawn(per_file, seed)
        (folder / name).write_bytes(write(images, labels))
        kept.append((images, labels))
    return np.concatenate([images for images, _ in kept[:5]]), [label for _, labels in kept[:5] for label in labels]


def test_binary_format_gives_planes_of_colour(tmp_path):
    images, labels = write_binary(tmp_path / "cifar")
    found = load(tmp_path / "cifar")
    assert found.classes == TEN
    assert found.labels.tolist() == labels
    assert torch.equal(found.images.flatten(1), torch.from_numpy(images))
    assert found.images.shape == (15, 3, 32, 32)
    assert len(load(tmp_path / "cifar", "test")) == 3


def test_both_formats_agree_in_every_way_they_are_written(tmp_path):
    write_binary(tmp_path / "binary")
    wanted = load(tmp_path / "binary")
    ways = {
        "python 2": python_2,
        **{
            f"protocol {protocol}": lambda images, labels, protocol=protocol: pickle.dumps(
                {"data": images, "labels": labels}, protocol=protocol
            )
            for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1)
        },
        "keys of bytes": lambda images, labels: pickle.dumps({b"data": images, b"labels": labels}, protocol=2),
        "order of Fortran": lambda images, labels: pickle.dumps(
            {"data": np.asfortranarray(images), "labels": labels}, protocol=2
        ),
    }
    for name, write in ways.items():
        write_python(tmp_path / name, write)
        assert load(tmp_path / name).fingerprint() == wanted.fingerprint(), name


def test_hundred_classes_are_the_fine_ones(tmp_path):
    images, labels = drawn(7, 1, classes=100)
    fine = [f"fine {number}" for number in range(100)]
    binary, python = tmp_path / "cifar-100-binary", tmp_path / "cifar-100-python"
    binary.mkdir()
    python.mkdir()
    (binary / "fine_label_names.txt").write_text("\n".join(fine))
    records = [bytes([19, label]) + image.tobytes() for image, label in zip(images, labels, strict=True)]
    (python / "meta").write_bytes(pickle.dumps({"fine_label_names": fine, "coarse_label_names": []}, protocol=2))
    for name in ("train", "test"):
        (binary / f"{name}.bin").write_bytes(b"".join(records))
        members = {"data": images, "fine_labels": labels, "coarse_labels": [19] * 7}
        (python / name).write_bytes(pickle.dumps(members, protocol=2))
    found = load(binary)
    assert (found.labels.tolist(), found.classes) == (labels, tuple(fine))
    assert load(python).fingerprint() == found.fingerprint()


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_names_come_from_every_protocol(tmp_path, protocol):
    write_python(tmp_path / "cifar", python_2)
    members = {"num_cases_per_batch": 10000, "label_names": list(TEN), "num_vis": 3072}
    (tmp_path / "cifar/batches.meta").write_bytes(pickle.dumps(members, protocol=protocol))
    assert load(tmp_path / "cifar").classes == TEN
    text = "(dp1\nS'label_names'\np2\n(lp3\n" + "".join(f"S'{name}'\na" for name in TEN) + "s."
    (tmp_path / "cifar/batches.meta").write_text(text)
    assert load(tmp_path / "cifar").classes == TEN


def test_the_folder_above_the_published_one_will_do(tmp_path):
    write_binary(tmp_path / "cifar-10-batches-bin")
    assert len(load(tmp_path)) == 15


def test_only_the_splits_own_files_are_read(tmp_path):
    write_binary(tmp_path / "cifar")
    (tmp_path / "cifar/test_batch.bin").unlink()
    assert len(load(tmp_path / "cifar")) == 15
    with pytest.raises(MissingSplitError, match=r"cifar: no test_batch\.bin in this folder of CIFAR's files\."):
        load(tmp_path / "cifar", "test")


def test_missing_and_damaged_files_are_named(tmp_path):
    folder = tmp_path / "cifar"
    write_binary(folder)
    (folder / "data_batch_3.bin").write_bytes(bytes(3074))
    with pytest.raises(DataError, match=r"data_batch_3\.bin: has 3,074 bytes\.\nIt holds images of 3,073 bytes each"):
        load(folder)
    (folder / "data_batch_3.bin").write_bytes(bytes([10]) + bytes(3072))
    with pytest.raises(DataError, match=r"label 10 has no name: there are 10 classes\."):
        load(folder)
    (folder / "data_batch_3.bin").unlink()
    with pytest.raises(DataError, match=r"no data_batch_3\.bin in this folder .*\nThe train split is data_batch_1"):
        load(folder)
    (folder / "batches.meta.txt").unlink()
    with pytest.raises(DataError, match=r"no batches\.meta\.txt, which has the class names\."):
        load(folder, "test")


class _Runs:
    """Pickled, it asks that a folder be made when it is read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (str(self.folder),)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_that_would_run_something_is_refused(tmp_path, protocol):
    write_python(tmp_path / "cifar", python_2)
    (tmp_path / "cifar/data_batch_2").write_bytes(pickle.dumps({"data": _Runs(tmp_path / "made")}, protocol=protocol))
    with pytest.raises(DataError, match=r"data_batch_2: is no file of CIFAR: names '(posix|nt) mkdir'"):
        load(tmp_path / "cifar")
    assert not (tmp_path / "made").exists()


def test_cut_and_changed_pickles_end_in_one_kind_of_error():
    images, labels = drawn(2, 5)
    content = python_2(images, labels)
    head = content[:200]
    for end in (*range(200), len(content) - 1):
        with pytest.raises(ValueError, match=r"."):
            pickled(content[:end])
    generator = np.random.default_rng(0)
    for _ in range(3000):
        changed = bytearray(head)
        changed[generator.integers(len(head))] = generator.integers(256)
        try:
            pickled(bytes(changed) + content[200:])
        except ValueError:
            continue


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"labels": [1]}, "has no images of 32 × 32 colours"),
        ({"data": np.zeros((2, 3072), np.uint8), "labels": [1]}, "has 1 labels for 2 images"),
        ({"data": np.zeros((1, 3072), np.uint8), "labels": [True]}, "has 1 labels for 1 images"),
        ({"data": np.zeros((1, 3072), np.float32), "labels": [1]}, "has an array of 'f4'"),
        ([1, 2], "has no images"),
    ],
)
def test_other_contents_are_named(tmp_path, members, said):
    write_python(tmp_path / "cifar", lambda images, labels: pickle.dumps(members, protocol=2))
    with pytest.raises(DataError, match=said):
        load(tmp_path / "cifar")
