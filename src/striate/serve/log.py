"""What the server says of itself: plain lines for people, or JSON lines for programs."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Any, Literal

LOGGER = logging.getLogger("striate.serve")
Form = Literal["plain", "json"]
FORMS: tuple[Form, ...] = ("plain", "json")


def set_up(form: Form) -> None:
    """Log to standard error: errors as plain lines, or events, requests and errors as one JSON object a line."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines() if form == "json" else logging.Formatter("%(message)s"))
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
