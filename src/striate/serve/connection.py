"""A client's connection: a limit on their number, a time limit on silence, and JSON errors for requests in no HTTP.

uvicorn limits neither the number of connections, nor the size of a request's headers, nor the time until they have
arrived: silent clients could use up all files that the process may open, and others its memory.
"""

from __future__ import annotations

import asyncio
import json
from functools import partial
from typing import Any, cast

from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from striate.serve.batching import HANG_UP, HangUp
from striate.serve.guard import SECURITY
from striate.serve.refusals import RefusedError, answer_to
from striate.web.sandbox import error_to_dict

MOST = 100
"""The most connections that are kept, unless another number is chosen; macOS lets a process open 256 files."""
ACCEPTED = 16
"""The connections accepted from the system at a time; some rounds of them are open before the oldest are closed."""
SECONDS = 15.0
"""The time limit for a request's headers to arrive, and for the client to take some of an answer."""
HEAD_BYTES = 64 * 2**10
"""The most bytes of a request line and headers, and of what stands behind a body of chunks."""


class _Patient:
    """A transport that is closed only when the rest of a body has arrived, where the connection is not kept.

    A client that is still sending would see a reset, and not the answer that refuses its body.
    """

    asked = False
    """Whether it is to be closed."""

    def __init__(self, transport: asyncio.Transport, connection: Connection) -> None:
        self._transport, self._connection = transport, connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def close(self) -> None:
        connection, again = self._connection, self.asked
        self.asked = True
        if again or connection.part != "body" or connection.cycle.keep_alive:
            self._transport.close()


class Connection(HttpToolsProtocol):
    """uvicorn's connection, with limits on the number of connections, on a request's headers, and on silence.

    A connection beyond `most` replaces the one that has waited longest without a request; where all are being answered,
    it gets status 503.
    """

    most = MOST
    waiting_since = 0.0
    unsent = 0
    timer: asyncio.TimerHandle | None = None
    part = ""
    """The part of a request that is arriving: "head", "body", or "" between requests."""
    head_bytes = arrived = 0

    hang_up: HangUp

    @property
    def busy(self) -> bool:
        """Whether a request is being answered."""
        return bool(self.cycle) and not self.cycle.response_complete

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(cast("asyncio.Transport", _Patient(transport, self)))
        self.hang_up = HangUp()
        self._wait()
        if len(self.connections) > self.most:
            others = [each for each in cast("set[Connection]", self.connections) if each is not self and not each.busy]
            if others:
                min(others, key=lambda each: each.waiting_since).drop()
            else:
                self.app = partial(_full, self.most)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)
        self.hang_up.happens()

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        self.arrived = len(data)
        super().data_received(data)
        self._unset_keepalive_if_required()  # the time limit here takes its place
        if self.transport.is_closing():  # it has been refused
            return
        if self.part:
            self.head_bytes += len(data)
            if max(self.head_bytes, len(self.url)) > HEAD_BYTES:
                self.send_400_response("")
                return
        self._stop_where_busy()

    def on_message_begin(self) -> None:
        self.part, self.head_bytes = "head", -self.arrived  # what arrived with the end of the last request is not its
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        if len(self.url) + sum(len(name) + len(value) for name, value in self.headers) > HEAD_BYTES:
            raise ValueError("headers too large")  # which the parser turns into its own error
        HANG_UP.set(self.hang_up)  # of the task that is made for the request, which copies this context
        super().on_headers_complete()
        self.part, self.head_bytes = "body", -self.arrived

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.part != "body":  # one behind a body of chunks says nothing here
            super().on_header(name, value)

    def on_body(self, body: bytes) -> None:
        self.head_bytes = -self.arrived  # what is between the chunks of a body, and behind them, counts alone
        super().on_body(body)

    def on_message_complete(self) -> None:
        self.part = ""
        super().on_message_complete()
        if cast("_Patient", self.transport).asked:
            self.transport.close()

    def on_response_complete(self) -> None:
        # Before the next request, which may have arrived already, begins. The rest of a body that was refused is read,
        # as long as the time limit lasts: a client that is still sending does not see the answer otherwise.
        self._wait()
        super().on_response_complete()
        self._unset_keepalive_if_required()
        self._stop_where_busy()  # the next request was there already

    def pause_writing(self) -> None:
        super().pause_writing()
        self._wait()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._stop_where_busy()

    def drop(self) -> None:
        """Close at once; data that is not sent yet is lost."""
        self._stop_waiting()
        self.connections.discard(self)
        self.transport.abort()

    def send_400_response(self, msg: str) -> None:
        self._refuse(
            RefusedError(
                400,
                "this is not an HTTP request.",
                "Expected a request line, headers of 64 KiB at most, and a body as they announce it.",
            )
        )

    def _unsupported_upgrade_warning(self) -> None:
        """Nothing is logged for a client that asks for another protocol; it is answered in this one."""

    def _refuse(self, refused: RefusedError) -> None:
        """Answer without the app, if no part of an answer has been sent yet, and close."""
        if self.cycle is not None:
            self.cycle.disconnected = True  # the client's further data is ignored
            self.cycle.message_event.set()
        answered = self.cycle is None or (self.cycle.response_complete and self.part != "body")
        if self.pipeline or not (answered or not self.cycle.response_started):
            self.drop()
            return
        body = json.dumps({"error": error_to_dict(refused.error)}).encode()
        heads = {"content-type": "application/json", "content-length": str(len(body)), "connection": "close"}
        lines = "".join(f"{name}: {value}\r\n" for name, value in (SECURITY | heads).items())
        reason = {400: "Bad Request", 408: "Request Timeout"}[refused.status]
        self.transport.write(f"HTTP/1.1 {refused.status} {reason}\r\n{lines}\r\n".encode("ascii") + body)
        self.part = ""  # nothing that follows is read
        self.transport.close()
        self._wait()  # until the client has taken it

    def _wait(self) -> None:
        self._stop_waiting()
        self.waiting_since = self.loop.time()
        self.unsent = self.transport.get_write_buffer_size()
        self.timer = self.loop.call_later(SECONDS, self._late)

    def _stop_where_busy(self) -> None:
        """End the time limit while a request is answered, unless an answer is still to be taken."""
        if self.busy and not self.flow.write_paused and not self.transport.is_closing():
            self._stop_waiting()

    def _stop_waiting(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None

    def _late(self) -> None:
        left = self.transport.get_write_buffer_size()
        if 0 < left < self.unsent:
            self._wait()  # the client is taking an answer slowly
        elif not left and not self.transport.is_closing() and self.part == "head":
            self._refuse(
                RefusedError(408, f"the request's headers took longer than {SECONDS:g} seconds.", "", "Send it again.")
            )
        else:
            self.drop()


async def _full(most: int, scope: Scope, receive: Receive, send: Send) -> None:
    refused = RefusedError(
        503,
        "too many connections at once.",
        f"{most:,} are kept, and each of them is being answered.",
        "Try again soon.",
    )
    response = answer_to(refused)
    response.headers.update(SECURITY | {"connection": "close"})
    await response(scope, receive, send)
