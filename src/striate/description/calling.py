"""Errors for layers that are called with wrong arguments, in place of Python's TypeError."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from functools import wraps
from typing import cast

from striate.errors import ArgumentError


def check_calls(kind: type) -> None:
    """Make a call of `kind` that does not match its fields raise an ArgumentError that says how to write it.

    >>> from striate.description.layers import Conv
    >>> Conv(16, 3)  # pyright: ignore
    Traceback (most recent call last):
    striate.errors.ArgumentError: Conv is called with 2 arguments without a name.
    It takes filters without one, and by name: kernel, stride, padding, dilation, groups, table, bias, name.
    Write Conv(16, kernel=3).
    """
    make = cast("Callable[..., None]", kind.__init__)

    @wraps(make)
    def checked(self: object, *given: object, **named: object) -> None:
        try:
            make(self, *given, **named)
        except TypeError as problem:
            signature = inspect.signature(kind)
            try:
                signature.bind(*given, **named)
            except TypeError:
                raise _wrong(kind.__name__, signature, given, named) from None
            raise problem

    setattr(kind, "__init__", checked)  # noqa: B010 - a type checker keeps to the dataclass's own


def _wrong(kind: str, signature: inspect.Signature, given: Sequence[object], named: dict[str, object]) -> ArgumentError:
    """The error for a call that does not fit."""
    fields = signature.parameters
    plain = [name for name, each in fields.items() if each.kind is not inspect.Parameter.KEYWORD_ONLY]
    by_name = [name for name in fields if name not in plain]
    positions = f"{' and '.join(plain)} without one, and " if plain else ""
    expected = f"It takes {positions}by name: {', '.join(by_name)}." if by_name else f"It takes {', '.join(plain)}."
    unknown = [name for name in named if name not in fields]
    twice = [name for name in plain[: len(given)] if name in named]
    if unknown:
        near = get_close_matches(unknown[0], fields, n=1, cutoff=0.3)
        remedy = f"Did you mean {near[0]}?" if near else ""
        return ArgumentError(f"{kind} has no {unknown[0]}.", expected, remedy)
    if twice:
        return ArgumentError(f"{kind} is given {twice[0]} twice.", expected, "Leave one of them out.")
    written = {**dict(zip(plain, map(repr, given), strict=False)), **{name: repr(each) for name, each in named.items()}}
    over = [repr(each) for each in given[len(plain) :]]
    written |= dict(zip([name for name in by_name if name not in written], over, strict=False))
    lacking = [name for name, each in fields.items() if each.default is each.empty and name not in written]
    written |= dict.fromkeys(lacking, "...")
    parts = [written[name] if name in plain else f"{name}={written[name]}" for name in fields if name in written]
    remedy = f"Write {kind}({', '.join(parts if by_name else plain)})."
    if over:
        count = "1 argument" if len(given) == 1 else f"{len(given)} arguments"
        return ArgumentError(f"{kind} is called with {count} without a name.", expected, remedy)
    return ArgumentError(f"{kind} lacks {' and '.join(lacking)}.", expected, remedy)
