from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from striate.data import alternated, symmetric
from striate.errors import DataError


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_all_eight_are_drawn_and_only_they() -> None:
    board = torch.arange(9.0).view(1, 1, 3, 3)
    turned, _ = symmetric(board.expand(200, 1, 3, 3), torch.zeros(200).long(), "images", generator=generator())
    expected = {
        tuple(each.flatten().tolist())
        for turn in range(4)
        for each in (torch.rot90(board[0, 0], turn), torch.rot90(board[0, 0].T, turn))
    }
    assert len(expected) == 8
    assert {tuple(each.flatten().tolist()) for each in turned} == expected


@given(seed=st.integers(0, 1000), side=st.integers(1, 6))
def test_a_boards_label_moves_along(seed: int, side: int) -> None:
    batch = torch.rand(20, 3, side, side, generator=generator(seed))
    labels = torch.randint(0, side * side, (20,), generator=generator(seed))
    turned, moved = symmetric(batch, labels, "boards", generator=generator(seed))
    rows = torch.arange(20)
    assert torch.equal(turned.flatten(2)[rows, :, moved], batch.flatten(2)[rows, :, labels])
    assert torch.equal(turned.flatten(2).sort(2).values, batch.flatten(2).sort(2).values)


def test_an_images_label_stays_and_nothing_asked_for_is_no_work() -> None:
    batch, labels = torch.rand(5, 1, 4, 4), torch.arange(5)
    assert symmetric(batch, labels, "images", generator=generator())[1] is labels
    drawn = generator()
    before = drawn.get_state()
    assert symmetric(batch, labels, "none", generator=drawn)[0] is batch
    assert torch.equal(drawn.get_state(), before)


def test_what_is_not_square_is_refused() -> None:
    with pytest.raises(DataError) as caught:
        symmetric(torch.zeros(1, 1, 3, 4), torch.zeros(1).long(), "images", generator=generator())
    assert str(caught.value).splitlines() == [
        "images of 3×4 have no eight symmetries.",
        "They must be square.",
        'Give the recipe "symmetries": "none".',
    ]


def test_alternating_flips_show_both_sides_in_any_two_epochs() -> None:
    images = torch.rand(500, 2, 3, 4, generator=generator())
    numbers = torch.randperm(500, generator=generator(1))
    first, second, third = (alternated(images, numbers, seed=7, epoch=epoch) for epoch in range(3))
    assert torch.equal(first, third)
    assert torch.equal(first, second.flip(3))
    mirrored = (first != images).flatten(1).any(1)
    assert 200 < mirrored.sum() < 300
    assert torch.equal(alternated(images[3:9], numbers[3:9], seed=7, epoch=0), first[3:9])  # whatever batch it is in
    other = (alternated(images, numbers, seed=8, epoch=0) != images).flatten(1).any(1)
    assert 150 < (other != mirrored).sum() < 350
