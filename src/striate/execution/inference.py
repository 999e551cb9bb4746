"""Chooses the kernels that answer fastest: each answers random images before the job begins, within a time limit.

The kernels measured, each with a number of threads, are the candidates. A *turn* is one measurement of a candidate.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from copy import deepcopy

import torch

from striate.execution.choice import FAILURES, Choice, missing
from striate.execution.executor import Executor, executor, plain
from striate.execution.names import CHANNELS_LAST, RUNTIME
from striate.execution.runtime import OnRuntime, seconds_to_make
from striate.execution.training import Candidate, Clock, milliseconds_of
from striate.kernels.engine import Pictures
from striate.kernels.operators import GROUP, forget_layers
from striate.modules import Built, evaluating

SHARE, LEAST_SECONDS = 0.2, 0.02
"""Measuring may take this share of the job's time on PyTorch, or these seconds where that is more."""
SERVER_SECONDS = 3.0
"""The seconds that measuring may take for a server."""
ROUNDS = 5
"""The turns of each candidate; its fastest counts."""
SAMPLE, SERVER_SAMPLE = 1e-3, 1e-2
"""The seconds for which a turn repeats the batch; a server's turn is longer."""
SHORT, SOON = 2e-3, 5e-2
"""A first batch of fewer seconds, `SOON` for a server, is followed by three turns, because another program may disturb
one of them. It never rules a candidate out, as it includes its set-up."""
LONG = 1.0
"""A first batch of this many seconds or more counts as the first turn."""
FAR = 10.0
"""A candidate whose first batch takes this many times as long as the fastest is dropped, unless it is short."""
HOPELESS = 3.0
"""A candidate whose first turn takes this many times as long as the fastest is dropped."""
CLOSE = 1.5
"""Past a server's limit, only candidates that take at most this many times the fastest get one further turn."""
ORDER = ("torch", RUNTIME, "engine", "operators", "channels-last")
"""The order of the candidates: the most frequent winners first."""
WORTH = 0.95
"""Another candidate replaces PyTorch where it takes less than this share of PyTorch's time."""
FULL_LANES = GROUP // 2
"""The smallest batch for which the operators are measured: they always compute whole lane groups of 16 images."""
WHOLE = 0.05
"""A batch is measured by a part of it (two lane groups per thread) where that part takes this many seconds or more."""
ONE_THREAD = 0.01
"""ONNX Runtime is also measured with one thread, in a second session, where a batch takes fewer seconds than this."""


def choose_for_inference(
    module: Built,
    *,
    batch: int,
    images: int | None = None,
    kernels: str = "auto",
    clock: Clock = time.perf_counter,
) -> Choice:
    """The fastest kernels for answering `batch` images at once on this machine's CPU.

    `images` is the number of images of the whole job; None means a server, whose number is unknown. The time limit of a
    job is a fifth of the time that PyTorch would take for all images, at least 20 ms. For a server each candidate gets
    one turn, those close to the fastest a second one, and all get more within 3 s. A candidate that was not measured is
    not chosen. ONNX Runtime is not measured where creating its sessions would exceed the limit.

    PyTorch is kept where no candidate saves 5 % of its time, where the module is not on the CPU, and where its
    parameters are not float32. `module` does not change.

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
    fastest = min(trial.seconds, key=trial.seconds.__getitem__)
    chosen = fastest if trial.seconds[fastest] < WORTH * trial.seconds[usual] else usual
    if chosen[0] != "operators":
        forget_layers()
    seconds_per_batch = {candidate: seconds * trial.parts for candidate, seconds in trial.seconds.items()}
    return Choice(*chosen, milliseconds_of(seconds_per_batch))


def answering(module: Built, choice: Choice) -> Executor:
    """An executor that answers with a module on the chosen kernels; the module's own weights are not changed or moved.

    For channels last, a copy holds the filters in the other layout. Raises SpecError where the kernels cannot run the
    network here, and RequirementError where ONNX Runtime is chosen and not installed.
    """
    if choice.kernels == RUNTIME:
        return OnRuntime(module, threads=choice.threads)
    if choice.kernels in CHANNELS_LAST:
        kept = [each for each in (*module.parameters(), *module.buffers()) if each.ndim != 4]
        module = deepcopy(module, {id(each): each for each in kept})
    return executor(module, choice.kernels, threads=choice.threads, answering=True)


def _candidates(trial: _Trial, threads: int) -> Iterator[Candidate]:
    """The candidates after PyTorch, until the limit; which ones depends on the results of those measured before."""
    module, seconds = trial.module, trial.seconds
    for name in ORDER[1:]:
        # The operators on half-empty lane groups, and channels last, can beat PyTorch. In no measurement did they beat
        # ONNX Runtime where that beat PyTorch.
        runtime_wins = seconds.get((RUNTIME, threads), math.inf) < WORTH * seconds["torch", threads]
        if missing(module.network, name, answering=True) or trial.over():
            continue
        match name:
            case "onnx-runtime":
                if trial.over(ahead=2 * seconds_to_make(module)):
                    continue
                yield name, threads
                is_quick = seconds.get((name, threads), math.inf) < ONE_THREAD
                if threads > 1 and is_quick and not trial.over(ahead=2 * seconds_to_make(module)):
                    yield name, 1
            case "engine":
                yield from ((name, count) for count in sorted({threads, 1}, reverse=True))
            case "operators":
                if trial.batch >= (GROUP if runtime_wins else FULL_LANES):
                    yield name, threads
            case "channels-last":
                if not runtime_wins:
                    yield name, threads
            case _:
                raise ValueError(f"unknown kernels: {name}")


class _Trial:
    """The measurements for one choice.

    `seconds` holds each candidate's time for `measured` images: the whole batch, or one of its `parts`. `turns` holds
    the candidates that are still measured.
    """

    def __init__(self, module: Built, batch: int, images: int | None, clock: Clock) -> None:
        self.module, self.batch, self.images, self.clock = module, batch, images, clock
        self.measured = min(batch, 2 * GROUP * torch.get_num_threads())
        self.pictures = self._draw()
        self.seconds: dict[Candidate, float] = {}
        self.turns: dict[Candidate, Callable[[], float]] = {}
        self.begun = clock()

    @property
    def parts(self) -> float:
        """The number of measured parts that make the whole batch."""
        return self.batch / self.measured

    def over(self, *, ahead: float = 0.0) -> bool:
        """Whether the job's limit is exceeded, now or after `ahead` more seconds; a server measures all candidates."""
        if self.images is None:
            return False
        job_seconds = next(iter(self.seconds.values())) / self.measured * self.images  # on PyTorch, measured first
        return self.clock() - self.begun + ahead > max(LEAST_SECONDS, SHARE * job_seconds)

    def enter(self, candidate: Candidate) -> None:
        """Create a candidate's executor and measure its first turn."""
        try:
            runs = answering(self.module, Choice(*candidate))
            turn, begun = self._turn(runs), self.clock()
            runs.answers(self.pictures)  # the first batch allocates buffers
        except FAILURES:
            return
        first = self.seconds[candidate] = self.clock() - begun
        short = SOON if self.images is None else SHORT
        if first > short and first > FAR * min(self.seconds.values()):
            return
        if first < LONG:
            self.seconds[candidate] = min(turn() for _ in range(3 if first < short else 1))
        if self.seconds[candidate] <= HOPELESS * min(self.seconds.values()):
            self.turns[candidate] = turn

    def measure_whole_batches(self, candidate: Candidate) -> None:
        """Measure whole batches where a part takes so little time that it would be measured inaccurately."""
        if self.measured < self.batch and self.seconds[candidate] < WHOLE:
            self.measured = self.batch
            self.pictures = self._draw()
            self.seconds[candidate] = self.turns[candidate]()

    def take_turns(self) -> None:
        """Measure the remaining rounds, within the limit.

        For a server, close candidates get one round even past the limit.
        """
        is_server = self.images is None
        for number in range(ROUNDS - 1):
            late = self.clock() - self.begun > SERVER_SECONDS if is_server else self.over()
            turns = self._close() if late else self.turns
            if len(turns) == 1 or (late and (number or not is_server)):
                break
            # Every second round runs backwards: threads that look for more work after a turn disturb the next one.
            for candidate, turn in [*turns.items()][:: -1 if number % 2 else 1]:
                self.seconds[candidate] = min(self.seconds[candidate], turn())

    def _close(self) -> dict[Candidate, Callable[[], float]]:
        least = min(self.seconds.values())
        return {each: turn for each, turn in self.turns.items() if self.seconds[each] <= CLOSE * least}

    def _draw(self) -> Pictures:
        shape = (self.measured, *self.module.network.input)
        return Pictures(torch.rand(shape, generator=torch.Generator(), dtype=torch.float32))

    def _turn(self, runs: Executor) -> Callable[[], float]:
        def turn() -> float:
            """The seconds of the fastest batch of a sample; the first one wakes threads and fills caches."""
            begun = last = self.clock()
            least, sample = math.inf, SERVER_SAMPLE if self.images is None else SAMPLE
            while last - begun <= sample:
                runs.answers(self.pictures)
                now = self.clock()
                least, last = min(least, now - last), now
            return least

        return turn
