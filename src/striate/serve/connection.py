"""A client's connection: a limit on their number, a time limit on silence, and JSON errors for requests in no HTTP.

uvicorn limits neither the number of connections nor the time until a request's headers have arrived: silent clients
could use up all files that the process may open.
"""

from __future__ import annotations

import asyncio
import json
from typing import cast

import h11
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from striate.serve.guard import SECURITY, answer
from striate.serve.incoming import RefusedError
from striate.web.sandbox import error_to_dict

MOST = 100
"""The most connections that are kept; macOS lets a process open 256 files."""
ACCEPTED = 16
"""The connections accepted from the system at a time; some rounds of them are open before the oldest are closed."""
SECONDS = 15.0
"""The time limit for a request's headers to arrive, and for the client to take some of an answer."""


class Connection(H11Protocol):
    """uvicorn's connection, with a limit on the number of connections and a time limit on silence.

    A connection beyond MOST replaces the one that has waited longest without a request; where all are being answered,
    it gets status 503.
    """

    waiting_since = 0.0
    unsent = 0
    timer: asyncio.TimerHandle | None = None

    @property
    def busy(self) -> bool:
        """Whether a request is being answered."""
        return bool(self.cycle) and not self.cycle.response_complete

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait()
        if len(self.connections) > MOST:
            others = [each for each in cast("set[Connection]", self.connections) if each is not self and not each.busy]
            if others:
                min(others, key=lambda each: each.waiting_since).drop()
            else:
                self.app = _full

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def handle_events(self) -> None:
        super().handle_events()
        if self.busy:
            self._stop_waiting()

    def on_response_complete(self) -> None:
        self._wait()  # before the next request, which may have arrived already, begins
        super().on_response_complete()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._wait()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self.busy:
            self._stop_waiting()

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

    def _refuse(self, refused: RefusedError) -> None:
        """Answer without the app, if no part of an answer has been sent yet, and close."""
        if self.cycle is not None:
            self.cycle.disconnected = True  # the client's further data is ignored
            self.cycle.message_event.set()
        if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            self.drop()
            return
        body = json.dumps({"error": error_to_dict(refused.error)}).encode()
        heads = {"content-type": "application/json", "content-length": str(len(body)), "connection": "close"}
        said = h11.Response(status_code=refused.status, headers=list((SECURITY | heads).items()))
        for event in (said, h11.Data(data=body), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _wait(self) -> None:
        self._stop_waiting()
        self.waiting_since = self.loop.time()
        self.unsent = self.transport.get_write_buffer_size()
        self.timer = self.loop.call_later(SECONDS, self._late)

    def _stop_waiting(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None

    def _late(self) -> None:
        left = self.transport.get_write_buffer_size()
        if 0 < left < self.unsent:
            self._wait()  # the client is taking an answer slowly
        elif not left and not self.transport.is_closing() and self.conn.trailing_data[0]:
            self._refuse(
                RefusedError(408, f"the request's headers took longer than {SECONDS:g} seconds.", "", "Send it again.")
            )
        else:
            self.drop()


async def _full(scope: Scope, receive: Receive, send: Send) -> None:
    refused = RefusedError(
        503, "too many connections at once.", f"{MOST} are kept, and each of them is being answered.", "Try again soon."
    )
    response = answer(refused)
    response.headers.update(SECURITY | {"connection": "close"})
    await response(scope, receive, send)
