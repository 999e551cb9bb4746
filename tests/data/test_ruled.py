"""The lines of a picture, whatever the picture."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from striate.data.mnist import mnist
from striate.data.ruled import Ruled, ruled
from striate.data.strips import Letters, salted, set_strip
from striate.errors import DataError

LETTERS = Letters.of(mnist("test"))
LINE = set_strip(LETTERS, [3, 2, 1, 18, 4, 8], gaps=[3, 2, 4, 3, 2])


def page(*, size: int = 1, angle: float = 0.0, ink: int = 20, paper: int = 240, margin: int = 16) -> Image.Image:
    """The line on paper, enlarged and turned."""
    levels = Image.fromarray(np.pad(LINE.pixels, margin))
    levels = levels.resize((levels.width * size, levels.height * size), Image.Resampling.BICUBIC)
    levels = levels.rotate(angle, Image.Resampling.BICUBIC, expand=True)
    return Image.fromarray((paper + (ink - paper) * (np.asarray(levels) / 255)).round().astype(np.uint8))


def likeness(found: Ruled) -> float:
    """The best correlation with the line as it was set, over small shifts."""
    width = found.strip.shape[1]
    wanted = np.zeros((32, width + 40 + LINE.pixels.shape[1]))
    wanted[2:30, 40 : 40 + LINE.pixels.shape[1]] = LINE.pixels
    return max(
        float(np.corrcoef(np.roll(wanted, down, 0)[:, right : right + width].ravel(), found.strip.ravel())[0, 1])
        for down in (-2, -1, 0, 1, 2)
        for right in range(40)
    )


@pytest.mark.parametrize("size", [1, 2, 3, 7])
@pytest.mark.parametrize(("ink", "paper"), [(20, 240), (235, 30), (90, 140)])
def test_any_size_and_either_polarity(size: int, ink: int, paper: int) -> None:
    [found] = ruled(page(size=size, ink=ink, paper=paper))
    assert found.strip.shape[0] == 32
    assert abs(found.strip.shape[1] - (LINE.pixels.shape[1] + 32)) <= 10
    assert likeness(found) > 0.85


@pytest.mark.parametrize("angle", [-8, -4, 4, 8])
def test_a_turned_line_is_turned_back(angle: float) -> None:
    [found] = ruled(page(size=3, angle=angle))
    assert likeness(found) > 0.75


def test_noise_is_not_taken_for_lines() -> None:
    noisy = salted(np.asarray(page(ink=0, paper=255)), 0.1, generator=np.random.default_rng(0))
    [found] = ruled(Image.fromarray(noisy))
    assert abs(found.strip.shape[1] - (LINE.pixels.shape[1] + 32)) <= 12
    assert likeness(found) > 0.6


def test_lines_from_top_to_bottom() -> None:
    single = np.asarray(page(size=2))
    found = ruled(Image.fromarray(np.concatenate([single] * 3)))
    assert len(found) == 3
    tops = [line.placement.box(16, 6, 20, 26)[1] for line in found]
    assert tops == sorted(tops)
    assert tops[1] - tops[0] == pytest.approx(single.shape[0], abs=3)
    assert all(likeness(line) > 0.85 for line in found)


@pytest.mark.parametrize(("size", "angle"), [(1, 0), (4, 0), (3, 6)])
def test_the_way_back_leads_to_the_ink(size: int, angle: float) -> None:
    picture = page(size=size, angle=angle)
    [found] = ruled(picture)
    rows, columns = np.nonzero(found.strip > 100)
    corner = (float(columns.min()), float(rows.min()), float(columns.max()) + 1, float(rows.max()) + 1)
    left, top, right, bottom = found.placement.box(*corner)
    rows, columns = np.nonzero(np.asarray(picture) < 130)
    slack = 3 * size
    assert left <= columns.min() + slack
    assert right >= columns.max() - slack
    if not angle:
        assert abs(left - columns.min()) <= slack
        assert abs(right - columns.max()) <= slack
        assert abs(top - rows.min()) <= slack
        assert abs(bottom - rows.max()) <= slack


def test_a_large_picture_is_shrunk_and_boxes_are_not() -> None:
    picture = page(size=24)
    assert picture.width > 2400
    [found] = ruled(picture)
    assert found.placement.box(0, 0, found.strip.shape[1], 32)[2] > 2400
    assert likeness(found) > 0.85


def test_no_ink_no_lines() -> None:
    assert ruled(Image.new("L", (80, 40), 255)) == ()
    assert ruled(Image.new("RGBA", (80, 40))) == ()


def test_too_many_lines() -> None:
    levels = np.full((70 * 20, 60), 255, dtype=np.uint8)
    for line in range(70):
        levels[line * 20 + 4 : line * 20 + 16, 10:50:8] = 0
    with pytest.raises(DataError) as caught:
        ruled(Image.fromarray(levels))
    assert str(caught.value).splitlines() == [
        "70 rows of ink were found.",
        "At most 64 lines are read from one picture.",
        "Cut the part out that is to be read.",
    ]
