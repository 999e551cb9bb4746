"""Reads members of a JSON file strictly: a member of a wrong type or beyond its bounds is named in an error."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from reprlib import Repr
from typing import Any

from striate.description.labels import is_one_line
from striate.errors import FormatError

MOST = 2**53
"""The largest whole number that all JSON readers represent exactly."""
LONGEST = 10_000
"""The most characters of a text."""

_SHORT = Repr()
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 60


def parsed(text: str) -> Any:
    """The value of a JSON text. Raises ValueError for other text, for deep nesting and for numbers out of range."""
    try:
        return json.loads(text, parse_constant=_no_constant, parse_float=_finite)
    except RecursionError:
        raise ValueError("its lists and objects are nested too deeply") from None


@dataclass(frozen=True)
class Members:
    """A JSON object and its place, such as "data"; each method raises FormatError for a missing or wrong member."""

    values: Mapping[str, Any]
    place: str = ""

    @classmethod
    def of(cls, value: object, place: str = "") -> Members:
        """The members of a value, which must be an object."""
        if not isinstance(value, Mapping):
            raise FormatError(f"{place or 'the file'} is {_SHORT.repr(value)}.", "It must be a JSON object.")
        return cls(value, place)

    def within(self, key: str) -> Members:
        """An object among the members."""
        return Members.of(self._get(key), self.named(key))

    def text(self, key: str, *, lines: bool = False) -> str:
        """A text of one line, or of any number of `lines`."""
        value = self._get(key)
        if not isinstance(value, str) or len(value) > LONGEST:
            raise self._wrong(key, value, f"a text of at most {LONGEST:,} letters")
        if not all(map(is_one_line, value.split("\n") if lines else [value])):
            raise self._wrong(key, value, "a text without control characters")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts."""
        found = Members({str(at): each for at, each in enumerate(self._list(key))}, self.named(key))
        return tuple(map(found.text, found.values))

    def wholes(self, key: str) -> tuple[int, ...]:
        """A list of whole numbers."""
        found = Members({str(at): each for at, each in enumerate(self._list(key))}, self.named(key))
        return tuple(map(found.whole, found.values))

    def whole(self, key: str, *, least: int = 0, most: int = MOST) -> int:
        """A whole number."""
        value = self._get(key)
        if type(value) is not int or not least <= value <= most:
            raise self._wrong(key, value, f"a whole number from {least:,} to {most:,}")
        return value

    def number(self, key: str, *, least: float = -math.inf, most: float = math.inf) -> float:
        """A finite number."""
        value = self._get(key)
        if type(value) not in (int, float) or not math.isfinite(value if abs(value) < 1e300 else math.inf):
            raise self._wrong(key, value, "a finite number")
        if not least <= value <= most:
            raise self._wrong(key, value, f"a number from {least:g} to {most:g}")
        return value

    def flag(self, key: str) -> bool:
        """True or false."""
        value = self._get(key)
        if type(value) is not bool:
            raise self._wrong(key, value, "true or false")
        return value

    def pair(self, key: str, *, most: int) -> tuple[int, int] | None:
        """Two whole numbers from 1 on, or null."""
        value = self._get(key)
        if value is None:
            return None
        if (
            isinstance(value, list)
            and len(value) == 2
            and all(type(each) is int and 1 <= each <= most for each in value)
        ):
            return value[0], value[1]
        raise self._wrong(key, value, f"null, or two whole numbers from 1 to {most:,}")

    def pairs(self, key: str) -> tuple[tuple[str, str], ...]:
        """A list of two texts each."""
        value = self._list(key)
        if not all(isinstance(each, list) and [type(one) for one in each] == [str, str] for each in value):
            raise self._wrong(key, value, "a list of pairs of texts")
        return tuple((one, other) for one, other in value)

    def named(self, key: str) -> str:
        """The full name of a member, with its place."""
        return f"{self.place}.{key}" if self.place else key

    def _get(self, key: str) -> Any:
        if key not in self.values:
            raise FormatError(f"{self.named(key)} is missing.", f"There are: {', '.join(map(str, self.values))[:200]}.")
        return self.values[key]

    def _list(self, key: str) -> list[Any]:
        value = self._get(key)
        if not isinstance(value, list):
            raise self._wrong(key, value, "a list")
        return value

    def _wrong(self, key: str, value: object, expected: str) -> FormatError:
        return FormatError(f"{self.named(key)} is {_SHORT.repr(value)}.", f"It must be {expected}.")


def _no_constant(word: str) -> float:
    raise ValueError(f"{word} is not a number that JSON has")


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError(f"{digits[:40]} is too large a number")
    return value
