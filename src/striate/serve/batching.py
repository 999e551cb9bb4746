"""A queue of jobs that a thread computes; the jobs that are waiting when it is free are computed as one batch."""

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
"""The `HangUp` of the client whose request is being answered."""


@dataclass(frozen=True)
class Limits:
    """The most jobs that may wait in a queue, and the seconds after which a job without a result is given up."""

    waiting: int = 128
    seconds: float = 30.0


class Watcher(Protocol):
    """An observer of a queue, such as its metrics."""

    def waiting(self, change: int) -> None:
        """Called when the number of waiting jobs changes, by `change`."""
        ...

    def computing(self, jobs: int) -> None:
        """Called when a batch of `jobs` jobs begins."""
        ...


class Batcher(Generic[Job, Result]):
    """Runs `work` on batches of waiting jobs, at most `most` in each, first come, first served.

    A job that finds the queue empty begins at once. Jobs that arrive during a computation form the next batch. `work`
    returns a result or an error for each job. Only one thread runs it at a time, so it needs no locks: normally the
    queue's own thread, but the event loop's for a single job that is `light`, because handing such a job to another
    thread takes longer than computing it.
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
        """The running computation, or the scheduled call that will begin one after all present requests have
        arrived."""

    async def ask(self, job: Job) -> Result:
        """The result of one job.

        Raises BusyError where too many jobs wait, or after the time limit; HungUpError where the client hangs up while
        the job waits (a job that is being computed is answered); and the error of `work` for this job.
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
            if future.cancelled() and entry in self.jobs:  # the job was given up: free its place in the queue
                self.jobs.remove(entry)
                self._left()

    def _leave(self, entry: Waiting[Job, Result]) -> None:
        """Give up a job that still waits."""
        if entry in self.jobs:
            self.jobs.remove(entry)
            self._left()
            entry[1].set_exception(_hung_up())

    def _begin(self) -> None:
        """Compute a single light job here, or start a task that computes the waiting jobs."""
        self.task = None
        if len(self.jobs) == 1 and self.light(self.jobs[0][0]):
            batch = self._taken()
            _settle(batch, computed(self.work, [batch[0][0]]))
        elif self.jobs:
            self.task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        """Compute batches until no job waits."""
        loop = asyncio.get_running_loop()
        while batch := self._taken():
            jobs = [job for job, _ in batch]
            try:
                results = await loop.run_in_executor(self.thread, computed, self.work, jobs)
            except RuntimeError:  # the system lets no thread start
                self.thread = ThreadPoolExecutor(1)  # the old one keeps the batch, and would compute it once more
                results = computed(self.work, jobs)
            _settle(batch, results)
        self.task = None

    def _taken(self) -> list[Waiting[Job, Result]]:
        """Take the next batch from the queue."""
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
    """The result of `work` for each job. An error that `work` raises concerns no single job, so all jobs get it."""
    try:
        return work(jobs)
    except Exception as error:
        return [error] * len(jobs)


def _settle(batch: Sequence[Waiting[Job, Result]], results: Sequence[Result | Exception]) -> None:
    """Deliver the results to the futures of a batch."""
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
    """The function's result, or the exception that it raised."""
    try:
        return job()
    except Exception as error:  # it is raised where the result is awaited
        return error
