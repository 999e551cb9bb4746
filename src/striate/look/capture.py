"""Captures the outputs of layers while a model runs, and leaves the model unchanged."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from torch import Tensor, nn

from striate.description.network import plan
from striate.modules import Built, evaluating


@contextmanager
def capture(model: Built) -> Iterator[dict[str, Tensor]]:
    """Context that gives each layer's output, by the layer's path, for the last images that the model ran on.

    The outputs are detached copies on the CPU, so changes to them and to the model's values do not affect each other.
    The model is in evaluation mode, and afterwards exactly as before, also after an error.

    >>> import torch
    >>> from striate.modules import build
    >>> from striate.networks import find
    >>> model = build(find("lenet5"))
    >>> with capture(model) as outputs:
    ...     scores = model(torch.zeros(1, 1, 32, 32))
    >>> outputs["S2"].shape, list(outputs)[-1]
    (torch.Size([1, 6, 14, 14]), 'output')
    """
    outputs: dict[str, Tensor] = {}

    def keep(path: str, module: nn.Module, inputs: object, output: Tensor) -> None:
        outputs[path] = output.detach().to("cpu", copy=True)

    steps = plan(model.network).steps
    hooks = [model.get_submodule(step.path).register_forward_hook(partial(keep, step.path)) for step in steps]
    try:
        with evaluating(model):
            yield outputs
    finally:
        for hook in hooks:
            hook.remove()


class _Reached(Exception):  # noqa: N818 - no error, but an end
    """Raised when the requested layer has run, to stop the model."""

    def __init__(self, output: Tensor) -> None:
        super().__init__()
        self.output = output


def output_at(model: Built, path: str, images: Tensor) -> Tensor:
    """The output of one layer, with its gradient's graph; the layers after it do not run."""

    def stop(module: nn.Module, inputs: object, output: Tensor) -> None:
        raise _Reached(output)

    hook = model.get_submodule(path).register_forward_hook(stop)
    try:
        with evaluating(model):
            return model(images)
    except _Reached as reached:
        return reached.output.cpu()
    finally:
        hook.remove()


def output_and_score(model: Built, path: str, images: Tensor) -> tuple[Tensor, Tensor]:
    """The output of one layer and the model's logits that follow from it, in one graph."""
    found: list[Tensor] = []

    def keep(module: nn.Module, inputs: object, output: Tensor) -> None:
        found.append(output)

    hook = model.get_submodule(path).register_forward_hook(keep)
    try:
        with evaluating(model):
            logits = model.logits(images)
    finally:
        hook.remove()
    return found[0], logits
