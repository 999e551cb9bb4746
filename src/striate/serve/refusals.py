"""Errors as answers: each has a status, and says what went wrong, what was expected, and what to do."""

from __future__ import annotations

import json
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from striate.errors import BusyError, DataError, HungUpError, RequestError, StriateError, UnknownNameError
from striate.web.sandbox import error_to_dict

RETRY = {"retry-after": "1"}
HUNG_UP = 499
"""The status in counts and logs of a request whose client hung up; nobody receives it. nginx has the same."""


class RefusedError(Exception):
    """A RequestError with an HTTP status."""

    def __init__(self, status: int, what: str, expected: str = "", remedy: str = "") -> None:
        super().__init__(status, what)
        self.status = status
        self.error = RequestError(what, expected, remedy)


class Ascii(JSONResponse):
    """JSON in ASCII, which can also hold lone surrogates; UTF-8 cannot."""

    def render(self, content: Any) -> bytes:
        return json.dumps(content, allow_nan=False, separators=(",", ":")).encode("ascii")


def answer_to(error: Exception, *, method: str = "", path: str = "") -> Response:
    """The answer to a request that ended in an error: 500 where the error is none of ours."""
    match error:
        case RefusedError():
            heads = RETRY if error.status == 503 else {"www-authenticate": "Bearer"} if error.status == 401 else {}
            return _answer(error.error, error.status, heads)
        case BusyError():
            return _answer(error, 503, RETRY)
        case HungUpError():
            return _answer(error, HUNG_UP)
        case UnknownNameError():
            return _answer(error, 404)
        case StriateError():
            return _answer(error, 413 if isinstance(error, DataError) and error.what.startswith("too large") else 422)
        case HTTPException():
            what = {
                404: f"there is nothing at {path[:80]!r}.",
                405: f"{path[:80]!r} does not take {method[:16]}.",
            }.get(error.status_code, f"{error.detail}.")
            where = "/openapi.json lists all paths and methods."
            return _answer(RequestError(what, where), error.status_code, dict(error.headers or {}))
        case _:
            broken = RequestError("something broke in the server.", "", "Its terminal says what; please report it.")
            return _answer(broken, 500)


def _answer(error: StriateError, status: int, heads: dict[str, str] | None = None) -> Response:
    return Ascii({"error": error_to_dict(error)}, status, heads)
