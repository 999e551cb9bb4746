"""A server in a thread of the tests' own process: its clock can be moved on, and what it waits for can be seen."""

from __future__ import annotations

import asyncio
import logging
import selectors
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass

import uvicorn
from starlette.types import ASGIApp

from striate.serve.connection import MOST, Connection
from striate.serve.server import listen, server_of
from tests.support.asking import PATIENCE, Answer, ask

CALM = 50
"""Turns of the loop with nothing to answer, after which all that was sent has been read: a few would do."""


class Said(logging.Handler):
    """Keeps what the server's loggers say."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@dataclass
class Answering:
    """A server that answers at a port of this machine."""

    port: int
    said: list[str]
    """What is logged."""
    server: uvicorn.Server
    loop: asyncio.AbstractEventLoop
    ahead: float = 0.0
    """Seconds by which its clock is ahead."""

    def connect(self) -> socket.socket:
        """A connection to it."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)

    def ask(self, method: str, path: str, body: bytes | None = None, **heads: str) -> Answer:
        """As `asking.ask`."""
        return ask(self.port, method, path, body, **heads)

    def later(self, seconds: float) -> None:
        """Let so many seconds pass for it."""
        self.ahead += seconds
        self.read()

    def read(self) -> None:
        """Wait until it has read all that was sent, and is answering or has answered it."""
        asyncio.run_coroutine_threadsafe(self._turns(lambda: False), self.loop).result(PATIENCE)

    def answered(self) -> Future[None]:
        """Done once it has answered all that was sent, but for requests that are not whole."""
        return asyncio.run_coroutine_threadsafe(self._turns(self._occupied), self.loop)

    def blocked(self) -> None:
        """Wait until somebody does not take an answer."""
        asyncio.run_coroutine_threadsafe(self._until(lambda each: each.unsent > 0), self.loop).result(PATIENCE)

    @property
    def _connections(self) -> list[Connection]:
        return [each for each in self.server.server_state.connections if isinstance(each, Connection)]

    def _occupied(self) -> bool:
        """Whether an answer is computed or being sent."""
        return any(
            each.transport.get_write_buffer_size() > 0
            or (each.busy and (each.cycle.response_started or not each.cycle.more_body))
            for each in self._connections
        )

    async def _turns(self, occupied: Callable[[], bool]) -> None:
        calm = 0
        while calm < CALM:
            await asyncio.sleep(0)
            calm = 0 if occupied() else calm + 1

    async def _until(self, reached: Callable[[Connection], bool]) -> None:
        while not any(map(reached, self._connections)):
            await asyncio.sleep(0)


@contextmanager
def answering(app: ASGIApp, *, most: int = MOST) -> Iterator[Answering]:
    """A server of an app with at most so many connections, until the end of the block."""
    said, ready = Said(), Future[Answering]()

    def up() -> None:
        loop = asyncio.get_running_loop()
        made = Answering(bound.getsockname()[1], said.lines, server, loop)
        real = loop.time
        loop.time = lambda: real() + made.ahead
        ready.set_result(made)

    with listen("127.0.0.1", 0) as bound:
        server = server_of(app, ready=up, most=most)
        loggers = [logging.getLogger(name) for name in ("uvicorn.error", "asyncio")]
        for each in loggers:
            each.addHandler(said)
        thread = threading.Thread(target=server.run, args=([bound],))
        thread.start()
        try:
            yield ready.result(PATIENCE)
        finally:
            server.should_exit = True
            thread.join(PATIENCE)
            for each in loggers:
                each.removeHandler(said)
        assert not thread.is_alive()


def exchange(place: Answering, requests: list[bytes]) -> list[bytes]:
    """What comes back for each, all sent at once; a connection on which no more comes is closed."""
    found = [b"" for _ in requests]
    with ExitStack() as stack, selectors.DefaultSelector() as selector:
        for number, request in enumerate(requests):
            link = stack.enter_context(place.connect())
            with suppress(OSError):  # it may hang up meanwhile
                link.sendall(request)
            selector.register(link, selectors.EVENT_READ, number)
        answered = place.answered()
        while selector.get_map():
            over = answered.done()
            ready = selector.select(0 if over else 0.01)
            if over and not ready:
                break
            for key, _ in ready:
                try:
                    part = key.fileobj.recv(1 << 16)  # type: ignore[union-attr]
                except OSError:
                    part = b""
                found[key.data] += part
                if not part:
                    selector.unregister(key.fileobj)
        answered.result(PATIENCE)
    return found


def is_well(place: Answering) -> None:
    """It answers."""
    assert place.ask("GET", "/health")[0] == 200
