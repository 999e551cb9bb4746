"""A network as a PyTorch module, whose submodules bear the description's paths."""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from torch import Tensor, nn

from striate.description.checks import one_of
from striate.description.network import Network, plan
from striate.errors import SpecError
from striate.kernels import choice
from striate.kernels.engine import Engine
from striate.kernels.layerwise import Layerwise
from striate.kernels.names import KERNELS as NAMES
from striate.modules.assemble import add
from striate.modules.containers import Heads, run
from striate.modules.initialise import initialise
from striate.modules.size import require_memory
from striate.networks import find

KERNELS = ("auto", *NAMES)
"""What a network can run on: whichever is fastest, or the one that is named."""


class Built(nn.Module):
    """A network that runs: images of (batch, channels, height, width) in, the last layer's output out.

    `network` is the description it was built from; `network.probabilities` says whether its output is probabilities.
    With `gives_logits` a call stops before the closing softmax.
    `kernels`, one of `KERNELS`, says on what training and evaluation run it. "auto" is that nobody has chosen: it runs
    on PyTorch until `run_on` is told of others, such as `fastest_kernels`. Running it measures nothing and lays nothing
    out anew. A call of the module itself, and `logits`, always run on PyTorch.
    """

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network
        self.kernels = "torch"
        self.gives_logits = False
        self._engine: Engine | None = None
        self._layers: Layerwise | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_engine": None, "_layers": None}

    def run_on(self, kernels: str) -> None:
        """Take these kernels from now on. For channels-last, weights change their order in memory, and no value."""
        self.kernels = kernels
        if kernels == "channels-last":
            self.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue] - the stubs lack it

    def engine(self) -> Engine | None:
        """The whole network on Striate's kernels, or None where it runs on others: `compute` then knows which."""
        if self.kernels != "striate" or not self._plain():
            return None
        if self._engine is None:
            self._engine = Engine(self.network, self)
        return self._engine

    def compute(self, images: Tensor, heads: Heads = None) -> Tensor:
        """`logits`, on the kernels that were chosen, but for whole networks, which are the engine's."""
        if self.kernels == "operators" and len(images) and self._plain():
            self._layers = self._layers or Layerwise(self.network, self)
            return self._layers.logits(images, heads)
        if self.kernels == "channels-last":
            images = images.contiguous(memory_format=torch.channels_last)
        return self.logits(images, heads)

    def settle(self, *, batch: int, without: tuple[str, ...] = ()) -> None:
        """Where nobody has chosen kernels, take the fastest for training: what trains does this before its first step.

        Off the CPU, or in another precision, these are PyTorch's.
        """
        if self.kernels == "auto":
            fits = self._plain()
            self.run_on(fastest_kernels(self.network, batch=batch, without=without) if fits else "torch")

    def _plain(self) -> bool:
        return all(each.dtype == torch.float32 and each.device.type == "cpu" for each in self.parameters())

    def forward(self, images: Tensor) -> Tensor:
        return self.logits(images) if self.gives_logits else run(self.children(), images, None)

    def logits(self, images: Tensor, heads: Heads = None) -> Tensor:
        """The output before a closing softmax; with a dictionary `heads` the auxiliary heads run too."""
        children = list(self.children())
        return run(children[:-1] if self.network.probabilities else children, images, heads)


def build(
    network: Network | str,
    *,
    logits: bool = False,
    initialisation: str = "he",
    generator: torch.Generator | None = None,
    device: torch.device | str = "cpu",
    kernels: str = "auto",
) -> Built:
    """A module of `network`, or of the one that a name means, with fresh weights.

    `model(images)` gives what the last layer does: probabilities where that is a softmax. `F.cross_entropy` takes
    logits, and trains badly on probabilities without a word: build with `logits=True`, and `model(images)` gives the
    values before the closing softmax.

    `initialisation` is one of `striate.modules.initialise`, `kernels` one of `KERNELS`. On the device "meta" the module
    has shapes and no memory. Raises ShapeError where the layers do not fit, and SpecError where the weights are more
    than the memory holds, or where Striate's kernels are asked for and cannot run the network.

    >>> model = build("lenet5")
    >>> model.C3.weight.shape, sum(p.numel() for p in model.parameters())
    (torch.Size([60, 5, 5]), 60000)
    >>> images = torch.zeros(1, 3, 64, 64)
    >>> [build("lenet5-keras", logits=each)(images).sum().round().item() == 1 for each in (False, True)]
    [True, False]
    """
    network = find(network) if isinstance(network, str) else network
    planned = plan(network)
    one_of("kernels", kernels, KERNELS)
    if reason := choice.missing(network, kernels):
        raise SpecError(
            f"{network.name} cannot run on Striate's {'kernels' if kernels == 'striate' else kernels}: {reason}.",
            "As a whole they take sequential networks without batch normalisation, layer by layer any network; "
            "`striate doctor` says whether they are there.",
            "Leave kernels at auto, or ask for torch.",
        )
    shapes = {step.path: step.inputs[0] for step in planned.steps}
    device = torch.device(device)
    require_memory(network, planned, device.type)
    built = Built(network)
    built.gives_logits = logits
    add(built, network.layers, "", shapes, device)
    if device.type != "meta":
        initialise(built, planned, initialisation, generator=generator)
    built.run_on(kernels)
    return built


def fastest_kernels(network: Network, *, batch: int = 128, without: tuple[str, ...] = ()) -> str:
    """Whichever kernels train `network` fastest here, but for those `without` which it must be.

    A fresh copy takes a few steps of `batch` images on each. One answer for a whole process, so that what it trains
    twice comes out the same.
    """
    return _fastest_kernels(network, batch, without)


@cache
def _fastest_kernels(network: Network, batch: int, without: tuple[str, ...]) -> str:
    with torch.inference_mode(False):
        model = build(network, generator=torch.Generator(), kernels="torch")
        threads = torch.get_num_threads()
        return choice.choose(network, model, batch=batch, threads=threads, without=without).kernels
