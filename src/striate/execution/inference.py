"""The kernels that answer fastest: found out by answering drawn images on each, before the job and within a limit."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from copy import deepcopy

import torch

from striate.errors import RequirementError
from striate.execution.choice import Choice, missing
from striate.execution.executor import Executor, executor, plain
from striate.execution.names import CHANNELS_LAST, RUNTIME
from striate.execution.runtime import OnRuntime, seconds_to_make
from striate.execution.training import Clock, milliseconds_of
from striate.kernels.engine import Pictures
from striate.kernels.operators import GROUP
from striate.modules import Built, evaluating

SHARE, LEAST_SECONDS, SERVER_SECONDS = 0.2, 0.02, 3.0
"""The part of a job's time that measuring may take, what it may always take, and what it may take for a server."""
ROUNDS = 5
"""How often each candidate takes its turn; its fastest counts."""
SAMPLE, SERVER_SAMPLE = 1e-3, 5e-3
"""A turn repeats the batch until it took so many seconds. A server's is longer: in a short one, waking the
threads counts too much."""
SHORT, LONG = 2e-3, 1.0
"""A short batch gets three first turns, as another program may fall into one of them; a first batch that takes long is
a turn."""
SOON = 0.05
"""A server tries a candidate again whose first batch takes less, as what is made once may be most of it."""
FAR, HOPELESS, CLOSE = 10.0, 3.0, 1.5
"""A candidate whose first batch, if it is not short, or whose first turn takes so many times as long as the fastest is
not tried again; nor one in the further rounds of a server, past its limit, that is not close."""
ORDER = ("torch", RUNTIME, "engine", "operators", "channels-last")
"""Those that win most often come first."""
WORTH = 0.95
"""Others take PyTorch's place where they take less than this share of its time."""
FULL_LANES = GROUP // 2
"""The operators work out sixteen images even for one: with fewer than this many they are not tried."""
WHOLE = 0.05
"""Seconds: a batch is measured by a part of itself, two lane groups a thread, where this takes longer."""
ONE_THREAD = 0.01
"""Seconds: where ONNX Runtime takes longer for a batch, it gets no second session to be tried with one thread."""

Candidate = tuple[str, int]
"""Kernels and a number of threads."""


def choose_for_inference(
    module: Built,
    *,
    batch: int,
    images: int | None = None,
    kernels: str = "auto",
    clock: Clock = time.perf_counter,
) -> Choice:
    """The fastest kernels for answering `batch` images at once on this machine's CPU.

    `images` is the number of images in all; None stands for a server's, which have no end. Candidates take turns within
    a limit: a fifth of the time that PyTorch would take for all images, or 20 ms where that is more. For a server each
    takes one, those close to the fastest two, and more within 3 s. A candidate that is not measured is not chosen, and
    ONNX Runtime is not begun where making it, to measure and to answer, would go beyond the limit. PyTorch in its own
    layout answers where no other saves a twentieth, off the CPU, and in another precision than float32. `module` does
    not change.

    >>> from striate.modules import build
    >>> choose_for_inference(build("lenet5"), batch=64, kernels="torch").kernels
    'torch'
    """
    threads = torch.get_num_threads()
    if kernels != "auto" or not plain(module):
        return Choice("torch" if kernels == "auto" else kernels, threads)
    with torch.inference_mode(), evaluating(module):
        trial = _Trial(module, batch, images, clock)
        usual = ("torch", threads)
        trial.enter(usual)
        trial.measure_whole_batches(usual)
        for each in _candidates(trial, threads):
            trial.enter(each)
        trial.take_turns()
    best = min(trial.seconds, key=trial.seconds.__getitem__)
    chosen = best if trial.seconds[best] < WORTH * trial.seconds[usual] else usual
    return Choice(*chosen, milliseconds_of({each: took * trial.parts for each, took in trial.seconds.items()}))


def answering(module: Built, choice: Choice) -> Executor:
    """A module on the kernels of a choice, to answer; its own weights stay where they are and as they lie.

    For channels last, the filters are laid out anew in a copy. Raises SpecError where the kernels cannot run it here,
    and RequirementError where ONNX Runtime is asked for and not there.
    """
    if choice.kernels == RUNTIME:
        return OnRuntime(module, threads=choice.threads)
    if choice.kernels in CHANNELS_LAST:
        kept = [each for each in (*module.parameters(), *module.buffers()) if each.ndim != 4]
        module = deepcopy(module, {id(each): each for each in kept})
    return executor(module, choice.kernels, threads=choice.threads)


def _candidates(trial: _Trial, threads: int) -> Iterator[Candidate]:
    """All but PyTorch in its own layout, as long as time is left; each depends on what was measured before it."""
    module, seconds = trial.module, trial.seconds
    for name in ORDER[1:]:
        # With half of the lanes empty, or channels last, others beat PyTorch, and were not seen to beat ONNX Runtime.
        by_runtime = seconds.get((RUNTIME, threads), math.inf) < WORTH * seconds["torch", threads]
        if missing(module.network, name) or trial.over():
            continue
        match name:
            case "onnx-runtime":
                if trial.over(ahead=2 * seconds_to_make(module)):
                    continue
                yield name, threads
                few = seconds.get((name, threads), math.inf) < ONE_THREAD
                if threads > 1 and few and not trial.over(ahead=2 * seconds_to_make(module)):
                    yield name, 1
            case "engine":
                yield from ((name, count) for count in sorted({threads, 1}, reverse=True))
            case "operators":
                if trial.batch >= (GROUP if by_runtime else FULL_LANES):
                    yield name, threads
            case _:
                if not by_runtime:
                    yield name, threads


class _Trial:
    """What candidates took for a batch, or for each of the `parts` of one, and the turns of those still in it."""

    def __init__(self, module: Built, batch: int, images: int | None, clock: Clock) -> None:
        self.module, self.batch, self.images, self.clock = module, batch, images, clock
        self.measured = min(batch, 2 * GROUP * torch.get_num_threads())
        self.pictures = self._draw()
        self.seconds: dict[Candidate, float] = {}
        self.turns: dict[Candidate, Callable[[], float]] = {}
        self.begun = clock()

    @property
    def parts(self) -> float:
        """The whole batch over what is measured of it."""
        return self.batch / self.measured

    def over(self, *, ahead: float = 0.0) -> bool:
        """Whether a job's limit is reached, or would be by what takes `ahead` seconds; a server tries everything."""
        if self.images is None:
            return False
        torch_takes = next(iter(self.seconds.values())) / self.measured * self.images
        return self.clock() - self.begun + ahead > max(LEAST_SECONDS, SHARE * torch_takes)

    def enter(self, candidate: Candidate) -> None:
        """Make a candidate and let it take its first turn."""
        try:
            runs = answering(self.module, Choice(*candidate))
        except RequirementError:  # an ONNX Runtime that is there, and does not work
            return
        turn, begun = self._turn(runs), self.clock()
        runs.answers(self.pictures)  # makes what is made once
        self.seconds[candidate] = self.clock() - begun
        first = self.seconds[candidate]
        if first > (SOON if self.images is None else SHORT) and first > FAR * min(self.seconds.values()):
            return
        if first < LONG:
            self.seconds[candidate] = min(turn() for _ in range(3 if first < SHORT else 1))
        if self.seconds[candidate] <= HOPELESS * min(self.seconds.values()):
            self.turns[candidate] = turn

    def measure_whole_batches(self, candidate: Candidate) -> None:
        """Measure by whole batches where a part of one is done soon, which says too little."""
        if self.measured < self.batch and self.seconds[candidate] < WHOLE:
            self.measured = self.batch
            self.pictures = self._draw()
            self.seconds[candidate] = self.turns[candidate]()

    def take_turns(self) -> None:
        """The further rounds, within the limit. A server's first round is beyond it where candidates are close."""
        for number in range(ROUNDS - 1):
            late = self.clock() - self.begun > SERVER_SECONDS if self.images is None else self.over()
            turns = self._close() if late else self.turns
            if len(turns) == 1 or (late and (number or self.images is not None)):
                break
            for each, turn in turns.items():
                self.seconds[each] = min(self.seconds[each], turn())

    def _close(self) -> dict[Candidate, Callable[[], float]]:
        least = min(self.seconds.values())
        return {each: turn for each, turn in self.turns.items() if self.seconds[each] <= CLOSE * least}

    def _draw(self) -> Pictures:
        return Pictures(torch.rand(self.measured, *self.module.network.input, generator=torch.Generator()))

    def _turn(self, runs: Executor) -> Callable[[], float]:
        def turn() -> float:
            """Seconds of a batch, the mean of as many as fit into a sample."""
            begun, count = self.clock(), 0
            sample = SERVER_SAMPLE if self.images is None else SAMPLE
            while True:
                runs.answers(self.pictures)
                count += 1
                if (took := self.clock() - begun) > sample:
                    return took / count

        return turn
