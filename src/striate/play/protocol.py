"""The Go Text Protocol, version 2 (G. Farnebäck, 2002): a line in, an answer out. It knows no command's meaning."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

LONGEST = 4096
"""The most characters of a line. A longer one is refused."""


class RefusedError(Exception):
    """Why a command is not carried out: the text of a failure response."""


@dataclass(frozen=True)
class Request:
    """A command as it was sent: its number, "" where it has none, its name and its arguments."""

    number: str
    name: str
    arguments: tuple[str, ...] = ()


Handler = Callable[[Request], str]
"""Gives the answer to a command; raises RefusedError."""


def parsed(line: str) -> Request | None:
    """The command on a line; None where there is none. A comment begins with #.

    >>> parsed("7 play  black D4 # the first move")
    Request(number='7', name='play', arguments=('black', 'D4'))
    >>> parsed("  # nothing")
    """
    kept = "".join(each for each in line.partition("#")[0].replace("\t", " ") if each.isprintable())
    words = kept.split()
    if not words:
        return None
    number = words.pop(0) if words[0].isascii() and words[0].isdigit() else ""
    return Request(number, words[0] if words else "", tuple(words[1:]))


def response(request: Request, text: str, *, good: bool = True) -> str:
    r"""The answer as it is sent: it ends with an empty line, and has none within.

    >>> response(Request("7", "name"), "Striate")
    '=7 Striate\n\n'
    """
    lines = "\n".join(line.rstrip() or " " for line in text.split("\n")) if text else ""
    return f"{'=' if good else '?'}{request.number}{' ' if lines else ''}{lines}\n\n"


def answer(line: str, handler: Handler) -> str:
    """The answer to a line; "" where the line is empty."""
    request = parsed(line)
    if request is None:
        return ""
    if len(line) > LONGEST:
        return response(request, f"syntax error: a line has at most {LONGEST} characters", good=False)
    try:
        return response(request, handler(request))
    except RefusedError as error:
        return response(request, str(error), good=False)


def lines(stream: BinaryIO) -> Iterator[str]:
    """The lines of a stream, until it ends. Of one that is too long, the beginning is given, and it stays too long."""
    while raw := stream.readline(LONGEST + 2):
        if not raw.endswith(b"\n") and len(raw) > LONGEST:
            while (rest := stream.readline(LONGEST)) and not rest.endswith(b"\n"):
                pass
        yield raw.decode("utf-8", "replace").rstrip("\r\n")
