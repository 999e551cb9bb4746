"""ONNX Runtime behind the protocol of what runs a network: it answers, and does not train."""

from __future__ import annotations

import sys

import torch
from torch import Tensor

from striate.description.network import plan
from striate.errors import RequirementError, SpecError
from striate.exchange.requirement import PACKAGES
from striate.exchange.session import NetworkSession
from striate.execution.choice import missing
from striate.execution.executor import plain
from striate.execution.names import KERNELS, RUNTIME
from striate.extras import install
from striate.kernels.engine import Pictures
from striate.modules import Built, weights_of

IMPORTING, PER_LAYER, PER_BYTE = 0.3, 1e-3, 2e-9
"""Seconds that making a session takes: for the packages, once a process; for each layer; and for each byte of weights.
Measured for LeNet-5 (0.02 s), ResNet-50 (0.4 s) and VGG-16 (1 s) on two cores of a Xeon of 2023."""


class OnRuntime:
    """ONNX Runtime, with `threads` threads of its own, or PyTorch's number; several threads may ask it at once.

    It takes the module's weights when it is made. Later changes of them are not seen, or not all: make it anew then. So
    it is for a module that has learned. The weights are in memory twice: the module's, and laid out for the runtime. A
    `twin` over the same weights shares them.

    Raises SpecError where a parameter is not float32 on the CPU, and RequirementError without the extra `onnx`.
    """

    kernels = RUNTIME

    def __init__(self, module: Built, *, threads: int | None = None) -> None:
        require_runtime(module)
        self.module = module
        self.session = NetworkSession(module.network, weights_of(module), threads=threads or torch.get_num_threads())

    def twin(self, module: Built) -> OnRuntime:
        """The same session for a `module` over the same weights."""
        made = object.__new__(OnRuntime)
        made.module, made.session = module, self.session
        return made

    def answers(self, pictures: Pictures) -> Tensor:
        """The session's logits."""
        images = pictures.floats()
        values = (images.detach() if images.requires_grad else images).numpy()
        if not values.size:  # the runtime's operators need not take an empty batch
            return self.module.logits(images)
        return torch.from_numpy(self.session.answers(values))


def require_runtime(module: Built) -> None:
    """Raise RequirementError where ONNX Runtime is not there, and SpecError where it cannot take the parameters."""
    if reason := missing(module.network, RUNTIME):
        raise RequirementError(
            f"{module.network.name} cannot run on {KERNELS[RUNTIME]} ({RUNTIME}): {reason}.",
            f"It needs {' and '.join(PACKAGES)}, which come with the extra `onnx`.",
            f"Install them: {install('onnx')}. Or leave kernels at auto.",
        )
    if not plain(module):
        raise SpecError(
            f"{module.network.name} has parameters that are not float32 on the CPU.",
            f"{KERNELS[RUNTIME]} ({RUNTIME}) reads no others.",
            "Run it on torch, or bring it to float32 on the CPU first.",
        )


def seconds_to_make(module: Built) -> float:
    """An estimate, from above, of what making an `OnRuntime` takes; nothing is imported for it."""
    weights = sum(each.numel() * each.element_size() for each in module.parameters())
    importing = 0.0 if all(package in sys.modules for package in PACKAGES) else IMPORTING
    return importing + PER_LAYER * len(plan(module.network).steps) + PER_BYTE * weights
