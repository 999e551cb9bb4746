"""How counts and shares are written: no plural of one, no 100 % of what is not all."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from striate.accounting.show.grid import fitted, grid
from striate.errors import unknown_name
from striate.wording import cells, counted, padded, percent, plural


@pytest.mark.parametrize("kind", ["network", "class", "run", "axis", "batch", "library"])
def test_an_unknown_name_takes_the_plural(kind: str) -> None:
    assert str(unknown_name(kind, "x", ["y"])).splitlines()[1] == f"The {plural(kind)} are: y."
    assert plural("class") == "classes"


@pytest.mark.parametrize(
    ("count", "word", "text"),
    [(1, "epoch", "1 epoch"), (2, "pass", "2 passes"), (0, "mistake", "0 mistakes"), (1200, "axis", "1,200 axes")],
)
def test_counts_agree_with_their_nouns(count: int, word: str, text: str) -> None:
    assert counted(count, word) == text


@given(st.integers(1, 10**6).flatmap(lambda whole: st.tuples(st.integers(0, whole), st.just(whole))), st.integers(0, 4))
@settings(derandomize=True, deadline=None)
def test_only_all_is_100_percent_and_only_none_is_0(counts: tuple[int, int], decimals: int) -> None:
    part, whole = counts
    text = percent(part / whole, decimals)
    assert (float(text.strip("<>%")) == 100 and text[0] != ">") == (part == whole)
    assert (float(text.strip("<>%")) == 0 and text[0] != "<") == (part == 0)
    assert abs(float(text.strip("<>%")) - 100 * part / whole) <= 1.0000001 * 10**-decimals


def test_columns_of_wide_letters_stand_below_each_other() -> None:
    composed, letter_by_letter = "고양이", unicodedata.normalize("NFD", "고양이")
    assert cells(composed) == cells(letter_by_letter) == 6
    assert padded(composed, 8) == "고양이  "
    assert padded("kitten", 4, ">") == "kitten"
    found = grid([("class", "images"), (), (composed, "3"), (letter_by_letter, "14")], "<>")
    assert {cells(line) for line in found} == {len("class   images")}


def test_a_narrowed_column_of_wide_letters_stays_on_the_page() -> None:
    found = fitted([("network", "MACs"), ("가" * 40, "123,456")], "<>", 60)
    assert max(map(cells, found)) <= 60
    assert "".join(found).count("가") == 40
