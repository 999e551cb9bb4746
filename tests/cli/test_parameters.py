"""Sizes as people type them."""

import click
import pytest

from striate import Network
from striate.cli.parameters import INPUT, SIZE, RunType
from striate.look import subject


@pytest.mark.parametrize(("text", "size"), [("32", (32, 32)), ("28x30", (28, 30)), ("28×30", (28, 30))])
def test_one_number_is_both_sides(text: str, size: tuple[int, int]) -> None:
    assert SIZE.convert(text, None, None) == size


@pytest.mark.parametrize("text", ["", "x", "1x2x3", "-1", "٣", "1.5"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match="is not of the form HxW, or one number for all sides"):
        SIZE.convert(text, None, None)


def test_what_is_too_large_is_refused() -> None:
    with pytest.raises(click.BadParameter, match="is too large: a size may be 1,000,000 at most"):
        SIZE.convert("9" * 5000, None, None)


def test_an_input_has_three_sides() -> None:
    assert INPUT.convert("1x28x28", None, None) == (1, 28, 28)
    with pytest.raises(click.BadParameter, match=r"'28' is not of the form CxHxW\."):
        INPUT.convert("28", None, None)


def test_notation_longer_than_the_name_of_a_file_is_a_network() -> None:
    text = f"1x8x8: {60 * 'relu, '}flatten, linear 10"
    assert isinstance(RunType(untrained=True).convert(text, None, None), Network)
    assert len(subject(text).network.layers) == 62
