"""Calls as text: on one line where they fit, else an argument a line; and runs of like lines as loops."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH = 100
INDENT = "    "


@dataclass(frozen=True)
class Argument:
    """An argument of a call: its `name`, or "" where it goes by its place, and a comment behind its line."""

    name: str
    value: Call | str
    comment: str = ""


@dataclass(frozen=True)
class Call:
    """A call; `spread` puts each argument on a line of its own even where one line would hold all."""

    name: str
    arguments: tuple[Argument, ...] = ()
    spread: bool = False


def call(name: str, /, *values: object, **named: object) -> Call:
    """A call of plain values, None left out: `call("nn.Conv2d", 1, 6, 5, stride=None)` is nn.Conv2d(1, 6, 5)."""
    given = [Argument("", each if isinstance(each, Call) else str(each)) for each in values if each is not None]
    more = [
        Argument(key, each if isinstance(each, Call) else str(each)) for key, each in named.items() if each is not None
    ]
    return Call(name, tuple(given + more))


def one_line(value: Call | str) -> str:
    """A call on one line, however long."""
    if isinstance(value, str):
        return value
    inner = ", ".join(
        f"{each.name}={one_line(each.value)}" if each.name else one_line(each.value) for each in value.arguments
    )
    return f"{value.name}({inner})"


def is_spread(value: Call | str) -> bool:
    """Whether a call, or one inside it, must stand on several lines."""
    return isinstance(value, Call) and (value.spread or any(is_spread(each.value) for each in value.arguments))


def lines(head: str, value: Call | str, indent: str, tail: str = "", comment: str = "") -> list[str]:
    """`head`, the value and `tail` as lines, such as `self.conv1 = nn.Conv2d(1, 6, 5)`; the comment ends the last."""
    text = f"{indent}{head}{one_line(value)}{tail}"
    after = f"  # {comment}" if comment else ""
    if isinstance(value, str) or (not is_spread(value) and len(text) <= WIDTH):
        return [text + after]
    if len(value.arguments) == 1 and isinstance(value.arguments[0].value, Call) and not value.arguments[0].name:
        inner = value.arguments[0].value
        return lines(f"{head}{value.name}(", inner, indent, f"){tail}", comment)
    found = [f"{indent}{head}{value.name}("]
    inner = one_line(Call("", value.arguments))[1:-1]
    if (
        not is_spread(value)
        and not any(each.comment for each in value.arguments)
        and len(indent + INDENT + inner) <= WIDTH
    ):
        return [*found, f"{indent}{INDENT}{inner}", f"{indent}){tail}{after}"]
    for each in value.arguments:
        name = f"{each.name}=" if each.name else ""
        found += lines(name, each.value, indent + INDENT, ",", each.comment)
    return [*found, f"{indent}){tail}{after}"]


@dataclass(frozen=True)
class Loop:
    """Entries that repeat with `i` from `first` to `last`: pairs of a name and a value, with expressions of i in them.

    In a name the number is left out: it is i.
    """

    first: int
    last: int
    entries: tuple[tuple[str, str], ...]


_NUMBER = re.compile(r"(?<![\w.])(?<!\de[-+])\d+(?![\w.])")
"""A whole number, but no exponent, as that of 1e-6."""


@dataclass(frozen=True)
class _Entry:
    """A pair whose name ends in a number: the name without it, its value with 0 for each number, and its numbers."""

    stem: str
    number: int
    value: str
    pattern: str
    numbers: tuple[int, ...]


def folded(entries: Sequence[tuple[str, str]], least: int = 3) -> list[tuple[str, str] | Loop]:
    """Pairs of a name and a value, with runs of `least` likes or more as loops.

    >>> folded([("a", "f(1)"), ("b1", "g(8)"), ("b2", "g(10)"), ("b3", "g(12)")])
    [('a', 'f(1)'), Loop(first=1, last=3, entries=(('b', 'g(8 + 2 * (i - 1))'),))]
    """
    known = [_entry(*each) for each in entries]
    found: list[tuple[str, str] | Loop] = []
    place = 0
    while place < len(entries):
        runs = [rows for period in range(1, 5) if len(rows := _rows(known, place, period)) >= least]
        if runs:
            rows = max(runs, key=lambda each: len(each) * len(each[0]))
            found.append(_loop(rows))
            place += len(rows) * len(rows[0])
        else:
            found.append(entries[place])
            place += 1
    return found


def _entry(name: str, value: str) -> _Entry | None:
    parts = re.fullmatch(r"(.*?[A-Za-z_])([1-9][0-9]*)", name)
    if parts is None:
        return None
    numbers = tuple(map(int, _NUMBER.findall(value)))
    return _Entry(parts[1], int(parts[2]), value, _NUMBER.sub("0", value), numbers)


def _rows(known: Sequence[_Entry | None], place: int, period: int) -> list[list[_Entry]]:
    """The `period` entries at a place, and each time they come again, with numbers that rise by the same each time."""
    rows: list[list[_Entry]] = []
    while row := _row(known, place + len(rows) * period, period):
        second = rows[1] if len(rows) > 1 else row
        columns = zip(rows[0], second, row, strict=True) if rows else ()
        if not all(_follows(one, two, now, len(rows)) for one, two, now in columns):
            break
        rows.append(row)
    return rows


def _row(known: Sequence[_Entry | None], place: int, period: int) -> list[_Entry]:
    """The `period` entries at a place; none unless the names of all end in one number."""
    row = [each for each in known[place : place + period] if each is not None]
    return row if len(row) == period and len({each.number for each in row}) == 1 else []


def _follows(one: _Entry, two: _Entry, now: _Entry, times: int) -> bool:
    """Whether `now` comes `times` steps after `one`, where the step is from `one` to `two`."""
    if (now.stem, now.pattern, now.number) != (one.stem, one.pattern, one.number + times):
        return False
    return all(end - a == times * (b - a) for a, b, end in zip(one.numbers, two.numbers, now.numbers, strict=True))


def _loop(rows: list[list[_Entry]]) -> Loop:
    """The loop over rows, of which there are two at least."""
    first = rows[0][0].number
    pairs: list[tuple[str, str]] = []
    for one, two in zip(rows[0], rows[1], strict=True):
        steps = iter([b - a for a, b in zip(one.numbers, two.numbers, strict=True)])
        text = _NUMBER.sub(lambda match, steps=steps: _risen(match, next(steps), first), one.value)
        pairs.append((one.stem, text))
    return Loop(first, first + len(rows) - 1, tuple(pairs))


def _risen(match: re.Match[str], step: int, start: int) -> str:
    """A number that rises by a step each time, as an expression of i; in parentheses unless it is a whole argument.

    >>> [_NUMBER.sub(lambda match: _risen(match, 2, 1), text) for text in ("f(3, bias=False)", "f(3 * width)", "f(-3)")]
    ['f(3 + 2 * (i - 1), bias=False)', 'f((3 + 2 * (i - 1)) * width)', 'f(-(3 + 2 * (i - 1)))']
    >>> _NUMBER.sub(lambda match: _risen(match, 0, 1), "f(3 * width)")
    'f(3 * width)'
    """
    if not step:
        return match[0]
    risen = f"{match[0]} + {step} * (i - {start})"
    before, after = match.string[: match.start()].rstrip(), match.string[match.end() :].lstrip()
    whole = before.endswith(("(", ",", "=")) and after.startswith((")", ","))
    return risen if whole else f"({risen})"
