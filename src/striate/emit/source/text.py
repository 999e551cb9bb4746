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
    """A pair whose name ends in a number: the name without it, the value with 0 for each number, and its numbers."""

    stem: str
    number: int
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
        taken, best = 1, 0
        for period in range(1, 5):
            times = _times(known, place, period)
            if times >= least and times * period > taken:
                taken, best = times * period, period
        found.append(_loop(entries, known, place, (best, taken // best)) if best else entries[place])
        place += taken
    return found


def _entry(name: str, value: str) -> _Entry | None:
    parts = re.fullmatch(r"(.*?[A-Za-z_])([1-9][0-9]*)", name)
    if parts is None:
        return None
    return _Entry(parts[1], int(parts[2]), _NUMBER.sub("0", value), tuple(map(int, _NUMBER.findall(value))))


def _times(known: Sequence[_Entry | None], place: int, period: int) -> int:
    """How many times the `period` entries at a place come again, with numbers that rise by the same each time."""
    first = known[place : place + period]
    if len(first) < period or any(each is None or first[0] is None or each.number != first[0].number for each in first):
        return 0
    times = 1
    while place + (times + 1) * period <= len(known) and all(
        _follows(known, place + at, period, times) for at in range(period)
    ):
        times += 1
    return times


def _follows(known: Sequence[_Entry | None], place: int, period: int, times: int) -> bool:
    one, two, now = known[place], known[place + period], known[place + times * period]
    if one is None or two is None or now is None:
        return False
    if (now.stem, now.pattern, now.number) != (one.stem, one.pattern, one.number + times):
        return False
    return all(end - a == times * (b - a) for a, b, end in zip(one.numbers, two.numbers, now.numbers, strict=True))


def _loop(
    entries: Sequence[tuple[str, str]], known: Sequence[_Entry | None], place: int, size: tuple[int, int]
) -> Loop:
    """The loop over (period, times) entries from a place on."""
    period, times = size
    pairs: list[tuple[str, str]] = []
    start = 0
    for at in range(place, place + period):
        one, two = known[at], known[at + period]
        if one is None or two is None:
            raise AssertionError(f"no loop begins at {entries[at][0]}")
        start = one.number
        steps = iter([b - a for a, b in zip(one.numbers, two.numbers, strict=True)])
        pairs.append(
            (
                one.stem,
                _NUMBER.sub(lambda match, steps=steps, start=start: _risen(match, next(steps), start), entries[at][1]),
            )
        )
    return Loop(start, start + times - 1, tuple(pairs))


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
