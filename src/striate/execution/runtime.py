"""ONNX Runtime as an `Executor`: it answers, and does not train."""

from __future__ import annotations

import sys

import torch
from torch import Tensor

from striate.description.network import plan
from striate.errors import RequirementError, SpecError
from striate.exchange.session import NetworkSession
from striate.execution.choice import missing
from striate.execution.executor import plain
from striate.execution.names import KERNELS, RUNTIME
from striate.extras import install, packages_of
from striate.kernels.engine import Pictures
from striate.modules import Built, weights_of

IMPORTING, PER_LAYER, PER_BYTE = 0.3, 1e-3, 2e-9
"""The seconds to create a session: to import the packages (once per process), per layer, and per byte of weights.
Measured for LeNet-5 (0.02 s), ResNet-50 (0.4 s) and VGG-16 (1 s) on two cores of a Xeon of 2023."""


class OnRuntime:
    """ONNX Runtime, with `threads` threads of its own, by default PyTorch's number; several callers may use it at once.

    It copies the module's weights when it is created, so it does not reliably see later changes: create a new one after
    training. The weights are then in memory twice, as the module's and in the runtime's layout; a `twin` shares the
    latter.

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
            f"It needs {' and '.join(packages_of('onnx'))}, which come with the extra `onnx`.",
            f"Install them: {install('onnx')}. Or leave kernels at auto.",
        )
    if not plain(module):
        raise SpecError(
            f"{module.network.name} has parameters that are not float32 on the CPU.",
            f"{KERNELS[RUNTIME]} ({RUNTIME}) reads no others.",
            "Run it on torch, or bring it to float32 on the CPU first.",
        )


def seconds_to_make(module: Built) -> float:
    """An upper estimate of the seconds to create an `OnRuntime`; nothing is imported for it."""
    weights = sum(each.numel() * each.element_size() for each in module.parameters())
    importing = 0.0 if all(package in sys.modules for package in packages_of("onnx")) else IMPORTING
    return importing + PER_LAYER * len(plan(module.network).steps) + PER_BYTE * weights
