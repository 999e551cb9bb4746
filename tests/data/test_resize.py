from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from striate.data import resize
from striate.data.resize import chunks, letterboxed, resized, within


@pytest.mark.parametrize("size", [(7, 5), (20, 30), (64, 41), (1, 1), (17, 1), (64, 1), (1, 17)])
def test_it_agrees_with_pillow(size: tuple[int, int]):
    pixels = np.random.default_rng(0).integers(0, 256, (40, 30, 3), dtype=np.uint8)
    ours = resized(torch.from_numpy(pixels).permute(2, 0, 1)[None], size)[0].permute(1, 2, 0).numpy()
    theirs = np.asarray(Image.fromarray(pixels).resize((size[1], size[0]), Image.Resampling.BILINEAR))
    assert np.abs(ours.astype(int) - theirs).max() <= 1


def test_the_same_size_is_the_same_tensor():
    images = torch.zeros(2, 1, 3, 4, dtype=torch.uint8)
    assert resized(images, (3, 4)) is images


def test_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch):
    images = torch.randint(0, 256, (11, 1, 8, 8), dtype=torch.uint8)
    whole = resized(images, (5, 6))
    monkeypatch.setattr(resize, "CHUNK_BYTES", 300)
    assert len(chunks(11, bytes_each=64)) == 3
    assert torch.equal(resized(images, (5, 6)), whole)


def test_no_images_and_huge_images_have_chunks():
    assert chunks(0, bytes_each=10) == []
    assert chunks(2, bytes_each=10**9) == [slice(0, 1), slice(1, 2)]


@pytest.mark.parametrize("size", [(40, 30), (30, 40), (17, 300), (300, 17), (1, 1), (64, 48), (5, 5)])
@pytest.mark.parametrize("wanted", [(20, 20), (20, 33), (33, 20), (64, 48)])
def test_a_letterbox_shows_the_whole_image_as_large_as_it_fits(size: tuple[int, int], wanted: tuple[int, int]):
    inner = within(size, wanted)
    assert wanted[0] in inner or wanted[1] in inner
    assert all(1 <= side <= most for side, most in zip(inner, wanted, strict=True))
    exact = min(wanted[0] / size[0], wanted[1] / size[1])
    assert all(abs(side - max(1, exact * old)) <= 0.5 for side, old in zip(inner, size, strict=True))
    images = torch.randint(1, 256, (2, 3, *size), dtype=torch.uint8)
    boxed = letterboxed(images, wanted)
    assert boxed.shape == (2, 3, *wanted)
    top, left = (wanted[0] - inner[0]) // 2, (wanted[1] - inner[1]) // 2
    assert torch.equal(boxed[:, :, top : top + inner[0], left : left + inner[1]], resized(images, inner))
    assert int((boxed != 0).sum()) == int((resized(images, inner) != 0).sum())  # all else is black
