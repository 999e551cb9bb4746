"""Around the app: checks of hosts and origins, a queue of computations, security headers, and errors as JSON."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import SplitResult, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from striate.errors import DataError, StriateError, UnknownNameError
from striate.serve.incoming import RefusedError
from striate.web.sandbox import error_to_dict

WAITING = 32
"""The most requests that may wait for the network; one is computed at a time."""
WAITING_LONG = 4
"""The most requests that may wait for an attribution. It takes seconds, so it has a queue of its own."""
SECURITY = {
    "content-security-policy": "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
}
LOOPBACK = ("127.0.0.1", "localhost", "::1")

T = TypeVar("T")


class Ascii(JSONResponse):
    """JSON in ASCII, which can also hold lone surrogates; UTF-8 cannot."""

    def render(self, content: Any) -> bytes:
        return json.dumps(content, allow_nan=False, separators=(",", ":")).encode("ascii")


class Queue:
    """Runs one computation at a time, in a thread; a few may wait, and more are refused."""

    def __init__(self, waiting: int = WAITING) -> None:
        self.waiting = waiting
        self.asked = 0
        self.turn = asyncio.Lock()

    async def run(self, work: Callable[[], T]) -> T:
        """The result of `work`, computed when its turn has come."""
        if self.asked > self.waiting:
            raise RefusedError(
                429,
                "too many requests at once.",
                f"One is answered at a time, and {self.waiting} may wait.",
                "Wait for an answer before asking again.",
            )
        self.asked += 1
        try:
            async with self.turn:
                return await run_in_threadpool(work)
        finally:
            self.asked -= 1


class Guard:
    """Adds the security headers to every answer, and refuses other host names and requests from other sites' pages.

    Otherwise a page of another site could use a server on this machine, by a host name that resolves to 127.0.0.1.
    `hosts` are the names of this server; empty for any.
    """

    def __init__(self, app: ASGIApp, hosts: tuple[str, ...] = LOOPBACK) -> None:
        self.app = app
        self.hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)

        async def send_with_heads(message: Message) -> None:
            if message["type"] == "http.response.start":
                heads = MutableHeaders(scope=message)
                for name, value in SECURITY.items():
                    heads.setdefault(name, value)
            await send(message)

        # No file here is so large that range requests would be useful.
        scope["headers"] = [each for each in scope["headers"] if each[0] not in (b"range", b"if-range")]
        refused = self._refused(Headers(scope=scope))
        if refused is not None:
            return await refused(scope, receive, send_with_heads)
        return await self.app(scope, receive, send_with_heads)

    def _refused(self, heads: Headers) -> Response | None:
        if (count := len(heads.getlist("host"))) != 1:
            return answer(
                RefusedError(400, f"the request has {count or 'no'} Host headers.", "It must have one.", "Send one.")
            )
        asked = _place(f"//{heads['host']}")
        if asked is None:
            return answer(
                RefusedError(
                    400,
                    f"the Host header is {heads['host'][:80]!r}.",
                    "It must be a name or an address, with a port after a colon.",
                    "Open the address that `striate serve` printed.",
                )
            )
        if self.hosts and asked.hostname not in self.hosts:
            return answer(
                RefusedError(
                    403,
                    f"this server is not {heads['host'][:80]!r}.",
                    f"Its names are {', '.join(self.hosts)}.",
                    "Open the address that `striate serve` printed.",
                )
            )
        origin = heads.get("origin")
        asker = None if origin is None else _place(origin)
        if origin is not None and (asker is None or asker.netloc != asked.netloc):
            return answer(
                RefusedError(
                    403,
                    "the request comes from a page of another site.",
                    "Only this server's own page may send requests.",
                )
            )
        return None


def _place(address: str) -> SplitResult | None:
    """The parts of an address; None for other text."""
    try:
        found = urlsplit(address)
        _ = found.port  # raises ValueError where the port is no number
    except ValueError:
        return None
    return found


def answer(refused: RefusedError) -> Response:
    """An error as an answer."""
    heads = {"retry-after": "1"} if refused.status in (429, 503) else {}
    return Ascii({"error": error_to_dict(refused.error)}, refused.status, heads)


async def on_refused(request: Request, error: Exception) -> Response:
    """The answer to a request that was refused."""
    return answer(error) if isinstance(error, RefusedError) else _unexpected()


async def on_deliberate(request: Request, error: Exception) -> Response:
    """The answer to one of Striate's own errors: 404 for unknown names, 422 for all others."""
    if not isinstance(error, StriateError):
        return _unexpected()
    status = 404 if isinstance(error, UnknownNameError) else 413 if _too_large(error) else 422
    return Ascii({"error": error_to_dict(error)}, status)


async def on_http(request: Request, error: Exception) -> Response:
    """The answer to an unknown path or method."""
    if not isinstance(error, HTTPException):
        return _unexpected()
    what = {
        404: f"there is nothing at {request.scope['path'][:80]!r}.",
        405: f"{request.scope['path'][:80]!r} does not take {request.method[:16]}.",
    }.get(error.status_code, f"{error.detail}.")
    refused = RefusedError(error.status_code, what, "/openapi.json lists all paths and methods.")
    return Ascii({"error": error_to_dict(refused.error)}, error.status_code, error.headers)


async def on_unexpected(request: Request, error: Exception) -> Response:
    """The answer to an unexpected exception; the terminal has the traceback."""
    return _unexpected()


def _unexpected() -> Response:
    return answer(RefusedError(500, "something broke in the server.", "", "Its terminal says what; please report it."))


def _too_large(error: StriateError) -> bool:
    return isinstance(error, DataError) and error.what.startswith("too large")
