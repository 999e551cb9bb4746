"""Writes a network in the notation."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import assert_never, cast

from striate.description.layers import Auxiliary, Block, Branches, Gate, Layer, Residual, Simple
from striate.description.network import Network, branches_of
from striate.description.notation.words import WORDS, Form, defaults, word_for

_INDENT = "  "


def to_text(network: Network, *, one_line: bool = False) -> str:
    """The notation of a network, one layer per line or all on one line; `from_text` gives back an equal value.

    >>> from striate.description.layers import Activation, Conv, Flatten, Linear
    >>> net = Network("tiny", (1, 8, 8), [Conv(4, kernel=3, name="C1"), Activation("relu"), Flatten(), Linear(10)])
    >>> to_text(net, one_line=True)
    'name tiny 1x8x8: C1: conv 4 3x3, relu, flatten, linear 10'
    """
    header = list(_header(network))
    shape = "x".join(map(str, network.input)) + ":"
    if one_line:
        return " ".join([*header, shape, _row(network.layers)])
    return "\n".join([*header, shape, *_lines(network.layers, "")]) + "\n"


def _header(network: Network) -> Iterator[str]:
    plain = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*(-[A-Za-z0-9_]+)*", network.name)
    yield f"name {network.name if plain else _quoted(network.name)}"
    source = network.source
    if source is not None:
        yield f"paper {_quoted(source.paper)} {source.year}"
        if source.place:
            yield f"place {_quoted(source.place)}"
        for departure in source.departures:
            yield f"departure {_quoted(departure)}"


def _lines(layers: Sequence[Layer], indent: str, end: str = "") -> Iterator[str]:
    """A line for each layer, the last with `end` after it; nested layers are indented."""
    inner = indent + _INDENT
    for place, layer in enumerate(layers, 1):
        after = end if place == len(layers) else ""
        head = f"{indent}{layer.name}: " if layer.name else indent
        match layer:
            case Block():
                yield f"{head}("
                yield from _lines(layer.layers, inner)
                yield f"{indent}){after}"
            case Residual():
                yield f"{head}residual("
                yield from _lines(layer.layers, inner)
                if layer.shortcut:
                    yield f"{indent}|"
                    yield from _lines(layer.shortcut, inner)
                yield f"{indent}){after}"
            case Gate():
                yield f"{head}gate("
                yield from _lines(layer.layers, inner)
                yield f"{indent}){after}"
            case Branches():
                yield f"{head}branches("
                blocks = list(branches_of(layer).values())
                for number, block in enumerate(blocks, 1):
                    mark = ";" if number < len(blocks) else ""
                    yield from _lines(_branch(block), inner, mark) if _branch(block) else [f"{inner}{mark}"]
                yield f"{indent}){after}"
            case Auxiliary():
                yield f"{head}auxiliary {_number(layer.weight)} ("
                yield from _lines(layer.layers, inner)
                yield f"{indent}){after}"
            case _:
                yield head + spelling(layer, indent) + after


def _row(layers: Sequence[Layer]) -> str:
    return ", ".join(_one(layer) for layer in layers)


def _one(layer: Layer) -> str:
    return (f"{layer.name}: " if layer.name else "") + _nested(layer)


def _nested(layer: Layer) -> str:
    match layer:
        case Block():
            return f"({_row(layer.layers)})"
        case Residual():
            return f"residual({_row(layer.layers)}{f' | {_row(layer.shortcut)}' if layer.shortcut else ''})"
        case Gate():
            return f"gate({_row(layer.layers)})"
        case Branches():
            return f"branches({'; '.join(_row(_branch(block)) for block in branches_of(layer).values())})"
        case Auxiliary():
            return f"auxiliary {_number(layer.weight)} ({_row(layer.layers)})"
        case _:
            return spelling(layer)


def _branch(block: Block) -> Sequence[Layer]:
    """The layers to write for a branch: its layers, or the block itself where it has a name or holds a single block.

    Without its own parentheses, a branch that holds one block would be read as that block.
    """
    alone = len(block.layers) == 1 and isinstance(block.layers[0], Block)
    return [block] if block.name or alone else block.layers


def spelling(layer: Simple, indent: str | None = None) -> str:
    """The notation of a layer: its values, and the options that differ from their defaults."""
    text = word_for(layer)
    word = WORDS[text]
    usual = defaults(layer, word)
    for value in word.values:
        content = getattr(layer, value.field)
        if value.required or content != usual[value.field]:
            text += f"{'' if value.form == Form.CENTRES else ' '}{_value(content, value.form, indent)}"
    for option in word.options:
        content = getattr(layer, option.field)
        if content == usual[option.field] or (content == "same") is not (option.value == "same"):
            continue
        written = _value(content, option.form, indent)
        gap = "" if option.form in (Form.NOTHING, Form.TABLE) or option.word == "/" else " "
        text += f" {option.word}{gap}{written}"
    return text


def _value(content: object, form: Form, indent: str | None) -> str:
    match form:
        case Form.COUNT:
            return str(content)
        case Form.NUMBER:
            return _number(cast(float, content))
        case Form.KERNEL:
            return "x".join(map(str, cast("tuple[int, int]", content)))
        case Form.PAIR:
            return _pair(*cast("tuple[int, int]", content))
        case Form.SIDES:
            top, bottom, left, right = cast("tuple[int, int, int, int]", content)
            even = top == bottom and left == right
            return _pair(top, left) if even else f"{top} {bottom} {left} {right}"
        case Form.TABLE:
            return f"({' '.join(map(_maps, cast('tuple[tuple[int, ...], ...]', content)))})"
        case Form.CENTRES:
            rows = list(map(_centre, cast("tuple[tuple[float, ...], ...]", content)))
            if indent is None:
                return f"({'; '.join(rows)})"
            inner = "\n" + indent + _INDENT
            return f"({inner}{f';{inner}'.join(rows)}\n{indent})"
        case Form.NOTHING:
            return ""
        case _:
            assert_never(form)


def _number(value: float) -> str:
    return repr(value).removesuffix(".0")


def _pair(height: int, width: int) -> str:
    return str(height) if height == width else f"{height}x{width}"


def _maps(row: tuple[int, ...]) -> str:
    """The maps of one filter: their digits, or with commas where one has two digits."""
    if all(each < 10 for each in row):
        return "".join(map(str, row))
    return ",".join(map(str, row)) + ("," if len(row) == 1 else "")


def _centre(row: tuple[float, ...]) -> str:
    """The centre of one unit: signs where all its values are 1 and −1, else numbers."""
    if set(row) <= {1.0, -1.0}:
        return "".join("+" if each > 0 else "-" for each in row)
    return " ".join(map(_number, row))


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
