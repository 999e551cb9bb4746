"""The learner: a model, its optimiser, and how far they have come."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from striate.data import Part
from striate.execution.executor import OnEngine, executor
from striate.execution.training import fastest_for_training
from striate.kernels.optimiser import RULES, Rule
from striate.modules import Built
from striate.modules.shared import Place, share_layers
from striate.train.checkpoint import optimiser_tensors, restore
from striate.train.distributed import here
from striate.train.frozen import stand_still
from striate.train.optimisers import averages_in, optimiser_for
from striate.train.pace import Pace
from striate.train.parts import parts_of, unfit_error, unfit_for_parts
from striate.train.recipe import Recipe
from striate.train.state import position_of


def cannot_train(recipe: Recipe) -> tuple[str, ...]:
    """The kernels that cannot train by a recipe: the engine trains every layer, and the recipe may freeze some."""
    return ("engine",) if recipe.freeze else ()


class Learner:
    """A model, its optimiser, and how far they have come; everything that a checkpoint holds.

    `runs` runs the model on `kernels`; "auto" takes those that train it fastest here. The engine also updates the
    weights, by `rule`, where it knows the optimiser and all layers learn at one rate; elsewhere it computes the
    gradients alone. The layers `taken` over from another run learn at the recipe's `transfer_rate`. Where this process
    has joined others (`train.distributed`), it takes its part of each batch. Raises SpecError where the recipe freezes
    what is not there, where a batch is too small for its parts, and where the kernels cannot compute it in parts.
    """

    def __init__(self, model: Built, recipe: Recipe, *, kernels: str = "auto", taken: Collection[str] = ()) -> None:
        self.model = model
        self.recipe = recipe
        self.world = world = here()
        stand_still(model, recipe)
        without = cannot_train(recipe)
        unfit = unfit_for_parts(model.network, recipe, world, batch=recipe.batch)
        if kernels == "auto":
            batch = max(1, recipe.batch // (world.size * recipe.accumulate))
            kernels = world.told(lambda: fastest_for_training(model, batch=batch, without=(*without, *unfit)))
        if kernels in unfit:
            raise unfit_error(model.network, kernels, unfit[kernels])
        in_parts = world.size * recipe.accumulate > 1
        self.place = Place()
        if in_parts or next(model.parameters()).device.type != "cpu":
            share_layers(model, self.place, world.total if world.size > 1 else None)
        self.runs = executor(model, "torch" if kernels in without else kernels)
        self.engine = self.runs.engine if isinstance(self.runs, OnEngine) else None
        alike = not recipe.whiten and not (taken and recipe.transfer_rate != 1)
        whole = self.engine is not None and not in_parts and recipe.optimiser in RULES and alike
        self.optimiser = optimiser_for(model, recipe, engine=whole, taken=taken)
        self.rule = Rule(self.optimiser) if whole else None
        self.asked_to_stop: Callable[[], bool] = lambda: False
        self.stopped = False
        self.pace: Pace | None = None
        self.spent: dict[str, float] = {}
        self._parts: dict[int, list[list[Part]]] = {}
        self.epoch = 0
        self.batch = 0
        self.loss_sum = 0.0
        self.right = 0
        self.seconds = 0.0
        self.best = -1.0
        self.waited = 0
        self.plateaus = 0

    @property
    def threads(self) -> int:
        """How many threads Striate's kernels take: PyTorch's number, or that of a `pace`."""
        return self.pace.threads if self.pace else torch.get_num_threads()

    def all_parts(self, size: int) -> list[list[Part]]:
        """The parts of a batch of `size` images, a list for each process."""
        if size not in self._parts:
            self._parts[size] = parts_of(size, self.world, self.recipe.accumulate)
        return self._parts[size]

    def parts(self, size: int) -> list[Part]:
        """The parts of a batch of `size` images that are this process's."""
        return self.all_parts(size)[self.world.rank]

    def gather(self, loss: float, right: int) -> tuple[float, int]:
        """Add up the gradients of all processes, and what each found; `stopped` is then whether one was asked to."""
        if self.world.size == 1:
            self.stopped = self.asked_to_stop()
            return loss, right
        gradients = [each.grad for each in self.model.parameters() if each.grad is not None]
        numbers = gradients[0].new_tensor([loss, right, self.asked_to_stop()])
        flat = torch.cat([*(each.reshape(-1) for each in gradients), numbers])
        self.world.add_up(flat)
        for to, each in zip(gradients, flat[:-3].split([each.numel() for each in gradients]), strict=True):
            to.copy_(each.view(to.shape))
        loss, right, stopped = flat[-3:].tolist()
        self.stopped = stopped > 0
        return loss, round(right)

    def weights(self) -> dict[str, Tensor]:
        """What is judged and kept: buffers and weights by path, averaged where the recipe wants it."""
        with averages_in(self.optimiser):
            return {name: tensor.clone() for name, tensor in self.model.state_dict().items()}

    def tensors(self) -> dict[str, Tensor]:
        """The weights and buffers by path, and the optimiser's tensors."""
        return dict(self.model.state_dict()) | optimiser_tensors(self.model, self.optimiser)

    def position(self) -> dict[str, Any]:
        """How far it has come."""
        keys = ("epoch", "batch", "loss_sum", "right", "seconds", "best", "waited", "plateaus")
        return {key: getattr(self, key) for key in keys}

    def judged(self, accuracy: float) -> None:
        """Take note of an epoch's validation accuracy; `patience` epochs without a better one are a plateau."""
        self.waited = 0 if accuracy > self.best else self.waited + 1
        self.best = max(self.best, accuracy)
        if self.waited >= self.recipe.patience:
            self.waited, self.plateaus = 0, self.plateaus + 1

    def account_for(self, what: str, begun: float) -> float:
        """Book the seconds since `begun` on `what`; gives the time now."""
        now = time.perf_counter()
        self.spent[what] = self.spent.get(what, 0.0) + now - begun
        return now

    def profile(self) -> dict[str, float]:
        """Where the seconds went since the last call, by what took them, the engine's part by layer."""
        spent, self.spent = self.spent, {}
        if self.engine:
            parts = self.engine.spent()
            spent |= {"images to lanes": parts.images, "loss": parts.loss, "optimiser": parts.update}
            spent |= {f"{path} forward": seconds for path, seconds in parts.forward.items()}
            spent |= {f"{path} backward": seconds for path, seconds in parts.backward.items()}
        return spent

    def go_to(self, tensors: dict[str, Tensor], position: Mapping[str, Any], *, where: Path) -> None:
        """Take up a checkpoint. Raises RunError where it does not fit."""
        taken = position_of(position, like=self.position(), where=where)
        restore(self.model, self.optimiser, tensors, where=where)
        for key, value in taken.items():
            setattr(self, key, value)
