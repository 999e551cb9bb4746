"""Files that are damaged, or made to do harm: each ends in one FormatError, in bounded time and memory."""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from striate import from_text
from striate.modules import weights_of
from tests.support.settled import settled

onnx = pytest.importorskip("onnx", reason="onnx is not installed")

from onnx import TensorProto, helper, numpy_helper  # noqa: E402 - after what may be missing

from striate.errors import FormatError  # noqa: E402
from striate.exchange import onnx_model  # noqa: E402
from striate.exchange.reading import read_onnx  # noqa: E402
from tests.support.by_hand import Hand  # noqa: E402
from tests.support.damaged import SHAPE, conv, refused  # noqa: E402
from tests.support.rewriting import rewritten  # noqa: E402

TEXT = "3x9x8: conv 4 3 no bias, bn, relu6, residual(conv 4 3 same, hard_swish | conv 4 1), max 2, lrn 3, "
TEXT += "gate(global_average, linear 4, sigmoid), branches(conv 2 1; average 3 /1 pad 1), linear 5, softmax"
FLIPS, MANY_FLIPS = 700, 30_000
"""Damaged files in the fast tests and in the slow one; hypothesis is of no use, as most bytes are weights."""


def models() -> list[bytes]:
    network = from_text(TEXT)
    model = onnx_model(network, weights_of(settled(network)))
    return [model.SerializeToString(), *(rewritten(model, seed).SerializeToString() for seed in (1, 2))]


def survives(content: bytes, file: Path) -> bool:
    """Whether the file is read; a FormatError is the only other end."""
    file.write_bytes(content)
    try:
        read_onnx(file)
    except FormatError:
        return False
    return True


def test_files_that_are_cut_off(tmp_path: Path) -> None:
    for content in models():
        for size in range(0, len(content), 97):
            survives(content[:size], tmp_path / "cut.onnx")


@pytest.mark.parametrize("size", [FLIPS, pytest.param(MANY_FLIPS, marks=pytest.mark.slow)])
def test_files_with_wrong_bytes(size: int, tmp_path: Path) -> None:
    random_ = random.Random(size)
    contents = models()
    read = 0
    for _ in range(size):
        content = bytearray(random_.choice(contents))
        kind = random_.random()
        for _ in range(random_.choice([1, 1, 2, 5])):
            at = random_.randrange(len(content))
            if kind < 0.5:
                content[at] ^= 1 << random_.randrange(8)
            elif kind < 0.8:
                content[at] = random_.randrange(256)
            else:
                del content[at : at + random_.randrange(1, 9)]
        read += survives(bytes(content), tmp_path / "flipped.onnx")
    assert 0 < read < size


def tensor(kind: int, dims: list[int], raw: bytes = b"") -> TensorProto:
    made = TensorProto(name="w", data_type=kind, raw_data=raw)
    made.dims.extend(dims)
    return made


def with_tensor(made: TensorProto) -> Any:
    hand = Hand(SHAPE)
    hand.weights.append(made)
    return hand.model(conv(hand, "w"))


WEIGHTS = {
    "2 GB in four bytes": (tensor(1, [512, 1024, 1024], b"1234"), "w is damaged"),
    "more than any file": (tensor(1, [2**40, 2**40], b"1234"), "w has sizes [1099511627776, 1099511627776]."),
    "sizes below zero": (tensor(1, [-4, 3, 3, 3], b"1234"), "w has sizes [-4, 3, 3, 3]."),
    "sizes of zero": (tensor(1, [0, 3, 3, 3]), "(Conv)"),
    "zero and far too many": (tensor(1, [0, 2**62]), "w"),
    "texts": (helper.make_tensor("w", TensorProto.STRING, [1], [b"text"]), "has values of type object."),
    "complex numbers": (numpy_helper.from_array(np.zeros((4, 3, 1, 1), np.complex64), "w"), "has values of type"),
    "no type": (tensor(0, [4, 3, 1, 1], b"1234"), "w is damaged"),
    "a type of the future": (tensor(999, [4, 3, 1, 1], b"1234"), "w is damaged"),
    "too few dimensions": (
        numpy_helper.from_array(np.zeros((4, 3), np.float32), "w"),
        "Its weights have 4 dimensions.",
    ),
}


@pytest.mark.parametrize("case", WEIGHTS)
def test_weights_that_are_none(case: str, tmp_path: Path) -> None:
    made, line = WEIGHTS[case]
    refused(with_tensor(made), tmp_path, line)


def outside(location: str, **more: str) -> Any:
    made = tensor(1, [4, 3, 1, 1])
    made.data_location = TensorProto.EXTERNAL
    for key, value in {"location": location, **more}.items():
        made.external_data.add(key=key, value=value)
    return with_tensor(made)


def test_weights_are_read_from_the_models_folder_only(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "secret").write_bytes(bytes(48))
    (folder / "link").symlink_to(tmp_path / "secret")
    (folder / "short").write_bytes(bytes(47))
    (folder / "good").write_bytes(bytes(64))
    os.mkfifo(folder / "pipe")
    assert os.path.getsize(folder / "good") == 64
    for location in ("../secret", str(tmp_path / "secret"), "link", "pipe", "/dev/zero", "", ".", "a\0b", "x" * 5000):
        refused(outside(location), folder, "the weights w are in ", "They must be in a file in the model's own folder.")
    for more in ({}, {"offset": "99999999999"}, {"offset": "-16"}, {"length": "-1"}, {"length": "1e3"}):
        location = "good" if more else "short"
        refused(outside(location, **more), folder, f"the weights w are cut off in {location}.")
    file = folder / "net.onnx"
    file.write_bytes(outside("good", offset="16", length="48").SerializeToString())
    assert [each.shape for each in read_onnx(file).weights.values()] == [(4, 3, 1, 1)]


def test_constants_of_nodes_keep_to_the_models_folder_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "data").write_bytes(bytes(48))
    monkeypatch.chdir(tmp_path / "here")
    hand = Hand(SHAPE)
    held = outside("data").graph.initializer[0]
    refused(hand.model(conv(hand, hand.node("Constant", value=held))), tmp_path, "the weights w are in 'data'.")


@pytest.mark.parametrize("kind", ["folder", "pipe", "device", "none", "text"])
def test_what_is_no_file_is_not_read(kind: str, tmp_path: Path) -> None:
    file = tmp_path / "net.onnx"
    match kind:
        case "folder":
            file.mkdir()
        case "pipe":
            os.mkfifo(file)
        case "device":
            file = Path("/dev/zero")
        case "text":
            file.write_text("a text, " * 100)
        case _:
            pass
    with pytest.raises(FormatError) as caught:
        read_onnx(file)
    expected = {"none": "cannot be read: No such file or directory.", "text": "is no ONNX file"}.get(
        kind, "is no file."
    )
    assert str(caught.value).startswith(f"{file}: {expected}")
