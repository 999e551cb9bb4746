"""Works on many items by threads: results come in the order of the items, a bounded number of them computed ahead.

Threads suffice, because Pillow releases Python's lock while it decodes. Processes would have to copy every image.
"""

from __future__ import annotations

import os
import warnings
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

from torch import Tensor

from striate.errors import DataError
from striate.threads import startable

AT_ONCE = 16
"""The items of a portion, which one thread works on: handing over a single small image costs as much as decoding it."""
AHEAD = 3
"""The portions per thread that are begun before the first result is taken."""

_Result = TypeVar("_Result")

Tell = Callable[[str, float], None]
"""A listener for progress: called with the activity, such as "Decoding", and the share of it that is done, 0 to 1."""

_TELL: ContextVar[Tell | None] = ContextVar("tell", default=None)


def worker_count() -> int:
    """The number of threads that decode: one for each processor, at most 8."""
    return min(8, os.cpu_count() or 1)


def in_order(
    work: Callable[[Any], _Result], items: Sequence[Any] | Tensor, *, workers: int | None = None, portions: int = 0
) -> Generator[_Result | str]:
    """The result of `work` for every item, in order, or the text of its DataError.

    At least `portions` portions of AT_ONCE items are begun ahead. Results do not depend on that, nor on the number of
    `workers`. When the loop over the results ends early, portions that were not begun are dropped. Where the system
    allows fewer threads, fewer are used; where it allows none, the caller's thread does the work.
    """
    count = startable(workers or worker_count())
    if not count:
        for item in items:
            yield _reasoned(work, item)
        return
    pool = ThreadPoolExecutor(count)
    most = max(portions, AHEAD * count)
    pending: deque[Future[list[_Result | str]]] = deque()
    try:
        for first in range(0, len(items), AT_ONCE):
            pending.append(pool.submit(_all, work, items[first : first + AT_ONCE]))
            if len(pending) >= most:
                yield from pending.popleft().result()
        while pending:
            yield from pending.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def each_on_threads(work: Callable[[Any], _Result], items: Sequence[Any], *, what: str) -> list[_Result | str]:
    """All results of `in_order`; the listener set by `telling` gets the progress of `what`."""
    return list(followed(in_order(work, items), count=len(items), what=what))


@contextmanager
def telling(tell: Tell) -> Iterator[None]:
    """Context in which reading images reports its progress to a listener."""
    before = _TELL.set(tell)
    try:
        yield
    finally:
        _TELL.reset(before)


def told(what: str, share: float) -> None:
    """Report to the listener, if there is one, the share of `what` that is done."""
    if tell := _TELL.get():
        tell(what, share)


def followed(results: Iterator[_Result], *, count: int, what: str) -> Iterator[_Result]:
    """The same results; the listener gets the progress at each percent of `count`. Decoders' warnings are not shown."""
    tell, every = _TELL.get(), max(1, count // 100)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for number, result in enumerate(results):
            if tell and number % every == 0:
                tell(what, number / count)
            yield result


def _all(work: Callable[[Any], _Result], items: Sequence[Any] | Tensor) -> list[_Result | str]:
    return [_reasoned(work, item) for item in items]


def _reasoned(work: Callable[[Any], _Result], item: Any) -> _Result | str:
    try:
        return work(item)
    except DataError as error:
        return error.what
