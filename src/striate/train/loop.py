"""The training loop. It is a generator, so that the caller logs, stops early and shows progress."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import assert_never

from jaxtyping import Int64
from torch import Tensor

from striate.data import ImageSet, Preprocessing, balanced_order, hold_out, order_of
from striate.execution.executor import OnEngine
from striate.train.frozen import hold_still
from striate.train.learner import Learner
from striate.train.metrics import judged_by_class, shared_run_over
from striate.train.optimisers import average_part, averages_in, rate_at
from striate.train.recipe import Recipe
from striate.train.steps import Steps
from striate.train.temperature import temperature_of


@dataclass(frozen=True)
class Batch:
    """The end of a step; `loss` and `accuracy` are those of its images before the update."""

    epoch: int
    batch: int
    batches: int
    loss: float
    accuracy: float
    rate: float


@dataclass(frozen=True)
class Epoch:
    """The end of an epoch; `accuracy` and `temperature` are those of the validation images.

    `balanced_accuracy`, also of the validation images, is None unless the classes of the training images are uneven.
    `missed` has the numbers of the classes of which no validation image is right.
    """

    epoch: int
    loss: float
    train_accuracy: float
    validation_loss: float
    accuracy: float
    temperature: float
    rate: float
    seconds: float
    images_per_second: float
    balanced_accuracy: float | None = None
    missed: tuple[int, ...] = ()

    @property
    def judged(self) -> float:
        """The figure that decides which epoch is best: the balanced accuracy where there is one, else the accuracy."""
        return self.accuracy if self.balanced_accuracy is None else self.balanced_accuracy


@dataclass(frozen=True)
class Split:
    """The packed images of a training: those that it learns from, and those that judge it."""

    train: ImageSet
    validation: ImageSet

    @classmethod
    def of(cls, images: ImageSet, preprocessing: Preprocessing, *, hold_out_fraction: float) -> Split:
        """The training images packed for a network, a fraction of every class held out for validation."""
        parts = hold_out(images, fraction=hold_out_fraction)
        return cls(*map(preprocessing.packed, parts))


def train(learner: Learner, split: Split, preprocessing: Preprocessing) -> Iterator[Batch | Epoch]:
    """Train from the position of `learner` to the last epoch of its recipe; yields after every step and every epoch.

    A step depends on the recipe and its number alone, so a resumed training gives the same weights as one that was
    never stopped. At each yield the learner can be saved. The last batch of a pass is left out if it is not full. Where
    processes train together, all of them run this and yield the same events.
    """
    model, recipe, images = learner.model, learner.recipe, split.train
    size = min(recipe.batch, len(images))
    batches_of_pass = len(images) // size
    batches = min(batches_of_pass, recipe.epoch_steps or batches_of_pass)
    epochs_of_pass = batches_of_pass // batches
    steps = Steps(learner, images, preprocessing)
    model.train()
    hold_still(model, recipe.freeze)
    while learner.epoch < recipe.epochs:
        number, part = divmod(learner.epoch, epochs_of_pass)
        order = _order_of_pass(images, recipe, number)[part * batches * size :]
        steps.begin(order[learner.batch * size : batches * size], size, pass_number=number)
        if learner.pace and learner.epoch and not learner.batch:
            learner.pace.begin(batches)
        while learner.batch < batches:
            begun = time.perf_counter()
            step = learner.epoch * batches + learner.batch
            chosen = order[learner.batch * size : (learner.batch + 1) * size]
            rate = rate_at(step, recipe.epochs * batches, recipe, plateaus=learner.plateaus)
            for group in learner.optimiser.param_groups:
                group["lr"] = rate * group.get("share", 1.0)
                group["average_part"] = average_part(step, recipe.average)
            loss, right = steps.take(chosen, step)
            learner.batch += 1
            learner.loss_sum += loss
            learner.right += right
            learner.seconds += time.perf_counter() - begun
            yield Batch(learner.epoch, learner.batch, batches, loss, right / size, rate)
        epoch = _validated(learner, split, preprocessing, batches=batches, size=size)
        learner.stopped = bool(learner.world.any(learner.asked_to_stop()))
        learner.judged(epoch.judged)
        learner.epoch += 1
        learner.batch = learner.right = 0
        learner.loss_sum = learner.seconds = 0.0
        yield epoch


def _order_of_pass(images: ImageSet, recipe: Recipe, number: int) -> Int64[Tensor, " images"]:
    """The order of the images in a pass, the same for the same recipe and number."""
    match recipe.sampling:
        case "balanced":
            return balanced_order(images.labels, seed=recipe.seed, epoch=number)
        case "shuffled":
            return order_of(images, seed=recipe.seed, epoch=number)
        case _:
            assert_never(recipe.sampling)


def _validated(learner: Learner, split: Split, preprocessing: Preprocessing, *, batches: int, size: int) -> Epoch:
    """Validate after the last step of an epoch, which had `batches` of `size` images; returns the epoch's figures."""
    recipe, images = learner.recipe, batches * size
    begun = time.perf_counter()
    with averages_in(learner.optimiser):
        if isinstance(learner.runs, OnEngine):
            learner.runs.threads = learner.threads
        seen = shared_run_over(learner.runs, split.validation, preprocessing, recipe=recipe, world=learner.world)
    learner.account_for("validation", begun)
    seconds = learner.seconds + time.perf_counter() - begun
    last_step = (learner.epoch + 1) * batches - 1
    return Epoch(
        epoch=learner.epoch + 1,
        loss=learner.loss_sum / batches,
        train_accuracy=learner.right / images,
        validation_loss=seen.loss,
        accuracy=seen.accuracy,
        temperature=temperature_of(seen.scores, seen.labels),
        rate=rate_at(last_step, recipe.epochs * batches, recipe, plateaus=learner.plateaus),
        seconds=seconds,
        images_per_second=images / learner.seconds if learner.seconds else 0.0,
        balanced_accuracy=seen.balanced_accuracy if judged_by_class(split.train) else None,
        missed=() if split.train.form == "board" else tuple((seen.recalls == 0).nonzero().flatten().tolist()),
    )
