"""The engine's optimisers against PyTorch's: the same weights, and the same state in the same places."""

from __future__ import annotations

import pytest
import torch

from striate import find
from striate.execution.tensors import tensors_of
from striate.kernels.engine import Engine, Goal, Pictures
from striate.kernels.optimiser import Rule
from striate.modules import build
from striate.train import Recipe
from striate.train.optimisers import average_part, average_weights, averages_in, optimiser_for

NETWORK = find("lenet5-dense")
RECIPES = {
    "adamw": Recipe(rate=1e-3, weight_decay=0.1),
    "sgd": Recipe(optimiser="sgd", rate=0.1, momentum=0.9, weight_decay=1e-3),
    "plain sgd": Recipe(optimiser="sgd", rate=0.1, momentum=0.0, weight_decay=0.0),
}


@pytest.mark.parametrize("slots", [True, False])
@pytest.mark.parametrize("name", RECIPES)
def test_steps_equal_pytorchs(name: str, slots: bool) -> None:
    ours, theirs = (build(NETWORK, generator=torch.Generator().manual_seed(1)) for _ in range(2))
    engine, recipe = Engine(NETWORK, tensors_of(ours)), RECIPES[name]
    optimisers = [optimiser_for(ours, recipe, engine=slots), optimiser_for(theirs, recipe)]
    rule = Rule(optimisers[0])
    pixels, labels = torch.rand(48, *NETWORK.input), torch.randint(0, 10, (48,))
    for _ in range(5):
        engine.step(Pictures(pixels), Goal(labels), rule=rule, threads=2)
        for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
            other.grad = mine.grad.clone()
        optimisers[1].step()
        for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
            torch.testing.assert_close(mine, other, rtol=1e-5, atol=1e-7)
    for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        state, expected = optimisers[0].state[mine], optimisers[1].state[other]
        kept = {slot for slot, value in expected.items() if isinstance(value, torch.Tensor)}
        assert {*state} == kept
        for slot in kept:
            torch.testing.assert_close(state[slot], expected[slot], rtol=1e-5, atol=1e-8)


def test_a_state_that_was_replaced_is_taken_up() -> None:
    def trained(stop: bool) -> list[torch.Tensor]:
        model = build(NETWORK, generator=torch.Generator().manual_seed(1))
        engine, optimiser = Engine(NETWORK, tensors_of(model)), optimiser_for(model, RECIPES["adamw"])
        rule = Rule(optimiser)
        pixels = torch.rand(32, *NETWORK.input, generator=torch.Generator().manual_seed(2))
        for step in range(4):
            engine.step(Pictures(pixels), Goal(torch.arange(32) % 10), rule=rule, threads=1)
            if stop and step == 1:
                for each in model.parameters():
                    state = optimiser.state[each]
                    state.update({slot: value.clone() for slot, value in state.items()})
        return list(model.parameters())

    assert all(torch.equal(a, b) for a, b in zip(trained(False), trained(True), strict=True))


@pytest.mark.parametrize("name", RECIPES)
def test_averages_are_means_at_first_and_fade_later(name: str) -> None:
    """On the engine and on PyTorch, against a slow loop over the weights after every step."""
    model = build(NETWORK, generator=torch.Generator().manual_seed(1))
    engine, optimiser = Engine(NETWORK, tensors_of(model)), optimiser_for(model, RECIPES[name], engine=True)
    rule = Rule(optimiser)
    plain = build(NETWORK, generator=torch.Generator().manual_seed(1))
    other = optimiser_for(plain, RECIPES[name])
    pixels = torch.rand(32, *NETWORK.input, generator=torch.Generator().manual_seed(2))
    expected: list[torch.Tensor] = []
    for step in range(9):
        part = average_part(step, 0.8)
        optimiser.param_groups[0]["average_part"] = other.param_groups[0]["average_part"] = part
        engine.step(Pictures(pixels), Goal(torch.arange(32) % 10), rule=rule, threads=2)
        for mine, theirs in zip(model.parameters(), plain.parameters(), strict=True):
            theirs.grad = mine.grad.clone()
        other.step()
        average_weights(other)
        now = [each.detach().double().clone() for each in model.parameters()]
        weight = 1 / (step + 1) if step < 5 else 0.2
        expected = [a + weight * (b - a) for a, b in zip(expected, now, strict=True)] if expected else now
    for each, theirs, wanted in zip(model.parameters(), plain.parameters(), expected, strict=True):
        assert (each - wanted).abs().max() > 1e-5
        torch.testing.assert_close(optimiser.state[each]["average"].double(), wanted, rtol=1e-5, atol=1e-7)
        torch.testing.assert_close(other.state[theirs]["average"].double(), wanted, rtol=1e-5, atol=1e-7)


def test_averages_are_in_the_parameters_for_a_while_only() -> None:
    model = build(NETWORK, generator=torch.Generator().manual_seed(1))
    optimiser = optimiser_for(model, RECIPES["adamw"], engine=True)
    before = [each.detach().clone() for each in model.parameters()]
    with averages_in(optimiser):  # there are none
        assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))
    for each in model.parameters():
        optimiser.state[each]["average"] = torch.full_like(each, 2.0)
    places = [each.data_ptr() for each in model.parameters()]
    with averages_in(optimiser):
        assert all(bool((each == 2).all()) for each in model.parameters())
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))
    assert places == [each.data_ptr() for each in model.parameters()]
