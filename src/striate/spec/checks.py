"""The checks that every layer makes of its own numbers; each returns the canonical value or raises SpecError."""

from __future__ import annotations

import re
from typing import cast

from striate.errors import SpecError

Pair = tuple[int, int]
"""(height, width)."""
Sides = tuple[int, int, int, int]
"""(top, bottom, left, right)."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def whole(what: str, value: object, *, least: int = 1) -> int:
    """A whole number of at least `least`."""
    if type(value) is not int or value < least:
        raise SpecError(f"{what} is {value!r}.", f"It must be a whole number of at least {least}.")
    return value


def pair(what: str, value: object, *, least: int = 1) -> Pair:
    """A (height, width) from one number for both, or from two."""
    found = items(value)
    if found is not None:
        if len(found) != 2:
            raise SpecError(f"{what} is {value!r}.", "It must be one whole number, or two: (height, width).")
        return whole(what, found[0], least=least), whole(what, found[1], least=least)
    both = whole(what, value, least=least)
    return both, both


def sides(what: str, value: object) -> Sides:
    """(top, bottom, left, right) from one number, from (height, width), or from all four."""
    found = items(value)
    if found is not None and len(found) == 4:
        top, bottom, left, right = (whole(what, side, least=0) for side in found)
        return top, bottom, left, right
    try:
        height, width = pair(what, value, least=0)
    except SpecError:
        expected = "It must be a whole number, (height, width), (top, bottom, left, right), or 'same'."
        raise SpecError(f"{what} is {value!r}.", expected) from None
    return height, height, width, width


def padding(what: str, value: object) -> Sides | str:
    """The four sides, or "same"."""
    return value if value == "same" and isinstance(value, str) else sides(what, value)


def number(what: str, value: object, *, least: float, below: float = float("inf")) -> float:
    """A finite number in [least, below)."""
    if type(value) not in (int, float) or not least <= cast(float, value) < below:
        limit = f" and below {below:g}" if below != float("inf") else ""
        raise SpecError(f"{what} is {value!r}.", f"It must be a number of at least {least:g}{limit}.")
    return float(cast(float, value))


def flag(what: str, value: object) -> bool:
    """True or False."""
    if type(value) is not bool:
        raise SpecError(f"{what} is {value!r}.", "It must be true or false.")
    return value


def one_of(what: str, value: object, choices: tuple[str, ...]) -> str:
    """One of a few words."""
    if not isinstance(value, str) or value not in choices:
        raise SpecError(f"{what} is {value!r}.", f"It must be one of {', '.join(choices)}.")
    return value


def name(what: str, value: object) -> str:
    """The name of a layer: letters, digits and underscores, so that it can stand in a path; or ""."""
    if not isinstance(value, str) or (value and not _NAME.fullmatch(value)):
        raise SpecError(
            f"{what} is {value!r}.",
            "A layer's name holds letters, digits and underscores, and does not begin with a digit.",
        )
    return value


def table(what: str, value: object, *, rows: int) -> tuple[tuple[int, ...], ...]:
    """A connection table: for each filter, the input maps that it sees, ascending and each once."""
    lines = items(value)
    if lines is None:
        raise SpecError(f"{what} is {value!r}.", "It must list, for each filter, the input maps that it sees.")
    if len(lines) != rows:
        raise SpecError(f"{what} has {len(lines)} rows for {rows} filters.", "It must have one row for each filter.")
    checked: list[tuple[int, ...]] = []
    for position, line in enumerate(lines):
        maps = tuple(whole(f"{what}[{position}]", each, least=0) for each in items(line) or ())
        if not maps or list(maps) != sorted(set(maps)):
            raise SpecError(f"{what}[{position}] is {line!r}.", "A filter sees at least one map, ascending, each once.")
        checked.append(maps)
    return tuple(checked)


def items(value: object) -> tuple[object, ...] | None:
    """What a list or a tuple holds; None for anything else."""
    return tuple(cast("list[object]", value)) if isinstance(value, (tuple, list)) else None
