"""Which jobs are light: the event loop's own thread computes them in less than a millisecond."""

from __future__ import annotations

from collections.abc import Callable
from math import inf, prod
from time import thread_time

import torch

from striate.look.predictor import Predictor

SECONDS = 0.001
"""A light job takes less; the event loop answers nobody else meanwhile."""
PNG_BYTES, PNG_PIXELS = 4096, 64 * 64
"""The largest PNG file that is light to decode, such as a digit of MNIST or an image of CIFAR."""

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEAD = 33
"""Bytes of a PNG's signature and first header."""
_TURNS = 3


class Light:
    """Says whether a job for a predictor is light, without a look into its image; measured when it is made.

    The processor's time is measured, so that other programs on the machine do not change the answer.
    """

    def __init__(self, predictor: Predictor, *, clock: Callable[[], float] = thread_time) -> None:
        self.takes_files = predictor.board is None
        self.size = prod(predictor.run.network.input)
        self.of_one = _seconds(predictor, 1, clock)
        self.of_each = _seconds(predictor, predictor.at_once, clock) / predictor.at_once

    def pixels(self, content: bytes) -> bool:
        """Whether the pixels of some images are."""
        images = len(content) // self.size
        return images > 0 and (self.of_one if images == 1 else images * self.of_each) < SECONDS

    def file(self, content: bytes) -> bool:
        """Whether an image file is."""
        return self.takes_files and self.of_one < SECONDS and is_small_png(content)


def is_small_png(content: bytes) -> bool:
    """Whether a file is a PNG of few bytes and few pixels, by the only header in it.

    >>> is_small_png(b"GIF89a")
    False
    """
    if not _HEAD <= len(content) <= PNG_BYTES or content.count(b"IHDR") > 1:
        return False
    if content[:8] != _SIGNATURE or content[12:16] != b"IHDR":
        return False
    return int.from_bytes(content[16:20]) * int.from_bytes(content[20:24]) <= PNG_PIXELS


def _seconds(predictor: Predictor, images: int, clock: Callable[[], float]) -> float:
    """What the network takes for some images; where that is far from light, it is measured once."""
    drawn = torch.zeros(images, *predictor.run.network.input, dtype=torch.uint8)
    best = inf
    for _ in range(_TURNS):
        began = clock()
        predictor.probabilities(drawn)
        best = min(best, clock() - began)
        if best > 10 * images * SECONDS:
            break
    return best
