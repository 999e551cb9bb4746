"""Digits set side by side."""

import numpy as np
import pytest

from striate.data.mnist import mnist
from striate.data.strips import Letters, salted, set_strip

LETTERS = Letters.of(mnist("test"))


@pytest.mark.parametrize("gap", [-3, -1, 0, 4])
def test_gaps_are_between_the_boxes_of_all_ink(gap: int) -> None:
    strip = set_strip(LETTERS, [0, 1, 2], gaps=[gap, gap])
    (_, first), (second, _), _ = strip.spans
    assert second - first == gap
    assert strip.labels == (7, 2, 1)
    if gap >= 0:
        columns = strip.pixels.any(axis=0)
        assert not columns[first:second].any()
        assert columns[first - 1]
        assert columns[second]


def test_a_letter_alone_is_its_image() -> None:
    for number in range(50):
        first, end = LETTERS.columns[number]
        strip = set_strip(LETTERS, [number], gaps=[])
        assert np.array_equal(strip.pixels, LETTERS.images[number][:, first:end])
        assert LETTERS.images[number].sum() == strip.pixels.sum()


def test_drops_move_letters_and_keep_their_ink() -> None:
    plain, moved = (set_strip(LETTERS, [3, 4], gaps=[2], drops=drops) for drops in ([0, 0], [-2, 3]))
    assert moved.pixels.shape[0] == 28 + 5
    assert moved.pixels.sum() == plain.pixels.sum()
    left, right = moved.spans[0]
    assert np.array_equal(moved.pixels[:28, left:right], plain.pixels[:, left:right])


def test_overlaps_show_the_lighter_pixel() -> None:
    strip = set_strip(LETTERS, [0, 2], gaps=[-4])
    alone = set_strip(LETTERS, [0], gaps=[])
    assert (strip.pixels[:, : alone.pixels.shape[1]] >= alone.pixels).all()


def test_salt_and_pepper_inverts_a_share() -> None:
    pixels = np.full((200, 200), 40, dtype=np.uint8)
    noisy = salted(pixels, 0.1, generator=np.random.default_rng(0))
    assert set(np.unique(noisy)) == {40, 215}
    assert 0.09 < (noisy == 215).mean() < 0.11
