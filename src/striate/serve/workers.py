"""Several processes that answer at one listening socket: started, started again where one dies, and stopped."""

from __future__ import annotations

import os
import signal
import socket
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from multiprocessing.resource_tracker import ensure_running

from prometheus_client.multiprocess import mark_process_dead

from striate.errors import StriateError, WorkerError
from striate.serve.log import event
from striate.serve.metrics import SHARED

Serve = Callable[[socket.socket, Callable[[], None]], None]
"""Answers at a socket until SIGTERM or SIGINT, and calls the function once it does. It can be pickled."""

_SPAWN = get_context("spawn")
"""Fresh processes: a fork would copy threads' locks without the threads."""


@dataclass
class _Worker:
    process: SpawnProcess
    pipe: Connection
    ready: bool = False


@dataclass
class Workers:
    """`count` processes that `serve` at one socket. `ready` is called once all of them answer.

    The folder in which they keep their counts is there until `run` is over.
    """

    serve: Serve
    bound: socket.socket
    count: int
    ready: Callable[[], None] = lambda: None
    running: list[_Worker] = field(default_factory=list)
    patience: float = 60.0
    """Seconds after which a worker that does not end is killed."""

    def run(self) -> None:
        """Until SIGTERM or SIGINT; then the workers finish the requests in progress.

        Raises WorkerError where one cannot answer, with its reason; all others are ended then.
        """
        reading, writing = os.pipe()
        handlers = {each: signal.signal(each, lambda *_: os.write(writing, b"!")) for each in _STOPPING}
        try:
            with tempfile.TemporaryDirectory(prefix="striate-serve-", ignore_cleanup_errors=True) as folder:
                os.environ[SHARED] = folder
                try:
                    for _ in range(self.count):
                        self.running.append(self._started())
                    while self.running:
                        self._look(reading)
                finally:
                    self._end_all()  # before the folder goes, in which they write
        finally:
            os.environ.pop(SHARED, None)
            for each, handler in handlers.items():
                signal.signal(each, handler)
            os.close(reading)
            os.close(writing)

    def _end_all(self) -> None:
        self.bound.close()  # each worker closes its own copy; with this one open, the system would let clients in
        for each in self.running:
            each.process.terminate()
        for each in self.running:
            each.process.join(self.patience)
            if each.process.is_alive():
                each.process.kill()
                each.process.join()
        self.running.clear()

    def _started(self) -> _Worker:
        mine, theirs = _SPAWN.Pipe(duplex=False)
        process = _SPAWN.Process(target=_work, args=(self.serve, self.bound, theirs))
        ensure_running()  # the tracker's own start would let the signal through
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # the worker begins with it blocked
        try:
            process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        theirs.close()
        return _Worker(process, mine)

    def _look(self, signals: int) -> None:
        """Wait until a worker answers or ends, or a signal comes, and act on it."""
        pipes = [each.pipe for each in self.running if not each.ready]
        happened = wait([signals, *pipes, *(each.process.sentinel for each in self.running)])
        if signals in happened:
            os.read(signals, 1)
            self._end_all()
            return
        for each in [one for one in self.running if one.pipe in happened]:
            with suppress(EOFError):  # it ended
                refused = each.pipe.recv()
                if refused is not None:
                    raise WorkerError(*refused)
                each.ready = True
                if all(one.ready for one in self.running):
                    self.ready()
                    self.ready = lambda: None
        for each in [one for one in self.running if one.process.sentinel in happened]:
            self._ended(each)

    def _ended(self, worker: _Worker) -> None:
        worker.process.join()
        self.running.remove(worker)
        mark_process_dead(worker.process.pid)
        status = worker.process.exitcode
        event("worker ended", process=worker.process.pid, status=status)
        if not worker.ready:
            raise WorkerError(
                f"a worker ended with status {status} before it answered.",
                "Each worker loads the runs itself, and needs memory for them.",
                "Read what it printed, or serve with fewer workers.",
            )
        self.running.append(self._started())


_STOPPING = (signal.SIGTERM, signal.SIGINT)


def _work(serve: Serve, bound: socket.socket, pipe: Connection) -> None:
    """In a worker: serve, and stop when the parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends Ctrl-C to all, and the parent passes it on
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    threading.Thread(target=_follow, daemon=True).start()
    try:
        serve(bound, lambda: pipe.send(None))
    except StriateError as error:
        text = str(error).split("\n", 1)
        pipe.send((f"a worker cannot answer: {text[0]}", *text[1:]))
        raise SystemExit(1) from None


def _follow() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
