"""The kernels and the number of threads that train a network fastest: found out by taking a few steps with each."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache

import torch

from striate.description.network import Network
from striate.execution.choice import Choice, missing
from striate.execution.executor import OnEngine, executor, plain
from striate.kernels.engine import Goal, Pictures
from striate.modules import Built, build
from striate.wording import counted

STEPS = 3
"""Steps of which the fastest counts, after one to warm up."""
MOST_SECONDS = 0.5
"""A candidate is measured by one step only once it took this long; where a step does, not with fewer threads."""
GAINS, GAIN = {"bfloat16": 4.5}, 2.0
"""So many times as fast as PyTorch in its own layout a candidate may be, others at most by the second number. Where one
that was measured is faster than that already, the candidate is not tried."""
ORDER = ("engine", "torch", "operators", "channels-last", "bfloat16")
"""The last two lay the module out anew."""
Clock = Callable[[], float]


def choose_for_training(
    module: Built,
    *,
    batch: int,
    threads: int | None,
    kernels: str = "auto",
    without: tuple[str, ...] = (),
    clock: Clock = time.perf_counter,
) -> Choice:
    """The fastest kernels and number of threads for training steps of `batch` images on this machine's CPU.

    Given `threads`, or `kernels` other than "auto", only what is left open is measured. The kernels in
    `without` are not tried. `module` is run and gets gradients, so give a copy.
    """
    most = torch.get_num_threads()
    counts = [threads] if threads else sorted({*(2**power for power in range(most.bit_length())), most}, reverse=True)
    named = ORDER if kernels == "auto" else (kernels,)
    wanted = [each for each in named if each not in without]
    wanted = [each for each in wanted if not missing(module.network, each)] or ["torch"]
    if len(counts) == 1 and len(wanted) == 1:
        return Choice(wanted[0], counts[0])
    found: dict[tuple[str, int], float] = {}
    # Nothing that others draw or do may change: dropout draws from PyTorch's own generator.
    with torch.enable_grad(), torch.random.fork_rng(devices=[]):
        try:
            for name in wanted:
                least = min(found.values(), default=0.0)
                on_torch = min((each for (which, _), each in found.items() if which == "torch"), default=0.0)
                if on_torch > GAINS.get(name, GAIN) * least:
                    continue
                step = _step(name, module, batch)
                for count in counts:
                    found[name, count] = took = _fastest(step, count, clock)
                    if took > MOST_SECONDS or took > 1.2 * min(found.values()):
                        break
        finally:
            torch.set_num_threads(most)
    return Choice(*min(found, key=found.__getitem__), milliseconds_of(found))


def fastest_for_training(module: Built, *, batch: int, without: tuple[str, ...] = ()) -> str:
    """The name of the kernels that train such a network fastest here, apart from those in `without`.

    A fresh copy takes a few steps of `batch` images on each. There is one answer for a whole process, so that training
    a network twice gives the same weights. Off the CPU, or in another precision than float32, the answer is "torch".
    """
    return _fastest_for_training(module.network, batch, without) if plain(module) else "torch"


def milliseconds_of(seconds: dict[tuple[str, int], float]) -> dict[str, float]:
    """What candidates took, by kernels and number of threads, as a `Choice` keeps it.

    >>> milliseconds_of({("engine", 2): 0.0012})
    {'engine, 2 threads': 1.2}
    """
    return {f"{name}, {counted(count, 'thread')}": round(1e3 * each, 3) for (name, count), each in seconds.items()}


@cache
def _fastest_for_training(network: Network, batch: int, without: tuple[str, ...]) -> str:
    with torch.inference_mode(False):
        module = build(network, generator=torch.Generator())
        return choose_for_training(module, batch=batch, threads=torch.get_num_threads(), without=without).kernels


def _step(kernels: str, module: Built, batch: int) -> Callable[[int], None]:
    """A training step on some kernels, but for the optimiser, as a function of the number of threads."""
    images = torch.rand(batch, *module.network.input, generator=torch.Generator())
    runs = executor(module, kernels)
    if isinstance(runs, OnEngine):
        engine, goal = runs.engine, Goal(torch.zeros(batch, dtype=torch.int64))

        def with_engine(count: int) -> None:
            engine.step(Pictures(images), goal, rule=None, threads=count)

        return with_engine

    def step(count: int) -> None:
        torch.set_num_threads(count)
        runs.logits(images).square().mean().backward()

    return step


def _fastest(step: Callable[[int], None], count: int, clock: Clock) -> float:
    """Seconds of the fastest step; the first, which makes buffers and what else is made once, does not count."""
    begun, least = clock(), float("inf")
    for number in range(STEPS + 1):
        start = clock()
        step(count)
        now = clock()
        least = min(least, now - start) if number else least
        if number and now - begun > MOST_SECONDS:
            break
    return least
