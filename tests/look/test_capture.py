"""What is captured is what ran, and the model is afterwards what it was."""

import copy

import pytest
import torch
from torch import nn

from striate.description.network import plan
from striate.look import Wish, capture, look, subject
from striate.look.capture import output_at
from striate.look.page import SECTIONS


def state(model: nn.Module) -> tuple:
    """All that could change: values, modes, hooks, gradients, and whether they are asked for."""
    return (
        {name: value.clone() for name, value in model.state_dict().items()},
        [module.training for module in model.modules()],
        [(len(m._forward_hooks), len(m._forward_pre_hooks), len(m._backward_hooks)) for m in model.modules()],
        [(value.requires_grad, value.grad is None) for value in model.parameters()],
        [name for name, _ in model.named_modules()],
    )


def same(one: tuple, other: tuple) -> bool:
    return one[1:] == other[1:] and all(torch.equal(one[0][name], other[0][name]) for name in one[0])


@pytest.mark.parametrize("name", ["grey", "colour"])
def test_outputs_are_those_of_every_layer(name, request) -> None:
    found = request.getfixturevalue(name)
    images = found.some(3)
    with capture(found.model) as outputs:
        answer = found.model.logits(images)
    steps = [step for step in plan(found.network).steps if not step.head and step.path != "softmax1"]
    assert set(outputs) == {step.path for step in steps}
    assert all(outputs[step.path].shape == (3, *step.output) for step in steps)
    last = next(step for step in reversed(steps))
    assert torch.equal(outputs[last.path], answer)


def test_what_is_kept_is_a_copy(colour) -> None:
    with capture(colour.model) as outputs:
        colour.model.logits(colour.some(1))
    kept = {path: output.clone() for path, output in outputs.items()}
    for output in outputs.values():
        assert not output.requires_grad
        output.zero_()
    with capture(colour.model) as again:
        colour.model.logits(colour.some(1))
    assert all(torch.equal(again[path], kept[path]) for path in kept)


def test_dropout_is_off_and_every_part_gets_its_mode_back(colour) -> None:
    model = copy.deepcopy(colour.model).train()
    model.get_submodule("batch_norm1").eval()
    before = state(model)
    with capture(model) as outputs:
        model.logits(colour.some(2))
        assert not model.get_submodule("dropout1").training
    assert torch.equal(outputs["dropout1"], outputs["pool1"])
    assert same(before, state(model))


def test_an_error_leaves_nothing_behind(colour) -> None:
    before = state(colour.model)
    with pytest.raises(RuntimeError, match="channels"), capture(colour.model):
        colour.model(torch.zeros(1, 5, 16, 16))
    with pytest.raises(RuntimeError, match="channels"):
        output_at(colour.model, "fc", torch.zeros(1, 5, 16, 16))
    assert same(before, state(colour.model))


def test_output_at_is_the_layer_and_stops_there(colour) -> None:
    images = colour.some(2)
    with capture(colour.model) as outputs:
        colour.model.logits(images)
    ran: list[str] = []
    hook = colour.model.get_submodule("fc").register_forward_hook(lambda *_: ran.append("fc"))
    reached = output_at(colour.model, "block", images)
    hook.remove()
    assert torch.equal(reached, outputs["block"])
    assert reached.requires_grad
    assert ran == []


@pytest.mark.parametrize("name", ["grey", "colour", "learned"])
def test_looking_changes_nothing(name, request) -> None:
    found = request.getfixturevalue(name)
    found.model.train()
    before, random = state(found.model), torch.get_rng_state()
    sections = list(look(found, Wish()))
    assert [each.key for each in sections] == [key for key in SECTIONS if key != "learning" or name == "learned"]
    assert same(before, state(found.model))
    assert torch.equal(random, torch.get_rng_state())
    assert all(value.grad is None for value in found.model.parameters())
    found.model.eval()


def test_the_same_seed_gives_the_same_weights() -> None:
    one, other, third = (subject("lenet5-dense", seed=seed).model.state_dict() for seed in (3, 3, 4))
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert not torch.equal(one["C1.weight"], third["C1.weight"])
