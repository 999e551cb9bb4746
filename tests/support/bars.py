"""Small images of three classes that a small network learns in no time."""

from __future__ import annotations

import numpy as np

SMALL = "1x8x8: conv 4 3x3 same, relu, flatten, linear 3"
WORDS = np.array(["left", "middle", "right"])


def bars(count: int, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Grey images of 8 × 8 with a bright bar on the left, in the middle or on the right, and which."""
    draw = np.random.default_rng(seed)
    images, labels = draw.integers(0, 90, (count, 8, 8), dtype=np.uint8), draw.integers(0, 3, count)
    for image, label in zip(images, labels, strict=True):
        image[:, 3 * label : 3 * label + 2] += 150
    return images, labels


IMAGES, NUMBERS = bars(120)
TEST, TRUTH = bars(40, seed=1)
