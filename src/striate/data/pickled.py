"""Reads the pickles of CIFAR's Python files without unpickling them.

Only dictionaries, lists, numbers, texts and byte arrays are read. Opcodes are looked up in a closed table, and no name
in the file is imported or called.
"""

from __future__ import annotations

import math
import pickletools
import warnings
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np

_RECONSTRUCT = {f"{module}.multiarray _reconstruct" for module in ("numpy.core", "numpy._core")}
_FROM_BUFFER = {f"{module}.numeric _frombuffer" for module in ("numpy.core", "numpy._core")}
_ARRAY, _DTYPE, _ENCODE = "numpy ndarray", "numpy dtype", "_codecs encode"
_ALLOWED = {*_RECONSTRUCT, *_FROM_BUFFER, _ARRAY, _DTYPE, _ENCODE}
_LITERALS = {
    "BININT", "BININT1", "BININT2", "INT", "LONG", "LONG1", "LONG4", "BINFLOAT", "FLOAT",
    "BINSTRING", "SHORT_BINSTRING", "STRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8",
    "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8",
}  # fmt: skip
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_TUPLES = {"EMPTY_TUPLE": 0, "TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


@dataclass(frozen=True)
class _Name:
    """A name in the file, such as "numpy ndarray"; it is compared as text and never imported."""

    text: str


@dataclass
class _Array:
    """A NumPy array whose values a later BUILD opcode sets."""

    values: np.ndarray = field(default_factory=lambda: np.empty(0, np.uint8))


class _Mark:
    """Marks the place on the stack where the members of a list, a dictionary or a tuple begin."""


def pickled(content: bytes) -> object:
    """The value in a pickle: dictionaries, lists, tuples, numbers, texts, bytes, and arrays of unsigned bytes.

    Texts of Python 2 come as str, by Latin-1. Raises ValueError for anything else, and for what is no pickle.

    >>> import pickle
    >>> pickled(pickle.dumps({"labels": [1, 2], "name": b"x"}, protocol=2))
    {'labels': [1, 2], 'name': b'x'}
    """
    reader = _Reader()
    try:
        with warnings.catch_warnings():  # escapes in texts of a damaged file
            warnings.simplefilter("ignore")
            for opcode, argument, _ in pickletools.genops(content):
                if opcode.name == "STOP":
                    return _plain(reader.stack.pop())
                reader.take(opcode.name, argument)
    except (IndexError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as problem:
        raise ValueError(f"is no whole pickle: {type(problem).__name__}") from None
    raise ValueError("has no end")


class _Reader:
    """The stack and the memo of pickle's machine; `take` lists the opcodes that are allowed."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def take(self, name: str, argument: Any) -> None:
        """Execute one opcode."""
        stack = self.stack
        if name in _LITERALS:
            stack.append(argument)
        elif name in _CONSTANTS:
            stack.append(_CONSTANTS[name])
        elif name in _TUPLES:
            count = _TUPLES[name]
            members = stack[len(stack) - count :]
            if len(members) < count:
                raise ValueError("its stack is empty")
            stack[len(stack) - count :] = [tuple(members)]
        else:
            self._take_others(name, argument)

    def _take_others(self, name: str, argument: Any) -> None:
        stack = self.stack
        match name:
            case "PROTO" | "FRAME":
                pass
            case "MARK":
                stack.append(_Mark())
            case "EMPTY_DICT":
                stack.append({})
            case "EMPTY_LIST":
                stack.append([])
            case "LIST" | "TUPLE" | "DICT":
                members = self._members()
                stack.append({"LIST": list, "TUPLE": tuple, "DICT": _paired}[name](members))
            case "APPENDS" | "SETITEMS":
                members = self._members()
                cast(list[Any], stack[-1]).extend(members) if name == "APPENDS" else stack[-1].update(_paired(members))
            case "APPEND":
                value = stack.pop()
                cast(list[Any], stack[-1]).append(value)
            case "SETITEM":
                value, key = stack.pop(), stack.pop()
                stack[-1].update({key: value})
            case "PUT" | "BINPUT" | "LONG_BINPUT":
                self.memo[int(argument)] = stack[-1]
            case "MEMOIZE":
                self.memo[len(self.memo)] = stack[-1]
            case "GET" | "BINGET" | "LONG_BINGET":
                stack.append(self.memo[int(argument)])
            case "GLOBAL":
                stack.append(_name(argument))
            case "STACK_GLOBAL":
                attribute, module = stack.pop(), stack.pop()
                stack.append(_name(f"{module} {attribute}"))
            case "REDUCE":
                arguments, called = stack.pop(), stack.pop()
                stack.append(_reduced(called, arguments))
            case "BUILD":
                state = stack.pop()
                _build(stack[-1], state)
            case _:
                raise ValueError(f"has the opcode {name}")

    def _members(self) -> list[Any]:
        """Pop the values above the last mark, and the mark."""
        marks = (each for each in range(len(self.stack) - 1, -1, -1) if isinstance(self.stack[each], _Mark))
        at = next(marks, None)
        if at is None:
            raise ValueError("lacks the beginning of a list")
        members = self.stack[at + 1 :]
        del self.stack[at:]
        return members


def _paired(members: list[Any]) -> dict[Any, Any]:
    return dict(zip(members[::2], members[1::2], strict=True))


def _name(text: str) -> _Name:
    if text not in _ALLOWED:
        raise ValueError(f"names {text[:60]!r}")
    return _Name(text)


def _reduced(called: object, arguments: tuple[Any, ...]) -> object:
    """The result of a call in the file, computed here: an empty array, a type of values, or bytes."""
    if not isinstance(called, _Name):
        raise ValueError("calls what is no name")
    if called.text in _RECONSTRUCT:
        return _Array()
    if called.text == _DTYPE:
        if arguments[0] not in ("u1", "|u1", "uint8"):
            raise ValueError(f"has an array of {str(arguments[0])[:20]!r}")
        return called
    if called.text in _FROM_BUFFER:
        content, kind, shape, order = arguments
        return _Array(_filled(content, kind, shape, order == "F"))
    if called.text == _ENCODE and arguments[1] == "latin1":
        return arguments[0].encode("latin-1")
    raise ValueError(f"calls {called.text}")


def _build(target: object, state: tuple[Any, ...]) -> None:
    """Fill an array from (version, shape, type, order of Fortran, bytes); a type's own state says nothing new."""
    if isinstance(target, _Name) and target.text == _DTYPE:
        return
    if not isinstance(target, _Array):
        raise ValueError("fills what is no array")
    _, shape, kind, fortran, content = state
    target.values = _filled(content.encode("latin-1") if isinstance(content, str) else content, kind, shape, fortran)


def _filled(content: object, kind: object, shape: tuple[int, ...], fortran: bool) -> np.ndarray:
    if kind != _Name(_DTYPE) or not isinstance(content, (bytes, bytearray)) or len(content) != math.prod(shape):
        raise ValueError("has an array whose bytes do not fit its shape")
    return np.frombuffer(content, np.uint8).reshape(shape, order="F" if fortran else "C")


def _plain(value: object) -> object:
    """The value with its arrays filled, at the top and as members of a dictionary."""
    if isinstance(value, dict):
        members = cast("dict[object, object]", value)
        return {key: each.values if isinstance(each, _Array) else each for key, each in members.items()}
    return value.values if isinstance(value, _Array) else value
