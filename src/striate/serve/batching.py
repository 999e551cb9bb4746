"""A queue of jobs, computed in a thread of its own; those that wait together are computed together."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from typing import Generic, Protocol, TypeVar

from striate.errors import BusyError, HungUpError

Job = TypeVar("Job")
Result = TypeVar("Result")
Waiting = tuple[Job, "asyncio.Future[Result]"]


class HangUp:
    """Whether a client hung up, and the functions that are called when it does."""

    def __init__(self) -> None:
        self.happened = False
        self.told: set[Callable[[], None]] = set()

    def happens(self) -> None:
        """The client hung up."""
        self.happened = True
        for each in [*self.told]:
            each()


HANG_UP: ContextVar[HangUp | None] = ContextVar("HANG_UP", default=None)
"""That of the client whose request is being answered."""


@dataclass(frozen=True)
class Limits:
    """The most jobs that may wait in a queue, and the seconds after which one that has no result is given up."""

    waiting: int = 128
    seconds: float = 30.0


class Watcher(Protocol):
    """Is told what happens in a queue."""

    def waiting(self, change: int) -> None:
        """So many more jobs wait, or fewer."""
        ...

    def computing(self, jobs: int) -> None:
        """So many jobs are computed together."""
        ...


class Batcher(Generic[Job, Result]):
    """Runs `work` on the jobs that wait, at most `most` at a time, in the order in which they came.

    A lone job begins at once: what arrives while others are computed is computed together afterwards. `work` gives a
    result, or an error, for each of its jobs. It runs in one thread at a time, so that it needs no locks: a lone job
    that is `light` in the event loop's, as long as no other is computed, all else in a thread of its own. For a light
    job, waking that thread and being woken by it takes longer than the job itself.
    """

    def __init__(
        self,
        work: Callable[[Sequence[Job]], Sequence[Result | Exception]],
        *,
        most: int = 1,
        limits: Limits,
        watcher: Watcher | None = None,
        light: Callable[[Job], bool] = lambda _: False,
    ) -> None:
        self.work, self.most, self.limits, self.watcher, self.light = work, most, limits, watcher, light
        self.jobs: deque[Waiting[Job, Result]] = deque()
        self.thread = ThreadPoolExecutor(1)
        self.task: asyncio.Task[None] | asyncio.Handle | None = None
        """What computes, or will as soon as all have asked whose requests are there."""

    async def ask(self, job: Job) -> Result:
        """The result of one job.

        Raises BusyError where too many wait, or its time is over; HungUpError where its client hangs up while it waits
        (once it is computed, it is answered); and what `work` raised.
        """
        if len(self.jobs) >= self.limits.waiting:
            raise BusyError(
                "too many requests at once.", f"At most {self.limits.waiting:,} may wait.", "Send it again in a second."
            )
        hang_up = HANG_UP.get()
        if hang_up is not None and hang_up.happened:
            raise _hung_up()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Result] = loop.create_future()
        entry = (job, future)
        self.jobs.append(entry)
        if self.watcher is not None:
            self.watcher.waiting(1)
        if self.task is None:
            self.task = loop.call_soon(self._begin)
        leave = partial(self._leave, entry)
        if hang_up is not None:
            hang_up.told.add(leave)
        try:
            async with asyncio.timeout(self.limits.seconds):
                return await future
        except TimeoutError:
            raise BusyError(
                f"no answer after {self.limits.seconds:g} seconds.",
                "The requests before it, or its own computation, took longer.",
                "Send it again when fewer are sent, or serve with a longer --timeout.",
            ) from None
        finally:
            if hang_up is not None:
                hang_up.told.discard(leave)
            if future.cancelled() and entry in self.jobs:  # it was given up: its place is for another
                self.jobs.remove(entry)
                self._left()

    def _leave(self, entry: Waiting[Job, Result]) -> None:
        """Give up a job that still waits."""
        if entry in self.jobs:
            self.jobs.remove(entry)
            self._left()
            entry[1].set_exception(_hung_up())

    def _begin(self) -> None:
        """Compute a lone light job, or start to compute what waits."""
        self.task = None
        if len(self.jobs) == 1 and self.light(self.jobs[0][0]):
            batch = self._taken()
            _settle(batch, computed(self.work, [batch[0][0]]))
        elif self.jobs:
            self.task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        """Compute until no job waits."""
        loop = asyncio.get_running_loop()
        while batch := self._taken():
            jobs = [job for job, _ in batch]
            _settle(batch, await loop.run_in_executor(self.thread, computed, self.work, jobs))
        self.task = None

    def _taken(self) -> list[Waiting[Job, Result]]:
        """The next jobs, to be computed."""
        batch: list[Waiting[Job, Result]] = []
        while self.jobs and len(batch) < self.most:
            batch.append(self.jobs.popleft())
            self._left()
        if batch and self.watcher is not None:
            self.watcher.computing(len(batch))
        return batch

    def _left(self) -> None:
        if self.watcher is not None:
            self.watcher.waiting(-1)


def computed(
    work: Callable[[Sequence[Job]], Sequence[Result | Exception]], jobs: Sequence[Job]
) -> Sequence[Result | Exception]:
    """What `work` gives for each job; where it raises an error, that is of no single job, and all of them get it."""
    try:
        return work(jobs)
    except Exception as error:
        return [error] * len(jobs)


def _settle(batch: Sequence[Waiting[Job, Result]], results: Sequence[Result | Exception]) -> None:
    """Give the results to those who wait for them."""
    for (_, future), result in zip(batch, results, strict=True):
        if future.done():  # its request was given up
            continue
        if isinstance(result, Exception):
            future.set_exception(result)
        else:
            future.set_result(result)


def _hung_up() -> HungUpError:
    return HungUpError("the client hung up before its turn came.")


def one_by_one(jobs: Sequence[Callable[[], Result]]) -> list[Result | Exception]:
    """The work of a queue whose jobs are functions without arguments."""
    return [attempted(job) for job in jobs]


def attempted(job: Callable[[], Result]) -> Result | Exception:
    """The function's result, or what it raised."""
    try:
        return job()
    except Exception as error:  # for whoever waits for the result
        return error
