"""The change of layers' outputs when the image moves, with different pooling; the values that pooling drops."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from functools import partial
from math import prod

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from striate.description.layers import RBF, Conv, Flatten, Gate, GlobalAveragePool, Linear, Pool, Residual, Subsample
from striate.description.network import Network, Step
from striate.description.shapes import window
from striate.look.capture import capture
from striate.look.choose import main_steps, spread
from striate.modules import Built
from striate.modules.pooling import Subsampling, pooling

POOLINGS = ("max", "average", "none")
SHIFTS = 8
LAYERS = 6


@dataclass(frozen=True)
class Movement:
    """The change of a layer's output: for each kind of pooling, a distance for each shift from 0 to SHIFTS pixels.

    A distance is ‖f(moved) − f(image)‖ / ‖f(image)‖, the mean over images; 0 is no change.
    """

    path: str
    distances: dict[str, tuple[float, ...]]


@dataclass(frozen=True)
class Dropped:
    """The values of one pooling layer, in and out, and the share of its inputs that are the largest of a window."""

    path: str
    values_in: int
    values_out: int
    chosen: float | None

    @property
    def share(self) -> float:
        """The share of the values that are dropped: 0.75 for windows of 2×2, 2 apart."""
        return max(0.0, 1 - self.values_out / self.values_in)


def shifted(images: Float[Tensor, "*batch height width"], pixels: int) -> Float[Tensor, "*batch height width"]:
    """The images moved to the right; the new columns at the left repeat the first one.

    >>> shifted(torch.tensor([[1.0, 2.0, 3.0]]), 1)
    tensor([[1., 1., 2.]])
    """
    width = images.shape[-1]
    return images[..., [max(0, column - pixels) for column in range(width)]]


def with_pooling(model: Built, function: str) -> Built:
    """A copy of the model whose poolings take the "max" or the "average" of a window, or with "none" its first value.

    Subsampling keeps its coefficients: instead of the sum of a window it uses the largest value, the mean or the first
    value, times the number of values in the window.
    """
    changed = copy.deepcopy(model)
    for step in main_steps(model.network):
        if isinstance(step.layer, (Pool, Subsample)) and prod(_kernel(step)) > 1:
            changed.set_submodule(step.path, _pooling(step, model.get_submodule(step.path), function))
    return changed


@torch.no_grad()
def movements(model: Built, images: Float[Tensor, "images channels height width"]) -> list[Movement]:
    """The change of the layers' outputs; a network without pooling is measured unchanged."""
    network = model.network
    kinds = POOLINGS if poolings(network) else ("as it is",)
    models = {kind: with_pooling(model, kind) if kind in POOLINGS else model for kind in kinds}
    found = {kind: _distances(each, images) for kind, each in models.items()}
    return [Movement(step.path, {kind: tuple(found[kind][step.path]) for kind in kinds}) for step in measured(network)]


@torch.no_grad()
def dropped(model: Built, images: Float[Tensor, "images channels height width"]) -> list[Dropped]:
    """The values that each pooling drops; for maximum pooling also the share that is chosen, measured on images."""
    steps = poolings(model.network)
    inputs: dict[str, Tensor] = {}

    def keep(path: str, module: nn.Module, given: tuple[Tensor, ...]) -> None:
        inputs[path] = given[0].cpu()

    hooks = [model.get_submodule(step.path).register_forward_pre_hook(partial(keep, step.path)) for step in steps]
    try:
        with capture(model) as outputs:
            model.logits(images)
    finally:
        for hook in hooks:
            hook.remove()
    return [
        Dropped(step.path, prod(step.inputs[0]), prod(step.output), _chosen(step, inputs[step.path]))
        for step in steps
        if step.path in outputs
    ]


def poolings(network: Network) -> list[Step]:
    """The layers that pool: windows of more than one value."""
    steps = [step for step in main_steps(network) if isinstance(step.layer, (Pool, Subsample))]
    return [step for step in steps if prod(_kernel(step)) > 1]


def measured(network: Network) -> list[Step]:
    """The layers whose change is shown: convolutions, poolings, sums, vectors, evenly spread."""
    kinds = (Conv, Pool, Subsample, Residual, Gate, GlobalAveragePool, Linear, RBF)
    steps = [step for step in main_steps(network) if isinstance(step.layer, kinds) and ".shortcut" not in step.path]
    return spread([step for step in steps if not isinstance(step.layer, Flatten)], LAYERS)


def _kernel(step: Step) -> tuple[int, int]:
    layer = step.layer
    return layer.kernel if isinstance(layer, (Pool, Subsample)) else (1, 1)  # pyright: ignore[reportReturnType]


def _distances(model: Built, images: Tensor) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {step.path: [] for step in measured(model.network)}
    still: dict[str, Tensor] = {}
    for pixels in range(SHIFTS + 1):
        with capture(model) as outputs:
            model.logits(shifted(images, pixels))
        still = still or outputs
        for path, distances in found.items():
            before, after = still[path].flatten(1), outputs[path].flatten(1)
            distances.append(((after - before).norm(dim=1) / before.norm(dim=1).clamp_min(1e-12)).mean().item())
    return found


def _pooling(step: Step, module: nn.Module, function: str) -> nn.Module:
    layer = step.layer
    if isinstance(layer, Pool):
        return FirstOfWindow(step) if function == "none" else pooling(replace(layer, function=function), step.inputs[0])
    if not isinstance(module, Subsampling):
        raise TypeError(type(module))
    match function:
        case "none":
            inner: nn.Module = FirstOfWindow(step)
        case "max":
            inner = nn.MaxPool2d(module.kernel, module.stride)
        case "average":
            inner = nn.AvgPool2d(module.kernel, module.stride)
        case _:
            raise ValueError(f"unknown pooling: {function}")
    return Scaled(inner, module)


class FirstOfWindow(nn.Module):
    """The first value of each window that is on the maps: strides without pooling."""

    def __init__(self, step: Step) -> None:
        super().__init__()
        layer = step.layer
        if not isinstance(layer, (Pool, Subsample)):
            raise TypeError(type(layer))
        self.rows, self.columns = (
            (torch.arange(axis.output) * axis.stride - axis.before).clamp(0, axis.size - 1)
            for axis in window(layer, step.inputs[0]).axes
        )

    def forward(self, maps: Tensor) -> Tensor:
        return maps[:, :, self.rows][:, :, :, self.columns]


class Scaled(nn.Module):
    """A pooling with the coefficients and biases of a trained subsampling."""

    def __init__(self, inner: nn.Module, subsampling: Subsampling) -> None:
        super().__init__()
        self.inner, self.taps = inner, prod(subsampling.kernel)
        self.weight, self.bias = subsampling.weight, subsampling.bias

    def forward(self, maps: Tensor) -> Tensor:
        return torch.addcmul(self.bias[:, None, None], self.taps * self.inner(maps), self.weight[:, None, None])


def _chosen(step: Step, maps: Tensor) -> float | None:
    """The share of the inputs that some window takes as its largest."""
    layer = step.layer
    if not isinstance(layer, Pool) or layer.function != "max" or layer.padding != (0, 0, 0, 0):
        return None
    kernel, stride = (layer.kernel, layer.stride)
    _, which = F.max_pool2d(maps, kernel, stride, ceil_mode=layer.ceil, return_indices=True)  # pyright: ignore
    taken = torch.zeros(*maps.shape[:2], maps.shape[2] * maps.shape[3], dtype=torch.bool)
    taken.scatter_(2, which.flatten(2), torch.ones_like(which.flatten(2), dtype=torch.bool))
    return taken.float().mean().item()
