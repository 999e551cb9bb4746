from __future__ import annotations

import numpy as np
import pytest

from striate.data.ink import _pieces, find_paper, lift_ink, otsu, stroke_width, thickened, without_dust


def bar(paper: float = 240, ink: float = 20, side: int = 100) -> np.ndarray:
    drawing = np.full((side, side), paper, dtype=np.float32)
    drawing[20:80, 45:55] = ink
    return drawing


@pytest.mark.parametrize(("paper", "ink"), [(250, 0), (0, 250), (110, 40), (110, 200), (60, 20), (200, 240)])
def test_polarity_is_told_by_what_stands_out(paper: float, ink: float):
    found = find_paper(bar(paper, ink))
    assert found.even
    assert found.dark == (ink < paper)
    lifted = lift_ink(bar(paper, ink), found)
    assert lifted is not None
    assert np.array_equal(lifted == 255, bar(paper, ink) == ink)
    assert np.array_equal(lifted == 0, bar(paper, ink) == paper)


@pytest.mark.parametrize("angle", range(0, 360, 45))
def test_uneven_light_is_taken_away(angle: int):
    down, across = np.mgrid[0:100, 0:100] / 50 - 1
    turned = np.cos(np.radians(angle)) * across + np.sin(np.radians(angle)) * down
    light = 0.7 + 0.2 * turned - 0.08 * (across**2 + down**2)
    noise = np.random.default_rng(0).normal(0, 2, (100, 100))
    drawing = (bar() * light + noise).clip(0, 255).astype(np.float32)
    paper = find_paper(drawing)
    assert not paper.even
    assert paper.dark
    assert 1 < paper.noise < 4
    assert np.abs(paper.levels - 240 * light).mean() < 3
    ink = lift_ink(drawing, paper)
    assert ink is not None
    assert np.array_equal(ink > 127, bar() == 20)


def test_noise_alone_is_no_ink():
    for seed in range(5):
        drawing = np.random.default_rng(seed).normal(180, 8, (120, 90)).clip(0, 255).astype(np.float32)
        assert lift_ink(drawing, find_paper(drawing)) is None


def test_otsu_parts_two_groups():
    values = np.concatenate([np.full(900, 30.0), np.full(100, 200.0)])
    assert 30 <= otsu(values) < 200
    assert otsu(np.zeros(10)) == 0


def test_pieces_are_connected_across_corners_however_winding():
    spiral = np.zeros((41, 41), dtype=bool)
    for ring in range(0, 20, 2):
        spiral[ring, ring : 41 - ring] = spiral[40 - ring, ring : 41 - ring] = True
        spiral[ring : 41 - ring, ring] = spiral[ring : 41 - ring, 40 - ring] = True
        spiral[ring + 1, ring] = ring == 0
        spiral[ring + 2, ring + 1] = True
    spiral[20, 20] = False
    numbers = _pieces(spiral)
    assert (numbers > 0).tolist() == spiral.tolist()
    assert len(set(numbers[spiral])) == 1
    corners = np.array([[1, 0, 0, 1], [0, 1, 0, 0], [0, 0, 0, 1]], dtype=bool)
    assert len(set(_pieces(corners)[corners])) == 3


def test_dust_goes_and_detached_strokes_stay():
    ink = np.zeros((300, 280), dtype=np.float32)
    ink[50:250, 100:120] = 255
    ink[40:60, 140:200] = 255
    ink[10:13, 10:13] = ink[290:292, 270:272] = 255
    kept = without_dust(ink)
    assert not kept[10:13, 10:13].any()
    assert not kept[290:, 270:].any()
    assert kept[50:250, 100:120].all()
    assert kept[40:60, 140:200].all()


@pytest.mark.parametrize("slope", [0, 0.5, 1, 3])
def test_stroke_width_is_near_the_pens(slope: float):
    down, across = np.mgrid[0:200, 0:200] - 100.0
    distance = np.abs(across - slope * down) / np.hypot(1, slope)
    drawn = np.where((distance <= 5) & (np.hypot(down, across) < 90), 255, 0).astype(np.float32)
    assert 7 < stroke_width(drawn) < 14


def test_thickened_adds_to_each_side():
    ink = np.zeros((9, 9), dtype=np.float32)
    ink[4, 4] = 200
    assert thickened(ink, 2)[2:7, 2:7].min() == 200
    assert thickened(ink, 2).sum() == 25 * 200


def test_ink_that_reaches_the_border_is_no_uneven_light():
    seven = np.full((200, 120), 255, dtype=np.float32)
    seven[:22] = 0
    for row in range(22, 200):
        middle = 115 - row // 3
        seven[row, middle - 12 : middle + 12] = 0
    paper = find_paper(seven)
    assert paper.even
    assert paper.dark
    ink = lift_ink(seven, paper)
    assert ink is not None
    assert np.array_equal(ink > 127, seven == 0)
