from __future__ import annotations

import gzip
import hashlib
import re
from importlib.resources import files

import torch

from striate.data.mnist import mnist

FOLDER = files("striate.data") / "mnist"


def test_the_embedded_files_are_the_published_ones():
    table = re.findall(r"`(\S+\.gz)` .* `([0-9a-f]{32})`", (FOLDER / "README.md").read_text(encoding="utf-8"))
    assert [digest for _, digest in table] == [
        "6bbc9ace898e44ae57da46a324031adb",
        "a25bea736e30d166cdddb491f175f624",
        "2646ac647ad5339dbf082846283269ea",
        "27ae3e4e09519cfbb04c329615203637",
    ]
    for name, digest in table:
        raw = gzip.decompress((FOLDER / name).read_bytes())
        assert hashlib.md5(raw, usedforsecurity=False).hexdigest() == digest, name


def test_both_splits():
    train = mnist("train")
    assert train.images.shape == (60_000, 1, 28, 28)
    assert train.labels[:8].tolist() == [5, 0, 4, 1, 9, 2, 1, 3]
    assert torch.bincount(train.labels).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    test = mnist("test")
    assert test.images.shape == (10_000, 1, 28, 28)
    assert test.labels[:5].tolist() == [7, 2, 1, 0, 4]
    assert (train.classes, test.form, test.source, test.split) == (tuple("0123456789"), "digits", "mnist", "test")
