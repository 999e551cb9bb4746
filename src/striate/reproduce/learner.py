"""The training of 1998, a pass at a time: curvature, rates, one image after another."""

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
    """Packed images: those that are learned from, and those that judge; `preprocessing` gives their values."""

    train: ImageSet
    judging: ImageSet
    preprocessing: Preprocessing


@dataclass(frozen=True)
class Part:
    """Some of a pass's images are learned."""

    number: int
    done: int
    images: int


@dataclass(frozen=True)
class Pass:
    """A pass is done. Errors are fractions.

    `train_error` and `loss` are of each image just before it is learned, as in the paper's figure 5; `known_error` is
    of the training images after the pass, `test_error` of those that judge. `slowest` and `fastest` are the least and
    the greatest rate of a parameter. `learning_seconds` are those of the curvature and of the steps alone.
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

    `done` counts passes; `known` is what the network says of the training images after the last.
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
        """The rate of each parameter for the pass to come: η / (μ + h), of E times its scale."""
        number, decisions = self.done + 1, self.method.decisions
        some = epoch_order(self.method.images, seed=self.method.seed, epoch=number)[:CURVATURE_IMAGES]
        start = "rbf-mle" if decisions.start == "eq8" else self.method.recipe.loss
        goal = Goal(sets.train.labels, start, decisions.j)
        sums = self.steps.curvature(pictures_of(sets.train.images, sets.preprocessing, chosen=some), goal)
        diagonal = {name: each * (decisions.scale / CURVATURE_IMAGES) for name, each in sums.items()}
        found = rates(diagonal, eta=self.method.eta(number), mu=MU)
        return found | self._of_averages(diagonal, self.method.eta(number))

    def learn(self, sets: Sets) -> Iterator[Part | Pass]:
        """The next pass: a Part for every few thousand images, and the Pass."""
        begun = time.perf_counter()
        number, recipe = self.done + 1, self.method.recipe
        found = self.rates(sets)
        steps = {name: each * self.method.decisions.scale for name, each in found.items()}
        loss, right, seen = 0.0, 0, 0
        for some in shown(sets.train, sets.preprocessing, self.method, number):
            goal = Goal(some.labels, recipe.loss, recipe.rubbish)
            mean, correct = self.steps.learn(some.pictures, goal, rates=steps)
            loss, right, seen = loss + mean * len(some.pictures), right + correct, seen + len(some.pictures)
            yield Part(number, seen, self.method.images)
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
        """The rates of subsampling's coefficients where a window is averaged.

        A coefficient c of an average of n is n times the coefficient of the sum; in terms of the latter c's own step is
        η / (n² μ + h).
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
    """How many weights lead into each unit of a layer; one number, or one for each filter."""
    weight = layer.get_parameter("weight")
    if isinstance(layer, TableConvolution):
        return torch.bincount(layer.index // layer.channels) * weight[0].numel()
    return torch.tensor(_window(layer) or weight[0].numel())


def _window(layer: nn.Module) -> int:
    """How many values a subsampling's windows have; 0 for other layers."""
    return layer.kernel[0] * layer.kernel[1] if isinstance(layer, Subsampling) else 0
