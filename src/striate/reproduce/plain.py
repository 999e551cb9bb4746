"""The training step of 1998 in plain PyTorch, one image at a time: the reference and the fallback of the kernels."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from striate.kernels.engine import Goal, Pictures
from striate.modules import Built
from striate.reproduce.curvature import gauss_newton_diagonal
from striate.train.losses import class_scores, loss_of
from striate.train.recipe import Recipe

BATCH = 100
"""The number of images whose curvature is computed at once."""


class Plain:
    """Trains with a rate for every parameter, like `striate.kernels.pattern.Pattern`, but on PyTorch."""

    def __init__(self, model: Built) -> None:
        self.model = model

    def learn(self, pictures: Pictures, goal: Goal, *, rates: dict[str, Tensor]) -> tuple[float, int]:
        """Step after each image: w ← w − rate · ∂E/∂w. Returns the mean loss and the number of right answers."""
        recipe = Recipe(loss=goal.loss, rubbish=goal.rubbish)
        parameters = dict(self.model.named_parameters())
        loss_sum, right = 0.0, 0
        for number in _numbers(pictures):
            pixels, labels = _floats(pictures, [number]), goal.labels[number : number + 1]
            outputs = self.model(pixels)
            loss = loss_of(outputs, labels, recipe)
            gradients = torch.autograd.grad(loss, list(parameters.values()))
            with torch.no_grad():
                for (name, each), gradient in zip(parameters.items(), gradients, strict=True):
                    each -= rates[name] * gradient
            loss_sum += loss.item()
            right += int((class_scores(self.model.network, outputs.detach()).argmax(1) == labels).sum())
        return loss_sum / max(len(pictures), 1), right

    def curvature(self, pictures: Pictures, goal: Goal) -> dict[str, Tensor]:
        """The Gauss-Newton diagonal, summed over the images and over the connections that share a parameter."""
        recipe = Recipe(loss=goal.loss, rubbish=goal.rubbish)
        sums = {name: torch.zeros_like(each) for name, each in self.model.named_parameters()}
        numbers = _numbers(pictures)
        for start in range(0, len(numbers), BATCH):
            some = numbers[start : start + BATCH]
            found = gauss_newton_diagonal(self.model, _floats(pictures, some), goal.labels[some], recipe=recipe)
            sums = {name: each + found[name] for name, each in sums.items()}
        return sums


def _numbers(pictures: Pictures) -> list[int]:
    return list(range(len(pictures))) if pictures.chosen is None else pictures.chosen.tolist()


def _floats(pictures: Pictures, numbers: list[int]) -> Tensor:
    return replace(pictures, chosen=torch.tensor(numbers)).floats()
