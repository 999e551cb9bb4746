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
from striate.train.checkpoint_state import position_of
from striate.train.distributed import here
from striate.train.frozen import stand_still
from striate.train.losses import require_loss
from striate.train.optimisers import averages_in, optimiser_for
from striate.train.pace import Pace
from striate.train.parts import parts_of, unfit_error, unfit_for_parts
from striate.train.recipe import Recipe


def cannot_train(recipe: Recipe) -> tuple[str, ...]:
    """The kernels that cannot train by a recipe: the engine trains every layer, and the recipe may freeze some."""
    return ("engine",) if recipe.freeze else ()


class Learner:
    """A model, its optimiser, and its position in the training: all that a checkpoint holds.

    `runs` is the model's executor on `kernels`; "auto" means the kernels that train it fastest here. The engine also
    updates the weights, by `rule`, where it has the optimiser and all layers learn at one rate; otherwise it computes
    gradients only. The layers `taken` over from another run learn at the recipe's `transfer_rate`. Where this process
    has joined others (`train.distributed`), it computes its part of each batch.

    Raises SpecError where the recipe freezes layers that the network does not have, where its loss is not for the
    network's outputs, where a batch is too small to be cut into parts, and where the kernels cannot compute a batch in
    parts.
    """

    def __init__(self, model: Built, recipe: Recipe, *, kernels: str = "auto", taken: Collection[str] = ()) -> None:
        self.model = model
        self.recipe = recipe
        self.world = world = here()
        require_loss(model.network, recipe)
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
        """The number of threads of Striate's kernels: that of `pace`, or PyTorch's where there is none."""
        return self.pace.threads if self.pace else torch.get_num_threads()

    def all_parts(self, size: int) -> list[list[Part]]:
        """The parts of a batch of `size` images, a list for each process."""
        if size not in self._parts:
            self._parts[size] = parts_of(size, self.world, self.recipe.accumulate)
        return self._parts[size]

    def parts(self, size: int) -> list[Part]:
        """This process's parts of a batch of `size` images."""
        return self.all_parts(size)[self.world.rank]

    def gather(self, loss: float, right: int) -> tuple[float, int]:
        """Sum the gradients, the losses and the right answers of all processes.

        Sets `stopped` where any process was asked to stop.
        """
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
        """The weights and buffers that are validated and kept, by path; weights are averages if the recipe says so."""
        with averages_in(self.optimiser):
            return {name: tensor.clone() for name, tensor in self.model.state_dict().items()}

    def tensors(self) -> dict[str, Tensor]:
        """The weights and buffers by path, and the optimiser's tensors."""
        return dict(self.model.state_dict()) | optimiser_tensors(self.model, self.optimiser)

    def position(self) -> dict[str, Any]:
        """The position in the training, as a checkpoint keeps it."""
        keys = ("epoch", "batch", "loss_sum", "right", "seconds", "best", "waited", "plateaus")
        return {key: getattr(self, key) for key in keys}

    def judged(self, accuracy: float) -> None:
        """Take note of an epoch's validation accuracy; `patience` epochs without a better one are a plateau."""
        self.waited = 0 if accuracy > self.best else self.waited + 1
        self.best = max(self.best, accuracy)
        if self.waited >= self.recipe.patience:
            self.waited, self.plateaus = 0, self.plateaus + 1

    def account_for(self, what: str, begun: float) -> float:
        """Add the seconds since `begun` to those spent on `what`; returns the time now."""
        now = time.perf_counter()
        self.spent[what] = self.spent.get(what, 0.0) + now - begun
        return now

    def profile(self) -> dict[str, float]:
        """The seconds spent since the last call, by activity; those of the engine also by layer."""
        spent, self.spent = self.spent, {}
        if self.engine:
            parts = self.engine.spent()
            spent |= {"images to lanes": parts.images, "loss": parts.loss, "optimiser": parts.update}
            spent |= {f"{path} forward": seconds for path, seconds in parts.forward.items()}
            spent |= {f"{path} backward": seconds for path, seconds in parts.backward.items()}
        return spent

    def go_to(self, tensors: dict[str, Tensor], position: Mapping[str, Any], *, where: Path) -> None:
        """Continue from a checkpoint. Raises RunError where it does not fit."""
        taken = position_of(position, like=self.position(), where=where)
        restore(self.model, self.optimiser, tensors, where=where)
        for key, value in taken.items():
            setattr(self, key, value)
