"""The decoder, against sums and maxima over all paths, written out."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from striate.read import Characters, decode

SHORT = Characters("ab-", blank="-", longest=2, touching=-1.5)


def paths(count: int, model: Characters) -> list[tuple[str, float, tuple[int, ...]]]:
    """Every path through some columns: its string, its arcs' weight, the class of each column.

    Written from the model's words: characters take 1 to `longest` columns, a character without a blank before it costs.
    """
    found = []
    for classes in product(range(len(model.symbols)), repeat=count):
        for starts in product((False, True), repeat=count):
            text, weight, run, possible = "", 0.0, 0, True
            for column, (number, begins) in enumerate(zip(classes, starts, strict=True)):
                if number == model.empty:
                    possible &= not begins
                    run = 0
                elif begins:
                    text += model.symbols[number]
                    weight += model.touching if run else 0.0
                    run = 1
                else:
                    possible &= run > 0 and classes[column - 1] == number
                    run += 1
                    possible &= run <= model.longest
            if possible:
                found.append((text, weight, classes))
    return found


@given(
    rows=st.lists(st.lists(st.floats(-5, 5), min_size=3, max_size=3), min_size=1, max_size=5),
    longest=st.integers(1, 3),
    touching=st.sampled_from([-4.0, -1.0, 0.0]),
)
@settings(max_examples=60, deadline=None)
def test_best_path_and_its_strings_share_are_those_of_all_paths(rows, longest, touching) -> None:
    model = Characters("ab-", blank="-", longest=longest, touching=touching)
    scores = np.array(rows)
    scores = scores - np.logaddexp.reduce(scores, axis=1, keepdims=True)
    all_paths = [
        (text, weight + sum(scores[column, number] for column, number in enumerate(classes)))
        for text, weight, classes in paths(len(rows), model)
    ]
    best = max(weight for _, weight in all_paths)
    found = decode(scores, model)
    assert any(text == found.text and math.isclose(weight, best, abs_tol=1e-9) for text, weight in all_paths)
    own = sum(math.exp(weight) for text, weight in all_paths if text == found.text)
    assert found.confidence == pytest.approx(own / sum(math.exp(weight) for _, weight in all_paths))


def columns(text: str, sure: float = 0.9) -> np.ndarray:
    """A column for each letter, with most of its probability on it."""
    rest = (1 - sure) / (len(SHORT.symbols) - 1)
    return np.log([[sure if symbol == each else rest for symbol in SHORT.symbols] for each in text])


@pytest.mark.parametrize(
    ("seen", "text"),
    [
        ("---", ""),
        ("-a-b-", "ab"),
        ("-aa-bb-", "ab"),
        ("-aaa-", "aa"),
        ("aab", "ab"),
        ("a", "a"),
        ("a-a", "aa"),
        ("-ab-", "ab"),
    ],
)
def test_hand_made_columns(seen: str, text: str) -> None:
    assert decode(columns(seen), SHORT).text == text


def test_where_each_character_was_seen() -> None:
    found = decode(columns("-aa--b"), SHORT)
    assert [(each.symbol, each.first, each.end) for each in found.characters] == [("a", 1, 3), ("b", 5, 6)]


def test_one_column_or_two_is_no_doubt() -> None:
    """A second column that may or may not see the character leaves the string as sure as it was."""
    sure = columns("-a--", sure=0.999)
    sure[2] = np.log([0.5, 1e-9, 0.5])
    assert decode(sure, SHORT).confidence > 0.85
    assert decode(sure, Characters("ab-", blank="-", longest=1, touching=0)).confidence < 0.75


def test_no_columns() -> None:
    found = decode(np.zeros((0, 3)), SHORT)
    assert (found.text, found.confidence) == ("", 1.0)
