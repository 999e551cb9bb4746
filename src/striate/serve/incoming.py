"""Reads requests within limits: bodies, images, JSON, and queries."""

from __future__ import annotations

import asyncio
from difflib import get_close_matches
from functools import lru_cache
from typing import TypeVar

import msgspec
from msgspec import inspect
from msgspec.structs import FieldInfo
from starlette.requests import ClientDisconnect, Request

from striate.description.json import Json
from striate.serve.refusals import RefusedError

IMAGE_BYTES = 8 * 2**20
JSON_BYTES = 64 * 2**10
SECONDS = 15.0
"""The time limit for a body to arrive."""

Query = TypeVar("Query", bound=msgspec.Struct)


async def read_image_bytes(request: Request) -> bytes:
    """The body, which must be an image file, or pixels."""
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
        return msgspec.json.decode(content)
    except (msgspec.DecodeError, RecursionError):
        raise RefusedError(400, "the body is not JSON.", "Expected a JSON object.") from None


async def _read(request: Request, most: int) -> bytes:
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced[:20]) > most:
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


def read_query(request: Request, kind: type[Query]) -> Query:
    """The query as a value of a type. Parameters that the type does not have, or that come twice, are refused."""
    _require_known(request, kind)
    values: dict[str, object] = {}
    for each in _fields(kind):
        text = request.query_params.get(each.encode_name)
        if text is None:
            if each.required:
                raise RefusedError(422, f"{each.encode_name} is missing.", f"It must be {_words(each)}.")
            continue
        try:
            values[each.name] = msgspec.convert(text, each.type, strict=False)
        except msgspec.ValidationError:
            raise RefusedError(422, f"{each.encode_name} is {text[:80]!r}.", f"It must be {_words(each)}.") from None
    return kind(**values)


def _require_known(request: Request, kind: type[msgspec.Struct]) -> None:
    """Raise RefusedError for a misspelt parameter: its default would be taken in silence."""
    given = [name for name, _ in request.query_params.multi_items()]
    if not given:
        return
    known = [each.encode_name for each in _fields(kind)]
    for name in given:
        if name not in known:
            near = get_close_matches(name[:80], known, n=1)
            raise RefusedError(
                422,
                f"there is no parameter {name[:80]!r} here.",
                f"The parameters are: {', '.join(known)}." if known else "There are no parameters.",
                f"Did you mean {near[0]!r}?" if near else "Leave it out.",
            )
        if given.count(name) > 1:
            raise RefusedError(422, f"{name} is given {given.count(name)} times.", "Once is expected.")


@lru_cache
def _fields(kind: type[msgspec.Struct]) -> tuple[FieldInfo, ...]:
    return msgspec.structs.fields(kind)


def _words(field: FieldInfo) -> str:
    """The values that a parameter may have, in words."""
    found = inspect.type_info(field.type)
    while isinstance(found, inspect.Metadata):
        found = found.type
    match found:
        case inspect.LiteralType():
            return f"one of {', '.join(map(str, found.values))}"
        case inspect.IntType():
            return f"a whole number from {found.ge} to {found.le:,}"
        case inspect.StrType() | inspect.UnionType():
            return "text"
        case _:
            raise AssertionError(found)
