"""Rejection against a loop that draws every line anew, and its words."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from striate import find
from striate.train import Outputs
from striate.train.rejection import Kept, rejection_of, scores_compared

few = st.integers(-3, 3).map(float)
"""Scores so few that many differences are equal."""
rows = st.lists(st.tuples(few, few, few, st.integers(0, 2)), min_size=1, max_size=12)


def outputs_of(drawn: list[tuple[float, float, float, int]]) -> Outputs:
    return Outputs(torch.tensor([each[:3] for each in drawn]), torch.tensor([each[3] for each in drawn]), 0.0)


def every_line(drawn: list[tuple[float, float, float, int]]) -> list[Kept]:
    """For every difference that occurs: keep what differs by that much or more, and count."""
    judged = []
    for first, second, third, label in drawn:
        scores = [first, second, third]
        best, next_best = sorted(scores, reverse=True)[:2]
        judged.append((best - next_best, scores.index(best) == label))
    lines = []
    for least in sorted({difference for difference, _ in judged}):
        kept = [right for difference, right in judged if difference >= least]
        lines.append(Kept(len(judged), len(judged) - len(kept), kept.count(False), least))
    return lines


@given(rows)
def test_it_is_what_a_slow_loop_finds(drawn) -> None:
    assert list(rejection_of(outputs_of(drawn)).steps) == every_line(drawn)


@given(rows, st.floats(0, 1))
def test_a_share_rejects_as_few_as_give_it_and_never_all(drawn, share: float) -> None:
    lines = every_line(drawn)
    enough = [line for line in lines if line.share >= share] or lines[-1:]
    assert rejection_of(outputs_of(drawn)).at(share) == min(enough, key=lambda line: line.rejected)


@given(rows, st.floats(0, 1))
def test_an_error_is_reached_by_rejecting_as_few_as_possible(drawn, error: float) -> None:
    good = [line for line in every_line(drawn) if line.errors / (line.images - line.rejected) <= error]
    assert rejection_of(outputs_of(drawn)).reach(error) == min(good, key=lambda line: line.rejected, default=None)


def test_answers_that_differ_by_the_same_are_kept_or_rejected_together() -> None:
    tied = [(1.0, 0.0, 0.0, 1)] + 3 * [(1.0, 0.0, 0.0, 0)] + [(5.0, 0.0, 0.0, 0)]
    found = rejection_of(outputs_of(tied))
    assert found.steps == (Kept(5, 0, 1, 1.0), Kept(5, 4, 0, 5.0))
    assert found.at(0.01).share == 0.8
    assert found.reach() == Kept(5, 4, 0, 5.0)
    assert found.reach(0.2) == Kept(5, 0, 1, 1.0)


def test_a_network_that_is_surely_wrong_reaches_nothing() -> None:
    assert rejection_of(outputs_of([(9.0, 0.0, 0.0, 1), (1.0, 0.0, 0.0, 0)])).reach() is None


def test_a_temperature_changes_nothing() -> None:
    scores, labels = torch.randn(50, 4, generator=torch.Generator().manual_seed(0)), torch.arange(50) % 4
    assert rejection_of(Outputs(scores, labels, 0.0, 7.0)) == rejection_of(Outputs(scores, labels, 0.0))


def test_its_members() -> None:
    assert Kept(200, 50, 3, 0.25).to_dict() == {
        "rejected": 0.25, "rejected_images": 50, "errors": 3, "error_rate": 0.02, "least_difference": 0.25,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "words"), [("lenet5", "the two smallest distances"), ("simple-cnn", "the two largest logits")]
)
def test_what_is_compared(name: str, words: str) -> None:
    assert scores_compared(find(name)) == words
