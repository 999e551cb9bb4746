"""How many threads the system lets a process start, which `ulimit -u` and a container's limit of processes bound.

OpenBLAS and OpenMP end the process where they cannot start a thread that they count on. So the command asks first.
"""

from __future__ import annotations

import _thread
import os

COUNTS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
"""The environment variables by which libraries are told how many threads to use, before they are loaded."""


def startable(most: int) -> int:
    """How many more threads the system lets this process start now, up to `most`; they end before it returns."""
    gate, done = _thread.allocate_lock(), _thread.allocate_lock()
    left = [0]

    def wait() -> None:
        with gate:
            left[0] -= 1
            if not left[0]:
                done.release()

    gate.acquire()
    done.acquire()
    try:
        for _ in range(most):
            _thread.start_new_thread(wait, ())
            left[0] += 1
    except (RuntimeError, MemoryError):  # can't start new thread
        pass
    found = left[0]
    gate.release()
    if found:
        done.acquire()
    return found


def allowed(wanted: int) -> int:
    """How many of `wanted` threads, the calling one among them, the system lets this process have; at least 1."""
    return 1 + startable(wanted - 1)


def lacking_threads() -> int:
    """The number of threads, of one per processor, that the system refuses to start; 0 where it starts all.

    Where it refuses any, environment variables make libraries that are loaded later use one thread.
    """
    wanted = os.cpu_count() or 1
    lacking = wanted - allowed(wanted)
    if lacking:
        os.environ.update(dict.fromkeys(COUNTS, "1"))
    return lacking
