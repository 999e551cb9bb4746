"""Which kernels, and how many threads: found out by taking a few steps with each."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from striate.description.network import Network
from striate.kernels.binary import library
from striate.kernels.engine import Engine, Goal, Pictures, unsupported
from striate.kernels.layerwise import Layerwise
from striate.kernels.names import KERNELS
from striate.wording import counted

STEPS = 3
"""Steps of which the fastest counts, after one to warm up."""
MOST_SECONDS = 0.5
"""A candidate is measured by one step only once it took this long; where a step does, not with fewer threads."""
PLAINLY = 2.0
"""Once one is so much faster than PyTorch in its own layout, the rest are not tried."""


@dataclass(frozen=True)
class Choice:
    """`kernels` (a name) and `threads`, and the milliseconds of a step with each that was measured."""

    kernels: str
    threads: int
    milliseconds: dict[str, float] = field(default_factory=dict)


def missing(network: Network, kernels: str) -> str | None:
    """Why a network cannot run on these `kernels` here, or None where it can."""
    if kernels == "striate":
        return unsupported(network)
    found = library()
    return found if kernels == "operators" and isinstance(found, str) else None


def choose(
    network: Network,
    module: nn.Module,
    *,
    batch: int,
    threads: int | None,
    kernels: str = "auto",
    without: tuple[str, ...] = (),
) -> Choice:
    """The fastest kernels and number of threads for training steps of `batch` images on this machine's CPU.

    Given `threads`, or `kernels` other than "auto", only what is left open is measured; those `without` which it must
    be are left out. `module` is run and gets gradients, so give a copy. Its logits are `module.logits(images)`.
    """
    most = torch.get_num_threads()
    counts = [threads] if threads else sorted({*(2**power for power in range(most.bit_length())), most}, reverse=True)
    wanted = [each for each in KERNELS if kernels in ("auto", each) and each not in without]
    wanted = [each for each in wanted if not missing(network, each)] or ["torch"]
    if len(counts) == 1 and len(wanted) == 1:
        return Choice(wanted[0], counts[0])
    found: dict[tuple[str, int], float] = {}
    # Channels last are last: they lay the module out anew.
    wanted.sort(key=("striate", "torch", "operators", "channels-last").index)
    # Nothing that others draw or do may change: dropout draws from PyTorch's own generator.
    with torch.enable_grad(), torch.random.fork_rng(devices=[]):
        try:
            for name in wanted:
                least = min(found.values(), default=0.0)
                plain = min((each for (which, _), each in found.items() if which == "torch"), default=0.0)
                if plain > PLAINLY * least:
                    break
                step = _step(name, network, module, batch)
                for count in counts:
                    found[name, count] = took = _fastest(step, count)
                    if took > MOST_SECONDS or took > 1.2 * min(found.values()):
                        break
        finally:
            torch.set_num_threads(most)
    best = min(found, key=found.__getitem__)
    milliseconds = {
        f"{name}, {counted(count, 'thread')}": round(1e3 * each, 3) for (name, count), each in found.items()
    }
    return Choice(*best, milliseconds)


def _step(name: str, network: Network, module: nn.Module, batch: int) -> Callable[[int], None]:
    """A training step on the kernels of that name, but for the optimiser, as a function of the number of threads."""
    images = torch.rand(batch, *network.input, generator=torch.Generator())
    if name == "striate":
        engine, goal = Engine(network, module), Goal(torch.zeros(batch, dtype=torch.int64))

        def with_engine(count: int) -> None:
            engine.step(Pictures(images), goal, rule=None, threads=count)

        return with_engine
    logits: Callable[[Tensor], Tensor] = module.logits  # pyright: ignore[reportAssignmentType]
    if name == "operators":
        logits = Layerwise(network, module).logits
    if name == "channels-last":
        images = images.contiguous(memory_format=torch.channels_last)
        module.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue] - the stubs lack it

    def step(count: int) -> None:
        torch.set_num_threads(count)
        logits(images).square().mean().backward()

    return step


def _fastest(step: Callable[[int], None], count: int) -> float:
    """Seconds of the fastest step; the first, which makes buffers and what else is made once, does not count."""
    begun, least = time.perf_counter(), float("inf")
    for number in range(STEPS + 1):
        start = time.perf_counter()
        step(count)
        now = time.perf_counter()
        least = min(least, now - start) if number else least
        if number and now - begun > MOST_SECONDS:
            break
    return least
