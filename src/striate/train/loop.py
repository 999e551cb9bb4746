"""The loop: a generator, so that logging, early stops and progress are the caller's lines."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from striate.data import ImageSet, Preprocessing, balanced_order, hold_out, order_of
from striate.description.layers import Dropout
from striate.description.network import plan
from striate.execution.executor import OnEngine
from striate.kernels.engine import Goal, Pictures
from striate.train.frozen import hold_still
from striate.train.learner import Learner
from striate.train.losses import class_scores, class_weights, training_loss
from striate.train.metrics import counts_of, judged_by_class, run_over
from striate.train.optimisers import average_part, average_weights, averages_in, rate_at
from striate.train.step_images import Drawer, StepImages, step_seed
from striate.train.temperature import temperature_of


@dataclass(frozen=True)
class Batch:
    """A step is done: `loss` and `accuracy` are of its own images, before the step."""

    epoch: int
    batch: int
    batches: int
    loss: float
    accuracy: float
    rate: float


@dataclass(frozen=True)
class Epoch:
    """A pass over the training images is done; `accuracy` and `temperature` are of the validation images.

    `balanced_accuracy` is theirs too where the classes learned from are uneven, and None else; `missed` are the numbers
    of the classes of which none of them is right.
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
        """What the best epoch is chosen by: the accuracy, the balanced one where classes are uneven."""
        return self.accuracy if self.balanced_accuracy is None else self.balanced_accuracy


@dataclass(frozen=True)
class Split:
    """The packed images that a training reads: what it learns from, and what it is judged by."""

    train: ImageSet
    validation: ImageSet

    @classmethod
    def of(cls, images: ImageSet, preprocessing: Preprocessing, *, hold_out_fraction: float) -> Split:
        """The training images packed for a network, a fraction of every class held out for validation."""
        parts = hold_out(images, fraction=hold_out_fraction)
        return cls(*map(preprocessing.packed, parts))


def train(learner: Learner, split: Split, preprocessing: Preprocessing) -> Iterator[Batch | Epoch]:
    """Train from where `learner` stands to the last epoch of its recipe; yields after every step and every epoch.

    What a step does is a function of the recipe and of the step's number alone, so that a training which is taken up
    again gives the same weights as one that was never stopped. Between two yields the learner is whole. A last batch
    that is not full is left out.
    """
    model, recipe, images = learner.model, learner.recipe, split.train
    device = next(model.parameters()).device
    size = min(recipe.batch, len(images))
    everything = len(images) // size
    batches = min(everything, recipe.epoch_steps or everything)
    parts = everything // batches
    planned = plan(model.network)
    draws = any(isinstance(step.layer, Dropout) for step in planned.steps)
    drawer = Drawer(images, preprocessing, recipe)
    weights = class_weights(counts_of(images), recipe)
    model.train()
    hold_still(model, recipe.freeze)
    while learner.epoch < recipe.epochs:
        number, part = divmod(learner.epoch, parts)
        if recipe.sampling == "balanced":
            order = balanced_order(images.labels, seed=recipe.seed, epoch=number)
        else:
            order = order_of(images, seed=recipe.seed, epoch=number)
        order = order[part * batches * size :]
        drawer.begin(order[learner.batch * size : batches * size], size)
        if learner.pace and learner.epoch and not learner.batch:
            learner.pace.begin(batches)
        while learner.batch < batches:
            begun = ready = time.perf_counter()
            if drawer.fetch():
                ready = learner.account_for("waiting for images", begun)
            step = learner.epoch * batches + learner.batch
            chosen = order[learner.batch * size : (learner.batch + 1) * size]
            rate = rate_at(step, recipe.epochs * batches, recipe, plateaus=learner.plateaus)
            for group in learner.optimiser.param_groups:
                group["lr"] = rate * group.get("share", 1.0)
                group["average_part"] = average_part(step, recipe.average)
            seed = step_seed(recipe.seed, step, "dropout") if draws else 0
            if learner.engine and drawer.untouched:
                loss, right = _engine_step(learner, *drawer.pictures(chosen), seed)
            else:
                engine = (learner.engine, learner.threads) if learner.engine else None
                drawn = drawer.draw(chosen, step=step, epoch=learner.epoch, device=device, engine=engine)
                ready = learner.account_for("gathering and augmentation", ready)
                if learner.engine:
                    loss, right = _engine_step(learner, Pictures(drawn.pixels), drawn.labels, seed)
                else:
                    if draws:
                        torch.manual_seed(seed)
                    loss, right = _step(learner, drawn, planned.heads, weights)
            learner.account_for("steps", ready)
            learner.batch += 1
            learner.loss_sum += loss
            learner.right += right
            learner.seconds += time.perf_counter() - begun
            yield Batch(learner.epoch, learner.batch, batches, loss, right / size, rate)
        begun = time.perf_counter()
        with averages_in(learner.optimiser):
            if isinstance(learner.runs, OnEngine):
                learner.runs.threads = learner.threads
            seen = run_over(learner.runs, split.validation, preprocessing, recipe=recipe)
        learner.account_for("validation", begun)
        seconds = learner.seconds + time.perf_counter() - begun
        count = batches * size
        done = Epoch(
            epoch=learner.epoch + 1,
            loss=learner.loss_sum / batches,
            train_accuracy=learner.right / count,
            validation_loss=seen.loss,
            accuracy=seen.accuracy,
            temperature=temperature_of(seen.scores, seen.labels),
            rate=rate_at((learner.epoch + 1) * batches - 1, recipe.epochs * batches, recipe, plateaus=learner.plateaus),
            seconds=seconds,
            images_per_second=count / learner.seconds if learner.seconds else 0.0,
            balanced_accuracy=seen.balanced_accuracy if judged_by_class(images) else None,
            missed=() if images.form == "board" else tuple((seen.recalls == 0).nonzero().flatten().tolist()),
        )
        learner.judged(done.judged)
        learner.epoch += 1
        learner.batch = learner.right = 0
        learner.loss_sum = learner.seconds = 0.0
        yield done


def _engine_step(learner: Learner, pictures: Pictures, labels: Tensor, seed: int) -> tuple[float, int]:
    recipe = learner.recipe
    goal = Goal(labels, recipe.loss, recipe.rubbish, seed)
    engine, rule = learner.engine, learner.rule
    assert engine  # noqa: S101 - the caller has looked

    def step(threads: int) -> tuple[float, int]:
        return engine.step(pictures, goal, rule=rule, threads=threads)

    return learner.pace.take(step) if learner.pace else step(learner.threads)


def _step(learner: Learner, drawn: StepImages, heads: dict[str, float], weights: Tensor | None) -> tuple[float, int]:
    recipe = learner.recipe
    runs, optimiser = learner.runs, learner.optimiser
    assert not isinstance(runs, OnEngine)  # noqa: S101 - the caller has looked
    outputs_of_heads: dict[str, Tensor] = {}
    outputs = runs.logits(drawn.pixels, outputs_of_heads if heads else None)
    weights = weights if weights is None else weights.to(outputs.device)

    def loss_by(values: Tensor) -> Tensor:
        return training_loss(values, drawn.labels, recipe, weights=weights, mixed=drawn.mixed)

    loss = loss_by(outputs)
    total = loss
    for path, weight in heads.items():
        total = total + weight * loss_by(outputs_of_heads[path])
    optimiser.zero_grad()
    total.backward()
    optimiser.step()
    average_weights(optimiser)
    right = (class_scores(learner.model.network, outputs.detach()).argmax(1) == drawn.labels).sum()
    return loss.item(), int(right)
