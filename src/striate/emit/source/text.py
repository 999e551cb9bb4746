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


_NUMBER = re.compile(r"(?<![\w.])\d+(?![\w.])")


def folded(entries: Sequence[tuple[str, str]], least: int = 3) -> list[tuple[str, str] | Loop]:
    """Pairs of a name and a value, with runs of `least` likes or more as loops.

    >>> folded([("a", "f(1)"), ("b1", "g(8)"), ("b2", "g(10)"), ("b3", "g(12)")])
    [('a', 'f(1)'), Loop(first=1, last=3, entries=(('b', 'g(8 + 2 * (i - 1))'),))]
    """
    found: list[tuple[str, str] | Loop] = []
    place = 0
    while place < len(entries):
        best: tuple[int, Loop | None] = (1, None)
        for period in (1, 2, 3, 4):
            times = _times(entries[place:], period)
            if times >= least and times * period > best[0]:
                best = times * period, _loop(entries[place : place + times * period], period)
        taken, loop = best
        found.append(loop or entries[place])
        place += taken
    return found


def _times(entries: Sequence[tuple[str, str]], period: int) -> int:
    """How many times the first `period` entries come again, with numbers that rise by the same."""
    rows = [entries[at : at + period] for at in range(0, len(entries) - period + 1, period)]
    numbered = [_numbered(row) for row in rows]
    times = 1 if numbered and numbered[0] else 0
    while 0 < times < len(rows) and _follows(numbered, times):
        times += 1
    return times


def _numbered(row: Sequence[tuple[str, str]]) -> tuple[int, tuple[str, ...], tuple[int, ...]] | None:
    """The number that all names end in, the rest of names and values, and the numbers in the values."""
    names = [re.fullmatch(r"(.*?[A-Za-z_])([1-9][0-9]*)", name) for name, _ in row]
    if not all(names) or len({name[2] for name in names if name}) != 1:
        return None
    texts = [
        part for (_, value), name in zip(row, names, strict=True) if name for part in (name[1], *_NUMBER.split(value))
    ]
    numbers = [int(each) for _, value in row for each in _NUMBER.findall(value)]
    return next(int(name[2]) for name in names if name), tuple(texts), tuple(numbers)


def _follows(rows: Sequence[tuple[int, tuple[str, ...], tuple[int, ...]] | None], place: int) -> bool:
    first, before, now = rows[0], rows[place - 1], rows[place]
    if first is None or before is None or now is None or now[1] != first[1] or now[0] != first[0] + place:
        return False
    if place == 1:
        return True
    second = rows[1]
    steps = zip(first[2], second[2] if second else (), now[2], strict=True)
    return all(end - start == place * (next_ - start) for start, next_, end in steps)


def _loop(entries: Sequence[tuple[str, str]], period: int) -> Loop:
    first = _numbered(entries[:period])
    second = _numbered(entries[period : 2 * period])
    if first is None or second is None:
        raise AssertionError(f"no loop begins at {entries[0][0]}")
    steps = iter([two - one for one, two in zip(first[2], second[2], strict=True)])

    def moved(match: re.Match[str]) -> str:
        step = next(steps)
        return f"{match[0]} + {step} * (i - {first[0]})" if step else match[0]

    pairs = [(re.sub(r"[0-9]+$", "", name), _NUMBER.sub(moved, value)) for name, value in entries[:period]]
    return Loop(first[0], first[0] + len(entries) // period - 1, tuple(pairs))
