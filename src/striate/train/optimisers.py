"""Optimisers, and the learning rate as a function of the step."""

from __future__ import annotations

import math

import torch
from torch import nn

from striate.train.recipe import Recipe

START = 1 / 25
END = 1e-5
"""One cycle begins and ends with these parts of the rate."""
WARM = 0.1
"""The part of the rate during the warm-up of the other schedules (ResNet-110: 0.01 before 0.1)."""


def optimiser_for(model: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """The recipe's optimiser over all parameters; its rate is set before each step."""
    parameters = list(model.parameters())
    if recipe.optimiser == "adadelta":
        return torch.optim.Adadelta(
            parameters, recipe.rate, rho=recipe.momentum, eps=1e-6, weight_decay=recipe.weight_decay
        )
    if recipe.optimiser == "sgd":
        return torch.optim.SGD(
            parameters, recipe.rate, momentum=recipe.momentum, weight_decay=recipe.weight_decay, fused=True
        )
    return torch.optim.AdamW(
        parameters, recipe.rate, betas=(recipe.momentum, 0.999), weight_decay=recipe.weight_decay, fused=True
    )


def rate_at(step: int, steps: int, recipe: Recipe, *, plateaus: int = 0) -> float:
    """The learning rate of a step, 0 to steps − 1, after a number of plateaus.

    >>> [round(rate_at(step, 101, Recipe(rate=1.0, warm_up=0.2)), 3) for step in (0, 20, 60, 100)]
    [0.04, 1.0, 0.5, 0.0]
    """
    if recipe.schedule == "constant" or steps < 2:
        return recipe.rate
    if recipe.schedule in ("steps", "plateau"):
        begun = WARM if step < recipe.warm_up * steps else 1.0
        passed = sum(step >= moment * steps for moment in recipe.drops)
        return recipe.rate * begun * recipe.drop ** (passed if recipe.schedule == "steps" else plateaus)
    done = step / (steps - 1)
    if done < recipe.warm_up:
        return recipe.rate * _cosine(START, 1.0, done / recipe.warm_up)
    return recipe.rate * _cosine(1.0, END, (done - recipe.warm_up) / (1 - recipe.warm_up))


def _cosine(start: float, end: float, done: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * done)) / 2
