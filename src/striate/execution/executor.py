"""The protocol `Executor`, and its implementations by PyTorch and by the engine; `layerwise` has the operators'."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor, nn

from striate.errors import SpecError
from striate.execution.choice import require
from striate.execution.layerwise import Layerwise
from striate.execution.names import CHANNELS_LAST, TRAINING
from striate.execution.tensors import tensors_of
from striate.kernels.engine import Engine, Pictures
from striate.modules import Built
from striate.modules.containers import Heads, run


class Executor(Protocol):
    """Runs the network of a `module`, with its parameters, buffers and mode, on the kernels of one name.

    Training needs more than this protocol: `OnTorch` and `Layerwise` also have `logits`, for autograd, and `OnEngine`
    has an `engine` that takes whole steps. `OnRuntime` (in `runtime`) only answers.
    """

    module: Built
    kernels: str

    def answers(self, pictures: Pictures) -> Tensor:
        """The logits, or RBF distances, of some images: (images, ...). The module is in evaluation mode."""
        ...


class OnTorch:
    """PyTorch runs the module.

    "channels-last" changes the memory layout of the module's weights, not their values. "bfloat16" uses PyTorch's
    autocast in training mode; weights, their gradients and all answers stay float32. "compiled" compiles training
    steps only: answers would be compiled anew for each batch size.
    """

    def __init__(self, module: Built, *, kernels: str = "torch") -> None:
        self.module, self.kernels = module, kernels
        # Looked up here once: for a small network the look-up takes a good part of the time of an answer.
        self._first = next(module.parameters(), None)
        children = list(module.children())
        self._layers = children[:-1] if module.network.probabilities else children
        self._channels_last = kernels in CHANNELS_LAST
        self._compiled = torch.compile(self._run, dynamic=False) if kernels == "compiled" else None
        if self._channels_last:
            module.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue] - the stubs lack it

    def logits(self, images: Tensor, heads: Heads = None) -> Tensor:
        """The module's output before a closing softmax; with a dictionary `heads` the auxiliary heads run too."""
        if self._channels_last:
            images = images.contiguous(memory_format=torch.channels_last)
        if self._compiled is not None and self.module.training:
            outputs, found = self._compiled(images, heads is not None)
            if heads is not None:
                heads |= found
            return outputs
        if self.kernels == "bfloat16" and self.module.training:
            with torch.autocast(images.device.type, torch.bfloat16):
                outputs = run(self._layers, images, heads)
            if heads is not None:
                heads |= {path: each.float() for path, each in heads.items()}
            return outputs.float()
        return run(self._layers, images, heads)

    def _run(self, images: Tensor, with_heads: bool) -> tuple[Tensor, dict[str, Tensor]]:
        heads: dict[str, Tensor] = {}
        return run(self._layers, images, heads if with_heads else None), heads

    def answers(self, pictures: Pictures) -> Tensor:
        """The module's logits, on its device."""
        return self.logits(pictures.floats(None if self._first is None else self._first.device))


class OnEngine:
    """The engine, with `threads` threads, or PyTorch's number; for `answering` alone it takes more networks."""

    kernels = "engine"

    def __init__(self, module: Built, *, threads: int | None = None, answering: bool = False) -> None:
        self.module, self.threads = module, threads
        self.engine = Engine(module.network, tensors_of(module), answering=answering)

    def answers(self, pictures: Pictures) -> Tensor:
        """The engine's outputs; it brings bytes into the network's range on the way."""
        return self.engine.outputs(pictures, threads=self.threads or torch.get_num_threads())


def executor(
    module: Built, kernels: str, *, threads: int | None = None, answering: bool = False
) -> OnTorch | OnEngine | Layerwise:
    """The executor of a module on named kernels, one of `TRAINING`; the engine uses `threads`, by default PyTorch's.

    For `answering` alone the engine takes more networks than it trains. Raises SpecError where the network cannot run
    on the kernels here, and for Striate's kernels where the parameters are not float32 on the CPU.

    >>> from striate.modules import build
    >>> module = build("lenet5").eval()
    >>> with torch.inference_mode():
    ...     executor(module, "engine").answers(Pictures(torch.zeros(3, 1, 32, 32, dtype=torch.uint8))).shape
    torch.Size([3, 10])
    """
    device = next((each.device.type for each in module.parameters()), "cpu")
    where = "cpu" if kernels in ("engine", "operators") else device
    require(module.network, kernels, device=where, answering=answering)
    match kernels:
        case "torch" | "channels-last" | "bfloat16" | "compiled":
            return OnTorch(module, kernels=kernels)
        case "engine" | "operators":
            if not plain(module):
                raise SpecError(
                    f"{module.network.name} has parameters that are not float32 on the CPU.",
                    f"Striate's kernels ({kernels}) read no others.",
                    "Run it on torch, or bring it to float32 on the CPU first.",
                )
            if kernels == "operators":
                return Layerwise(module)
            return OnEngine(module, threads=threads, answering=answering)
        case _:
            raise SpecError(f"kernels {kernels!r} names none.", f"It must be one of {', '.join(TRAINING)}.")


def plain(module: nn.Module) -> bool:
    """Whether all parameters are float32 on the CPU, as Striate's kernels read them."""
    return all(each.dtype == torch.float32 and each.device.type == "cpu" for each in module.parameters())
