"""Looking changes nothing: a model, and PyTorch's own state, before and after an evaluation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from striate import Activation, BatchNorm, Conv, Dropout, Flatten, Linear, Network, Pool
from striate.data import load, preprocessing_for
from striate.kernels import choice
from striate.look import subject
from striate.modules import Built, build, fastest_kernels
from striate.serve import Predictor
from striate.train import Learner, Recipe, open_run, run_over, session
from striate.train.diagnose import dead_units

NETWORK = Network(
    "looked-at",
    (1, 28, 28),
    [
        *(Conv(4, kernel=3, stride=2), BatchNorm(), Activation("relu")),
        *(Conv(4, kernel=3), Pool("max", kernel=2), Flatten(), Dropout(0.5), Linear(10)),
    ],
)
SEQUENTIAL = Network(
    "sequential", (1, 28, 28), [Conv(4, kernel=5, stride=2), Activation("relu"), Flatten(), Linear(10)]
)
IMAGES = load("mnist").subset(torch.arange(60))
PREPROCESSING = preprocessing_for(NETWORK.input, IMAGES, low=0, high=1)
PACKED = replace(IMAGES, images=PREPROCESSING.pack(IMAGES.images))


def state(model: Built) -> list[Any]:
    """All that an evaluation could change."""
    tensors = [*model.named_parameters(), *model.named_buffers()]
    found: list[Any] = [(name, each.data_ptr(), each.stride(), each.tolist()) for name, each in tensors]
    found += [(name, each.grad is None, each.requires_grad) for name, each in model.named_parameters()]
    found += [each.training for each in model.modules()]
    found += [model.kernels, torch.random.get_rng_state().tolist(), torch.get_num_threads(), torch.is_grad_enabled()]
    return found


@pytest.fixture(autouse=True)
def no_measuring(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever measures here fails."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("an evaluation measured kernels")

    monkeypatch.setattr(choice, "choose", refuse)


def over(model: Built) -> None:
    run_over(model, PACKED, PREPROCESSING, recipe=Recipe())


LOOKS: dict[str, Callable[[Built], object]] = {
    "run_over": over,
    "dead units": lambda model: dead_units(model, PREPROCESSING.normalise(PACKED.images)),
}


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("kernels", ["auto", "torch", "operators", "channels-last"])
def test_looking_at_a_model_changes_nothing(kernels: str, look: str) -> None:
    model = build(NETWORK, generator=torch.Generator().manual_seed(1), kernels=kernels)
    model.get_submodule("batch_norm1").eval()  # modes that are not all the same
    before = state(model)
    LOOKS[look](model)
    assert state(model) == before


@pytest.mark.parametrize("kernels", ["auto", "striate"])
def test_nor_does_it_for_a_sequential_one(kernels: str) -> None:
    model = build(SEQUENTIAL, generator=torch.Generator().manual_seed(1), kernels=kernels).train()
    before = state(model)
    over(model)
    assert state(model) == before


def test_an_evaluation_that_fails_leaves_the_modes_as_they_were() -> None:
    model = build(NETWORK, kernels="torch").train()
    broken = replace(PACKED, images=PACKED.images[:, :, :5, :5])
    with pytest.raises(RuntimeError):
        run_over(model, broken, PREPROCESSING, recipe=Recipe())
    assert all(each.training for each in model.modules())


def test_a_run_is_evaluated_predicted_and_looked_at_without_measuring(finished_run: Path) -> None:
    run = open_run(finished_run)
    session.evaluate(run, split="validation")
    predictor = Predictor(run)
    before = state(predictor.model)
    predictor(Path(__file__).parents[2] / "examples/digits/3-chalk.png")
    assert state(predictor.model) == before
    assert subject("simple-cnn").model.kernels == "auto"


def test_kernels_are_chosen_before_training_and_are_a_value(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []

    def chosen(network: Network, module: Built, **given: Any) -> choice.Choice:
        asked.append(given)
        return choice.Choice("operators", 1)

    monkeypatch.setattr(choice, "choose", chosen)
    network = replace(NETWORK, name="chosen-once")
    model = build(network)
    Learner(model, Recipe(batch=32))
    assert (model.kernels, fastest_kernels(network, batch=32)) == ("operators", "operators")
    assert [each["batch"] for each in asked] == [32]
    Learner(build(network), Recipe(batch=32, optimiser="adadelta"))
    assert asked[1]["without"] == ("striate",)
    named = build(network, kernels="torch")
    Learner(named, Recipe(batch=32))
    assert named.kernels == "torch"
    double = build(network).double()
    Learner(double, Recipe(batch=32))
    assert (double.kernels, len(asked)) == ("torch", 2)
