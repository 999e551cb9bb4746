"""The engine's optimisers: the same steps as PyTorch's AdamW and SGD, with the state where PyTorch keeps it."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from operator import is_
from typing import Any

import torch
from torch import Tensor

from striate.kernels.binary import StriateUpdate

RULES = ("gradients", "adamw", "sgd")
"""The update rules, in the order of `StriateRule`."""


class Slots:
    """Stands in for a PyTorch optimiser where the engine updates the parameters: it has `param_groups` and `state`.

    Creating one of PyTorch's imports its compiler, which takes most of a second.
    """

    def __init__(self, kind: str, parameters: Sequence[Tensor], numbers: dict[str, Any]) -> None:
        self.kind = kind
        self.param_groups: list[dict[str, Any]] = [{"params": parameters, **numbers}]
        self.state: dict[Tensor, dict[str, Any]] = {each: {} for each in parameters}


class Rule:
    """The step of an AdamW or SGD of torch.optim with one group of parameters, without amsgrad, Nesterov or damping.

    `next` gives the numbers of the following step and counts it in the optimiser's state, as the optimiser would. A
    group with an `average_part` has its parameters' averages too, in the state's `average`: after each step they go
    that part of the way to the parameters.
    """

    def __init__(self, optimiser: torch.optim.Optimizer | Slots) -> None:
        self.optimiser = optimiser
        if isinstance(optimiser, Slots):
            self.kind = optimiser.kind
        else:
            self.kind = "adamw" if isinstance(optimiser, torch.optim.AdamW) else "sgd"
        self.names = ("", "", "")
        self.parameters: list[Tensor] = []
        self.states: list[dict[str, Any]] = []  # of all parameters that have a state
        self.own: list[dict[str, Any]] = []  # of the engine's parameters
        self.bound: list[Tensor] = []
        self.arrays: list[Any] = [ctypes.c_void_p()] * 3
        self.steps: list[Tensor] = []
        self.counters: list[ctypes.c_float] = []  # the memory of `steps`
        self.done = 0.0

    def next(self, parameters: list[Tensor]) -> StriateUpdate:
        """The C structure of the next step's update."""
        group = self.optimiser.param_groups[0]
        names = self._slots(group)
        if not self._is_bound(parameters, names):
            self._bind(parameters, names)
        self.done += 1
        for counter in self.counters:
            counter.value = self.done
        first, second, average = map(ctypes.addressof, self.arrays)
        betas = group.get("betas", (group.get("momentum", 0.0), 0.0))
        return StriateUpdate(
            RULES.index(self.kind),
            len(parameters),
            first,
            second,
            average,
            group["lr"],
            *betas,
            group["weight_decay"],
            group.get("eps", 0.0),
            self.done,
            group.get("average_part", 0.0),
        )

    def take_back(self) -> None:
        """Undo the counting of the last step, whose update failed."""
        self.done -= 1
        for counter in self.counters:
            counter.value = self.done

    def _slots(self, group: dict[str, Any]) -> tuple[str, str, str]:
        """The names of a parameter's tensors in the state, in the order of `StriateUpdate`; "" where there is none."""
        average = "average" if group.get("average_part") else ""
        if self.kind == "adamw":
            return "exp_avg", "exp_avg_sq", average
        return "momentum_buffer" if group["momentum"] else "", "", average

    def _begin(self, state: dict[str, Any], parameter: Tensor, names: tuple[str, ...]) -> None:
        if self.kind == "adamw" and "step" not in state:
            state["step"] = torch.zeros((), dtype=torch.float32)
        for name in names:
            if name and state.get(name) is None:
                state[name] = torch.zeros_like(parameter, memory_format=torch.preserve_format)

    def _is_bound(self, parameters: list[Tensor], names: tuple[str, str, str]) -> bool:
        """Whether the state has its addresses of the last step. Compared without hashing parameters, which is slow."""
        found = [state.get(name) for name in names if name for state in self.own]
        return (
            bool(self.own)
            and names == self.names
            and _same(parameters, self.parameters)
            and _same([*self.optimiser.state.values()], self.states)
            and _same(found, self.bound)
        )

    def _bind(self, parameters: list[Tensor], names: tuple[str, str, str]) -> None:
        self.own = [self.optimiser.state[each] for each in parameters]
        for state, parameter in zip(self.own, parameters, strict=True):
            self._begin(state, parameter, names)
        self.names, self.parameters, self.states = names, [*parameters], [*self.optimiser.state.values()]
        self.bound = [state[name] for name in names if name for state in self.own]
        for place, name in enumerate(names):
            pointers = [state[name].data_ptr() if name else None for state in self.own]
            self.arrays[place] = (ctypes.c_void_p * len(parameters))(*pointers)
        for each in self.own:
            if "step" in each:
                each["step"] = each["step"].float()
        self.steps = [each["step"] for each in self.own if "step" in each]
        self.counters = [ctypes.c_float.from_address(each.data_ptr()) for each in self.steps]
        self.done = float(self.steps[0]) if self.steps else 0.0


def _same(these: list[Any], those: list[Any]) -> bool:
    """Whether two lists hold the same objects, not only equal ones."""
    return len(these) == len(those) and all(map(is_, these, those))
