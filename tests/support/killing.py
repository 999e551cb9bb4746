"""Processes killed with SIGKILL at moments that are counted in calls, so that no clock decides where they are."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import sys
from collections.abc import Callable
from types import FrameType

FOLDERS = ("/striate/train/", "/striate/reproduce/", "/striate/predictions/")


def killed_many_times(work: Callable[[], object], *, module: str, kills: int, calls: int, seed: int) -> int:
    """Run `work` in process after process: all but the last are killed, which must end; the number of kills that hit.

    Each is killed at a call or a return of a function of `FOLDERS`, drawn up to `calls`, counted from the start of the
    work. What such functions call counts too: before and after a file is written, flushed or renamed is a moment of its
    own. `work` is picklable; `module`, which defines it, is imported once for all processes.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([module])
    draw, hits = random.Random(seed), 0
    for number in range(kills + 1):
        moment = draw.randint(1, calls) if number < kills else sys.maxsize
        process = context.Process(target=run_until, args=(work, moment))
        process.start()
        process.join()
        hits += process.exitcode == -signal.SIGKILL
    assert process.exitcode == 0
    return hits


def run_until(work: Callable[[], object], moment: int) -> None:
    """Run `work` and kill this process at the call of that number."""
    left = moment

    def count(frame: FrameType, *_: object) -> None:
        nonlocal left
        left -= any(folder in frame.f_code.co_filename for folder in FOLDERS)
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.setprofile(count)
    work()
