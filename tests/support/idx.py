"""Files in MNIST's format, IDX, for tests to read."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from striate.data import load


def write_idx(folder: Path, prefix: str, pixels: NDArray[np.uint8], labels: NDArray[np.uint8]) -> None:
    """The images, compressed, and the labels of a split; prefix is "train" or "t10k"."""
    for kind, values in (("images-idx3-ubyte.gz", pixels), ("labels-idx1-ubyte", labels)):
        head = struct.pack(f">4B{values.ndim}I", 0, 0, 8, values.ndim, *values.shape)
        content = head + values.astype(np.uint8).tobytes()
        (folder / f"{prefix}-{kind}").write_bytes(gzip.compress(content, 1) if kind.endswith("gz") else content)


def first_digits(folder: Path, *, train: int, test: int) -> Path:
    """The folder, with the first so many training and test digits of MNIST."""
    for split, prefix, count in (("train", "train", train), ("test", "t10k", test)):
        images = load("mnist", split).subset(torch.arange(count))
        write_idx(folder, prefix, images.images[:, 0].numpy(), images.labels.numpy().astype(np.uint8))
    return folder
