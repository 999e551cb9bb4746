"""Checks for the fields of layers and networks; each returns the canonical value or raises SpecError."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TypeVar, cast

from striate.description import limits
from striate.errors import FormatError, SpecError, quote

Pair = tuple[int, int]
"""(height, width)."""
Sides = tuple[int, int, int, int]
"""(top, bottom, left, right)."""

Word = TypeVar("Word", bound=str)

_SPACES = "\u00a0\u202f\u3000\u200c\u200d"
"""No-break and wide spaces, and the joiners of Persian and of emoji: text that `str.isprintable` refuses."""
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def store(layer: object, **values: object) -> None:
    """Store canonical values in a frozen dataclass while it is being made."""
    for field, value in values.items():
        object.__setattr__(layer, field, value)


def whole(what: str, value: object, *, least: int = 1, most: int | None = None) -> int:
    """A whole number of at least `least`, and of at most `most`."""
    if type(value) is not int or value < least:
        raise SpecError(f"{what} is {quote(value)}.", f"It must be a whole number of at least {least}.")
    if most is not None and value > most:
        raise SpecError(f"{what} is {quote(value)}.", f"It may be {most:,} at most.", limits.SEE)
    return value


def size(what: str, value: object, *, least: int = 1) -> int:
    """A whole number within `limits.NUMBER`, such as a number of filters or a height."""
    return whole(what, value, least=least, most=limits.NUMBER)


def pair(what: str, value: object, *, least: int = 1) -> Pair:
    """A (height, width) from one number for both, or from two."""
    both = items(value)
    if both is not None:
        if len(both) != 2:
            raise SpecError(f"{what} is {quote(value)}.", "It must be one whole number, or two: (height, width).")
        return size(what, both[0], least=least), size(what, both[1], least=least)
    same = size(what, value, least=least)
    return same, same


def sides(what: str, value: object) -> Sides:
    """(top, bottom, left, right) from one number, from (height, width), or from all four."""
    given = items(value) or (value,)
    if len(given) not in (1, 2, 4) or not all(type(each) is int and each >= 0 for each in given):
        expected = "It must be a whole number, (height, width), (top, bottom, left, right), or 'same'."
        raise SpecError(f"{what} is {quote(value)}.", expected)
    found = tuple(size(what, each, least=0) for each in given)
    if len(found) == 4:
        return found
    height, width = found[0], found[-1]
    return height, height, width, width


def padding(what: str, value: object) -> Sides | str:
    """The four sides, or "same"."""
    return value if value == "same" and isinstance(value, str) else sides(what, value)


def number(what: str, value: object, *, least: float, below: float = float("inf")) -> float:
    """A finite number in [least, below) and in the range of a 32-bit float; −0 becomes 0, which is equal to it."""
    if type(value) not in (int, float) or not least <= cast(float, value) < below:
        limit = f" and below {below:g}" if below != float("inf") else ""
        expected = (
            f"It must be a number of at least {least:g}{limit}." if least > -float("inf") else "It must be a number."
        )
        raise SpecError(f"{what} is {quote(value)}.", expected)
    if abs(cast(float, value)) > limits.MAGNITUDE:
        what = f"{what} is {quote(value)}."
        raise SpecError(what, f"It must be finite, within ±{limits.MAGNITUDE:.2g}.", limits.SEE)
    return float(cast(float, value)) + 0.0


def flag(what: str, value: object) -> bool:
    """True or False."""
    if type(value) is not bool:
        raise SpecError(f"{what} is {quote(value)}.", "It must be true or false.")
    return value


def one_of(what: str, value: object, choices: tuple[Word, ...]) -> Word:
    """One of a few words."""
    if not isinstance(value, str) or value not in choices:
        raise SpecError(f"{what} is {quote(value)}.", f"It must be one of {', '.join(choices)}.")
    return next(choice for choice in choices if choice == value)


def name(what: str, value: object) -> str:
    """The name of a layer: letters, digits and underscores, so that it can stand in a path; or ""."""
    if not isinstance(value, str) or (value and not _NAME.fullmatch(value)):
        raise SpecError(
            f"{what} is {quote(value)}.",
            "A layer's name holds letters, digits and underscores, and does not begin with a digit.",
        )
    return _at_most(what, value, limits.NAME)


def title(what: str, value: object) -> str:
    """The name of a network: one line that is safe as one part of a path, because it also names files and folders."""
    if (
        not isinstance(value, str)
        or not value
        or not value.isprintable()
        or set(value) & set("/\\:")
        or value[0] in "-.~ "
        or value[-1] in ". "
    ):
        raise SpecError(
            f"{what} is {quote(value)}.",
            "A name also names files: it is one line without / \\ or :, begins with no - . ~ or space and ends in no "
            "dot or space.",
            "Give it another, such as 'lenet5' or 'my net 2'.",
        )
    return _at_most(what, value, limits.NAME)


def text(what: str, value: object) -> str:
    """A line of text that may be printed: without control characters and lone surrogates."""
    if not isinstance(value, str):
        raise SpecError(f"{what} is {quote(value)}.", "It must be a text.")
    if not all(each.isprintable() or each in _SPACES for each in value):
        raise SpecError(
            f"{what} is {quote(value)}.",
            "It is printed as it stands, so it is one line without characters of control.",
            "Leave them out.",
        )
    return _at_most(what, value, limits.TEXT)


def length(document: object) -> None:
    """Raise FormatError for a value that is no text, or a text longer than `limits.FILE`."""
    if not isinstance(document, str):
        raise FormatError(f"{quote(document)} is no text.", "A network is read from a text.")
    if len(document) > limits.FILE:
        what = f"a text of {len(document):,} characters."
        raise FormatError(what, f"A network's text may have {limits.FILE:,} at most.", limits.SEE)


def _at_most(what: str, value: str, most: int) -> str:
    if len(value) > most:
        raise SpecError(f"{what} has {len(value):,} characters.", f"It may have {most:,} at most.", limits.SEE)
    return value


def table(what: str, value: object, *, rows: int) -> tuple[tuple[int, ...], ...]:
    """A connection table: for each filter, the input maps that it reads, ascending and each once."""
    lines = items(value)
    if lines is None:
        raise SpecError(f"{what} is {quote(value)}.", "It must list, for each filter, the input maps that it sees.")
    if len(lines) != rows:
        raise SpecError(f"{what} has {len(lines)} rows for {rows} filters.", "It must have one row for each filter.")
    checked: list[tuple[int, ...]] = []
    for position, line in enumerate(lines):
        maps = tuple(size(f"{what}[{position}]", each, least=0) for each in items(line) or ())
        if not maps or any(one >= two for one, two in pairwise(maps)):
            raise SpecError(
                f"{what}[{position}] is {quote(line)}.", "A filter sees at least one map, ascending, each once."
            )
        checked.append(maps)
    return tuple(checked)


def vectors(what: str, value: object) -> tuple[tuple[float, ...], ...]:
    """Rows of finite numbers, all of one length."""
    rows = [items(row) for row in items(value) or ()]
    if not rows or not rows[0] or any(row is None or len(row) != len(rows[0]) for row in rows):
        raise SpecError(
            f"{what} are not rows of one length.", "Give one vector for each unit, all of the input's length."
        )
    least = -float("inf")
    return tuple(tuple(number(what, each, least=least) for each in row or ()) for row in rows)


def items(value: object) -> tuple[object, ...] | None:
    """The items of a list or a tuple; None for any other value."""
    return tuple(cast("list[object]", value)) if isinstance(value, (tuple, list)) else None
