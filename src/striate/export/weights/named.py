"""The names of the classes: from a file of names, from the file of weights, or numbers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from striate.description.labels import is_name, one_line
from striate.errors import WeightsError
from striate.export.weights.reading import WeightsFile, small_json
from striate.wording import counted

MEMBERS = ("classes", "class_names", "label_names", "labels", "id2label", "idx_to_class")
"""The members of a checkpoint, or of safetensors' texts, that may have the names in the order of the outputs."""
BY_NAME = "class_to_idx"
"""The member that has each name's number, as torchvision's ImageFolder makes it."""
LONGEST = 2**20


def classes_of(file: WeightsFile, count: int, *, given: Path | None, config: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of `count` classes: those of the file `given`, of the weights, of a timm `config`, or numbers.

    Raises WeightsError where `given` has others in number, or one twice; names in a file of weights that do not fit are
    passed over.
    """
    if given is not None:
        return _checked(read_names(given), count, where=str(given))
    for members in (file.others, config):
        for key in (*MEMBERS, BY_NAME):
            found = _in_order(_parsed(members.get(key)), by_name=key == BY_NAME)
            if found is not None and len(found) == count and _sound(found):
                return found
    return tuple(f"class {number}" for number in range(count))


def read_names(path: Path) -> tuple[str, ...]:
    """The names in a file: one a line, or JSON: a list, or an object of numbers and names either way round."""
    if path.suffix.lower() == ".json":
        value = small_json(path, "A file of names")
        names = _in_order(value, by_name=isinstance(value, dict) and not (_numbers(value) and _texts(value)))
        if names is None:
            raise WeightsError(
                "has no names of classes.",
                'It must be a list such as ["cat", "dog"], or an object such as {"0": "cat", "1": "dog"}.',
                where=str(path),
            )
        return names
    try:
        if path.stat().st_size > LONGEST:
            raise WeightsError(f"has {path.stat().st_size:,} bytes.", "Names have a million at most.", where=str(path))
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as problem:
        expected = "It has a name in each line, or is JSON."
        raise WeightsError(f"cannot be read: {one_line(str(problem))}.", expected, where=str(path)) from None
    return tuple(line.strip() for line in text.splitlines() if line.strip())


def _checked(names: tuple[str, ...], count: int, *, where: str) -> tuple[str, ...]:
    if len(names) != count:
        raise WeightsError(
            f"has {counted(len(names), 'name')} for {counted(count, 'class')}.",
            "The file of weights has an output for each class.",
            "Name every class, in the order of the outputs.",
            where=where,
        )
    if not _sound(names):
        twice = next((name for name in names if names.count(name) > 1), "")
        what = f"names {one_line(twice)!r} twice." if twice else "has a name that is no line of text."
        raise WeightsError(what, "Every class has a name of its own.", where=where)
    return names


def _sound(names: tuple[str, ...]) -> bool:
    return len(set(names)) == len(names) and all(map(is_name, names))


def _parsed(value: object) -> object:
    """A value of safetensors' texts, which may be JSON."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value) if len(value) <= LONGEST else None
    except (ValueError, RecursionError):
        return None


def _texts(members: Mapping[Any, Any]) -> bool:
    return all(isinstance(value, str) for value in members.values())


def _numbers(members: Mapping[Any, Any]) -> bool:
    return all(isinstance(key, int) or (isinstance(key, str) and key.isdecimal()) for key in members)


def _in_order(value: object, *, by_name: bool) -> tuple[str, ...] | None:
    """The names of a list, or of an object of numbers and names; None for anything else."""
    if isinstance(value, Mapping):
        members = cast("Mapping[Any, Any]", value)
        pairs = [(number, name) for name, number in members.items()] if by_name else list(members.items())
        if not all(isinstance(name, str) and _numbers({number: 0}) for number, name in pairs):
            return None
        ordered = sorted((int(number), name) for number, name in pairs)
        return tuple(name for _, name in ordered) if [at for at, _ in ordered] == list(range(len(ordered))) else None
    if isinstance(value, (list, tuple)):
        names = cast("list[object]", value)
        return tuple(cast("list[str]", names)) if all(isinstance(name, str) for name in names) else None
    return None
