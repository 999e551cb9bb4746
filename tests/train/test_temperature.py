"""The temperature makes a network as sure as it is right."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from striate.train.temperature import COLDEST, temperature_of


def drawn(temperature: float, count: int = 20_000) -> tuple[torch.Tensor, torch.Tensor]:
    """Scores, and labels drawn by the probabilities that these scores have at a temperature."""
    generator = torch.Generator().manual_seed(0)
    scores = 5 * torch.randn(count, 6, generator=generator)
    return scores, torch.multinomial((scores / temperature).softmax(1), 1, generator=generator)[:, 0]


@given(temperature=st.floats(0.3, 20))
@settings(max_examples=15, deadline=None)
def test_it_finds_the_temperature_that_labels_were_drawn_at(temperature: float) -> None:
    scores, labels = drawn(temperature)
    assert temperature_of(scores, labels) == pytest.approx(temperature, rel=0.1)


def test_the_mean_confidence_is_the_accuracy() -> None:
    scores, labels = drawn(4.0)
    sure = (scores / temperature_of(scores, labels)).softmax(1).amax(1).mean().item()
    assert sure == pytest.approx((scores.argmax(1) == labels).double().mean().item(), abs=0.01)


def test_no_mistake_is_no_reason_to_be_infinitely_sure() -> None:
    labels = torch.arange(100) % 10
    scores = 10 * torch.nn.functional.one_hot(labels).float()
    temperature = temperature_of(scores, labels)
    assert temperature > COLDEST * 1.01
    assert 0.97 < (scores / temperature).softmax(1).amax(1).mean() < 0.9999


def test_scores_without_meaning_have_a_temperature_too() -> None:
    assert temperature_of(torch.zeros(4, 3), torch.tensor([0, 1, 2, 0])) > 0
