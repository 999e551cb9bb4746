"""Light jobs: small PNG files and few pixels, where the network is fast; nothing else is computed in the event loop."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import replace
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
    assert fast.file(file, prepared=True)
    assert fast.pixels(bytes(size))
    assert fast.pixels(bytes(size * int(0.0009 / each)))
    assert not fast.pixels(bytes(size * int(0.0011 / each)))
    assert not fast.pixels(bytes(size - 1))
    slow = Light(predictor, clock=ticking(0.002))
    assert not slow.file(file, prepared=True)
    assert not slow.pixels(bytes(size))
    assert slow.pixels(bytes(2 * size))  # it is fast in a batch alone


def ticking(seconds: float) -> Callable[[], float]:
    """A clock on which everything takes so long."""
    ticks = count()
    return lambda: next(ticks) * seconds


@pytest.mark.parametrize(("mode", "size"), [("L", (28, 28)), ("RGB", (32, 32)), ("1", (64, 64)), ("L", (4096, 1))])
def test_a_small_png(mode: str, size: tuple[int, int]) -> None:
    assert is_small_png(png(Image.new(mode, size)))


def test_other_files_are_not() -> None:
    large, noise = Image.new("1", (65, 64)), np.random.default_rng(1).integers(0, 255, (63, 63, 3))
    small, vast = png(Image.new("1", (8, 8))), png(Image.new("1", (4000, 4000)))
    jpeg = BytesIO()
    Image.new("L", (8, 8)).save(jpeg, "JPEG")
    bomb = zlib.compress(bytes(1_000_000))
    for kind, content in (("IHDR", vast[16:29]), ("zTXt", b"k\0\0" + bomb), ("iCCP", b"k\0\0" + bomb)):
        more = small[:33] + len(content).to_bytes(4) + kind.encode() + content + bytes(4) + small[33:]
        assert len(more) < PNG_BYTES
        assert not is_small_png(more)
    endless = small[:33] + (bytes(4) + b"IDAT" + bytes(4)) * 100
    for content in (png(large), png(Image.fromarray(noise.astype(np.uint8))), vast, jpeg.getvalue(), endless):
        assert not is_small_png(content)
    for cut in range(len(small) - 8):
        assert not is_small_png(small[:cut])


def test_a_game_is_never_light(tmp_path: Path) -> None:
    predictor, file = fresh(TINY, tmp_path / "tiny"), png(Image.new("L", (28, 28)))
    assert Light(predictor, clock=ticking(0.0001)).file(file, prepared=True)
    predictor.board = 19
    assert not Light(predictor, clock=ticking(0.0001)).file(file, prepared=True)


def test_a_drawing_that_is_brought_to_another_form_is_not_light(tmp_path: Path) -> None:
    predictor, file = fresh(TINY, tmp_path / "tiny"), png(Image.new("L", (28, 28)))
    predictor.run = replace(predictor.run, preprocessing=replace(predictor.run.preprocessing, form="digits"))
    light = Light(predictor, clock=ticking(0.0001))
    assert not light.file(file, prepared=True)
    assert light.file(file, prepared=False)
