"""The server's log: plain lines for people, or JSON lines for programs."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import quote

LOGGER = logging.getLogger("striate.serve")
Form = Literal["plain", "json"]
FORMS: tuple[Form, ...] = ("plain", "json")


def set_up(form: Form, *, secret: str = "") -> None:
    """Log to standard error: errors as plain lines, or events, requests and errors as one JSON object a line.

    The `secret` is written as [token] wherever it would be in a line, as in a traceback that quotes a request.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(Without(JsonLines() if form == "json" else logging.Formatter("%(message)s"), secret))
    for logger in (LOGGER, logging.getLogger("uvicorn.error"), logging.getLogger("asyncio")):
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(logging.ERROR)
    if form == "json":
        LOGGER.setLevel(logging.INFO)


def event(name: str, **members: object) -> None:
    """Log an event with its members; plain logs leave it out."""
    if LOGGER.isEnabledFor(logging.INFO):
        LOGGER.info(name, extra={"members": members})


class JsonLines(logging.Formatter):
    """A record as a JSON object: time (UTC), level, event, the event's members, and a traceback where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
        }
        line |= getattr(record, "members", {})
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line)


class Without(logging.Formatter):
    """Another formatter's lines, without a secret, as it is and as an address has it."""

    def __init__(self, inner: logging.Formatter, secret: str) -> None:
        super().__init__()
        self.inner, self.forms = inner, {secret, quote(secret, safe=""), quote(secret)} - {""}

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line = self.inner.format(record)
        for form in self.forms:
            line = line.replace(form, "[token]")
        return line
