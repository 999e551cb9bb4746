from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from striate.data.idx import MOST_BYTES, idx_folder, is_idx_folder, read_images, read_labels
from striate.errors import DataError


def idx(values: np.ndarray, kind: int = 8) -> bytes:
    return struct.pack(f">BBBB{values.ndim}I", 0, 0, kind, values.ndim, *values.shape) + values.tobytes()


def fashion(folder: Path, *, zipped: bool = True, labels: dict[str, list[int]] | None = None) -> Path:
    """A folder as Debian's dataset-fashion-mnist has it: 3 training and 2 test images of 2 × 3."""
    folder.mkdir(exist_ok=True)
    for prefix, own in (labels or {"train": [0, 2, 1], "t10k": [1, 2]}).items():
        pixels = np.arange(len(own) * 6, dtype=np.uint8).reshape(len(own), 2, 3)
        for kind, values in (("images-idx3", pixels), ("labels-idx1", np.array(own, dtype=np.uint8))):
            raw = idx(values)
            path = folder / f"{prefix}-{kind}-ubyte{'.gz' if zipped else ''}"
            path.write_bytes(gzip.compress(raw) if zipped else raw)
    return folder


@pytest.mark.parametrize("zipped", [True, False])
def test_a_folder_of_idx_files(tmp_path: Path, zipped: bool):
    folder = fashion(tmp_path / "fashion", zipped=zipped)
    assert is_idx_folder(folder)
    assert not is_idx_folder(tmp_path)
    train, test = idx_folder(folder, "train"), idx_folder(folder, "test")
    assert train.images.shape == (3, 1, 2, 3)
    assert train.images.flatten().tolist() == list(range(18))
    assert (train.labels.tolist(), test.labels.tolist()) == ([0, 2, 1], [1, 2])
    assert train.classes == test.classes == ("0", "1", "2")
    assert (train.form, train.source, test.split, train.names) == ("picture", str(folder), "test", ())


def test_training_opens_no_test_file_and_testing_no_training_image(tmp_path: Path):
    folder = fashion(tmp_path)
    for file in folder.glob("t10k-*"):
        file.write_bytes(b"poison")
    assert len(idx_folder(folder, "train")) == 3
    fashion(tmp_path)
    (folder / "train-images-idx3-ubyte.gz").write_bytes(b"poison")
    assert len(idx_folder(folder, "test")) == 2


def test_what_is_missing_is_named(tmp_path: Path):
    folder = fashion(tmp_path)
    (folder / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(DataError) as caught:
        idx_folder(folder, "test")
    assert str(caught.value).splitlines() == [
        f"{folder}: no test labels in this folder of IDX files.",
        "Looked for t10k-labels-idx1-ubyte and t10k-labels-idx1-ubyte.gz.",
        "Add the file, or name another folder.",
    ]


@pytest.mark.parametrize(
    ("labels", "split", "text"),
    [
        ({"train": [0, 1], "t10k": [2]}, "test", "label 2 is not among the training labels, 0 to 1"),
        ({"train": [0, 2], "t10k": [1, 2]}, "test", "class '1' has test images and no training images"),
        ({"train": [0, 0], "t10k": [0]}, "train", "all labels are 0.\nA classifier needs at least two classes"),
    ],
)
def test_labels_that_make_no_classes(tmp_path: Path, labels: dict[str, list[int]], split: str, text: str):
    with pytest.raises(DataError, match=text):
        idx_folder(fashion(tmp_path, labels=labels), split)


def test_images_and_labels_are_equally_many(tmp_path: Path):
    folder = fashion(tmp_path)
    (folder / "train-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(np.array([0, 1], dtype=np.uint8))))
    with pytest.raises(DataError, match="train-labels-idx1-ubyte.gz: 2 labels for 3 images.\nEvery image has one"):
        idx_folder(folder, "train")


GOOD = idx(np.arange(12, dtype=np.uint8).reshape(2, 2, 3))


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"", r"is empty \(0 bytes\).\nExpected an idx3-ubyte file"),
        (GOOD[:10], "ends within its head"),
        (b"\x89PNG\r\n\x1a\n" + GOOD, "begins with 0x89504e47.\nAn idx3-ubyte file begins with 0x00000803"),
        (idx(np.zeros((2, 2, 3), dtype=np.uint8), kind=13), "begins with 0x00000d03"),
        (idx(np.zeros(4, dtype=np.uint8)), "begins with 0x00000801"),
        (idx(np.zeros((0, 2, 3), dtype=np.uint8)), "holds nothing: 0 × 2 × 3"),
        (GOOD[:-1], "announces 2 × 2 × 3 bytes, but 11 follow"),
        (GOOD + b"\0", "announces 2 × 2 × 3 bytes, but more follow"),
        (struct.pack(">BBBB3I", 0, 0, 8, 3, 2**31, 1, 1) + b"x", "announces 2147483648 × 1 × 1 bytes, but 1 follow"),
    ],
)
@pytest.mark.parametrize("zipped", [True, False])
def test_a_broken_file_is_named(tmp_path: Path, raw: bytes, text: str, zipped: bool):
    file = tmp_path / "broken"
    file.write_bytes(gzip.compress(raw) if zipped and raw else raw)
    with pytest.raises(DataError, match=text) as caught:
        read_images(file)
    assert str(caught.value).startswith(f"{file}: ")
    assert str(caught.value).endswith("Fetch the file again, or remove it.")


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda raw: raw[:-12], "is cut short.\nExpected a whole gzip file"),
        (lambda raw: raw[:-6] + bytes(2) + raw[-4:], "is damaged: incorrect data check"),
        (lambda raw: raw[:2] + b"\xff" * 20, "is damaged: "),
        (lambda raw: raw + b"rubbish", "more follow|is damaged"),
    ],
)
def test_a_broken_gzip_is_named(tmp_path: Path, change, text: str):
    file = tmp_path / "broken.gz"
    file.write_bytes(change(gzip.compress(GOOD)))
    with pytest.raises(DataError, match=text):
        read_images(file)


def test_gzip_in_several_members_is_read_as_one(tmp_path: Path):
    file = tmp_path / "members.gz"
    file.write_bytes(b"".join(gzip.compress(part) for part in (GOOD[:7], GOOD[7:20], GOOD[20:])))
    assert read_images(file).flatten().tolist() == list(range(12))


def test_a_missing_file(tmp_path: Path):
    with pytest.raises(DataError, match="cannot be read: No such file"):
        read_labels(tmp_path / "none")


BLOCK = 2**32 - 1


@pytest.mark.parametrize("sides", [(64, 2**15, 2**15), (2**20, 2**14, 1), (16 * 2**10 + 1, 2**10, 2**10), (BLOCK,) * 3])
@pytest.mark.parametrize("zipped", [True, False])
def test_more_than_the_limit_is_refused_before_memory_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sides: tuple[int, ...], zipped: bool
):
    raw = struct.pack(">BBBB3I", 0, 0, 8, 3, *sides) + b"xyz"
    file = tmp_path / "vast"
    file.write_bytes(gzip.compress(raw) if zipped else raw)
    monkeypatch.setattr(np, "empty", None)
    if math.prod(sides) == MOST_BYTES:
        with pytest.raises(TypeError):
            read_images(file)
        return
    with pytest.raises(DataError) as caught:
        read_images(file)
    assert str(caught.value).splitlines() == [
        f"{file}: announces {sides[0]} × {sides[1]} × {sides[2]} bytes.",
        "At most 16 GiB are read from one file.",
        "Fetch the file again, or give fewer or smaller images.",
    ]


def test_what_memory_has_no_room_for_is_refused_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def no_room(*_: object, **__: object) -> None:
        raise MemoryError

    file = tmp_path / "large"
    file.write_bytes(GOOD)
    monkeypatch.setattr(np, "empty", no_room)
    with pytest.raises(DataError) as caught:
        read_images(file)
    assert str(caught.value).splitlines() == [
        f"{file}: announces 2 × 2 × 3 bytes.",
        "There is no room for so many in memory.",
        "Fetch the file again, give fewer or smaller images, or use a machine with more memory.",
    ]


@pytest.mark.parametrize(
    "parts",
    [
        lambda empty: empty * 2000 + gzip.compress(GOOD) + empty * 2000,
        lambda empty: (empty + b"\0") * 2000 + gzip.compress(GOOD) + bytes(100_000),
        lambda empty: b"".join(gzip.compress(GOOD[each : each + 1]) for each in range(len(GOOD))),
    ],
)
def test_many_members_take_time_linear_in_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, parts):
    """What zlib is given and gives back counts: were it the rest of the file each time, it would be a thousandfold."""
    moved = 0

    class Counted:
        def __init__(self) -> None:
            self.member = decompressobj(wbits=31)

        def decompress(self, data: bytes, most: int) -> bytes:
            nonlocal moved
            piece = self.member.decompress(data, most)
            moved += len(data) + len(self.member.unused_data) + len(self.member.unconsumed_tail) + len(piece)
            return piece

        def __getattr__(self, name: str) -> object:
            return getattr(self.member, name)

    decompressobj = zlib.decompressobj
    monkeypatch.setattr(zlib, "decompressobj", lambda **_: Counted())
    file = tmp_path / "members.gz"
    file.write_bytes(parts(gzip.compress(b"")))
    assert read_images(file).flatten().tolist() == list(range(12))
    assert moved < 10 * file.stat().st_size


def test_a_member_much_larger_than_what_is_read_at_once(tmp_path: Path):
    values = np.random.default_rng(0).integers(0, 256, (3, 1000, 1000), dtype=np.uint8)
    values[1] = 0
    file = tmp_path / "large.gz"
    file.write_bytes(gzip.compress(idx(values)[:1_500_000], 1) + gzip.compress(idx(values)[1_500_000:], 1))
    assert np.array_equal(read_images(file)[:, 0].numpy(), values)


@st.composite
def spoilt(draw: st.DrawFn) -> bytes:
    """An IDX file, plain or in gzip members, that a few changes were made to."""
    cuts = sorted(draw(st.lists(st.integers(0, len(GOOD)), max_size=3)))
    parts = [GOOD[start:end] for start, end in zip([0, *cuts], [*cuts, len(GOOD)], strict=True)]
    raw = bytearray(b"".join(gzip.compress(each, mtime=0) for each in parts) if draw(st.booleans()) else GOOD)
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(raw)))
        match draw(st.sampled_from(["bit", "cut", "insert", "repeat"])):
            case "bit" if place < len(raw):
                raw[place] ^= 1 << draw(st.integers(0, 7))
            case "cut":
                del raw[place : place + draw(st.integers(1, 30))]
            case "insert":
                raw[place:place] = draw(st.sampled_from([b"\0", b"\xff", gzip.compress(b""), b"\x1f\x8b", bytes(40)]))
            case _:
                raw += raw[place:]
    return bytes(raw)


@given(spoilt())
@settings(max_examples=300, derandomize=True, deadline=None)
def test_what_is_read_of_a_spoilt_file_is_what_it_holds(tmp_path_factory: pytest.TempPathFactory, raw: bytes):
    file = tmp_path_factory.getbasetemp() / "spoilt"
    file.write_bytes(raw)
    found, places = None, {str(file)}
    try:
        found = read_images(file)
    except DataError as error:
        places.add(error.where)
    assert places == {str(file)}
    if found is not None:
        whole = gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
        assert whole == idx(found[:, 0].numpy())


@given(st.binary(max_size=60))
def test_no_bytes_make_it_stumble(tmp_path_factory: pytest.TempPathFactory, raw: bytes):
    file = tmp_path_factory.getbasetemp() / "any"
    places = set()
    for content in (raw, GOOD[:4] + raw, b"\x1f\x8b" + raw):
        file.write_bytes(content)
        try:
            read_images(file)
        except DataError as error:
            places.add(error.where)
    assert places <= {str(file)}
