"""Splits the notation into tokens with their places, and makes errors that show a token's place."""

from __future__ import annotations

import re
from dataclasses import dataclass

from striate.errors import FormatError, quote

_TOKENS = re.compile(
    r"""(?P<space>(?:[ \t\r]++|\#[^\n]*+)++)
    |(?P<line>\n)
    |(?P<sizes>\d+(?:[x×]\d+)+)
    |(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
    |(?P<word>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<text>"(?:[^"\\\n]++|\\.)*+")
    |(?P<mark>[:,;|()*/])
    |(?P<other>.)""",
    re.VERBOSE | re.ASCII,
)
_INSIDE = re.compile(r"(?:[^#)]++|#[^\n]*+)*+")
"""What stands before a closing parenthesis; one in a comment closes nothing."""
_PAGE = 72
"""The number of characters of a line that an error shows."""


@dataclass(frozen=True)
class Token:
    """A piece of the text: `kind` is word, number, sizes, text, mark, line or end."""

    kind: str
    text: str
    start: int

    def __str__(self) -> str:
        return {"end": "the end", "line": "the end of the line"}.get(self.kind, quote(self.text))


class Scanner:
    """Reads a text once, token by token. To take a token is to return it and move past it."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.place = 0

    def peek(self) -> Token:
        """The next token, which is not taken."""
        found = _TOKENS.match(self.text, self.place)
        if found is not None and found.lastgroup == "space":
            self.place = found.end()
            found = _TOKENS.match(self.text, self.place)
        if found is None:
            return Token("end", "", len(self.text))
        return Token(str(found.lastgroup), found.group(), found.start())

    def take(self) -> Token:
        """Take the next token."""
        token = self.peek()
        self.place = token.start + len(token.text)
        return token

    def follows(self, *texts: str) -> bool:
        """Whether the next tokens are these marks or words, in upper or lower case; nothing is taken."""
        before = self.place
        found = all(self.take().text.lower() == text.lower() for text in texts)
        self.place = before
        return found

    def takes(self, *texts: str) -> bool:
        """As `follows`, and if so these tokens are taken."""
        found = self.follows(*texts)
        for _ in texts if found else ():
            self.take()
        return found

    def lines(self) -> None:
        """Take any line ends that come next."""
        while self.peek().kind == "line":
            self.take()

    def inside(self, opening: Token) -> list[Token]:
        """Take the text up to the closing parenthesis, and it; return the text's pieces between spaces."""
        found = _INSIDE.match(self.text, self.place)
        end = found.end() if found else self.place
        if end == len(self.text):
            raise self.error(opening, f"{opening} is never closed.", "A ')' closes it.")
        inside = re.sub(r"#[^\n]*", lambda comment: " " * len(comment.group()), self.text[self.place : end])
        pieces = [Token("other", found.group(), self.place + found.start()) for found in re.finditer(r"\S+", inside)]
        self.place = end + 1
        return pieces

    def error(self, token: Token, what: str, expected: str = "", remedy: str = "") -> FormatError:
        """An error at a token: line and column, and the line with a mark under the place."""
        before = self.text[: token.start]
        number, column = before.count("\n") + 1, token.start - (before.rfind("\n") + 1)
        line = self.text.split("\n")[number - 1].rstrip()
        first = max(0, column - _PAGE // 2) if len(line) > _PAGE else 0
        shown = "".join(each if each.isprintable() else " " for each in line[first : first + _PAGE])
        if not line:
            return FormatError(f"line {number}, column {column + 1}: {what}", expected, remedy)
        under = "^" * max(1, min(len(token.text.rstrip("\n")), first + _PAGE - column, len(line) - column))
        marked = f"  {'…' if first else ''}{shown}\n  {' ' * (column - first + bool(first))}{under}"
        return FormatError(f"line {number}, column {column + 1}: {what}\n{marked}", expected, remedy)
