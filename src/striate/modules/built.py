"""A network as a PyTorch module, whose submodules bear the description's paths."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from striate.description.network import Network, plan
from striate.modules.assemble import add
from striate.modules.containers import Heads, run
from striate.modules.initialise import initialise
from striate.modules.size import require_memory
from striate.networks import find


class Built(nn.Module):
    """A network that runs: images of (batch, channels, height, width) in, the last layer's output out.

    `network` is the description it was built from; `network.probabilities` says whether its output is probabilities.
    With `gives_logits` a call stops before the closing softmax. It is a plain PyTorch module; `striate.execution` runs
    it on other kernels.
    """

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network
        self.gives_logits = False

    def forward(self, images: Tensor) -> Tensor:
        return self.logits(images) if self.gives_logits else run(self.children(), images, None)

    def logits(self, images: Tensor, heads: Heads = None) -> Tensor:
        """The output before a closing softmax; with a dictionary `heads` the auxiliary heads run too."""
        children = list(self.children())
        return run(children[:-1] if self.network.probabilities else children, images, heads)


@contextmanager
def evaluating(module: nn.Module) -> Iterator[None]:
    """Within, all of a module is in evaluation mode; afterwards each submodule is in the mode that it was in.

    Dropout then passes everything, and batch normalisation takes its running statistics.
    """
    trained = [each for each in module.modules() if each.training]
    module.eval()
    try:
        yield
    finally:
        for each in trained:
            each.training = True


def build(
    network: Network | str,
    *,
    logits: bool = False,
    initialisation: str = "he",
    generator: torch.Generator | None = None,
    device: torch.device | str = "cpu",
) -> Built:
    """A module of `network`, or of the one that a name means, with fresh weights.

    `model(images)` gives what the last layer does: probabilities where that is a softmax. `F.cross_entropy` takes
    logits, and trains badly on probabilities without a word: build with `logits=True`, and `model(images)` gives the
    values before the closing softmax.

    `initialisation` is one of `striate.modules.initialise`. On the device "meta" the module has shapes and no memory.
    Raises ShapeError where the layers do not fit, and SpecError where the weights are more than the memory holds.

    >>> model = build("lenet5")
    >>> model.C3.weight.shape, sum(p.numel() for p in model.parameters())
    (torch.Size([60, 5, 5]), 60000)
    >>> images = torch.zeros(1, 3, 64, 64)
    >>> [build("lenet5-keras", logits=each)(images).sum().round().item() == 1 for each in (False, True)]
    [True, False]
    """
    network = find(network) if isinstance(network, str) else network
    planned = plan(network)
    shapes = {step.path: step.inputs[0] for step in planned.steps}
    device = torch.device(device)
    require_memory(network, planned, device.type)
    built = Built(network)
    built.gives_logits = logits
    add(built, network.layers, "", shapes, device)
    if device.type != "meta":
        initialise(built, planned, initialisation, generator=generator)
    return built
