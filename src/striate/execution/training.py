"""Chooses the kernels and the number of threads that train a network fastest: each takes a few steps."""

from __future__ import annotations

import time
from collections.abc import Callable
from copy import deepcopy
from functools import cache
from math import inf

import torch

from striate.description.layers import BatchNorm
from striate.description.network import Network, plan
from striate.execution.choice import FAILURES, Choice, missing
from striate.execution.executor import OnEngine, executor, plain
from striate.execution.names import CHANNELS_LAST
from striate.kernels.engine import Goal, Pictures
from striate.kernels.operators import forget_layers
from striate.modules import Built, build
from striate.wording import counted

STEPS = 3
"""The measured steps of a candidate, after one to warm up; the fastest counts."""
MOST_SECONDS = 0.5
"""A candidate takes no further step after this many seconds; where a single step takes longer, fewer threads are not
tried."""
GAINS, GAIN = {"bfloat16": 4.5}, 2.0
"""The largest speed-up over PyTorch's own layout that is expected of bfloat16, and of all other kernels. Kernels whose
largest speed-up others already exceed are not measured."""
NEAR, AGAIN = 1.25, 2
"""Kernels whose step takes at most this many times the fastest are measured again, in turns, so often: what else the
machine does may have fallen on one of them."""
WORTH = 0.95
"""bfloat16, which rounds, is taken where its step takes less than this share of the fastest float32 one's."""
SLOWER = 1.2
"""Fewer threads are not tried where a step takes this many times the fastest step so far."""
ORDER = ("engine", "torch", "operators", "channels-last", "bfloat16")
"""The order of measuring. The last two need a copy of the module, so they come last."""
Clock = Callable[[], float]
Candidate = tuple[str, int]
"""Kernels and a number of threads."""
Step = Callable[[int], None]
"""A function of the number of threads that takes a training step without the optimiser."""


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

    `threads`, or `kernels` other than "auto", fixes that part of the choice. The kernels in `without` are not measured.
    `module` is run and gets gradients, so give a copy.
    """
    most = torch.get_num_threads()
    counts = [threads] if threads else sorted({*(2**power for power in range(most.bit_length())), most}, reverse=True)
    named = ORDER if kernels == "auto" else (kernels,)
    wanted = [each for each in named if each not in without]
    wanted = [each for each in wanted if not missing(module.network, each)] or ["torch"]
    if len(counts) == 1 and len(wanted) == 1:
        return Choice(wanted[0], counts[0])
    trial = _Trial(module, batch, counts, clock)
    # Dropout draws from PyTorch's global generator, whose state must be the same afterwards.
    with torch.enable_grad(), torch.random.fork_rng(devices=[]):
        try:
            for name in wanted:
                if trial.is_beaten(name):
                    continue
                try:
                    trial.enter(name)
                except FAILURES:
                    if kernels != "auto":
                        raise
            trial.measure_near_ones_again()
        finally:
            torch.set_num_threads(most)
    chosen = Choice(*trial.best(), milliseconds_of(trial.seconds))
    if chosen.kernels != "operators":
        forget_layers()
    return chosen


class _Trial:
    """The measurements for one choice.

    `seconds` holds the fastest step of each candidate, `near` the steps of the kernels that are near the fastest.
    """

    def __init__(self, module: Built, batch: int, counts: list[int], clock: Clock) -> None:
        self.module, self.batch, self.counts, self.clock = module, batch, counts, clock
        self.seconds: dict[Candidate, float] = {}
        self.near: dict[str, Step] = {}

    def is_beaten(self, name: str) -> bool:
        """Whether others exceed the largest speed-up over PyTorch that is expected of these kernels."""
        on_torch = self._least("torch")
        return on_torch < inf and on_torch > GAINS.get(name, GAIN) * self._least()

    def enter(self, name: str) -> None:
        """Measure kernels with each number of threads, while fewer may still be faster."""
        # Those in channels last change the layout of the weights, which the others read again.
        step = _step(name, deepcopy(self.module) if name in CHANNELS_LAST else self.module, self.batch)
        for count in self.counts:
            self.seconds[name, count] = took = _fastest(step, count, self.clock)
            if took > MOST_SECONDS or took > SLOWER * self._least():
                break
        self.near[name] = step
        least = self._least()
        self.near = {each: step for each, step in self.near.items() if self._least(each) <= NEAR * least}

    def measure_near_ones_again(self) -> None:
        """Measure kernels that are near the fastest in turns, where there are several."""
        if len(self.near) < 2 or self._least() >= MOST_SECONDS:
            return
        for _ in range(AGAIN):
            for name, step in self.near.items():
                own = min((each for each in self.seconds if each[0] == name), key=self.seconds.__getitem__)
                self.seconds[own] = min(self.seconds[own], _fastest(step, own[1], self.clock))

    def best(self) -> Candidate:
        """The fastest candidate; one in bfloat16 only where it saves enough."""
        exact = {each: took for each, took in self.seconds.items() if each[0] != "bfloat16"} or self.seconds
        fastest, fastest_exact = (min(each, key=each.__getitem__) for each in (self.seconds, exact))
        return fastest if self.seconds[fastest] < WORTH * self.seconds[fastest_exact] else fastest_exact

    def _least(self, kernels: str | None = None) -> float:
        """The seconds of the fastest step, of all kernels or of those of a name."""
        return min((took for (name, _), took in self.seconds.items() if kernels in (None, name)), default=inf)


def fastest_for_training(module: Built, *, batch: int, without: tuple[str, ...] = ()) -> str:
    """The name of the kernels that train such a network fastest here, apart from those in `without`.

    A fresh copy takes a few steps of `batch` images on each. The answer is cached for the process, so that training a
    network twice gives the same weights. It is "torch" where the parameters are not float32 on the CPU.
    """
    return _fastest_for_training(module.network, batch, without, torch.get_num_threads()) if plain(module) else "torch"


def milliseconds_of(seconds: dict[Candidate, float]) -> dict[str, float]:
    """The milliseconds of each candidate under the text by which a `Choice` keeps them.

    >>> milliseconds_of({("engine", 2): 0.0012})
    {'engine, 2 threads': 1.2}
    """
    return {f"{name}, {counted(count, 'thread')}": round(1e3 * each, 3) for (name, count), each in seconds.items()}


@cache
def _fastest_for_training(network: Network, batch: int, without: tuple[str, ...], threads: int) -> str:
    with torch.inference_mode(False):
        module = build(network, generator=torch.Generator()).float()
        return choose_for_training(module, batch=batch, threads=threads, without=without).kernels


def _step(kernels: str, module: Built, batch: int) -> Step:
    """A step of a module on some kernels."""
    if any(isinstance(step.layer, BatchNorm) for step in plan(module.network).steps):
        batch = max(batch, 2)  # it may have one value a channel, where a training shares or freezes its statistics
    images = torch.rand(batch, *module.network.input, generator=torch.Generator(), dtype=torch.float32)
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


def _fastest(step: Step, count: int, clock: Clock) -> float:
    """The seconds of the fastest step. The first one does not count, because it also allocates buffers."""
    begun, least = clock(), float("inf")
    for number in range(STEPS + 1):
        start = clock()
        step(count)
        now = clock()
        least = min(least, now - start) if number else least
        if number and now - begun > MOST_SECONDS:
            break
    return least
