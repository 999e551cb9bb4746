"""Ctrl-C without loss: it asks a training to stop, which then saves everything first."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def stop_signals() -> Iterator[threading.Event]:
    """Context in which Ctrl-C, SIGTERM and SIGHUP set the event instead of stopping; a second one stops at once.

    SIGHUP says that the terminal was closed. It stays ignored where it is, as under nohup.
    """
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def ask(number: int, frame: Any) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    closed: signal.Signals | None = getattr(signal, "SIGHUP", None)  # Windows has none
    asking = [signal.SIGINT, signal.SIGTERM]
    if closed is not None and signal.getsignal(closed) == signal.SIG_DFL:
        asking.append(closed)
    before = {number: signal.signal(number, ask) for number in asking}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
