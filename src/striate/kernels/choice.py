"""Which kernels, and how many threads: found out by taking a few steps with each."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from striate.kernels.engine import Engine, Goal, Pictures, unsupported
from striate.spec.network import Network

STEPS = 3
"""Steps of which the fastest counts, after one to warm up."""
MOST_SECONDS = 0.5
"""A candidate is not measured further once it took this long."""


@dataclass(frozen=True)
class Choice:
    """`kernels` ("striate" or "torch") and `threads`, and the milliseconds of a step with each that was measured."""

    kernels: str
    threads: int
    milliseconds: dict[str, float] = field(default_factory=dict)


def choose(network: Network, module: nn.Module, *, batch: int, threads: int | None, kernels: str = "auto") -> Choice:
    """The fastest kernels and number of threads for training steps of `batch` images on this machine's CPU.

    Given `threads`, or `kernels` other than "auto", only what is left open is measured. `module` is run and gets
    gradients, so give a copy. Its logits are `module.logits(images)`.
    """
    logits: Callable[[Tensor], Tensor] = module.logits  # pyright: ignore[reportAssignmentType]
    most = torch.get_num_threads()
    counts = [threads] if threads else sorted({*(2**power for power in range(most.bit_length())), most})
    wanted = ("striate", "torch") if kernels == "auto" else (kernels,)
    if unsupported(network):
        wanted = ("torch",)
    if len(counts) == 1 and len(wanted) == 1:
        return Choice(wanted[0], counts[0])
    images, labels = (
        torch.rand(batch, *network.input, generator=torch.Generator()),
        torch.zeros(batch, dtype=torch.int64),
    )
    engine = Engine(network, module) if "striate" in wanted else None

    def with_torch(count: int) -> None:
        torch.set_num_threads(count)
        logits(images).square().mean().backward()

    def with_ours(count: int) -> None:
        assert engine  # noqa: S101 - `wanted` names it only where it is there
        engine.step(Pictures(images), Goal(labels), rule=None, threads=count)

    steps = {"striate": with_ours, "torch": with_torch}
    found: dict[tuple[str, int], float] = {}
    # Nothing that others draw or do may change: dropout draws from PyTorch's own generator.
    with torch.enable_grad(), torch.random.fork_rng(devices=[]):
        try:
            for name in wanted:
                for count in counts:
                    found[name, count] = _fastest(steps[name], count)
                    if found[name, count] > 1.2 * min(found.values()):
                        break  # more threads than these are slower still
        finally:
            torch.set_num_threads(most)
    best = min(found, key=found.__getitem__)
    milliseconds = {f"{name}, {count} threads": round(1e3 * each, 3) for (name, count), each in found.items()}
    return Choice(*best, milliseconds)


def _fastest(step: Callable[[int], None], count: int) -> float:
    begun, least = time.perf_counter(), float("inf")
    for number in range(STEPS + 1):
        start = time.perf_counter()
        step(count)
        now = time.perf_counter()
        if number or now - begun > MOST_SECONDS:
            least = min(least, now - start)
        if now - begun > MOST_SECONDS:
            break
    return least
