"""Images that threads decode when they are needed; no pixels are kept."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import islice

import numpy as np
import torch
from jaxtyping import Int64, UInt8
from torch import Tensor

from striate.data.allocation import allocated
from striate.data.indexed import Indexed, Several
from striate.data.workers import AT_ONCE, in_order, worker_count
from striate.errors import DataError

PIECE = 1000
"""The images of a piece, which are read one after another; a larger shard is cut into pieces of this size."""
BUFFER = 10_000
"""The size of the shuffle buffer; it holds the images' numbers, not their pixels."""
BATCHES_AHEAD = 3
"""The batches that are decoded before they are asked for."""

Picture = UInt8[Tensor, "channels height width"]


class Meter:
    """Counts the images that threads decode, and the seconds that they take for it, all threads together."""

    def __init__(self) -> None:
        self.images, self.seconds = 0, 0.0
        self._lock = threading.Lock()

    def add(self, seconds: float) -> None:
        """Count an image."""
        with self._lock:
            self.images, self.seconds = self.images + 1, self.seconds + seconds

    def read(self) -> tuple[int, float]:
        """The images since the last call, and their seconds."""
        with self._lock:
            found = self.images, self.seconds
            self.images, self.seconds = 0, 0.0
        return found


@dataclass(frozen=True, eq=False)
class Files:
    """The files of a stream.

    `pixels` decodes the image with a number; `fault` makes the error for an image that cannot be decoded, from its
    number and the reason. `pieces` has, for each image, the piece of a shard that it is in. `key` identifies the files'
    content.
    """

    pixels: Callable[[int], Picture]
    fault: Callable[[int, str], DataError]
    pieces: Int64[Tensor, " images"]
    key: str


@dataclass(frozen=True, eq=False)
class Stream(Indexed):
    """Images of `files`, those of the numbers `rows`, each of `size`, (channels, height, width).

    It is indexed by a number, a slice or a vector of numbers, as a tensor is, and gives a tensor. Raises DataError,
    naming the file, where an image cannot be decoded. The pixels do not depend on the number of `workers`.
    """

    files: Files
    rows: Int64[Tensor, " images"]
    size: tuple[int, int, int]
    workers: int = field(default_factory=worker_count)
    meter: Meter = field(default_factory=Meter)

    @property
    def shape(self) -> torch.Size:
        """(images, channels, height, width)."""
        return torch.Size((len(self.rows), *self.size))

    def at(self, several: Several) -> Tensor:
        """Several images, which are decoded now."""
        order = torch.arange(len(self))[several]
        return next(self.batches(order, max(1, len(order))), torch.empty(0, *self.size, dtype=torch.uint8))

    def part(self, rows: Int64[Tensor, " chosen"]) -> Stream:
        """The images of these numbers of the stream."""
        return replace(self, rows=self.rows[rows])

    def brought(self, size: tuple[int, int, int], change: Callable[[Tensor], Tensor]) -> Stream:
        """The same images, each brought to a size by a `change` of (1, channels, height, width)."""
        pixels = self.files.pixels
        files = replace(self.files, pixels=lambda number: change(pixels(number).unsqueeze(0))[0])
        return replace(self, files=files, size=size)

    def batches(self, order: Int64[Tensor, " chosen"], count: int) -> Iterator[Tensor]:
        """The images of these numbers of the stream, in this order, (count, channels, height, width); the last may
        have fewer. They are decoded ahead of the use."""
        numbers = self.rows[order]
        portions = -(-min(BATCHES_AHEAD * count, len(order)) // AT_ONCE)
        results = in_order(self._decoded, numbers, workers=self.workers, portions=portions)
        with closing(results):
            for first in range(0, len(order), count):
                batch = allocated(min(count, len(order) - first), self.size)
                for place, result in enumerate(islice(results, len(batch))):
                    if isinstance(result, str):
                        raise self.files.fault(int(numbers[first + place]), result)
                    batch[place] = result
                yield batch

    def order(self, *, seed: int, epoch: int) -> Int64[Tensor, " images"]:
        """The order of an epoch, a function of its arguments and of the files: pieces of shards in random order, then
        each image drawn from a buffer of BUFFER, so that files are read nearly one after another.
        """
        pieces, drawn = self.files.pieces[self.rows], np.random.default_rng([seed, epoch, 0x5EED])
        places = torch.from_numpy(drawn.permutation(int(pieces.max()) + 1 if len(pieces) else 0))
        along = torch.argsort(places[pieces], stable=True).numpy()
        return torch.from_numpy(_through_buffer(along, drawn))

    def _decoded(self, number: Tensor) -> Picture:
        begun = time.perf_counter()
        found = self.files.pixels(int(number))
        self.meter.add(time.perf_counter() - begun)
        return found


def pieces_of(files: list[str]) -> Int64[Tensor, " images"]:
    """The piece of each image; `files` has the file of each image, with images of one file next to each other.

    >>> pieces_of(["a.tar"] * 1500 + ["b.tar"])[[0, 999, 1000, 1500]]
    tensor([0, 0, 1, 2])
    """
    found, piece, last, size = torch.empty(len(files), dtype=torch.int64), -1, "", PIECE
    for number, file in enumerate(files):
        if file != last or size == PIECE:
            piece, last, size = piece + 1, file, 0
        found[number] = piece
        size += 1
    return found


def _through_buffer(items: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """The items in the order in which they leave a shuffle buffer: once it is full, each new item replaces a random
    one."""
    buffer, out = items[:BUFFER].copy(), np.empty_like(items)
    for place, draw in enumerate(generator.integers(0, BUFFER, max(0, len(items) - BUFFER))):
        out[place] = buffer[draw]
        buffer[draw] = items[BUFFER + place]
    out[len(items) - len(buffer) :] = generator.permutation(buffer)
    return out
