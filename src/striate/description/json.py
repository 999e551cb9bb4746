"""Network <-> JSON.

A field that has its default value is left out; the defaults belong to the version of the format. An unknown version,
kind or key is an error that names its place in the file; nothing is skipped.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import MISSING, fields
from typing import cast

from striate.description import checks, limits
from striate.description.layers import KINDS, Block, Layer, kind
from striate.description.network import Network, Source
from striate.errors import FormatError, SpecError, quote

FORMAT = "striate-network"
VERSION = 1

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
_NESTED = ("layers", "shortcut", "branches")
_DEPTH = f"Layers may stand inside layers {limits.DEPTH} levels deep."


def to_json(network: Network) -> str:
    """The JSON text of a network; `from_json` gives back an equal value, and the same text again."""
    return dump(to_dict(network)) + "\n"


def from_json(text: str) -> Network:
    """The network that a JSON text describes. Raises FormatError, which names the place of the error.

    Example: `from_json(to_json("lenet5"))` equals `find("lenet5")`.
    """
    checks.length(text)
    try:
        document = json.loads(
            text, object_pairs_hook=_no_twice, parse_constant=_no_constant, parse_int=_whole, parse_float=_number
        )
    except json.JSONDecodeError as error:
        raise FormatError(f"not JSON: {error}.", "A network is kept as a JSON object.") from None
    except RecursionError:
        raise FormatError("lists inside lists, too many.", _DEPTH, limits.SEE) from None
    return from_dict(document)


def to_dict(network: Network) -> dict[str, Json]:
    """The network as plain dictionaries and lists."""
    document: dict[str, Json] = {"format": FORMAT, "version": VERSION, "name": network.name}
    document["input"] = list(network.input)
    if network.source is not None:
        document["source"] = _value_fields(network.source)
    document["layers"] = [_layer_to_dict(layer) for layer in network.layers]
    return document


def from_dict(document: Json) -> Network:
    """The network of plain dictionaries and lists, as `to_dict` gives them."""
    top = _object(document, "the file")
    if top.get("format") != FORMAT:
        raise FormatError(
            f"format is {quote(top.get('format'))}.", f'A network\'s file begins with "format": "{FORMAT}".'
        )
    if top.get("version") != VERSION or type(top.get("version")) is not int:
        raise FormatError(
            f"version is {quote(top.get('version'))}.",
            f"This Striate reads version {VERSION}.",
            "A newer file needs a newer Striate.",
        )
    _known(top, {"format", "version", "name", "input", "source", "layers"}, "the file")
    for key in ("name", "input", "layers"):
        if key not in top:
            raise FormatError(f"{key} is missing.", "A network has a name, an input and layers.")
    if not isinstance(top["name"], str):
        raise FormatError(f"name is {quote(top['name'])}.", "It must be a word.")
    source = _source(top["source"]) if "source" in top else None
    layers = _layers(top["layers"], "layers", 1)
    try:
        return Network(top["name"], cast("tuple[int, ...]", top["input"]), layers, source)
    except SpecError as error:
        raise FormatError(error.what, error.expected, error.remedy) from None


def dump(value: Json, indent: int = 0) -> str:
    """JSON text with one line per member; a list of plain values takes one line.

    >>> print(dump({"a": [1, 2], "b": {"c": None}}))
    {
      "a": [1, 2],
      "b": {
        "c": null
      }
    }
    """
    inner, outer = "  " * (indent + 1), "  " * indent
    if isinstance(value, dict) and value:
        lines = [f"{inner}{json.dumps(key)}: {dump(each, indent + 1)}" for key, each in value.items()]
        return "{\n" + ",\n".join(lines) + f"\n{outer}}}"
    if isinstance(value, list) and any(isinstance(each, (list, dict)) for each in value):
        return "[\n" + ",\n".join(inner + dump(each, indent + 1) for each in value) + f"\n{outer}]"
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _layer_to_dict(layer: Layer) -> dict[str, Json]:
    return {"kind": kind(layer), **_value_fields(layer)}


def _value_fields(value: Layer | Source) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for field in fields(value):
        content = getattr(value, field.name)
        if content != field.default or field.default is MISSING:
            found[field.name] = _plain(content, nested=field.name in _NESTED)
    return found


def _plain(content: object, *, nested: bool) -> Json:
    if nested:
        return [_layer_to_dict(layer) for layer in cast("tuple[Layer, ...]", content)]
    if isinstance(content, tuple):
        return [_plain(each, nested=False) for each in cast("tuple[object, ...]", content)]
    return cast(Json, content)


def _layers(value: Json, place: str, level: int) -> list[Layer]:
    if not isinstance(value, list):
        raise FormatError(f"{place} is {quote(value)}.", "It must be a list of layers.")
    if level > limits.DEPTH:
        raise FormatError(f"{place} is {level} levels deep.", _DEPTH, limits.SEE)
    return [_layer(each, f"{place}[{number}]", level) for number, each in enumerate(value)]


def _layer(value: Json, place: str, level: int) -> Layer:
    members = _object(value, place)
    word = members.get("kind")
    if not isinstance(word, str) or word not in KINDS:
        raise FormatError(f"{place}.kind is {quote(word)}.", f"The kinds are: {', '.join(KINDS)}.")
    layer_type = KINDS[word]
    known = fields(layer_type)
    _known(members, {"kind"} | {field.name for field in known}, place)
    arguments: dict[str, object] = {}
    for field in known:
        if field.name in members:
            content = members[field.name]
            inner = f"{place}.{field.name}"
            arguments[field.name] = _layers(content, inner, level + 1) if field.name in _NESTED else content
        elif field.default is MISSING:
            raise FormatError(f"{place}.{field.name} is missing.", f"A {word} needs it.")
    if layer_type.__name__ == "Branches" and not all(isinstance(each, Block) for each in _list(arguments["branches"])):
        raise FormatError(f"{place}.branches holds a layer that is no block.", "Each branch must be a block.")
    try:
        make = cast("Callable[..., Layer]", layer_type)
        return make(**arguments)
    except (SpecError, TypeError) as error:
        if not isinstance(error, SpecError):
            raise FormatError(f"{place}: {error}") from None
        raise FormatError(f"{place}: {error.what}", error.expected, error.remedy) from None


def _source(value: Json) -> Source:
    members = _object(value, "source")
    _known(members, {field.name for field in fields(Source)}, "source")
    if "paper" not in members or "year" not in members:
        raise FormatError(
            "source is not complete.", "It has a paper (text), a year (number), and may have place and departures."
        )
    try:
        return Source(**members)  # pyright: ignore[reportArgumentType] - it checks its own values
    except SpecError as error:
        raise FormatError(f"source: {error.what}", error.expected, error.remedy) from None


def _list(value: object) -> list[object]:
    return list(cast("list[object]", value)) if isinstance(value, (list, tuple)) else [None]


def _object(value: Json, place: str) -> dict[str, Json]:
    if not isinstance(value, dict):
        raise FormatError(f"{place} is not a JSON object.", 'It must look like {"kind": ...}, with named members.')
    return value


def _known(members: dict[str, Json], names: set[str], place: str) -> None:
    for key in members:
        if key not in names:
            prefix = "" if place == "the file" else f"{place}."
            raise FormatError(
                f"{prefix}{key if key.isidentifier() else quote(key)} is an unknown key.",
                f"Known here: {', '.join(sorted(names))}.",
            )


def _no_twice(members: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(members)
    if len(found) != len(members):
        twice = next(key for key, times in Counter(key for key, _ in members).items() if times > 1)
        raise FormatError(f"the key {quote(twice)} is given twice in one object.", "Each key stands once.")
    return found


def _whole(word: str) -> int:
    return int(_written(word))


def _number(word: str) -> float:
    return float(_written(word))


def _written(word: str) -> str:
    """The text of a number. Refuses a long one, because Python reads no whole number of more than 4,300 digits."""
    if len(word) > limits.DIGITS:
        what = f"a number is written with {len(word):,} characters: {word[:12]}…"
        raise FormatError(what, f"It may have {limits.DIGITS} at most.", limits.SEE)
    return word


def _no_constant(word: str) -> Json:
    raise FormatError(f"{word} is not a number that JSON has.", "Numbers are finite.")
