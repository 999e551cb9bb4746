"""Text in lines of any width."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from striate.claims.lines import lines
from striate.wording import cells

WORDS = st.lists(st.text("ab×✓%구조\N{COMBINING ACUTE ACCENT}", min_size=1, max_size=12), max_size=8).map(" ".join)


@settings(derandomize=True, max_examples=300, deadline=None)
@given(WORDS, st.integers(1, 200), st.sampled_from(["", "  ", "  ✓   10  "]))
def test_every_line_fits_and_nothing_is_lost(text: str, width: int, label: str) -> None:
    found = lines(text, width, label)
    assert all(
        cells(line) <= width or len(line.strip()) - line.count("\N{COMBINING ACUTE ACCENT}") == 1 for line in found
    )
    whole = label + text if text else ""
    assert "".join("".join(found).split()) == "".join(whole.split())


def test_a_long_word_is_cut_and_a_per_cent_sign_stays_with_its_number() -> None:
    assert lines("abcdefgh ij", 5) == ["abcde", "fgh", "ij"]
    assert lines("it is 8.0 % here", 9) == ["it is", "8.0 %", "here"]


@pytest.mark.parametrize(("width", "expected"), [(26, ["  ✓ 1  one two three four", "       five"]), (22, None)])
def test_a_label_stands_out_where_there_is_room(width: int, expected: list[str] | None) -> None:
    text = "one two three four five"
    assert lines(text, width, "  ✓ 1  ") == (expected or ["✓ 1 one two three four", "five"])
