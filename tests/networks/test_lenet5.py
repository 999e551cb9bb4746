"""LeNet-5's table and bitmaps."""

from collections import Counter

from striate.networks.glyphs import HEIGHT, WIDTH, digits
from striate.networks.lenet5 import C3_TABLE


def test_the_table_is_table_i() -> None:
    assert len(C3_TABLE) == 16
    assert len(set(C3_TABLE)) == 16
    assert sum(map(len, C3_TABLE)) == 60
    assert Counter(maps for row in C3_TABLE for maps in row) == dict.fromkeys(range(6), 10)
    cyclic = [{(start + step) % 6 for step in range(size)} for size in (3, 4) for start in range(6)]
    assert [set(row) for row in C3_TABLE[:12]] == cyclic
    assert [set(range(6)) - set(row) for row in C3_TABLE[12:15]] == [{2, 5}, {0, 3}, {1, 4}]


def test_the_bitmaps_are_apart() -> None:
    codes = digits()
    assert len(codes) == 10
    assert all(len(code) == WIDTH * HEIGHT and set(code) == {-1.0, 1.0} for code in codes)
    distances = [sum(a != b for a, b in zip(codes[i], codes[j], strict=True)) for i in range(10) for j in range(i)]
    assert min(distances) >= 12
    assert sum(distances) / len(distances) > 30
