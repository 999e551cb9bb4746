"""Initialisations, by name. Biases begin at 0 unless stated otherwise, batch norm's scale at 1.

F is a unit's fan-in, the number of weights that lead into it; F_out is the number that lead out of an input.

| name               | weights              | subsampling's coefficient | source                                     |
|--------------------|----------------------|---------------------------|--------------------------------------------|
| `lecun-1998`       | U(−2.4/F, +2.4/F)    | U(−2.4/F, +2.4/F), F = 4  | LeNet-5's paper, appendix A: linear in 1/F |
| `lecun`            | N(0, 1/F)            | 1/F: the mean             | LeCun and others, Efficient BackProp, 1998 |
| `glorot`           | U(±√(6/(F + F_out))) | 1/F: the mean             | Glorot and Bengio 2010, eq. 16             |
| `he`               | N(0, 2/F)            | 1/F: the mean             | He and others 2015, eq. 10                 |
| `identity`         | N(0, 2/F), identities| 1/F: the mean             | Jordan 2024, arXiv 2404.00498, section 3.3 |
| `normal-0.01`      | N(0, 0.01²)          | 1/F: the mean             | ZFNet's paper, section 3                   |
| `krizhevsky-2012`  | N(0, 0.01²)          | 1/F: the mean             | AlexNet's paper, section 5                 |

`krizhevsky-2012` starts the biases of `conv2`, `conv4`, `conv5`, `fc6` and `fc7` at 1, so that their ReLUs begin with
positive inputs. In `identity` the first filters of each convolution after the first layer, as many as it has channels,
give their inputs unchanged. A standard deviation of 0.01 suits AlexNet's widths and pixels of −128 to 128; with it,
narrower or deeper networks do not learn.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from striate.description.network import Plan
from striate.errors import unknown_name
from striate.modules.convolution import TableConvolution
from striate.modules.pooling import Subsampling


@dataclass(frozen=True)
class Fan:
    """The number of weights that lead into a unit and out of an input; `into` is one number, or one per weight."""

    into: Tensor
    out: Tensor


Draw = Callable[[Tensor, Fan, torch.Generator | None], Tensor]


def _uniform(like: Tensor, limit: Tensor, generator: torch.Generator | None) -> Tensor:
    drawn = torch.rand(like.shape, generator=generator)
    return (2 * drawn - 1) * limit


def _normal(like: Tensor, deviation: Tensor, generator: torch.Generator | None) -> Tensor:
    return torch.randn(like.shape, generator=generator) * deviation


INITIALISATIONS: dict[str, Draw] = {
    "lecun-1998": lambda weight, fan, generator: _uniform(weight, 2.4 / fan.into, generator),
    "lecun": lambda weight, fan, generator: _normal(weight, fan.into.rsqrt(), generator),
    "glorot": lambda weight, fan, generator: _uniform(weight, (6 / (fan.into + fan.out)).sqrt(), generator),
    "he": lambda weight, fan, generator: _normal(weight, (2 / fan.into).sqrt(), generator),
    "identity": lambda weight, fan, generator: _normal(weight, (2 / fan.into).sqrt(), generator),
    "normal-0.01": lambda weight, fan, generator: _normal(weight, torch.tensor(0.01), generator),
    "krizhevsky-2012": lambda weight, fan, generator: _normal(weight, torch.tensor(0.01), generator),
}
"""The initialisations of weights, by name; `initialise` takes a name."""
BIASES_OF_ONE = {"krizhevsky-2012": ("conv2", "conv4", "conv5", "fc6", "fc7")}
"""The layers whose biases begin at 1, by the name of the initialisation."""


@torch.no_grad()
def initialise(model: nn.Module, plan: Plan, name: str, *, generator: torch.Generator | None = None) -> None:
    """Set every parameter of a built `model`, in the order of its `plan`; the same generator gives the same weights."""
    if name not in INITIALISATIONS:
        raise unknown_name("initialisation", name, INITIALISATIONS)
    draw = INITIALISATIONS[name]
    for step in plan.steps:
        module = model.get_submodule(step.path)
        weight = getattr(module, "weight", None)
        if isinstance(module, Subsampling):
            taps = torch.tensor(float(math.prod(module.kernel)))
            fan = Fan(taps, taps)
            module.weight.copy_(draw(module.weight, fan, generator) if name == "lecun-1998" else 1 / taps)
        elif isinstance(weight, nn.Parameter):
            weight.copy_(torch.ones(weight.shape) if weight.ndim == 1 else draw(weight, _fan(module), generator))
        if name == "identity" and step is not plan.steps[0] and isinstance(module, nn.Conv2d):
            _begin_as_identity(module)
        bias = getattr(module, "bias", None)
        if isinstance(bias, nn.Parameter):
            bias.fill_(step.path in BIASES_OF_ONE.get(name, ()))


def _begin_as_identity(convolution: nn.Conv2d) -> None:
    """Set the first filters of each group, as many as it has channels, to 1 in the middle of their own channel."""
    for group in convolution.weight.chunk(convolution.groups):
        for channel, weights in enumerate(group[: group.shape[1]]):
            weights.zero_()
            weights[channel, weights.shape[1] // 2, weights.shape[2] // 2] = 1


def _fan(module: nn.Module) -> Fan:
    """The fans of a convolution or a linear layer, shaped so that they divide its weight."""
    if isinstance(module, TableConvolution):
        taps = module.weight[0].numel()
        index = module.index.cpu()  # where weights are drawn
        rows, columns = index // module.channels, index % module.channels
        into, out = torch.bincount(rows)[rows], torch.bincount(columns)[columns]
        return Fan(into[:, None, None] * taps * 1.0, out[:, None, None] * taps * 1.0)
    weight: Tensor = module.weight  # pyright: ignore[reportAssignmentType] - a convolution or a linear layer
    groups = getattr(module, "groups", 1)
    taps = math.prod(weight.shape[2:])
    return Fan(torch.tensor(1.0 * weight[0].numel()), torch.tensor(1.0 * weight.shape[0] // groups * taps))
