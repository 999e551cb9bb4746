"""Optimisers, and the learning rate as a function of the step."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any, assert_never, cast

import torch
from torch import Tensor, nn

from striate.kernels.optimiser import Slots
from striate.train.muon import Muon
from striate.train.recipe import Recipe

START = 1 / 25
END = 1e-5
"""The one-cycle schedule begins and ends with these fractions of the rate."""
WARM = 0.1
"""The fraction of the rate during the warm-up of the other schedules (ResNet-110: 0.01 before 0.1)."""


def optimiser_for(
    model: nn.Module, recipe: Recipe, *, engine: bool = False, taken: Collection[str] = ()
) -> torch.optim.Optimizer:
    """The recipe's optimiser over all parameters that learn; its rate is set before each step.

    Those of the layers `taken` over are a group of their own, whose rate is the `share` of the others'. For an engine,
    which takes the steps itself, it only holds the optimiser's numbers and state.
    """
    parameters = _groups(model, recipe, taken)
    numbers: dict[str, Any] = {"lr": recipe.rate, "weight_decay": recipe.weight_decay}
    match recipe.optimiser:
        case "adadelta":
            return torch.optim.Adadelta(parameters, **numbers, rho=recipe.momentum, eps=1e-6)
        case "muon":
            return Muon(parameters, **numbers, momentum=recipe.momentum)
        case "sgd":
            kind = torch.optim.SGD
            numbers["momentum"] = recipe.momentum
        case "adamw":
            kind = torch.optim.AdamW
            numbers |= {"betas": (recipe.momentum, 0.999), "eps": 1e-8}
        case _:
            assert_never(recipe.optimiser)
    if engine:
        return cast(torch.optim.Optimizer, Slots(recipe.optimiser, parameters[0]["params"], numbers))
    return kind(parameters, **numbers, fused=True)


def _groups(model: nn.Module, recipe: Recipe, taken: Collection[str]) -> list[dict[str, Any]]:
    """The parameters that learn, apart where they learn at another rate: layers taken over, and muon's filters."""
    slower = taken if recipe.transfer_rate != 1 else ()
    muon = recipe.optimiser == "muon"
    found: dict[tuple[bool, bool], list[nn.Parameter]] = {}
    for path, each in model.named_parameters():
        if each.requires_grad:
            found.setdefault((path.rpartition(".")[0] in slower, muon and each.ndim == 4), []).append(each)
    return [
        {
            "params": parameters,
            "share": (recipe.transfer_rate if slow else 1.0) * (recipe.filter_rate / recipe.rate if filters else 1.0),
            **({"filters": filters} if muon else {}),
        }
        for (slow, filters), parameters in sorted(found.items(), key=lambda each: each[0])
    ]


def average_part(step: int, decay: float) -> float:
    """The fraction of the way that the averages move towards the weights after `step`, counted from 0.

    At first it makes the averages plain means of all steps. It is 0 where `decay` is 0: there are no averages.

    >>> [average_part(step, 0.75) for step in (0, 1, 2, 3, 4, 5)]
    [1.0, 0.5, 0.3333333333333333, 0.25, 0.25, 0.25]
    """
    return max(1 - decay, 1 / (step + 1)) if decay else 0.0


@torch.no_grad()
def average_weights(optimiser: torch.optim.Optimizer) -> None:
    """Move the averages of the weights, kept in the optimiser's state, by their group's `average_part`."""
    for group in optimiser.param_groups:
        if not group["average_part"]:
            continue
        for parameter in group["params"]:
            state = optimiser.state[parameter]
            if "average" not in state:
                state["average"] = torch.zeros_like(parameter)
            state["average"].lerp_(parameter, group["average_part"])


def running_statistics(model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """The running means and variances of batch normalisations, by path."""
    for path, buffer in model.named_buffers():
        if path.endswith(("running_mean", "running_var")):
            yield path, buffer


@torch.no_grad()
def average_statistics(model: nn.Module, optimiser: torch.optim.Optimizer) -> None:
    """Move the averages of the running statistics as `average_weights` moves those of the weights.

    Averaged weights do not go with the statistics of the last few steps' weights.
    """
    if not (part := optimiser.param_groups[0]["average_part"]):
        return
    for _, each in running_statistics(model):
        state = optimiser.state.setdefault(each, {})
        if "average" not in state:
            state["average"] = each.clone()
        state["average"].lerp_(each, part)


@contextmanager
def averages_in(optimiser: torch.optim.Optimizer) -> Iterator[None]:
    """Context in which the parameters and running statistics hold their averages, where there are any."""
    pairs = [(each.detach(), state["average"]) for each, state in optimiser.state.items() if "average" in state]
    kept = [tensor.clone() for tensor, _ in pairs]
    for tensor, average in pairs:
        tensor.copy_(average)
    try:
        yield
    finally:
        for (tensor, _), before in zip(pairs, kept, strict=True):
            tensor.copy_(before)


def rate_at(step: int, steps: int, recipe: Recipe, *, plateaus: int = 0) -> float:
    """The learning rate of a step, 0 to steps − 1, after a number of plateaus.

    >>> [round(rate_at(step, 101, Recipe(rate=1.0, warm_up=0.2)), 3) for step in (0, 20, 60, 100)]
    [0.04, 1.0, 0.5, 0.0]
    """
    if steps < 2:
        return recipe.rate
    match recipe.schedule:
        case "constant":
            return recipe.rate
        case "steps":
            drops = sum(step >= moment * steps for moment in recipe.drops)
        case "plateau":
            drops = plateaus
        case "one-cycle":
            done = step / (steps - 1)
            if done < recipe.warm_up:
                return recipe.rate * _cosine(START, 1.0, done / recipe.warm_up)
            return recipe.rate * _cosine(1.0, END, (done - recipe.warm_up) / (1 - recipe.warm_up))
        case _:
            assert_never(recipe.schedule)
    return recipe.rate * (WARM if step < recipe.warm_up * steps else 1.0) * recipe.drop**drops


def _cosine(start: float, end: float, done: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * done)) / 2
