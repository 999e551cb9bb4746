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

_BEGIN = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
_HEAD = 33
"""The bytes of a PNG's signature and header."""
_CHUNKS, _PLAIN = 16, (b"IDAT", b"PLTE", b"tRNS", b"pHYs", b"gAMA", b"sRGB")
"""The most chunks of a small PNG, and those that hold its pixels, or a few bytes."""
_TURNS, _FAR = 3, 10 * SECONDS


class Light:
    """Says whether a job for a predictor is light, without a look into its image; measured when it is made.

    The processor's time is measured, so that other programs on the machine do not change the answer.
    """

    def __init__(self, predictor: Predictor, *, clock: Callable[[], float] = thread_time) -> None:
        self.takes_files = predictor.board is None
        self.prepares = predictor.run.preprocessing.form != "picture"
        self.size = prod(predictor.run.network.input)
        self.of_one = _seconds(predictor, 1, clock)
        several = _seconds(predictor, predictor.at_once, clock) if self.of_one < _FAR else inf
        self.of_each = several / predictor.at_once

    def pixels(self, content: bytes) -> bool:
        """Whether the pixels of some images are."""
        images = len(content) // self.size
        return images > 0 and (self.of_one if images == 1 else images * self.of_each) < SECONDS

    def file(self, content: bytes, *, prepared: bool) -> bool:
        """Whether an image file is. A drawing that is brought to MNIST's form is not: that takes milliseconds."""
        if not self.takes_files or (prepared and self.prepares):
            return False
        return self.of_one < SECONDS and is_small_png(content)


def is_small_png(content: bytes) -> bool:
    """Whether a file is a PNG of few bytes and few pixels, with nothing in it that is large once it is unpacked.

    >>> is_small_png(b"GIF89a")
    False
    """
    if len(content) > PNG_BYTES or content[:16] != _BEGIN:
        return False
    if int.from_bytes(content[16:20]) * int.from_bytes(content[20:24]) > PNG_PIXELS:
        return False
    at = _HEAD
    for _ in range(_CHUNKS):
        kind = content[at + 4 : at + 8]
        if kind == b"IEND":
            return True
        if kind not in _PLAIN:  # a text or a colour profile of few bytes may unpack to a megabyte
            return False
        at += 12 + int.from_bytes(content[at : at + 4])
    return False


def _seconds(predictor: Predictor, images: int, clock: Callable[[], float]) -> float:
    """What the network takes for some images; measured once where that is far from light."""
    drawn = torch.zeros(images, *predictor.run.network.input, dtype=torch.uint8)
    best = inf
    for _ in range(_TURNS):
        began = clock()
        predictor.probabilities(drawn)
        best = min(best, clock() - began)
        if best > _FAR:
            break
    return best
