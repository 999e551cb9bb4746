"""Uneven classes and smoothed labels: the loss against its formula, the order's counts, and what they bring."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from striate import from_text
from striate.data import ImageSet, balanced_order, load, preprocessing_for
from striate.errors import SpecError
from striate.execution.choice import missing
from striate.modules import build
from striate.train import Recipe, open_run, session
from striate.train.kernel_choice import with_kernels
from striate.train.learner import Learner
from striate.train.loop import Batch, Epoch, Split, train
from striate.train.losses import class_shares, class_weights, loss_of, training_loss
from striate.train.metrics import run_over

SMALL = from_text("name small 1x28x28: conv 6 5x5 /2, relu, max 2, linear 10")
WHITENED = from_text("name whitened 1x28x28: conv 8 2x2 /2, relu, conv 6 3x3 /2, relu, linear 10")


def test_smoothed_and_weighted_cross_entropy_is_its_formula() -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(64, 5, generator=generator, dtype=torch.float64)
    labels = torch.randint(0, 5, (64,), generator=generator)
    recipe = Recipe(label_smoothing=0.2, class_weights="balanced")
    weights = class_weights([10, 20, 30, 40, 100], recipe)
    assert weights is not None
    torch.testing.assert_close(weights, torch.tensor([4.0, 2.0, 4 / 3, 1.0, 0.4]))
    logs = logits.log_softmax(1)
    each = weights[labels] * (-0.8 * logs.gather(1, labels[:, None])[:, 0] - 0.2 / 5 * logs.sum(1))
    found = training_loss(logits, labels, recipe, weights=weights.double())
    torch.testing.assert_close(found, each.sum() / weights[labels].sum())
    counted = class_shares(labels, recipe, 5, weights=weights, whole=labels)
    torch.testing.assert_close((counted.double() * -logs).sum(), found)
    # However rare another class is, an image's own has the largest share.
    rare = class_shares(torch.tensor([0]), recipe, 2, weights=torch.tensor([0.5, 11.0]), whole=torch.tensor([0]))
    assert rare.argmax(1).tolist() == [0]
    plain = Recipe()
    assert class_weights([1, 2], plain) is None
    assert training_loss(logits, labels, plain, weights=None) == loss_of(logits, labels, plain)


@pytest.mark.parametrize("counts", [(50, 5, 1), (3, 3, 3), (1, 0, 9), (7,)])
def test_a_balanced_epoch_has_as_many_images_of_each_class(counts: tuple[int, ...]) -> None:
    labels = torch.cat([torch.full((count,), label) for label, count in enumerate(counts)])
    some = [label for label, count in enumerate(counts) if count]
    seen = []
    for epoch in range(40):
        order = balanced_order(labels, seed=4, epoch=epoch)
        assert len(order) == len(labels)
        drawn = torch.bincount(labels[order], minlength=len(counts))[some]
        assert drawn.max() - drawn.min() <= 1
        for label in some:
            often = torch.bincount(order[labels[order] == label], minlength=len(labels))[labels == label]
            assert often.max() - often.min() <= 1
        assert torch.equal(order, balanced_order(labels, seed=4, epoch=epoch))
        seen.append(order)
    assert len(counts) == 1 or len({tuple(order.tolist()) for order in seen}) > 1
    assert torch.equal(torch.cat(seen).unique(), torch.arange(len(labels)))


@pytest.mark.parametrize("change", [{"label_smoothing": 0.1}, {"class_weights": "balanced"}, {"mixup": 0.5}])
def test_other_losses_take_none_of_them(change: dict) -> None:
    with pytest.raises(SpecError, match=r"All three change the cross-entropy, and no other loss\."):
        Recipe(loss="rbf-map", **change)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"label_smoothing": 1}, "label_smoothing is 1.\nIt must be a number of at least 0 and below 1."),
        ({"class_weights": "even"}, "class_weights is 'even'.\nIt must be one of none, balanced."),
        ({"sampling": "even"}, "sampling is 'even'.\nIt must be one of shuffled, balanced."),
    ],
)
def test_what_is_neither_is_refused(change: dict, text: str) -> None:
    with pytest.raises(SpecError, match=text):
        Recipe(**change)


def uneven_digits() -> ImageSet:
    """2,000 digits, of which those of 5 to 9 are a hundredth."""
    digits = load("mnist")
    kept = []
    for label in range(10):
        kept.append((digits.labels == label).nonzero().flatten()[: 390 if label < 5 else 10])
    return digits.subset(torch.cat(kept))


def trained(recipe: Recipe, kernels: str = "auto") -> tuple[Learner, list[float]]:
    images = uneven_digits()
    way = preprocessing_for(SMALL.input, images, low=recipe.low, high=recipe.high)
    split = Split.of(images, way, hold_out_fraction=recipe.hold_out)
    network = WHITENED if recipe.whiten else SMALL
    learner = Learner(build(network, generator=torch.Generator().manual_seed(0)), recipe, kernels=kernels)
    losses = [each.loss for each in train(learner, split, way) if isinstance(each, Batch)]
    test = load("mnist", "test")
    recalls = run_over(learner.runs, way.packed(test), way, recipe=recipe).recalls
    return learner, [*losses, recalls[5:].mean().item()]


def test_both_ways_bring_small_classes_up() -> None:
    recipe = Recipe(epochs=4, batch=64, rate=4e-3)
    plain = trained(recipe)[1][-1]
    assert trained(replace(recipe, class_weights="balanced"))[1][-1] > plain + 0.1
    assert trained(replace(recipe, sampling="balanced"))[1][-1] > plain + 0.1


@pytest.mark.parametrize("kernels", [each for each in ("operators", "engine") if missing(SMALL, each) is None])
@pytest.mark.parametrize(
    "change",
    [
        {"label_smoothing": 0.1},
        {"class_weights": "balanced"},
        {"mixup": 0.5},
        {"mixup": 0.5, "class_weights": "balanced", "label_smoothing": 0.1, "accumulate": 3},
        {"optimiser": "adadelta", "rate": 1.0},
        {"optimiser": "muon", "rate": 0.1, "average": 0.9},
        {"whiten": "conv1", "label_smoothing": 0.2},
    ],
)
def test_every_kernel_that_trains_with_them_agrees(change: dict, kernels: str) -> None:
    recipe = Recipe(epochs=1, **{"batch": 64, "rate": 1e-3} | change)
    (torch_learner, wanted), (others, found) = trained(recipe, "torch"), trained(recipe, kernels)
    assert (torch_learner.engine, others.runs.kernels) == (None, kernels)
    assert (others.engine is not None) == (kernels == "engine")
    assert found[:8] == pytest.approx(wanted[:8], rel=1e-4)


def test_the_run_says_so_and_keeps_it(few_digits, tmp_path) -> None:
    recipe = Recipe(epochs=1, label_smoothing=0.1, sampling="balanced")
    run, split = session.prepare(SMALL, session.Images(str(few_digits)), recipe, folder=tmp_path / "run", device="cpu")
    run = with_kernels(run)
    events = list(session.start(run, split))
    assert any(isinstance(each, Epoch) for each in events)
    assert open_run(tmp_path / "run").recipe == recipe


def test_kernels_that_cannot_are_refused_by_name(few_digits, tmp_path) -> None:
    recipe = Recipe(epochs=1, freeze=("conv1",))
    run, _ = session.prepare(SMALL, session.Images(str(few_digits)), recipe, folder=tmp_path / "run", device="cpu")
    with pytest.raises(
        SpecError, match=r"Striate's kernels \(engine\) cannot train by this recipe\.\nThey train all layers"
    ):
        with_kernels(run, kernels="engine")
