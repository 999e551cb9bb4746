"""The bitmaps of the printable characters: their geometry, and their picture."""

import subprocess
import sys
from itertools import combinations
from pathlib import Path

import pytest

from striate.errors import UnknownNameError
from striate.networks.glyphs import HEIGHT, WIDTH, bitmaps, centres, digits

ROOT = Path(__file__).parents[2]
ALIKE = ["0O", "1l", "1I", "Il", "I|", "5S", "2Z", "8B", "0Q", "6G", "gq", ",;", "`'", "-~", "EF", "ce"]
"""Pairs that people take for each other."""


def distance(pair: tuple[str, ...]) -> int:
    """In how many of the 84 pixels two characters differ."""
    first, second = centres(pair)
    return sum(a != b for a, b in zip(first, second, strict=True))


def test_every_printable_character_is_drawn_once() -> None:
    assert list(bitmaps()) == [chr(code) for code in range(32, 127)]
    for rows in bitmaps().values():
        assert len(rows) == HEIGHT
        assert all(len(row) == WIDTH and set(row) <= {"#", "."} for row in rows)
    assert digits() == centres(tuple("0123456789"))
    assert set(centres((" ",))[0]) == {-1.0}


def test_all_are_apart_and_those_that_look_alike_are_near() -> None:
    distances = {pair: distance(pair) for pair in combinations(bitmaps(), 2)}
    mean = sum(distances.values()) / len(distances)
    assert (min(distances.values()), max(distances.values()), round(mean, 1)) == (3, 67, 35.5)
    assert min(distances, key=distances.__getitem__) == ("I", "l")
    assert max(distance(tuple(pair)) for pair in ALIKE) < mean / 2


def test_what_is_not_drawn_is_named() -> None:
    with pytest.raises(UnknownNameError) as caught:
        centres(("a", "é", "ab"))
    assert str(caught.value) == (
        "no bitmap is drawn for 'é', 'ab'.\nThere is one for each of the 95 printable characters of ASCII."
    )


def test_the_picture_in_the_docs_is_the_examples(tmp_path: Path) -> None:
    subprocess.run([sys.executable, ROOT / "examples/draw_characters.py", tmp_path / "made.svg"], check=True)
    made = (tmp_path / "made.svg").read_text(encoding="utf-8")
    assert made == (ROOT / "docs/reproductions/characters.svg").read_text(encoding="utf-8")
    assert made.count("h34v54h-34z") == len(bitmaps())
