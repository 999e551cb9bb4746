"""Reads one layer of the notation: its values and its options."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from typing import assert_never

from striate.description.layers import Simple
from striate.description.limits import DIGITS, NUMBER, SEE
from striate.description.notation.scan import Scanner, Token
from striate.description.notation.words import OTHERS, WORDS, Form, Option, Word, usage
from striate.errors import LONG, FormatError, SpecError


def simple(scanner: Scanner, token: Token) -> Simple:
    """Read the layer whose word, `token`, has already been taken from the scanner."""
    text = token.text.lower()
    word = WORDS[text]
    given = dict(word.preset)
    for value in word.values:
        if value.required or scanner.peek().kind in ("number", "sizes"):
            given[value.field] = _value(scanner, value.form, f"the {value.field} of {text}")
    while (start := scanner.peek()).kind in ("word", "number", "sizes") or start.text == "/":
        option = _option(scanner, text, word)
        if option.field in given:
            raise scanner.error(start, f"{text} gives its {option.field} twice.", "Each stands once.")
        takes = option.form != Form.NOTHING
        given[option.field] = _value(scanner, option.form, f"the {option.field} of {text}") if takes else option.value
    try:
        return word.kind(**given)  # pyright: ignore[reportArgumentType] - it checks its own values
    except SpecError as error:
        raise scanner.error(token, error.what, error.expected, error.remedy) from None


def _option(scanner: Scanner, text: str, word: Word) -> Option:
    """Take the next word, which must be an option of the layer."""
    for option in word.options:
        if scanner.takes(*option.word.split()):
            return option
    token = scanner.peek()
    words = [option.word for option in word.options]
    expected = f"It is written: {usage(text)}"
    if token.text.lower() in WORDS:
        raise scanner.error(token, f"{token} is no option of {text}.", expected, f"A comma before {token} is missing.")
    what = f"{token} is no option of {text}." if token.kind == "word" else f"{token} is one number too many."
    raise scanner.error(token, what, expected, nearest(token.text, words))


def _value(scanner: Scanner, form: Form, what: str) -> object:
    match form:
        case Form.COUNT:
            return whole(scanner, what)
        case Form.NUMBER:
            return number(scanner, what)
        case Form.KERNEL | Form.PAIR:
            return _pair(scanner, what, form)
        case Form.SIDES:
            first = _pair(scanner, what, form)
            if isinstance(first, int) and scanner.peek().kind == "number":
                return (first, *(whole(scanner, what, form) for _ in range(3)))
            return first
        case Form.TABLE:
            return tuple(_maps(scanner, piece) for piece in _inside(scanner, what, form))
        case Form.CENTRES:
            return _centres(scanner, what)
        case Form.NOTHING:
            return None
        case _:
            assert_never(form)


def whole(scanner: Scanner, what: str, form: Form = Form.COUNT, *, most: int = NUMBER) -> int:
    """Take a whole number of at most `most`."""
    token = scanner.take()
    if token.kind != "number" or not token.text.isdigit():
        raise _unexpected(scanner, token, what, form)
    if len(token.text) > DIGITS or int(token.text) > most:
        raise scanner.error(token, f"{what}: {token} is too large.", f"It may be {most:,} at most.", SEE)
    return int(token.text)


def number(scanner: Scanner, what: str) -> float:
    """Take a number."""
    token = scanner.take()
    if token.kind != "number":
        raise _unexpected(scanner, token, what, Form.NUMBER)
    _require_short(scanner, token)
    return float(token.text)


def _require_short(scanner: Scanner, token: Token) -> None:
    if len(token.text) > DIGITS:
        raise scanner.error(token, "a number that long.", f"It may have {DIGITS} characters at most.", SEE)


def nearest(word: str, known: Iterable[str]) -> str:
    """The remedy for an unknown word: the nearest known word, or the one that replaces another library's word.

    >>> nearest("cnv", ["conv", "max"]), nearest("Dense", ["linear"])
    ("Did you mean 'conv'?", "Did you mean 'linear'?")
    """
    known = list(known)
    other = OTHERS.get(word.lower(), "")
    close = get_close_matches(word.lower(), known, n=1, cutoff=0.5) if len(word) <= LONG else []
    near = [other] if other in known else close
    return f"Did you mean {near[0]!r}?" if near else ""


def _pair(scanner: Scanner, what: str, form: Form) -> int | tuple[int, int]:
    token = scanner.peek()
    if token.kind != "sizes":
        return whole(scanner, what, form)
    sizes = sizes_of(scanner, scanner.take(), what)
    if len(sizes) != 2:
        raise _unexpected(scanner, token, what, form)
    return sizes


def sizes_of(scanner: Scanner, token: Token, what: str) -> tuple[int, ...]:
    """The numbers of a size such as 3x5; none for any other token. Raises FormatError where one is too large."""
    parts = re.split("[x×]", token.text) if token.kind == "sizes" else []
    if any(len(part) > DIGITS or int(part) > NUMBER for part in parts):
        raise scanner.error(token, f"{what}: {token} is too large.", f"A size may be {NUMBER:,} at most.", SEE)
    return tuple(map(int, parts))


def _inside(scanner: Scanner, what: str, form: Form) -> list[Token]:
    """The pieces between parentheses."""
    opening = scanner.take()
    if opening.text != "(":
        raise _unexpected(scanner, opening, what, form)
    return scanner.inside(opening)


def _maps(scanner: Scanner, piece: Token) -> tuple[int, ...]:
    """A row of a table: 012 for the maps 0, 1 and 2, or with commas 0,10,12; one map of two digits is 12,"""
    if not re.fullmatch(r"[0-9]+|([0-9]{1,9},)+([0-9]{1,9})?", piece.text):
        raise scanner.error(piece, f"{piece} in a table.", f"It has {Form.TABLE.value}.")
    return tuple(int(each) for each in (piece.text.split(",") if "," in piece.text else piece.text) if each)


def _centres(scanner: Scanner, what: str) -> list[list[float]]:
    """Rows separated by semicolons, each of numbers, or of signs for 1 and −1."""
    rows: list[list[float]] = [[]]
    for piece in _inside(scanner, what, Form.CENTRES):
        for part in re.split("(;)", piece.text):
            if part == ";":
                rows.append([])
            elif re.fullmatch("[+-]+", part):
                rows[-1] += [1.0 if sign == "+" else -1.0 for sign in part]
            elif re.fullmatch(r"-?\d+(\.\d+)?([eE][+-]?\d+)?", part, re.ASCII):
                _require_short(scanner, Token("number", part, piece.start))
                rows[-1].append(float(part))
            elif part:
                raise scanner.error(piece, f"{piece} in the centres of RBF units.", f"Expected: {Form.CENTRES.value}.")
    return rows


def _unexpected(scanner: Scanner, token: Token, what: str, form: Form) -> FormatError:
    return scanner.error(token, f"{token} where {what} was expected.", f"It is {form.value}.")
