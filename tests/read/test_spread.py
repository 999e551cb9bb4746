"""Where each character lies."""

import numpy as np

from striate.data.mnist import mnist
from striate.data.strips import Letters, set_strip
from striate.read.spread import spans_of

LETTERS = Letters.of(mnist("test"))


def test_boxes_hold_the_ink_of_their_digits() -> None:
    generator = np.random.default_rng(0)
    for _ in range(40):
        line = set_strip(LETTERS, generator.integers(10_000, size=5).tolist(), gaps=[2] * 4, margin=16)
        found = spans_of(line.pixels, [(left + right) / 2 for left, right in line.spans])
        for (left, top, right, bottom), (first, end) in zip(found, line.spans, strict=True):
            assert abs(left - first) <= 3
            assert abs(right - end) <= 3
            assert bottom - top >= 12


def test_a_character_without_ink_gets_its_column() -> None:
    assert spans_of(np.zeros((32, 64), dtype=np.uint8), [20.0]) == [(7.0, 0.0, 33.0, 32.0)]
