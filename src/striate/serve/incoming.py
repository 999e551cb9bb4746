"""Reads requests within limits: bodies, images, JSON, and the parameters of a query."""

from __future__ import annotations

import asyncio
import json

from starlette.requests import ClientDisconnect, Request

from striate.description.json import Json
from striate.errors import RequestError

IMAGE_BYTES = 8 * 2**20
JSON_BYTES = 64 * 2**10
SECONDS = 15.0
"""The time limit for a body to arrive."""


class RefusedError(Exception):
    """A RequestError with an HTTP status."""

    def __init__(self, status: int, what: str, expected: str = "", remedy: str = "") -> None:
        super().__init__(status, what)
        self.status = status
        self.error = RequestError(what, expected, remedy)


async def read_image_bytes(request: Request) -> bytes:
    """The body, which must be an image file."""
    form = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if form.startswith("multipart/") or form in ("image/svg+xml", "text/html", "application/json"):
        raise RefusedError(
            415,
            f"a body of type {form[:80]} is no image that can be read.",
            "Expected the bytes of an image file, such as PNG or JPEG, and nothing around them.",
            "Send it with Content-Type: image/png, or application/octet-stream.",
        )
    content = await _read(request, IMAGE_BYTES)
    if not content:
        raise RefusedError(400, "the body is empty.", "Expected the bytes of an image file, such as PNG or JPEG.")
    return content


async def read_json(request: Request) -> Json:
    """The body, which must be JSON."""
    content = await _read(request, JSON_BYTES)
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        raise RefusedError(400, "the body is not JSON.", "Expected a JSON object.") from None


async def _read(request: Request, most: int) -> bytes:
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > most:
        raise _too_large(most)
    parts: list[bytes] = []
    total = 0
    try:
        async with asyncio.timeout(SECONDS):
            async for part in request.stream():
                total += len(part)
                if total > most:
                    raise _too_large(most)
                parts.append(part)
    except ClientDisconnect:
        raise RefusedError(400, "the body ended early.") from None
    except TimeoutError:
        raise RefusedError(408, f"the body took longer than {SECONDS:g} seconds.", "", "Send it again.") from None
    return b"".join(parts)


def _too_large(most: int) -> RefusedError:
    size = f"{most // 2**20} MiB" if most >= 2**20 else f"{most // 2**10} KiB"
    return RefusedError(413, f"the body is larger than {size}.", f"At most {size} are read.", "Send a smaller one.")


def whole(request: Request, name: str, *, least: int = 0, most: int = 2**20, default: int | None = None) -> int:
    """A query parameter that must be a whole number."""
    text = request.query_params.get(name)
    if text is None and default is not None:
        return default
    if text is None or not (text.isascii() and text.isdecimal() and len(text) < 9 and least <= int(text) <= most):
        raise RefusedError(422, f"{name} is {text!r}." if text else f"{name} is missing.",
                      f"It must be a whole number from {least} to {most:,}.")  # fmt: skip
    return int(text)


def word(request: Request, name: str, choices: tuple[str, ...], *, default: str | None = None) -> str:
    """A query parameter that must be one of a few words."""
    text = request.query_params.get(name, default)
    if text not in choices:
        what = f"{name} is missing." if text is None else f"{name} is {text[:80]!r}."
        raise RefusedError(422, what, f"It must be one of {', '.join(choices)}.")
    return text
