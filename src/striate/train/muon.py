"""Muon: convolutions' filters step along their orthogonalised momentum, everything else by SGD."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of the quintic Newton-Schulz iteration."""
ITERATIONS = 5


class Muon(torch.optim.Optimizer):
    """SGD with Nesterov's momentum, whose steps for filters are orthogonalised.

    A group with `filters` holds filters, (filters, channels / groups, rows, columns), each a row of a matrix. Before a
    step the matrix is scaled to the norm √filters; then it goes `lr` along the orthogonal matrix that is nearest to the
    momentum. All other groups, such as the kernels of a connection table, step as SGD with Nesterov's momentum and
    `weight_decay`. Each parameter keeps a `momentum_buffer` (K. Jordan and others, Muon: an optimizer for hidden layers
    in neural networks, 2024; the scaling is that of K. Jordan, airbench, 2024).
    """

    def __init__(
        self, groups: Iterable[dict[str, Any]], *, lr: float, momentum: float, weight_decay: float = 0.0
    ) -> None:
        super().__init__(groups, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay, "filters": False})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Take a step along the parameters' gradients; those without one stay as they are. `closure` is not called."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._step(parameter, parameter.grad, group)

    def _step(self, parameter: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        state, momentum = self.state[parameter], group["momentum"]
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = torch.zeros_like(parameter)
        if not group["filters"]:
            gradient = gradient.add(parameter, alpha=group["weight_decay"])
        kept = state["momentum_buffer"].mul_(momentum).add_(gradient)
        ahead = gradient.add(kept, alpha=momentum)
        if group["filters"]:
            parameter.mul_(math.sqrt(len(parameter)) / parameter.norm().clamp_min(1e-7))
            ahead = orthogonal(ahead.flatten(1)).reshape(parameter.shape)
        parameter.sub_(ahead, alpha=group["lr"])


def orthogonal(matrix: Tensor) -> Tensor:
    """A matrix of the same singular vectors, whose singular values are between 0.7 and 1.2 or very small before.

    Five steps of a Newton-Schulz iteration, which needs products alone.

    >>> found = orthogonal(torch.tensor([[3.0, 0.0], [0.0, 1.0]])).diag()
    >>> bool((found > 0.6).all() and (found < 1.3).all())
    True
    """
    first, second, third = COEFFICIENTS
    tall = matrix.shape[0] > matrix.shape[1]
    found = (matrix.T if tall else matrix) / (matrix.norm() + 1e-7)
    for _ in range(ITERATIONS):
        square = found @ found.T
        found = first * found + (second * square + third * square @ square) @ found
    return found.T if tall else found
