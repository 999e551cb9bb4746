"""Requests to a server of a test, and its answers held against their description."""

from __future__ import annotations

import json
from http.client import HTTPConnection
from typing import Any

import msgspec

from striate.serve.endpoints import ENDPOINTS

IMAGE = {"Content_Type": "image/png"}
BYTES = IMAGE | {"Accept": "application/octet-stream"}
PATIENCE = 120
"""Seconds after which what has not come counts as a failure; no answer takes nearly as long."""

Answer = tuple[int, dict[str, str], bytes]


def ask(port: int, method: str, path: str, body: bytes | None = None, **heads: str) -> Answer:
    """(status, heads, body) of an answer; `content_type="image/png"` sends Content-Type."""
    link = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        link.request(method, path, body, {name.replace("_", "-"): value for name, value in heads.items()})
        answer = link.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        link.close()


def ask_json(port: int, method: str, path: str, body: bytes | None = None, **heads: str) -> tuple[int, Any]:
    """(status, the JSON) of an answer."""
    status, _, content = ask(port, method, path, body, **heads)
    return status, json.loads(content)


def is_described(answer: object, path: str) -> None:
    """Holds an answer against the type of its endpoint, and its members against the type's."""
    (endpoint,) = (each for each in ENDPOINTS if each.path == path)
    found = msgspec.convert(answer, endpoint.gives)
    assert msgspec.json.decode(msgspec.json.encode(found)) == answer, path
