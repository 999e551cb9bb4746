"""The network in the header of a safetensors file, which is read without its weights and without any package.

The file begins with the size of the header, 8 bytes, the lowest first; the header is JSON, and its member
`__metadata__` has texts. Files that striate export --to safetensors writes have the network's JSON there.
"""

from __future__ import annotations

import json
import os.path
from typing import cast

from striate.description.limits import FILE
from striate.errors import FormatError, quote

SUFFIX, ONNX = ".safetensors", ".onnx"
"""Files that stand for a run."""
_EXPECTED = "A safetensors file begins with a header that says what is in it."


def names_run(text: str) -> bool:
    """Whether a text is the place of a run: its folder, or one file. Notation may be longer than any file's name."""
    return text.endswith((SUFFIX, ONNX)) or os.path.isfile(os.path.join(text, "run.json"))


def network_text(path: str) -> str:
    """The JSON of the network in a file. Raises OSError, and FormatError for a file that has none."""
    with open(path, "rb") as file:
        size = int.from_bytes(file.read(8), "little")
        content = file.read(size) if 2 <= size <= FILE else b""
    if not content or len(content) < size:
        raise FormatError(f"{quote(path)} is no whole safetensors file: its header is missing or cut off.", _EXPECTED)
    try:
        header: object = json.loads(content)
    except (ValueError, RecursionError):
        raise FormatError(f"{quote(path)} is no safetensors file: its header is no JSON.", _EXPECTED) from None
    text = _member(_member(header, "__metadata__"), "network")
    if not isinstance(text, str):
        raise FormatError(
            f"{quote(path)} has weights, but no network.",
            "Its header must describe the network to which the weights belong.",
            "striate export RUN --to safetensors writes such files.",
        )
    return text


def _member(value: object, key: str) -> object:
    return cast("dict[str, object]", value).get(key) if isinstance(value, dict) else None
