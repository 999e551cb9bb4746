"""Values that a file holds: inside it, or in a file beside it and nowhere else."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from striate.errors import FormatError
from striate.exchange.reading.graph import Array

if TYPE_CHECKING:
    from onnx import TensorProto

MOST_VALUES = 2**29
"""Values of all weights of a file; a file of protobuf's largest size has as many."""
WHOLE = "It must be a whole ONNX model."
COPY = "Export it anew, or take it from a copy."


def text(value: str | bytes) -> str:
    """A name or another text. Raises FormatError where it is none: protobuf gives bytes then."""
    if isinstance(value, bytes):
        raise FormatError(f"has a name that is no text: {value[:40]!r}.", WHOLE, COPY)
    return value


def arrays(tensors: Iterable[TensorProto], path: Path) -> dict[str, Array]:
    """The weights of a file at `path` by name."""
    found: dict[str, Array] = {}
    values = 0
    for tensor in tensors:
        name = text(tensor.name)
        if name in found:
            raise FormatError(f"has two weights called {name[:100]!r}.", "Each has a name of its own.", COPY)
        found[name] = array(tensor, path)
        values += found[name].size
        if values > MOST_VALUES:
            raise FormatError(f"has more than {MOST_VALUES:,} weights.", "A network has fewer.")
    return found


def array(tensor: TensorProto, path: Path) -> Array:
    """The values of one tensor."""
    from onnx import TensorProto, numpy_helper

    name, count = text(tensor.name)[:100], 1
    for size in tensor.dims:
        count *= size
        if size < 0 or count > MOST_VALUES:
            raise FormatError(f"{name} has sizes {list(tensor.dims)[:8]}.", f"{MOST_VALUES:,} values at most.")
    try:
        if tensor.data_location == TensorProto.EXTERNAL:
            return _readable(_outside(tensor, path, count))
        return _readable(numpy_helper.to_array(tensor))
    except FormatError:
        raise
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as problem:
        shown = " ".join(str(problem).split())[:100]
        raise FormatError(f"{name} is damaged: {shown}.", WHOLE, COPY) from None


def _outside(tensor: TensorProto, path: Path, count: int) -> Array:
    """The values of a tensor that are in another file of the model's folder."""
    from onnx import helper

    where = {text(each.key): text(each.value) for each in tensor.external_data}
    location = where.get("location", "")
    file = path
    try:
        folder = path.parent.resolve()
        file = (folder / location).resolve()
        inside = file.is_relative_to(folder) and file.is_file()
    except (OSError, ValueError, RuntimeError):
        inside = False
    if not inside:
        raise FormatError(
            f"the weights {tensor.name[:100]} are in {location[:200]!r}.",
            "They must be in a file in the model's own folder.",
            "Put the file there, or export the model as one file.",
        )
    kind = np.dtype(helper.tensor_dtype_to_np_dtype(tensor.data_type))
    start, size = (
        int(each) if each.isascii() and each.isdecimal() else -1
        for each in (where.get("offset", "0"), where.get("length", str(count * kind.itemsize)))
    )
    if kind.hasobject or start < 0 or size != count * kind.itemsize or start + size > os.path.getsize(file):
        raise FormatError(f"the weights {tensor.name[:100]} are cut off in {file.name}.", WHOLE, "Take it from a copy.")
    shape = tuple(tensor.dims)
    try:
        return np.memmap(file, kind, "r", start, shape) if count else np.zeros(shape, kind)
    except OSError as problem:
        raise FormatError(f"{file.name} cannot be read: {problem.strerror}.", WHOLE) from None


def _readable(values: Array) -> Array:
    """Half precision is read as float32."""
    kind = values.dtype
    if kind == np.float16 or kind.name == "bfloat16":
        return values.astype(np.float32)
    if kind.kind not in "fiub":
        raise FormatError(f"has values of type {kind}.", "Values are numbers.")
    return values
