"""Processes killed with SIGKILL at moments that are counted in calls, so that no clock decides where they are."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from types import FrameType

FOLDERS = ("/striate/train/", "/striate/reproduce/", "/striate/predictions/")
KILLS = int(os.environ.get("STRIATE_KILLS", "10"))
"""The kills of each verb in the slow tests: 50 by hand and at night."""


@dataclass(frozen=True)
class Moments:
    """Where processes are killed: at `kills` calls or returns, drawn up to `calls`, of functions of `folders`."""

    kills: int
    calls: int
    seed: int
    folders: tuple[str, ...] = FOLDERS


def calls_of(work: Callable[[], object], *, module: str, folders: tuple[str, ...]) -> int:
    """How many calls and returns of functions of some folders there are in `work`, in a process of its own."""
    context = _context(module)
    reading, writing = context.Pipe(duplex=False)
    process = context.Process(target=_counted, args=(work, folders, writing))
    process.start()
    found = reading.recv()
    process.join()
    return found


def killed_at(work: Callable[[], object], moments: Moments, *, module: str, after: Callable[[], None]) -> int:
    """As `killed_many_times`, but each process begins the work anew, and `after` is called when one has ended."""
    context, draw, hits = _context(module), random.Random(moments.seed), 0
    for _ in range(moments.kills):
        process = context.Process(target=run_until, args=(work, draw.randint(1, moments.calls), moments.folders))
        process.start()
        process.join()
        assert process.exitcode in (0, -signal.SIGKILL)
        hits += process.exitcode != 0
        after()
    return hits


def killed_many_times(work: Callable[[], object], *, module: str, kills: int, calls: int, seed: int) -> int:
    """Run `work` in process after process: all but the last are killed, which must end; the number of kills that hit.

    Each is killed at a call or a return of a function of `FOLDERS`, drawn up to `calls`, counted from the start of the
    work. What such functions call counts too: before and after a file is written, flushed or renamed is a moment of its
    own. `work` is picklable; `module`, which defines it, is imported once for all processes.
    """
    context = _context(module)
    draw, hits = random.Random(seed), 0
    for number in range(kills + 1):
        moment = draw.randint(1, calls) if number < kills else sys.maxsize
        process = context.Process(target=run_until, args=(work, moment))
        process.start()
        process.join()
        assert process.exitcode in (0, -signal.SIGKILL), number
        hits += process.exitcode == -signal.SIGKILL
    assert process.exitcode == 0
    return hits


def _context(module: str) -> multiprocessing.context.ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([module])
    return context


def _counted(work: Callable[[], object], folders: tuple[str, ...], pipe: Connection) -> None:
    calls = 0

    def count(frame: FrameType, *_: object) -> None:
        nonlocal calls
        calls += any(folder in frame.f_code.co_filename for folder in folders)

    sys.setprofile(count)
    work()
    sys.setprofile(None)
    pipe.send(calls)


def run_until(work: Callable[[], object], moment: int, folders: tuple[str, ...] = FOLDERS) -> None:
    """Run `work` and kill this process at the call of that number."""
    left = moment

    def count(frame: FrameType, *_: object) -> None:
        nonlocal left
        left -= any(folder in frame.f_code.co_filename for folder in folders)
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.setprofile(count)
    work()
