"""The training method of 1998, one pass at a time: curvature, learning rates, then one image after another."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from striate.data import ImageSet, Preprocessing, epoch_order
from striate.description.network import Network
from striate.execution.executor import executor
from striate.execution.tensors import tensors_of
from striate.kernels.engine import Goal
from striate.kernels.pattern import Pattern, unsupported
from striate.modules import Built, build
from striate.modules.convolution import TableConvolution
from striate.modules.pooling import Subsampling
from striate.reproduce.curvature import rates
from striate.reproduce.distortion import shown
from striate.reproduce.method import CURVATURE_IMAGES, MU, Method
from striate.reproduce.plain import Plain
from striate.train.metrics import Outputs, pictures_of, run_over


@dataclass(frozen=True)
class Sets:
    """Packed images: the training images, and the images to evaluate on; `preprocessing` gives their values."""

    train: ImageSet
    judging: ImageSet
    preprocessing: Preprocessing


@dataclass(frozen=True)
class PassProgress:
    """The event after each part of a pass's images."""

    number: int
    done: int
    images: int


@dataclass(frozen=True)
class Pass:
    """The event after a pass. Errors are fractions.

    `train_error` and `loss` are measured on each image just before its step, as in the paper's figure 5; `known_error`
    on the training images after the pass, `test_error` on the images to evaluate on. `slowest` and `fastest` are the
    least and the greatest learning rate of a parameter. `learning_seconds` is the time of the curvature and the steps
    alone.
    """

    number: int
    eta: float
    slowest: float
    fastest: float
    loss: float
    train_error: float
    known_error: float
    test_error: float
    learning_seconds: float
    seconds: float


class OnlineLearner:
    """A network and the method that trains it; `kernels` is "engine" where it runs on Striate's, else "torch".

    `done` counts passes; `known` has the network's outputs for the training images after the last pass.
    """

    def __init__(self, network: Network, method: Method, *, kernels: str = "auto") -> None:
        if kernels == "auto":
            kernels = "torch" if unsupported(network) else "engine"
        self.method = method
        self.kernels = kernels
        self.model = fresh(network, method)
        self.runs = executor(self.model, kernels)
        self.steps = Pattern(network, tensors_of(self.model)) if kernels == "engine" else Plain(self.model)
        self.done = 0
        self.known: Outputs | None = None

    def rates(self, sets: Sets) -> dict[str, Tensor]:
        """The learning rate of each parameter for the next pass: η / (μ + h), for E times its scale."""
        number, decisions = self.done + 1, self.method.decisions
        some = epoch_order(self.method.images, seed=self.method.seed, epoch=number)[:CURVATURE_IMAGES]
        start = "rbf-mle" if decisions.start == "eq8" else self.method.recipe.loss
        goal = Goal(sets.train.labels_of_store, start, decisions.j)
        sums = self.steps.curvature(pictures_of(sets.train.images, sets.preprocessing, chosen=some), goal)
        diagonal = {name: each * (decisions.scale / CURVATURE_IMAGES) for name, each in sums.items()}
        found = rates(diagonal, eta=self.method.eta(number), mu=MU)
        return found | self._of_averages(diagonal, self.method.eta(number))

    def learn(self, sets: Sets) -> Iterator[PassProgress | Pass]:
        """Train for one pass: yields a PassProgress for every few thousand images, then the Pass."""
        begun = time.perf_counter()
        number, recipe = self.done + 1, self.method.recipe
        found = self.rates(sets)
        steps = {name: each * self.method.decisions.scale for name, each in found.items()}
        loss, right, seen = 0.0, 0, 0
        for some in shown(sets.train, sets.preprocessing, self.method, number):
            goal = Goal(some.labels, recipe.loss, recipe.rubbish)
            mean, correct = self.steps.learn(some.pictures, goal, rates=steps)
            loss, right, seen = loss + mean * len(some.pictures), right + correct, seen + len(some.pictures)
            yield PassProgress(number, seen, self.method.images)
        learned = time.perf_counter()
        known, judged = (
            run_over(self.runs, each, sets.preprocessing, recipe=recipe) for each in (sets.train, sets.judging)
        )
        self.done, self.known = number, known
        yield Pass(
            number=number,
            eta=self.method.eta(number),
            slowest=min(each.min().item() for each in found.values()),
            fastest=max(each.max().item() for each in found.values()),
            loss=loss / seen,
            train_error=1 - right / seen,
            known_error=1 - known.accuracy,
            test_error=1 - judged.accuracy,
            learning_seconds=learned - begun,
            seconds=time.perf_counter() - begun,
        )

    def _of_averages(self, diagonal: dict[str, Tensor], eta: float) -> dict[str, Tensor]:
        """The rates of subsampling's coefficients where windows are averaged.

        A coefficient c of an average of n values is n times the coefficient of their sum, in terms of which the step of
        c is η / (n² μ + h).
        """
        if self.method.decisions.subsampling == "sum":
            return {}
        of_windows = {f"{path}.weight": _window(layer) for path, layer in self.model.named_children() if _window(layer)}
        return {name: eta / (taps**2 * MU + diagonal[name]) for name, taps in of_windows.items()}


@torch.no_grad()
def fresh(network: Network, method: Method) -> Built:
    """The network with the method's first weights: even in ±2.4/F (appendix A), F the inputs of a unit."""
    generator = torch.Generator().manual_seed(method.seed)
    model = build(network, initialisation="lecun-1998", generator=generator)
    for _, layer in model.named_children():
        bias: Any = getattr(layer, "bias", None)
        if bias is not None and method.decisions.biases == "uniform":
            bias.copy_((2 * torch.rand(bias.shape, generator=generator) - 1) * 2.4 / inputs_of_units(layer))
        if method.decisions.subsampling == "average" and _window(layer):
            layer.get_parameter("weight").div_(_window(layer))
    return model


def inputs_of_units(layer: nn.Module) -> Tensor:
    """The number of weights that lead into each unit of a layer: one number, or one per filter."""
    weight = layer.get_parameter("weight")
    if isinstance(layer, TableConvolution):
        return torch.bincount(layer.index // layer.channels) * weight[0].numel()
    return torch.tensor(_window(layer) or weight[0].numel())


def _window(layer: nn.Module) -> int:
    """The number of values in a subsampling's windows; 0 for other layers."""
    return layer.kernel[0] * layer.kernel[1] if isinstance(layer, Subsampling) else 0
