"""The loop: the same seed gives the same batches and weights, wherever it was stopped."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from striate import Activation, BatchNorm, Conv, Dropout, Flatten, Linear, Network
from striate.data import Augmentation, ImageSet, preprocessing_for
from striate.execution.executor import executor
from striate.modules import build
from striate.train import Batch, Epoch, Learner, Recipe, Split, train
from striate.train.checkpoint import load_checkpoint, save_checkpoint
from striate.train.metrics import run_over

NETWORK = Network(
    "everything",
    (1, 10, 10),
    [Conv(3, kernel=3), BatchNorm(), Activation("relu"), Dropout(0.3), Flatten(), Linear(4)],
)
RECIPE = Recipe(epochs=3, batch=8, augmentation=Augmentation(shift=1, flip=True), hold_out=0.2, seed=5)


def digits(count: int = 60) -> ImageSet:
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (count, 1, 8, 8), dtype=torch.uint8, generator=generator)
    return ImageSet(pixels, torch.arange(count) % 4, ("a", "b", "c", "d"), "made", "train", "picture")


PREPROCESSING = preprocessing_for(NETWORK.input, digits(), low=RECIPE.low, high=RECIPE.high)
SPLIT = Split.of(digits(), PREPROCESSING, hold_out_fraction=RECIPE.hold_out)


def fresh(recipe: Recipe = RECIPE, *, kernels: str = "auto") -> Learner:
    return Learner(build(NETWORK, generator=torch.Generator().manual_seed(recipe.seed)), recipe, kernels=kernels)


def finish(learner: Learner) -> tuple[dict[str, torch.Tensor], list[Epoch]]:
    events = [event for event in train(learner, SPLIT, PREPROCESSING) if isinstance(event, Epoch)]
    return {name: tensor.clone() for name, tensor in learner.tensors().items()}, events


def same(one: dict[str, torch.Tensor], two: dict[str, torch.Tensor]) -> bool:
    return one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)


WHOLE, EPOCHS = finish(fresh())
STEPS = 3 * (len(SPLIT.train) // 8)


def test_it_yields_every_step_and_every_epoch() -> None:
    events = list(train(fresh(), SPLIT, PREPROCESSING))
    batches = [event for event in events if isinstance(event, Batch)]
    assert len(batches) == STEPS
    assert [event.epoch for event in events if isinstance(event, Epoch)] == [1, 2, 3]
    assert [event.batch for event in batches[: STEPS // 3]] == list(range(1, STEPS // 3 + 1))


def batches_seen(threads: int) -> list[torch.Tensor]:
    """Every batch that reaches the first layer, augmented."""
    before, found, learner = torch.get_num_threads(), [], fresh(kernels="torch")
    learner.model.conv1.register_forward_pre_hook(lambda _, arguments: found.append(arguments[0].clone()))
    torch.set_num_threads(threads)
    try:
        finish(learner)
    finally:
        torch.set_num_threads(before)
    return found


def test_flips_alternate_from_pass_to_pass_where_an_epoch_is_a_part_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []

    def recorded(pixels: torch.Tensor, numbers: torch.Tensor, *, seed: int, epoch: int) -> torch.Tensor:
        seen.append(epoch)
        return pixels

    monkeypatch.setattr("striate.train.step_images.alternated", recorded)
    finish(fresh(replace(RECIPE, epochs=4, epoch_steps=3, augmentation=Augmentation(alternating_flip=True))))
    assert seen == [0] * 6 + [1] * 6


def test_threads_do_not_change_the_batches() -> None:
    one, two = batches_seen(1), batches_seen(2)
    assert len(one) == len(two) > STEPS
    assert all(torch.equal(first, second) for first, second in zip(one, two, strict=True))


def test_the_seed_changes_the_weights() -> None:
    assert not same(finish(fresh(Recipe(**(RECIPE.__dict__ | {"seed": 6}))))[0], WHOLE)


def test_random_numbers_drawn_elsewhere_change_nothing() -> None:
    learner = fresh()
    for _ in train(learner, SPLIT, PREPROCESSING):
        torch.rand(3)
        torch.manual_seed(99)
    assert same(learner.tensors(), WHOLE)


@given(stops=st.sets(st.integers(1, STEPS), min_size=1, max_size=3))
@settings(max_examples=15, deadline=None)
def test_stopping_anywhere_gives_the_same_weights(tmp_path_factory, stops) -> None:
    file = tmp_path_factory.mktemp("stop") / "last.safetensors"
    learner = fresh()
    while True:
        for event in train(learner, SPLIT, PREPROCESSING):
            done = learner.epoch * (STEPS // 3) + learner.batch
            if isinstance(event, Batch) and done in stops:
                stops = stops - {done}
                break
        else:
            break
        save_checkpoint(file, learner.tensors(), learner.position())
        tensors, position = load_checkpoint(file)
        learner = fresh(RECIPE)
        learner.go_to(tensors, position, where=file)
    assert same(learner.tensors(), WHOLE)


def test_the_epochs_figures_survive_a_stop() -> None:
    learner = fresh()
    for event in train(learner, SPLIT, PREPROCESSING):
        if isinstance(event, Batch) and event.batch == 3:
            break
    again = fresh()
    again.go_to(learner.tensors(), learner.position(), where="memory")
    first = finish(again)[1][0]
    figures = ("loss", "train_accuracy", "validation_loss", "accuracy", "rate")
    assert [getattr(first, name) for name in figures] == [getattr(EPOCHS[0], name) for name in figures]


def test_a_batch_larger_than_the_images_is_all_of_them() -> None:
    learner = fresh(Recipe(epochs=1, batch=1000, hold_out=0.2))
    batches = [event for event in train(learner, SPLIT, PREPROCESSING) if isinstance(event, Batch)]
    assert len(batches) == 1


SEQUENTIAL = Network(
    "sequential", (1, 10, 10), [Conv(3, kernel=3), Activation("relu"), Dropout(0.3), Flatten(), Linear(4)]
)
MOVED = Augmentation(rotation=9, squeeze=0.1, elastic=0.7)


@pytest.mark.parametrize("kernels", ["engine", "torch"])
@pytest.mark.parametrize("optimiser", ["adamw", "sgd"])
@pytest.mark.parametrize("network", [SEQUENTIAL, NETWORK])
def test_averages_survive_a_stop_bit_for_bit(kernels: str, optimiser: str, network: Network, tmp_path) -> None:
    recipe = replace(RECIPE, average=0.9, optimiser=optimiser, augmentation=MOVED)

    def start() -> Learner:
        generator = torch.Generator().manual_seed(recipe.seed)
        return Learner(build(network, generator=generator), recipe, kernels=kernels)

    whole = start()
    assert (whole.engine is not None) == (kernels == "engine")
    _, epochs = finish(whole)
    for stop in (1, 5, STEPS // 3, STEPS - 1):
        learner = start()
        for event in train(learner, SPLIT, PREPROCESSING):
            if isinstance(event, Batch) and learner.epoch * (STEPS // 3) + learner.batch == stop:
                break
        save_checkpoint(tmp_path / "last", learner.tensors(), learner.position())
        learner = start()
        learner.go_to(*load_checkpoint(tmp_path / "last"), where=tmp_path)
        _, again = finish(learner)
        assert same(learner.tensors(), whole.tensors())
        assert same(learner.weights(), whole.weights())
        assert again[-1].validation_loss == epochs[-1].validation_loss


def test_what_is_validated_and_kept_is_the_average() -> None:
    learner = fresh(replace(RECIPE, average=0.9))
    _, epochs = finish(learner)
    kept = learner.weights()
    for path, parameter in learner.model.named_parameters():
        assert torch.equal(kept[path], learner.optimiser.state[parameter]["average"])
        assert not torch.equal(kept[path], parameter)
    model = build(NETWORK)
    model.load_state_dict(kept)
    seen = run_over(executor(model, learner.runs.kernels), SPLIT.validation, PREPROCESSING, recipe=learner.recipe)
    assert seen.loss == epochs[-1].validation_loss


@pytest.mark.parametrize("kernels", ["engine", "torch"])
def test_the_statistics_of_batch_normalisations_are_averaged_as_the_weights_are(kernels: str) -> None:
    learner = fresh(replace(RECIPE, average=0.75), kernels=kernels)
    expected: dict[str, torch.Tensor] = {}
    step = 0
    for event in train(learner, SPLIT, PREPROCESSING):
        if isinstance(event, Epoch):
            continue
        for path in ("batch_norm1.running_mean", "batch_norm1.running_var"):
            now = learner.model.state_dict()[path].double()
            expected[path] = expected.get(path, now) + max(0.25, 1 / (step + 1)) * (now - expected.get(path, now))
        step += 1
    own, kept = learner.model.state_dict(), learner.weights()
    for path, wanted in expected.items():
        assert (own[path] - wanted).abs().max() > 1e-4
        torch.testing.assert_close(kept[path].double(), wanted, rtol=1e-5, atol=1e-7)


def test_without_averages_the_weights_themselves_are_kept() -> None:
    learner = fresh()
    finish(learner)
    assert same(learner.weights(), dict(learner.model.state_dict()))
    assert not any(name.endswith("/average") for name in learner.tensors())
