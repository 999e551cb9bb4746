"""The number of threads of a step on Striate's kernels: measured again at the beginning of each epoch."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from striate.train.run import Run

Result = TypeVar("Result")

STEPS = 3
"""The steps that are measured with each number of threads; the fastest counts."""
SHARE = 0.01
"""The largest fraction of an epoch that a trial may cost. A step with half the threads takes at most twice as long."""
WORTH = 0.9
"""The number of threads changes where a step with the new number takes less than this share of the time."""


@dataclass(frozen=True)
class Change:
    """The new number of `threads`; `milliseconds` has the time of the fastest step with each number that was tried."""

    threads: int
    milliseconds: dict[int, float]


class Pace:
    """The number of `threads` of a step, at most `most`.

    Each trial measures half and twice as many, so that a number that was chosen under a passing load does not stay. The
    number must change no bit of the result, which is true of the engine only.
    """

    def __init__(self, threads: int, *, most: int, clock: Callable[[], float] = time.perf_counter) -> None:
        self.threads = threads
        self.most = most
        self.clock = clock
        self.changes: list[Change] = []
        self._waiting: list[int] = []
        self._fastest: dict[int, float] = {}

    def begin(self, batches: int) -> None:
        """Begin an epoch of `batches` steps; its first steps are a trial, if that costs little enough."""
        others = [each for each in (self.threads // 2, self.threads * 2) if 1 <= each <= self.most]
        self._fastest = {}
        fits = STEPS * len(others) <= SHARE * batches
        self._waiting = [each for each in (self.threads, *others) for _ in range(STEPS)] if others and fits else []

    def take(self, step: Callable[[int], Result]) -> Result:
        """Take a step with the current number of threads, and time it."""
        if not self._waiting:
            return step(self.threads)
        count = self._waiting.pop(0)
        begun = self.clock()
        result = step(count)
        self._fastest[count] = min(self.clock() - begun, self._fastest.get(count, float("inf")))
        if not self._waiting:
            self._settle()
        return result

    def _settle(self) -> None:
        best = min(self._fastest, key=self._fastest.__getitem__)
        if self._fastest[best] < WORTH * self._fastest[self.threads]:
            self.threads = best
            self.changes.append(Change(best, {count: 1e3 * each for count, each in self._fastest.items()}))


def pace_of(run: Run) -> Pace | None:
    """The number of threads as it may change between epochs; None where the user gave it, or where it changes bits."""
    if run.kernels != "engine" or run.most_threads < 2:
        return None
    most = min(run.most_threads, os.cpu_count() or 1)
    last = [each.get("threads") for each in run.events("threads")][-1:]
    known = [each for each in last if isinstance(each, int) and 1 <= each <= most]
    return Pace(known[0] if known else run.threads, most=most)
