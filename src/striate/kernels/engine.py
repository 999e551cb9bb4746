"""The engine: runs a whole network in C++, with forward, backward and update of a batch in one call.

It takes a table of tensors by path and knows no module. It reads and writes the parameters in place, puts gradients
into their `grad`, and keeps the optimiser's state where PyTorch's optimiser has it. So checkpoints, and all other code
that reads the module, need not know the engine.
"""

from __future__ import annotations

import ctypes
import math
from dataclasses import dataclass
from threading import Lock
from typing import Literal, get_args
from weakref import finalize

import torch
from torch import Tensor

from striate.description.layers import BatchNorm, Joined, PadChannels
from striate.description.network import Network, plan
from striate.errors import KernelError
from striate.kernels.binary import GROUP as GROUP
from striate.kernels.binary import (
    Library,
    StriateImages,
    StriateLayer,
    StriateNode,
    StriateResult,
    StriateTarget,
    StriateUpdate,
    handle_of,
    library,
)
from striate.kernels.graph import Join, Node, graph
from striate.kernels.lower import Lowered, NotLoweredError, lower, three
from striate.kernels.optimiser import Rule
from striate.kernels.structures import Tensors, bound, bound_node, parameters_of_part, statistics_of_part
from striate.kernels.warp import Warp

Loss = Literal["cross-entropy", "rbf-mle", "rbf-map"]
LOSSES: tuple[Loss, ...] = get_args(Loss)
"""The losses, in the order of `StriateLoss`."""

GROUP_FACTOR = 0xD1342543DE82EF95
"""The factor by which the C++ multiplies a dropout's seed before it adds a lane group's number (engine/passes.cpp)."""


@dataclass(frozen=True)
class Pictures:
    """Images for an engine: (images, channels, height, width), as floats, or as bytes, where b means low + scale · b.

    With `chosen`, a vector of int64, only the images with these numbers are used, in this order; the engine gathers
    them as it reads them.
    """

    images: Tensor
    chosen: Tensor | None = None
    low: float = 0.0
    scale: float = 1.0

    def __len__(self) -> int:
        return len(self.images) if self.chosen is None else len(self.chosen)

    def floats(self, device: torch.device | None = None) -> Tensor:
        """The chosen images as floats, for a module; on `device` if one is given."""
        some = self.images if self.chosen is None else self.images[self.chosen]
        if device is not None and device != some.device:
            some = some.to(device)
        return some.float().mul_(self.scale).add_(self.low) if some.dtype == torch.uint8 else some


@dataclass(frozen=True)
class Goal:
    """The targets of a step: `labels` (int64, by the image's number), the loss, and the `seed` of its dropout.

    With `shares`, (images, classes) in the order of the batch, the cross-entropy of an image is Σ share · −log p over
    all classes; without, it is −log p of its label.
    """

    labels: Tensor
    loss: Loss = "cross-entropy"
    rubbish: float = 0.0
    seed: int = 0
    shares: Tensor | None = None


@dataclass(frozen=True)
class Spent:
    """The seconds that the first thread spent on images, loss and update, and on each layer forward and backward."""

    images: float
    loss: float
    update: float
    forward: dict[str, float]
    backward: dict[str, float]


def unsupported(network: Network, *, answering: bool = False, instruction_set: str = "") -> str | None:
    """Why a network cannot run on the kernels here, or for `answering` alone cannot answer; None where it can."""
    found = library(instruction_set)
    if isinstance(found, str):
        return found
    try:
        parts_of(network, answering=answering)
    except NotLoweredError as reason:
        return str(reason)
    return None


def parts_of(network: Network, *, answering: bool = False) -> list[Lowered] | list[Node]:
    """A network translated for the engine: a list of layers, or a graph where it has joins or batch normalisations.

    For `answering` alone the engine takes more: gates, all activation functions, networks without their auxiliary
    heads. Raises NotLoweredError where the engine cannot run it.
    """
    needs_graph = any(isinstance(step.layer, BatchNorm | PadChannels | Joined) for step in plan(network).steps)
    return (graph if needs_graph else lower)(network, answering=answering)


def seed_from(seed: int, first: int) -> int:
    """The dropout seed for a part of a batch whose first image is number `first`, a multiple of 16.

    With this seed each lane group drops the same values as in the whole batch with `seed`.

    >>> seed_from(7, 0)
    7
    """
    return (seed + first // GROUP * pow(GROUP_FACTOR, -1, 2**64)) % 2**64


class Engine:
    """`network` on the C++ kernels, with the parameters and buffers in `tensors`: float32 and on the CPU.

    For `answering` alone it takes more networks, and no step. Raises NotLoweredError where the network or this machine
    cannot; `unsupported` says so beforehand.
    """

    def __init__(
        self, network: Network, tensors: Tensors, *, answering: bool = False, instruction_set: str = ""
    ) -> None:
        found = library(instruction_set)
        if isinstance(found, str):
            raise NotLoweredError(found)
        self.binary: Library = found
        self.network = network
        self.parts, self.answering = parts_of(network, answering=answering), answering
        self.features = plan(network).output
        self.tensors = tensors
        self.parameters = [each for part in self.parts for each in parameters_of_part(tensors, part)]
        self.statistics = [each for part in self.parts for each in statistics_of_part(tensors, part)]
        trained = () if answering else self.parameters
        self.gradients = [torch.zeros_like(each, memory_format=torch.contiguous_format) for each in trained]
        self._alone = Lock()  # the C network has one set of buffers, and Python's threads may share this
        self._free: finalize[..., Engine] | None = None
        self._bind()

    def outputs(self, pictures: Pictures, *, threads: int) -> Tensor:
        """Logits, or RBF distances: (images, features), in evaluation mode."""
        made = torch.empty(len(pictures), *self.features, dtype=torch.float32, device="cpu")
        images, _keep = images_of(pictures, self.network)
        with self._alone:
            self._check()
            self.binary.calls.striate_forward(self.handle, images, made.data_ptr(), threads)
        return made

    def step(self, pictures: Pictures, goal: Goal, *, rule: Rule | None, threads: int) -> tuple[float, int]:
        """Take a step: forward, backward, and the update by the optimiser's `rule`; without a rule, gradients only.

        Returns the mean loss and the number of right answers, both before the update.
        """
        if self.answering:
            raise ValueError("an engine for answers takes no step")
        self._check()
        for part in self.parts:
            if isinstance(part, Join) and part.norms and len(pictures) * math.prod(part.output[1:]) == 1:
                raise ValueError(f"{part.path}: a batch normalisation of 1 value a channel, {part.output}")
        for parameter, gradient in zip(self.parameters, self.gradients, strict=True):
            if parameter.grad is not gradient:
                parameter.grad = gradient
        images, _keep = images_of(pictures, self.network)
        target, _kept = target_of(goal, pictures, self.network)
        update = rule.next(self.parameters) if rule else StriateUpdate()
        result = StriateResult()
        try:
            self.binary.calls.striate_step(self.handle, images, target, update, threads, result)
        except KernelError:
            if rule:
                rule.take_back()
            raise
        return result.loss, result.right

    def warped(self, pictures: Pictures, warp: Warp, *, threads: int) -> Tensor:
        """Pictures of bytes, moved and distorted: (images, channels, height, width), float32."""
        if pictures.images.dtype != torch.uint8:
            raise ValueError(f"images of {pictures.images.dtype}; to be warped they must be bytes")
        images, _keep = images_of(pictures, self.network)
        lowered = warp.lowered(len(pictures), three(self.network.input))
        made = torch.empty(len(pictures), *self.network.input, dtype=torch.float32, device="cpu")
        self.binary.calls.striate_warp(self.handle, images, lowered, made.data_ptr(), threads)
        return made

    def spent(self) -> Spent:
        """The seconds spent since the last call."""
        count = len(self.parts)
        numbers = (ctypes.c_double * (3 + 2 * count))()
        self.binary.calls.striate_profile(self.handle, numbers)
        names = [part.path for part in self.parts]
        images, loss, update, *others = numbers
        return Spent(
            images,
            loss,
            update,
            forward=dict(zip(names, others[:count], strict=True)),
            backward=dict(zip(names, others[count:], strict=True)),
        )

    def _check(self) -> None:
        if self.addresses != self._addresses():
            self._bind()

    def _addresses(self) -> list[int]:
        return [each.data_ptr() for each in (*self.parameters, *self.statistics)]

    def _bind(self) -> None:
        """Make the C network anew, over the parameters where they are now; where that fails, the old one stays."""
        addresses, gradients = self._addresses(), None if self.answering else iter(self.gradients)
        kept: list[object] = []
        layers = [bound(each, self.tensors, kept, gradients) for each in self.parts if isinstance(each, Lowered)]
        nodes = [
            bound_node(each, self.tensors, kept, gradients) for each in self.parts if not isinstance(each, Lowered)
        ]
        calls = self.binary.calls
        if layers:
            handle = handle_of(calls.striate_new, (StriateLayer * len(layers))(*layers), len(layers))
        else:
            shape = (ctypes.c_int32 * 3)(*three(self.network.input))
            handle = handle_of(calls.striate_graph_new, (StriateNode * len(nodes))(*nodes), len(nodes), shape)
        if self._free:
            self._free()
        self._free = finalize(self, calls.striate_free, handle)
        self.handle, self._kept, self.addresses = handle, kept, addresses


def target_of(goal: Goal, pictures: Pictures, network: Network) -> tuple[StriateTarget, list[Tensor]]:
    """The C structure of a goal, and the tensors that must stay alive while C reads it."""
    kept = [goal.labels.contiguous()]
    if goal.shares is not None:
        shape = (len(pictures), math.prod(plan(network).output))
        if goal.loss != "cross-entropy" or goal.shares.shape != shape:
            raise ValueError(f"shares of {tuple(goal.shares.shape)} in {goal.loss}, for outputs of {shape}")
        kept.append(goal.shares.float().contiguous())
    shares = kept[1].data_ptr() if len(kept) > 1 else None
    return StriateTarget(kept[0].data_ptr(), LOSSES.index(goal.loss), goal.rubbish, goal.seed, shares), kept


def images_of(pictures: Pictures, network: Network) -> tuple[StriateImages, list[Tensor]]:
    """The C structure of images, and the tensors that must stay alive while C reads it."""
    images = pictures.images.contiguous()
    if tuple(images.shape[1:]) != network.input:
        raise ValueError(f"images of {tuple(images.shape[1:])} for a network that takes {network.input}")
    kept = [images]
    indices = None
    if pictures.chosen is not None:
        kept.append(pictures.chosen.contiguous())
        indices = kept[-1].data_ptr()
    address = images.data_ptr()
    if images.dtype == torch.uint8:
        return StriateImages(address, None, indices, len(pictures), pictures.low, pictures.scale), kept
    if images.dtype != torch.float32:
        raise ValueError(f"images of {images.dtype}; they must be uint8 or float32")
    return StriateImages(None, address, indices, len(pictures), 0.0, 1.0), kept
