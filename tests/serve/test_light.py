"""Light jobs: small PNG files and few pixels, where the network is fast; nothing else is computed in the event loop."""

from __future__ import annotations

from io import BytesIO
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from striate.serve.light import PNG_BYTES, Light, is_small_png
from tests.support.networks import TINY
from tests.support.pictures import png
from tests.support.serving import fresh


def test_small_files_and_few_pixels_are_light_where_the_network_is_fast(tmp_path: Path) -> None:
    predictor = fresh(TINY, tmp_path / "tiny")
    size = int(np.prod(TINY.input))
    file = png(Image.new("L", (28, 28), 7))
    fast = Light(predictor, clock=ticking(0.0005))  # also for a batch of the most images
    each = 0.0005 / predictor.at_once
    assert fast.file(file)
    assert fast.pixels(bytes(size))
    assert fast.pixels(bytes(size * int(0.0009 / each)))
    assert not fast.pixels(bytes(size * int(0.0011 / each)))
    assert not fast.pixels(bytes(size - 1))
    slow = Light(predictor, clock=ticking(0.002))
    assert not slow.file(file)
    assert not slow.pixels(bytes(size))
    assert slow.pixels(bytes(2 * size))  # it is fast in a batch alone


def ticking(seconds: float):
    """A clock on which everything takes so long."""
    ticks = count()
    return lambda: next(ticks) * seconds


@pytest.mark.parametrize(("mode", "size"), [("L", (28, 28)), ("RGB", (32, 32)), ("1", (64, 64)), ("L", (4096, 1))])
def test_a_small_png(mode: str, size: tuple[int, int]) -> None:
    assert is_small_png(png(Image.new(mode, size)))


def test_other_files_are_not() -> None:
    large, noise = Image.new("1", (65, 64)), np.random.default_rng(1).integers(0, 255, (63, 63, 3))
    small, vast = png(Image.new("1", (8, 8))), png(Image.new("1", (4000, 4000)))
    assert len(vast) > PNG_BYTES or not is_small_png(vast)
    jpeg = BytesIO()
    Image.new("L", (8, 8)).save(jpeg, "JPEG")
    twice = small[:33] + vast[8:33] + small[33:]  # a second header, which a decoder may take for the first
    moved = small[:8] + b"\0\0\0\x08tEXt" + bytes(12) + small[8:]
    for content in (png(large), png(Image.fromarray(noise.astype(np.uint8))), vast, jpeg.getvalue(), twice, moved):
        assert not is_small_png(content)
    for cut in range(33):
        assert not is_small_png(small[:cut])


def test_a_game_is_never_light(tmp_path: Path) -> None:
    predictor, file = fresh(TINY, tmp_path / "tiny"), png(Image.new("L", (28, 28)))
    assert Light(predictor, clock=ticking(0.0001)).file(file)
    predictor.board = 19
    assert not Light(predictor, clock=ticking(0.0001)).file(file)
