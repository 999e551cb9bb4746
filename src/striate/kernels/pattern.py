"""Training from one image at a time in C++ (1998's word for an image is pattern): a pass over the images in one call.

Every parameter has its own learning rate. The kernels pack the weights for a pass and write them back to the module's
memory after it.
"""

from __future__ import annotations

import ctypes
from dataclasses import replace
from weakref import finalize

import torch
from torch import Tensor

from striate.description.network import Network
from striate.kernels.binary import Library, StriateLayer, StriateResult, handle_of, library
from striate.kernels.engine import Goal, Pictures, images_of, target_of
from striate.kernels.lower import Lowered, NotLoweredError, lower
from striate.kernels.structures import Tensors, bound, parameters_of

NAMES = ("weight", "bias")
"""A layer's parameters, in the order in which C takes their rates."""


def unsupported(network: Network, *, instruction_set: str = "") -> str | None:
    """Why a network cannot learn image by image on the kernels here, or None where it can."""
    found = library(instruction_set)
    if isinstance(found, str):
        return found
    try:
        _lowered(network)
    except NotLoweredError as reason:
        return str(reason)
    return None


class Pattern:
    """`network` on the C++ kernels, one image at a time, with the tensors of a module: float32 and on the CPU.

    Raises NotLoweredError where the network or this machine cannot; `unsupported` says so beforehand.
    """

    def __init__(self, network: Network, tensors: Tensors, *, instruction_set: str = "") -> None:
        found = library(instruction_set)
        if isinstance(found, str):
            raise NotLoweredError(found)
        self.binary: Library = found
        self.network = network
        self.layers = _lowered(network)
        owned = [(layer, parameters_of(tensors, layer)) for layer in self.layers[:-1]]
        self.names = [f"{layer.path}.{each}" if each in own else None for layer, own in owned for each in NAMES]
        self.tensors = {name: tensors[name] for name in self.names if name is not None}
        self.addresses = self._addresses()
        self._kept: list[object] = []
        made = [bound(each, tensors, self._kept) for each in self.layers]
        self.handle = handle_of(self.binary.calls.striate_pattern_new, (StriateLayer * len(made))(*made), len(made))
        finalize(self, self.binary.calls.striate_pattern_free, self.handle)

    def learn(self, pictures: Pictures, goal: Goal, *, rates: dict[str, Tensor]) -> tuple[float, int]:
        """Show the images one after another; after each, w ← w − rate · ∂E/∂w for every parameter.

        `rates` holds a tensor for each parameter, by its path. The mean loss, and how many images were
        right, each before its own change.
        """
        self._check()
        plain = {name: each.float().contiguous() for name, each in rates.items()}
        images, _keep = images_of(pictures, self.network)
        target, _kept = target_of(goal, pictures, self.network)
        result = StriateResult()
        self.binary.calls.striate_pattern_learn(self.handle, images, target, self._pointers(plain), result)
        return result.loss, result.right

    def curvature(self, pictures: Pictures, goal: Goal) -> dict[str, Tensor]:
        """The Gauss-Newton diagonal of each parameter, by its path: the sum over the images and over all connections
        that share the parameter (LeNet-5, appendix C)."""
        self._check()
        sums = {name: torch.zeros_like(each) for name, each in self.tensors.items()}
        images, _keep = images_of(pictures, self.network)
        target, _kept = target_of(goal, pictures, self.network)
        self.binary.calls.striate_pattern_curvature(self.handle, images, target, self._pointers(sums))
        return sums

    def _pointers(self, numbers: dict[str, Tensor]) -> ctypes.Array[ctypes.c_void_p]:
        pointers = [None if name is None else numbers[name].data_ptr() for name in self.names]
        return (ctypes.c_void_p * len(pointers))(*pointers)

    def _check(self) -> None:
        if self.addresses != self._addresses():
            raise RuntimeError("the parameters' memory was replaced since this Pattern was made; make a new one")

    def _addresses(self) -> list[int]:
        return [each.data_ptr() for each in self.tensors.values()]


def _lowered(network: Network) -> list[Lowered]:
    """The layers, or NotLoweredError where one of them cannot learn image by image."""
    layers = lower(network)
    if [each.kind for each in layers[-2:]] != ["linear", "radial"]:
        raise NotLoweredError("it does not end with RBF units after a dense layer, as the losses of LeNet-5 want it")
    for number, layer in enumerate(layers[:-1]):
        plain = replace(layer, padding=(0, 0, 0, 0), stride=(1, 1), dilation=(1, 1)) == layer
        match layer.kind:
            case "linear":
                fits = True
            case "convolution":
                fits = plain
            case "subsampling":
                fits = number > 0 and layer.stride == layer.kernel and all(side <= 0 for side in layer.padding)
            case _:
                fits = False
        if not fits:
            raise NotLoweredError(
                f"{layer.path} is not a convolution of stride 1 without padding, a subsampling of windows side by side "
                "after another layer, or a dense layer"
            )
    return layers
