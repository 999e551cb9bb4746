"""The kernels that answer fastest: found out by answering drawn images on each, before the job and within a limit."""

from __future__ import annotations

import time
from collections.abc import Callable
from copy import deepcopy

import torch

from striate.execution.choice import Choice, missing
from striate.execution.executor import Executor, executor, plain
from striate.execution.training import Clock, milliseconds_of
from striate.kernels.engine import Pictures
from striate.modules import Built, evaluating

SHARE, LEAST_SECONDS, SERVER_SECONDS = 0.2, 0.02, 3.0
"""The part of a job's time that measuring may take, what it may always take, and what it may take for a server."""
ROUNDS = 5
"""How often each candidate takes its turn; its fastest counts."""
SAMPLE = 1e-3
"""A turn repeats the batch until it took this many seconds."""
FAR, HOPELESS = 10.0, 3.0
"""A candidate whose first batch, or whose first turn, takes so many times as long as the fastest is not tried again."""
ORDER = ("torch", "channels-last", "engine", "operators")
"""Those whose first batch costs least come first."""
WORTH = 0.95
"""Others take PyTorch's place where they take less than this share of its time."""
FULL_LANES = 8
"""The operators work out sixteen images even for one: with fewer than this many they are not tried."""


def choose_for_inference(
    module: Built,
    *,
    batch: int,
    images: int | None = None,
    kernels: str = "auto",
    clock: Clock = time.perf_counter,
) -> Choice:
    """The fastest kernels for answering `batch` images at once on this machine's CPU.

    `images` is the number of images in all; None stands for a server's, which have no end. Candidates take turns, at
    most five each, within a limit: a fifth of the time that PyTorch would take for all images, or 20 ms where that is
    more; 3 s for a server. A candidate that is not measured within it is not chosen. PyTorch in its own layout answers
    where no other saves a twentieth, off the CPU, and in another precision than float32. `module` does not change.

    >>> from striate.modules import build
    >>> choose_for_inference(build("lenet5"), batch=64, kernels="torch").kernels
    'torch'
    """
    threads = torch.get_num_threads()
    if kernels != "auto" or not plain(module):
        return Choice("torch" if kernels == "auto" else kernels, threads)
    pictures = Pictures(torch.rand(batch, *module.network.input, generator=torch.Generator()))
    seconds: dict[tuple[str, int], float] = {}
    begun = clock()
    with torch.inference_mode(), evaluating(module):
        turns: dict[tuple[str, int], Callable[[], float]] = {}
        limit = SERVER_SECONDS
        for name, count in _candidates(module, batch, threads):
            if turns and clock() - begun > limit:
                break
            runs = answering(module, Choice(name, count))
            turn, first = _turn(runs, pictures, clock), clock()
            runs.answers(pictures)  # makes what is made once
            seconds[name, count] = clock() - first
            if seconds[name, count] > FAR * min(seconds.values()):
                continue
            seconds[name, count] = turn()
            if name == "torch" and images is not None:
                limit = max(LEAST_SECONDS, SHARE * seconds[name, count] * images / batch)
            if seconds[name, count] <= HOPELESS * min(seconds.values()):
                turns[name, count] = turn
        for _ in range(ROUNDS - 1):
            if len(turns) == 1 or clock() - begun > limit:
                break
            for each, turn in turns.items():
                seconds[each] = min(seconds[each], turn())
    best, usual = min(seconds, key=seconds.__getitem__), ("torch", threads)
    chosen = best if seconds[best] < WORTH * seconds[usual] else usual
    return Choice(*chosen, milliseconds_of(seconds))


def answering(module: Built, choice: Choice) -> Executor:
    """A module on the kernels of a choice, to answer; its own weights stay where they are and as they lie.

    For channels-last, the filters are laid out anew in a copy. Raises SpecError where the kernels cannot run it here.
    """
    if choice.kernels == "channels-last":
        kept = [each for each in (*module.parameters(), *module.buffers()) if each.ndim != 4]
        module = deepcopy(module, {id(each): each for each in kept})
    return executor(module, choice.kernels, threads=choice.threads)


def _candidates(module: Built, batch: int, threads: int) -> list[tuple[str, int]]:
    """Kernels and numbers of threads, PyTorch's own first; one image may be done before threads have met."""
    found: list[tuple[str, int]] = []
    for name in ORDER:
        if missing(module.network, name) or (name == "operators" and batch < FULL_LANES):
            continue
        found += [(name, count) for count in sorted({threads, 1} if name == "engine" else {threads}, reverse=True)]
    return found


def _turn(runs: Executor, pictures: Pictures, clock: Clock) -> Callable[[], float]:
    def turn() -> float:
        """Seconds of a batch, the mean of as many as fit into a sample."""
        begun, count = clock(), 0
        while True:
            runs.answers(pictures)
            count += 1
            if (took := clock() - begun) > SAMPLE:
                return took / count

    return turn
