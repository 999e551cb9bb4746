"""The steps of a training: the gradients of a batch, as a whole or in parts, then the update."""

from __future__ import annotations

import math
import time

import torch
from torch import Tensor

from striate.data import ImageSet, Part, Preprocessing
from striate.description.layers import Dropout
from striate.description.network import plan
from striate.execution.executor import OnEngine
from striate.kernels.engine import Goal, Pictures, seed_from
from striate.train.learner import Learner
from striate.train.losses import class_scores, class_shares, class_weights, training_loss
from striate.train.metrics import counts_of
from striate.train.optimisers import average_statistics, average_weights
from striate.train.step_images import Drawer, StepImages, step_seed

LossAndRight = tuple[float, int]
"""The mean loss of a batch, or a part's share of it, and how many images were right."""


class Steps:
    """Takes the steps of a `learner` on `images`.

    A batch is cut into parts where several processes share it, or where the recipe accumulates gradients. The gradient
    is that of the whole batch's mean loss: a part's gradient is weighted by its share of the images, or of the classes'
    weights.
    """

    def __init__(self, learner: Learner, images: ImageSet, preprocessing: Preprocessing) -> None:
        model = learner.model
        self.learner = learner
        self.device = next(model.parameters()).device
        planned = plan(model.network)
        self.heads = planned.heads
        self.classes = math.prod(planned.output)
        self.draws = any(isinstance(step.layer, Dropout) for step in planned.steps)
        self.weights = class_weights(counts_of(images), learner.recipe)
        self.drawer = Drawer(images, preprocessing, learner.recipe)
        self.pass_number = 0

    def begin(self, order: Tensor, size: int, *, pass_number: int) -> None:
        """Begin the steps of an epoch, of `size` images each in this order, within the pass of this number."""
        self.pass_number = pass_number
        self.drawer.begin(order, size, part=self._own(size))

    def take(self, chosen: Tensor, step: int) -> LossAndRight:
        """Take the step of this number on the images of these numbers in the set."""
        learner, drawer = self.learner, self.drawer
        ready = time.perf_counter()
        if drawer.fetch():
            ready = learner.account_for("waiting for images", ready)
        seed = step_seed(learner.recipe.seed, step, "dropout") if self.draws else 0
        drawn = None
        if not (learner.engine and drawer.untouched and not learner.recipe.shapes_loss):
            engine = (learner.engine, learner.threads) if learner.engine else None
            drawn = drawer.draw(chosen, step=step, epoch=self.pass_number, device=self.device, engine=engine)
            ready = learner.account_for("gathering and augmentation", ready)
        if learner.rule:
            if drawn is None:
                pictures, labels = drawer.pictures(chosen)
                found = self._on_engine(pictures, labels, seed)
            else:
                found = self._on_engine(Pictures(drawn.pixels), drawn.labels, seed, self._shares(drawn))
            learner.stopped = learner.asked_to_stop()
        else:
            found = self._in_parts(chosen, drawn, seed)
        average_statistics(learner.model, learner.optimiser)
        learner.account_for("steps", ready)
        return found

    def _own(self, size: int) -> Part:
        parts = self.learner.parts(size)
        return Part(parts[0].first, parts[-1].end, size)

    def _shares(self, some: StepImages) -> Tensor | None:
        """The engine's targets for some images (`Goal.shares`); None where it uses the labels alone.

        The engine divides by the number of images, so the shares are multiplied by it.
        """
        recipe, whole = self.learner.recipe, some.whole or some
        if not recipe.shapes_loss:
            return None

        def by(labels: Tensor, of: Tensor) -> Tensor:
            return class_shares(labels, recipe, self.classes, weights=self.weights, whole=of) * len(labels)

        first = by(some.labels, whole.labels)
        if some.mixed is None or whole.mixed is None:
            return first
        return first * some.mixed.part + by(some.mixed.labels, whole.mixed.labels) * (1 - some.mixed.part)

    def _on_engine(self, pictures: Pictures, labels: Tensor, seed: int, shares: Tensor | None = None) -> LossAndRight:
        """A step on the engine; without a rule it computes gradients only."""
        learner = self.learner
        goal = Goal(labels, learner.recipe.loss, learner.recipe.rubbish, seed, shares)
        engine, rule = learner.engine, learner.rule
        assert engine  # noqa: S101 - the caller has looked

        def step(threads: int) -> LossAndRight:
            return engine.step(pictures, goal, rule=rule, threads=threads)

        return learner.pace.take(step) if learner.pace else step(learner.threads)

    def _in_parts(self, chosen: Tensor, drawn: StepImages | None, seed: int) -> LossAndRight:
        """A step in parts: gradients are summed over this process's parts, then over the processes; then the update."""
        learner, optimiser = self.learner, self.learner.optimiser
        parts = learner.parts(len(chosen))
        own = self._own(len(chosen))
        optimiser.zero_grad()
        loss, right = 0.0, 0
        sums: list[Tensor] = []
        for number, part in enumerate(parts):
            self._place(part, number)
            within = slice(part.first - own.first, part.end - own.first)
            if learner.engine is None:
                assert drawn  # noqa: S101 - only an engine takes images as they are
                if self.draws:  # every part draws dropout's numbers for the whole batch, and uses those of its images
                    torch.manual_seed(seed)
                found = self._backward(drawn.cut(within))
            else:
                shares = None
                if drawn is None:
                    pictures, labels = self.drawer.pictures(chosen, part=part)
                else:
                    some = drawn.cut(within)
                    pictures, labels, shares = Pictures(some.pixels), some.labels, self._shares(some)
                share = len(part) / part.total if shares is None else 1.0  # `shares` are of the whole batch's loss
                mean, count = self._on_engine(pictures, labels, seed_from(seed, part.first), shares)
                found = share * mean, count
                if len(part) < part.total:
                    sums = _added(sums, learner.engine.gradients, share)
            loss, right = loss + found[0], right + found[1]
        if sums and learner.engine is not None:
            for to, each in zip(learner.engine.gradients, sums, strict=True):
                to.copy_(each)
        loss, right = learner.gather(loss, right)
        optimiser.step()
        average_weights(optimiser)
        return loss, right

    def _place(self, part: Part, number: int) -> None:
        """Tell dropout and batch normalisation which images the next pass reads."""
        place = self.learner.place
        place.first, place.end, place.total = part.first, part.end, part.total
        place.together = sum(len(each[number]) for each in self.learner.all_parts(part.total))

    def _backward(self, some: StepImages) -> LossAndRight:
        """Add the gradients of some images to the parameters' gradients, by autograd."""
        learner = self.learner
        runs, recipe = learner.runs, learner.recipe
        assert not isinstance(runs, OnEngine)  # noqa: S101 - the caller has looked
        outputs_of_heads: dict[str, Tensor] = {}
        outputs = runs.logits(some.pixels, outputs_of_heads if self.heads else None)
        if self.weights is not None and self.weights.device != outputs.device:
            self.weights = self.weights.to(outputs.device)
        shares = some.shares(self.weights)

        def loss_by(values: Tensor) -> Tensor:
            return training_loss(values, some.labels, recipe, weights=self.weights, mixed=some.mixed, shares=shares)

        loss = loss_by(outputs)
        total = loss
        for path, weight in self.heads.items():
            total = total + weight * loss_by(outputs_of_heads[path])
        total.backward()
        right = (class_scores(learner.model.network, outputs.detach()).argmax(1) == some.labels).sum()
        return loss.item(), int(right)


def _added(sums: list[Tensor], gradients: list[Tensor], share: float) -> list[Tensor]:
    """Gradients times a share, added to the sums so far."""
    if not sums:
        return [each * share for each in gradients]
    return [total.add_(each, alpha=share) for total, each in zip(sums, gradients, strict=True)]
