"""A socket to listen on, and the server that answers until it is stopped."""

from __future__ import annotations

import errno
import gc
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from striate.errors import AddressError, quote
from striate.serve.connection import ACCEPTED, MOST, Connection

QUEUE = 128
"""The most connections that may wait in the system until they are accepted."""


def listen(host: str, port: int) -> socket.socket:
    """A socket bound to an address; port 0 takes any free port. Raises AddressError where this is not possible."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # asyncio sends at once on TCP alone
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
        bound.listen(QUEUE)
    except OSError as problem:
        bound.close()
        raise _unavailable(host, port, problem) from None
    except (TypeError, ValueError):  # a text that is no name: with a NUL, an empty part, half a character
        bound.close()
        raise _unavailable(quote(host), port, OSError(errno.EINVAL, "it is no name of a machine")) from None
    return bound


def address(bound: socket.socket) -> str:
    """The address to open, such as http://127.0.0.1:8000/.

    >>> with listen("127.0.0.1", 0) as bound:
    ...     address(bound)
    'http://127.0.0.1:.../'
    """
    host, port = bound.getsockname()[:2]
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def run(
    app: ASGIApp, bound: socket.socket, *, ready: Callable[[], None] = lambda: None, most: int = MOST, drain: int = 30
) -> None:
    """Answer until Ctrl-C or SIGTERM, then refuse new connections, finish requests in progress, and return.

    `ready` is called once the server accepts; `most` is the number of connections, and `drain` the number of seconds
    for the requests in progress.
    """
    gc.collect()
    gc.freeze()  # what is there before the first request stays: it need not be searched for garbage
    server_of(app, ready=ready, most=most, drain=drain).run(sockets=[bound])


def server_of(
    app: ASGIApp, *, ready: Callable[[], None] = lambda: None, most: int = MOST, drain: int = 30
) -> uvicorn.Server:
    """The uvicorn server, to be run with a listening socket."""
    config = uvicorn.Config(
        app,
        http=type("Limited", (Connection,), {"most": most}),
        ws="none",
        loop="asyncio",
        backlog=ACCEPTED,
        log_config=None,
        log_level="error",
        access_log=False,
        lifespan="off",
        proxy_headers=False,
        timeout_graceful_shutdown=drain,
    )
    return _Server(config, ready)


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self.ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for each in sockets or []:
            each.listen(QUEUE)  # uvicorn's own queue is only as long as the number it accepts at a time
        self.ready()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """As uvicorn's, but a signal that stopped the server is not raised again: stopping is no failure."""
        with super().capture_signals():
            yield
            self._captured_signals.clear()


def _unavailable(host: str, port: int, problem: OSError) -> AddressError:
    if problem.errno == errno.EADDRINUSE:
        return AddressError(
            f"port {port} of {host} is taken.",
            "Another program listens there, perhaps another `striate serve`.",
            "Stop it, or choose another port: --port 0 takes any free one.",
        )
    if problem.errno == errno.EACCES:
        return AddressError(
            f"port {port} of {host} may not be listened on.",
            "Ports below 1024 are for the system.",
            "Choose another one, such as --port 8000.",
        )
    return AddressError(
        f"cannot listen on {host}, port {port}: {problem.strerror or problem}.",
        "The host must be an address of this machine.",
        "Leave --host out to listen on this machine alone.",
    )
