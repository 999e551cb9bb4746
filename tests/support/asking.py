"""Requests to a server of a test, and its answers held against their description."""

from __future__ import annotations

import json
from http.client import HTTPConnection
from typing import Any

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


def is_described(answer: dict[str, Any], operation: dict[str, Any], path: str) -> None:
    """Holds an answer against its description."""
    schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
    assert set(schema["properties"]) <= set(answer), path
    words = {"boolean": bool, "string": str, "number": (int, float), "integer": int, "array": list, "object": dict}
    for name, member in schema["properties"].items():
        kinds = [member["type"]] if isinstance(member["type"], str) else member["type"]
        known = tuple(words[kind] for kind in kinds if kind != "null")
        assert isinstance(answer[name], known) or (answer[name] is None and "null" in kinds), (path, name)
