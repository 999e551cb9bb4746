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
from striate.execution import training
from striate.execution.choice import Choice, missing
from striate.execution.executor import executor
from striate.execution.inference import answering, choose_for_inference
from striate.kernels.engine import Pictures
from striate.look import predictor as predicting
from striate.look import stress as stressing
from striate.look import subject
from striate.modules import Built, build
from striate.train import Learner, Recipe, evaluation, loop, open_run, run_over
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
    found += [torch.random.get_rng_state().tolist(), torch.get_num_threads(), torch.is_grad_enabled()]
    return found


@pytest.fixture
def no_measuring(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever measures here fails."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("an evaluation measured kernels")

    for place in (training, loop, evaluation, predicting, stressing):
        for name in ("choose_for_training", "fastest_for_training", "choose_for_inference"):
            if hasattr(place, name):
                monkeypatch.setattr(place, name, refuse)


def over(model: Built, kernels: str) -> None:
    run_over(executor(model, kernels), PACKED, PREPROCESSING, recipe=Recipe())


LOOKS: dict[str, Callable[[Built, str], object]] = {
    "run_over": over,
    "dead units": lambda model, _: dead_units(model, PREPROCESSING.normalise(PACKED.images)),
    "measuring": lambda model, _: choose_for_inference(model, batch=30),
    "answering": lambda model, kernels: answering(model, Choice(kernels, 1)).answers(
        Pictures(PACKED.images, low=0.0, scale=1 / 255)
    ),
}


@pytest.mark.parametrize("look", ["run_over", "dead units", "measuring"])
@pytest.mark.parametrize("kernels", ["torch", "operators"])
def test_looking_at_a_model_changes_nothing(kernels: str, look: str) -> None:
    model = build(NETWORK, generator=torch.Generator().manual_seed(1))
    model.get_submodule("batch_norm1").eval()  # modes that are not all the same
    before = state(model)
    LOOKS[look](model, kernels)
    assert state(model) == before


@pytest.mark.parametrize("kernels", ["torch", "operators", "channels-last", "bfloat16"])
def test_nor_does_answering(kernels: str) -> None:
    if reason := missing(NETWORK, kernels):
        pytest.skip(reason)
    model = build(NETWORK, generator=torch.Generator().manual_seed(1)).eval()
    before = state(model)
    LOOKS["answering"](model, kernels)
    assert state(model) == before


@pytest.mark.parametrize("look", ["run_over", "measuring"])
@pytest.mark.parametrize("kernels", ["torch", "engine"])
def test_nor_does_it_for_a_sequential_one(kernels: str, look: str) -> None:
    model = build(SEQUENTIAL, generator=torch.Generator().manual_seed(1)).train()
    before = state(model)
    LOOKS[look](model, kernels)
    assert state(model) == before


def test_an_evaluation_that_fails_leaves_the_modes_as_they_were() -> None:
    model = build(NETWORK).train()
    broken = replace(PACKED, images=PACKED.images[:, :, :5, :5])
    with pytest.raises(RuntimeError):
        run_over(executor(model, "torch"), broken, PREPROCESSING, recipe=Recipe())
    assert all(each.training for each in model.modules())


def test_kernels_are_measured_before_a_run_answers_and_never_while_it_does(
    finished_run: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    run = open_run(finished_run)
    asked: list[dict[str, Any]] = []

    def chosen(model: Built, **given: Any) -> Choice:
        asked.append(given)
        return Choice("torch", 1)

    monkeypatch.setattr(evaluation, "_CHOSEN", {})
    for place in (evaluation, predicting):
        monkeypatch.setattr(place, "choose_for_inference", chosen)
    _, images = evaluation.evaluate(run, split="validation")
    predictor = predicting.Predictor(run, images=7)
    assert asked == [
        {"batch": len(images), "images": len(images)},
        {"batch": 1, "images": 7},
    ]
    request.getfixturevalue("no_measuring")
    before = state(predictor.model)
    predictor(Path(__file__).parents[2] / "examples/digits/3-chalk.png")
    assert state(predictor.model) == before


@pytest.mark.usefixtures("no_measuring")
def test_a_network_is_looked_at_without_measuring() -> None:
    assert subject("simple-cnn").network.name == "simple-cnn"


def test_kernels_are_chosen_before_training_and_are_a_value(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []

    def chosen(module: Built, **given: Any) -> Choice:
        asked.append(given)
        return Choice("operators", 1)

    monkeypatch.setattr(training, "choose_for_training", chosen)
    network = replace(NETWORK, name="chosen-once")
    learner = Learner(build(network), Recipe(batch=32))
    again = training.fastest_for_training(build(network), batch=32)
    assert (learner.runs.kernels, again) == ("operators", "operators")
    assert [each["batch"] for each in asked] == [32]
    Learner(build(network), Recipe(batch=32, freeze=("conv1",)))
    assert asked[1]["without"] == ("engine",)
    assert Learner(build(network), Recipe(batch=32), kernels="torch").runs.kernels == "torch"
    double = Learner(build(network).double(), Recipe(batch=32))
    assert (double.runs.kernels, len(asked)) == ("torch", 2)
