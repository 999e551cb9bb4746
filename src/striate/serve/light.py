"""Decides which jobs are light: so short, under a millisecond, that the event loop's thread may compute them."""

from __future__ import annotations

from collections.abc import Callable
from math import inf, prod
from time import thread_time

import torch

from striate.look.predictor import Predictor

SECONDS = 0.001
"""The limit of a light job; the event loop answers no other request during it."""
PNG_BYTES, PNG_PIXELS = 4096, 64 * 64
"""The largest PNG file that is light to decode, such as a digit of MNIST or an image of CIFAR."""

_BEGIN = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
_HEAD = 33
"""The bytes of a PNG's signature and header."""
_CHUNKS, _PLAIN = 16, (b"IDAT", b"PLTE", b"tRNS", b"pHYs", b"gAMA", b"sRGB")
"""The most chunks of a small PNG, and the kinds of chunks that it may have: pixels, or a few bytes of other data."""
_TURNS, _FAR = 3, 10 * SECONDS


class Light:
    """Says whether a job for a predictor is light, from the size of its request and the predictor's speed.

    The speed is measured when this object is made. It is measured as processor time, so that other programs on the
    machine do not change the result.
    """

    def __init__(self, predictor: Predictor, *, clock: Callable[[], float] = thread_time) -> None:
        self.takes_files = predictor.board is None
        self.prepares = predictor.run.preprocessing.form != "picture"
        self.size = prod(predictor.run.network.input)
        self.of_one = _seconds(predictor, 1, clock)
        several = _seconds(predictor, predictor.at_once, clock) if self.of_one < _FAR else inf
        self.of_each = several / predictor.at_once

    def pixels(self, content: bytes) -> bool:
        """Whether classifying these pixels, of one or several images, is light."""
        images = len(content) // self.size
        return images > 0 and (self.of_one if images == 1 else images * self.of_each) < SECONDS

    def file(self, content: bytes, *, prepared: bool) -> bool:
        """Whether classifying this image file is light. Bringing a drawing to MNIST's form takes milliseconds: it is
        not."""
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
    """The seconds that the network takes for a number of images; measured only once where that is far from light."""
    drawn = torch.zeros(images, *predictor.run.network.input, dtype=torch.uint8)
    best = inf
    for _ in range(_TURNS):
        began = clock()
        predictor.probabilities(drawn)
        best = min(best, clock() - began)
        if best > _FAR:
            break
    return best
