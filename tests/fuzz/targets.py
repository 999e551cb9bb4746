"""What reads files and texts of strangers: for each a few good inputs, words of its format, and the reading itself.

To add a format: write a function of its good inputs and one that reads, and put both into TARGETS.
"""

from __future__ import annotations

import gzip
import io
import json
import pickle
import struct
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save

from striate import find, from_json, from_text, to_json, to_text
from striate.accounting import account
from striate.data import Preprocessing, load
from striate.data.idx import read_images, read_labels
from striate.data.image_file import open_picture, prepare
from striate.data.pickled import pickled
from striate.go.records import read_records
from striate.go.sgf import read_game
from striate.modules import build
from striate.train import Recipe
from striate.train.checkpoint import load_checkpoint, save_checkpoint
from striate.train.recipe_file import read_recipe, recipe_text
from striate.train.single import read_single
from tests.support.networks import TINY

WAY = Preprocessing((1, 28, 28), "resize", low=-1.0, high=1.0, form="digits")


@dataclass(frozen=True)
class Target:
    """`seeds` are good inputs, `words` pieces of the format, `read` takes an input and an empty folder for files.

    `also` are errors that `read` may raise beside those of Striate: of functions whose callers turn them into ours.
    """

    seeds: Callable[[], list[bytes]]
    read: Callable[[bytes, Path], object]
    words: tuple[bytes, ...] = ()
    also: tuple[type[Exception], ...] = ()


def _kept(folder: Path, name: str, content: bytes) -> Path:
    file = folder / name
    file.write_bytes(content)
    return file


def _texts() -> list[bytes]:
    return [to_text(find(name)).encode() for name in ("lenet5", "googlenet", "simple-cnn")]


def _read_text(content: bytes, folder: Path) -> None:
    account(from_text(content.decode("utf-8", "surrogateescape")))


def _documents() -> list[bytes]:
    return [to_json(find(name)).encode() for name in ("lenet5", "resnet20-cifar")]


def _read_document(content: bytes, folder: Path) -> None:
    account(from_json(content.decode("utf-8", "surrogateescape")))


def _net_files() -> list[bytes]:
    return [*_texts()[:1], to_text(TINY).encode()]


def _idx() -> list[bytes]:
    values = np.arange(3 * 28 * 28, dtype=np.uint8).tobytes()
    images = struct.pack(">4B3I", 0, 0, 8, 3, 3, 28, 28) + values
    return [images, gzip.compress(images), struct.pack(">4BI", 0, 0, 8, 1, 3) + b"\0\1\2"]


def _read_idx(content: bytes, folder: Path) -> None:
    file = _kept(folder, "train-images-idx3-ubyte", content)
    (read_labels if content[3:4] == b"\1" else read_images)(file)


def _pictures(form: str, *modes: str) -> list[bytes]:
    found: list[bytes] = []
    ramp = Image.fromarray((np.arange(40 * 30 * 3) % 256).astype(np.uint8).reshape(40, 30, 3))
    for mode in modes:
        out = io.BytesIO()
        ramp.convert(mode).save(out, form)
        found.append(out.getvalue())
    return found


def _read_picture(content: bytes, folder: Path) -> None:
    prepare(open_picture(content), WAY)


def _tar() -> list[bytes]:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for number in range(3):
            for name, content in ((f"{number}.png", _pictures("PNG", "L")[0]), (f"{number}.cls", b"%d" % (number % 2))):
                info = tarfile.TarInfo(name)
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
    return [out.getvalue()]


def _read_tar(content: bytes, folder: Path) -> None:
    _kept(folder, "photos-train-0.tar", content)
    load(str(folder), "train", resize=(8, 8))


class _Harm:
    """What a pickle of an attacker calls."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        import os

        return os.system, ("touch executed-code",)


def _pickles() -> list[bytes]:
    batch = {b"labels": [1, 2], b"data": np.zeros((2, 12), np.uint8), "filenames": ["a", "b"]}
    return [*(pickle.dumps(batch, protocol=each) for each in (0, 2, 4)), pickle.dumps(_Harm(), protocol=2)]


def _safetensors() -> list[bytes]:
    from tempfile import TemporaryDirectory

    weights = dict(build(TINY).state_dict())
    with TemporaryDirectory() as folder:
        save_checkpoint(Path(folder, "x.safetensors"), weights, {"epoch": 1})
        kept = Path(folder, "x.safetensors").read_bytes()
    return [kept, save(weights), save({"a": torch.zeros(2, 2, dtype=torch.bfloat16)}, {"format": "striate-run"})]


def _read_safetensors(content: bytes, folder: Path) -> None:
    from striate.errors import StriateError
    from striate.export.weights.reading import read_weights

    file = _kept(folder, "x.safetensors", content)
    refusals: list[StriateError] = []
    for read in (load_checkpoint, read_weights, read_single):
        try:
            read(file)
        except StriateError as error:
            refusals.append(error)
    if len(refusals) == 3:
        raise refusals[0]


def _torch_files() -> list[bytes]:
    found: list[bytes] = []
    for each in (dict(build(TINY).state_dict()), {"model": _Harm()}):
        out = io.BytesIO()
        torch.save(each, out)
        found.append(out.getvalue())
    return found


def _read_torch(content: bytes, folder: Path) -> None:
    from striate.export.weights.reading import read_weights

    read_weights(_kept(folder, "x.pth", content))


def _recipes() -> list[bytes]:
    return [recipe_text(Recipe()).encode(), b"[augmentation]\nrotation = 5.0\n"]


def _onnx() -> list[bytes]:
    from striate.exchange import onnx_model
    from striate.modules import weights_of
    from tests.support.settled import settled

    network = from_text("1x9x8: conv 4 3 no bias, bn, relu6, max 2, linear 5, softmax")
    return [onnx_model(network, weights_of(settled(network))).SerializeToString()]


def _read_onnx(content: bytes, folder: Path) -> None:
    from striate.exchange.reading import read_onnx

    read_onnx(_kept(folder, "x.onnx", content))


def _events() -> list[bytes]:
    return [json.dumps({"event": "epoch", "time": "2026-01-01T00:00:00+00:00", "epoch": 1, "loss": 0.5}).encode() * 1]


def _read_events(content: bytes, folder: Path) -> None:
    from striate.train.events import read_events

    read_events(_kept(folder, "events.jsonl", content))


def _sgf() -> list[bytes]:
    return [
        b"(;GM[1]FF[4]SZ[19]KM[6.5];B[pd];W[dd];B[pq](;W[dq];B[])(;W[cc]))",
        b"(;SZ[9]HA[2]AB[gc][cg]PL[W]C[a \\] b];W[ee];B[tt])",
        b"(;SZ[13];B[aa];W[ba])\n(;SZ[19]AE[aa:cc];B[ss])\n",
    ]


def _read_sgf(content: bytes, folder: Path) -> None:
    read_records([_kept(folder, "x.sgf", content)])
    for position in read_game(content).positions:
        assert position.size


TARGETS: dict[str, Target] = {
    "sgf": Target(_sgf, _read_sgf, (b"SZ[", b";B[", b"(" * 1000, b"AB[aa:ss]", b"\\", b"SZ[999999999]", b"KM[nan]")),
    "notation": Target(_texts, _read_text, (b"conv", b"(", b"|", b"10000*", b"rbf(", b"9" * 400, b"1e999", b"table(")),
    "json": Target(
        _documents, _read_document, (b"[" * 2000, b'{"kind":', b"NaN", b"1e999", b"\\ud800", b"-1", b"null")
    ),
    "net": Target(_net_files, lambda content, folder: find(str(_kept(folder, "x.net", content))), (b"../", b"\0")),
    "idx": Target(_idx, _read_idx, (b"\xff" * 4, b"\x1f\x8b\x08", b"\0\0\x08\3")),
    "png": Target(
        lambda: _pictures("PNG", "L", "RGB", "P", "1", "LA"), _read_picture, (b"IHDR", b"iCCP", b"tRNS", b"zTXt")
    ),
    "jpeg": Target(
        lambda: _pictures("JPEG", "L", "RGB", "CMYK"), _read_picture, (b"\xff\xd8", b"\xff\xe1", b"Exif\0\0")
    ),
    "webp": Target(lambda: _pictures("WEBP", "RGB"), _read_picture, (b"RIFF", b"ANIM", b"VP8X")),
    "gif": Target(lambda: _pictures("GIF", "P"), _read_picture, (b"GIF89a", b"\x21\xff")),
    "tar": Target(_tar, _read_tar, (b"../../x", b"/etc/passwd", b"ustar", b"7777777", b"2", b"g", b"x")),
    "pickle": Target(
        _pickles, lambda content, folder: pickled(content), (b"cos\nsystem\n", b"R", b"\x81"), (ValueError,)
    ),
    "safetensors": Target(
        _safetensors, _read_safetensors, (b"\xff" * 8, b'"data_offsets":[0,', b"F64", b"__metadata__")
    ),
    "torch": Target(_torch_files, _read_torch, (b"PK\3\4", b"cos\nsystem\n", b"data.pkl", b"PK\1\2")),
    "recipe": Target(
        _recipes, lambda content, folder: read_recipe(str(_kept(folder, "x.toml", content))), (b"nan", b"[", b"rate = ")
    ),
    "events": Target(_events, _read_events, (b"\n", b"NaN", b"[" * 2000, b"1e999", b'"epoch":')),
    "onnx": Target(_onnx, _read_onnx, (b"\xff" * 9, b"Loop", b"If", b"../../etc/passwd")),
}
"""Every reader, by its name. HTTP has its own test: tests/fuzz/test_http.py."""
