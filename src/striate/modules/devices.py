"""A module on another device that still takes values of the CPU, and gives values of the CPU."""

from __future__ import annotations

from copy import deepcopy

import torch
from torch import Tensor, nn

from striate.modules.built import Built


def placed(module: Built, device: torch.device | str) -> Built:
    """The module itself, moved to a device; on the CPU it stays as it is.

    On another device, hooks move the images to the device before the first layer, and the outputs to the CPU after the
    last. So callers need not know the device. Gradients take the same way back.

    >>> from striate.modules import build
    >>> module = build("lenet5")
    >>> placed(module, "cpu") is module
    True
    """
    device = torch.device(device)
    if device.type == "cpu":
        return module
    module.to(device)
    layers = list(module.children())
    layers[0].register_forward_pre_hook(_Bring(device))
    # Callers may also want the input of a closing softmax, so the layer before it gives its output to the CPU as well.
    for layer in layers[-2:] if module.network.probabilities else layers[-1:]:
        layer.register_forward_hook(_fetched)
    return module


def on_cpu(module: nn.Module) -> nn.Module:
    """The module itself, or a copy on the CPU where it is on another device; for reading its weights."""
    values = [*module.parameters(), *module.buffers()]
    return module if all(each.device.type == "cpu" for each in values) else deepcopy(module).cpu()


class _Bring:
    """A hook that brings the values that a layer is called with to a device; copies of the module can share it."""

    def __init__(self, device: torch.device) -> None:
        self.device = device

    def __call__(self, layer: nn.Module, values: tuple[object, ...]) -> tuple[object, ...]:
        return tuple(each.to(self.device) if isinstance(each, Tensor) else each for each in values)


def _fetched(layer: nn.Module, values: object, output: Tensor) -> Tensor:
    return output.cpu()
