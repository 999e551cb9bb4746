"""Reads a network from the notation: one line on the command line, or a .net file of several lines.

    network = { header } sizes ":" layers
    header  = "name" (word | text) | "paper" text year | "place" text | "departure" text
    layers  = layer { ("," | new line) layer }
    layer   = [ name ":" ] [ count "*" ] ( simple | block | residual | gate | branches | auxiliary )
    simple  = word { value } { option }                        as `words` lists them
    block   = "(" layers ")"
    residual  = "residual" "(" layers [ "|" layers ] ")"       after the bar: the shortcut
    gate      = "gate" "(" layers ")"
    branches  = "branches" "(" [ layers ] { ";" [ layers ] } ")"       one without layers passes its input on
    auxiliary = "auxiliary" [ weight ] "(" layers ")"

A comment goes from # to the end of its line. A flatten that is missing before a linear layer, RBF units or a softmax is
inserted. docs/notation.md has examples of everything.
"""

from __future__ import annotations

import json
import re
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from typing import cast

from striate.description.checks import length
from striate.description.layers import (
    Auxiliary,
    Block,
    Branches,
    Gate,
    Layer,
    Residual,
    count,
)
from striate.description.limits import DEPTH, LAYERS, SEE, YEAR
from striate.description.network import Network, Source
from striate.description.notation.flatten import flattened
from striate.description.notation.layer import nearest, number, simple, sizes_of, whole
from striate.description.notation.scan import Scanner, Token
from striate.description.notation.words import HEADERS, NESTED, WORDS
from striate.errors import FormatError, SpecError

_SHAPE = "A network begins with its input, channels x height x width, and a colon: 3x32x32: conv 16 5x5, relu, ..."
_SEPARATOR = "Layers are set apart by commas or new lines."
_STANDS_IN = {
    "|": "It stands in residual(layers | shortcut) only.",
    ";": "It stands in branches(layers; layers) only.",
}
_EMPTY = "A branch without layers ends at once: branches(; layers), or branches(name: (); layers)."


def from_text(text: str, *, name: str = "network") -> Network:
    """The network that a text describes; `name` is its name where the text gives none.

    Raises FormatError with line and column, a mark under the place, and what was expected there.

    >>> net = from_text("3x32x32: conv 16 5x5 pad 2, relu, max 2, linear 10, softmax")
    >>> [type(layer).__name__ for layer in net.layers]
    ['Conv', 'Activation', 'Pool', 'Flatten', 'Linear', 'Softmax']
    """
    length(text)
    scanner = Scanner(text)
    name, source = _header(scanner, name)
    shape = _shape(scanner)
    layers = _layers(scanner, 1)
    token = scanner.peek()
    if token.kind != "end":
        raise scanner.error(token, f"{token} closes nothing.", _STANDS_IN.get(token.text, "Its '(' is missing."))
    try:
        flat, _ = flattened(layers, flat=False)
        return Network(name, shape, flat, source)
    except FormatError:
        raise
    except SpecError as error:
        raise FormatError(error.what, error.expected, error.remedy) from None


def _header(scanner: Scanner, name: str) -> tuple[str, Source | None]:
    given: dict[str, str] = {}
    departures: list[str] = []
    year = 0
    scanner.lines()
    first = scanner.peek()
    while (token := scanner.peek()).text.lower() in HEADERS:
        word = scanner.take().text.lower()
        if word in given:
            raise scanner.error(token, f"{token} stands twice.", "Only departures may be many.")
        content = _name(scanner) if word == "name" else _quoted(scanner, token)
        if word == "departure":
            departures.append(content)
        else:
            given[word] = content
        if word == "paper":
            year = whole(scanner, "the year of the paper", most=YEAR)
        scanner.lines()
    name = given.get("name", name)
    if "paper" in given:
        try:
            return name, Source(given["paper"], year, given.get("place", ""), tuple(departures))
        except SpecError as error:
            raise scanner.error(first, error.what, error.expected, error.remedy) from None
    if "place" in given or departures:
        raise scanner.error(first, "a place or a departure stands without a paper.", 'Give it: paper "title" 1998.')
    return name, None


def _name(scanner: Scanner) -> str:
    """A name: quoted, or words and numbers joined by hyphens."""
    token = scanner.peek()
    if token.kind == "text":
        return _quoted(scanner, token)
    found = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(-[A-Za-z0-9_]+)*").match(scanner.text, token.start)
    if found is None:
        raise scanner.error(token, f"the name is {token}.", 'It is a word, such as lenet5-dense, or quoted: "my net".')
    scanner.place = found.end()
    return found.group()


def _quoted(scanner: Scanner, header: Token) -> str:
    token = scanner.take()
    if token.kind != "text":
        raise scanner.error(token, f"{header.text} is {token}.", 'Its text stands in double quotes: "...".')
    try:
        return cast(str, json.loads(token.text))
    except ValueError:
        raise scanner.error(token, "a text with a backslash that means nothing.", "Texts are as in JSON.") from None


def _shape(scanner: Scanner) -> tuple[int, ...]:
    token = scanner.take()
    sizes = sizes_of(scanner, token, "the input")
    if len(sizes) != 3 or 0 in sizes:
        what = "there is no network." if token.kind == "end" else f"{token} is not the size of an input."
        raise scanner.error(token, what, _SHAPE)
    if not scanner.takes(":"):
        raise scanner.error(scanner.peek(), f"{scanner.peek()} where a colon was expected.", _SHAPE)
    return sizes


def _layers(scanner: Scanner, level: int) -> list[Layer]:
    """Read layers up to a closing mark or the end of the text."""
    layers: list[Layer] = []
    total = 0
    scanner.lines()
    start = scanner.peek()
    if level > DEPTH:
        raise scanner.error(start, f"layers that are {level} levels deep.", f"{DEPTH} is the most.", SEE)
    while True:
        found, number = _layer(scanner, level)
        total += number
        if total > LAYERS:
            raise scanner.error(start, "too many layers.", f"A network may hold {LAYERS:,} at most.", SEE)
        layers += found
        if _ends(scanner.peek()):
            return layers
        token = scanner.peek()
        if token.kind != "line" and token.text != ",":
            raise scanner.error(token, f"{token} follows a layer.", _SEPARATOR)
        scanner.lines()
        comma = scanner.takes(",")
        scanner.lines()
        if not comma and _ends(scanner.peek()):
            return layers


def _ends(token: Token) -> bool:
    return token.kind == "end" or token.text in (")", "|", ";")


def _layer(scanner: Scanner, level: int) -> tuple[list[Layer], int]:
    """Read one layer, repeated by the count before it; return the layers and their number, nested layers included."""
    token, name = scanner.peek(), ""
    if token.kind == "word" and scanner.takes(token.text, ":"):
        name = token.text
    first = scanner.peek()
    if first.kind != "number" or not scanner.follows(first.text, "*"):
        layer = _named(scanner, token, _kind(scanner, level), name)
        return [layer], count(layer)
    times = whole(scanner, "the number before '*'", most=LAYERS)
    scanner.take()
    layer = _kind(scanner, level)
    if times == 0:
        raise scanner.error(first, "a layer that stands there 0 times.", "The number before '*' is at least 1.")
    total = times * count(layer)
    if total > LAYERS:
        raise scanner.error(first, f"{total:,} layers.", f"A network may hold {LAYERS:,} at most.", SEE)
    names = [f"{name}{number}" if name else "" for number in range(1, times + 1)]
    return [_named(scanner, token, layer, each) for each in names], total


def _named(scanner: Scanner, token: Token, layer: Layer, name: str) -> Layer:
    with _at(scanner, token):
        return replace(layer, name=name) if name else layer


@contextmanager
def _at(scanner: Scanner, token: Token) -> Generator[None]:
    """Turn errors that a layer raises about its values into errors at the place of a token."""
    try:
        yield
    except FormatError:
        raise
    except SpecError as error:
        raise scanner.error(token, error.what, error.expected, error.remedy) from None


def _kind(scanner: Scanner, level: int) -> Layer:
    token = scanner.take()
    word = token.text.lower()
    if word == "(":
        layers = _layers(scanner, level + 1)
        _close(scanner, token)
        with _at(scanner, token):
            return Block(layers)
    if word in NESTED:
        return _nested(scanner, token, level)
    if token.kind == "word" and word in WORDS:
        return simple(scanner, token)
    if token.kind == "word":
        expected = f"The layers are: {', '.join([*WORDS, *NESTED])}; and ( ) for a block."
        raise scanner.error(token, f"{token} is no layer.", expected, nearest(token.text, [*WORDS, *NESTED]))
    raise scanner.error(token, f"{token} where a layer was expected.", "Such as: conv 16 5x5 pad 2.")


def _nested(scanner: Scanner, token: Token, level: int) -> Layer:
    """Read a residual, a gate, branches or an auxiliary head, whose word has already been taken."""
    word = token.text.lower()
    weight = number(scanner, "the weight") if word == "auxiliary" and scanner.peek().kind == "number" else 0.3
    opening = scanner.take()
    if opening.text != "(":
        raise scanner.error(opening, f"{opening} after {token}.", f"Its layers stand in parentheses: {word}(...).")
    parts = [_part(scanner, word, level + 1)]
    between = {"residual": "|", "branches": ";"}.get(word)
    while between is not None and scanner.peek().text == between:
        bar = scanner.take()
        if word == "residual" and len(parts) == 2:
            raise scanner.error(bar, "a residual with two bars.", "It has a body and one shortcut.")
        parts.append(_part(scanner, word, level + 1))
    _close(scanner, opening)
    if word == "branches" and len(parts) == 1:
        raise scanner.error(token, "branches of which there is one.", "At least two, set apart by ';'.")
    with _at(scanner, token):
        if word == "residual":
            return Residual(parts[0], shortcut=parts[1] if len(parts) == 2 else ())
        if word == "auxiliary":
            return Auxiliary(parts[0], weight=weight)
        if word == "gate":
            return Gate(parts[0])
        return Branches([part[0] if len(part) == 1 and isinstance(part[0], Block) else Block(part) for part in parts])


def _part(scanner: Scanner, word: str, level: int) -> list[Layer]:
    """Read the layers of one part of a nested layer; only a part of branches may have none."""
    if word == "branches":
        scanner.lines()
        if scanner.peek().text in (";", ")"):
            return []
        if empty := _empty(scanner):
            return [empty]
    return _layers(scanner, level)


def _empty(scanner: Scanner) -> Block | None:
    """Take a named branch without layers, `before: ()`; None where the text goes on differently."""
    begun, token = scanner.place, scanner.peek()
    name = token.text if token.kind == "word" and scanner.takes(token.text, ":") else ""
    if scanner.takes("("):
        scanner.lines()
        if scanner.takes(")"):
            scanner.lines()
            return Block([], name=name)
    scanner.place = begun
    return None


def _close(scanner: Scanner, opening: Token) -> None:
    token = scanner.take()
    if token.kind == "end":
        raise scanner.error(opening, "'(' is never closed.", "A ')' closes it.")
    if token.text != ")":
        raise scanner.error(token, f"{token} where a ')' was expected.", _STANDS_IN.get(token.text, _EMPTY))
