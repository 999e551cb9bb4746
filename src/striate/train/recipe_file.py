"""A recipe as a file that a person writes, TOML or JSON, and single numbers of it as they are set in a command."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

from striate.errors import FormatError, SpecError, quote
from striate.train.recipe import Recipe, recipe_from_dict

MOST_BYTES = 2**20
"""The largest size of a recipe's file."""
SUFFIXES = (".toml", ".json")
_EXPECTED = "A recipe is a name, a TOML file or a JSON file."


def read_recipe(file: str) -> Recipe:
    """The recipe in a TOML or JSON file: what it names, and defaults. Raises SpecError, with the file."""
    try:
        return recipe_from_dict(_members(file))
    except SpecError as error:
        raise error.at(file) from None


def with_settings(recipe: Recipe, settings: Iterable[str]) -> Recipe:
    """The recipe with some members set, each as NAME=VALUE; those of its augmentation are augmentation.NAME.

    A value is written as in TOML; words need no quotes. Raises SpecError for a name or a value that is none.

    >>> found = with_settings(Recipe(), ["rate=0.02", "schedule=steps", "drops=[0.5, 0.75]", "augmentation.flip=true"])
    >>> found.rate, found.schedule, found.drops, found.augmentation.flip
    (0.02, 'steps', (0.5, 0.75), True)
    """
    members = recipe.to_dict()
    for text in settings:
        name, equals, value = (part.strip() for part in text.partition("="))
        if not equals or not name or not value:
            raise FormatError(
                f"{quote(text)} sets nothing.", "A setting is NAME=VALUE.", "Such as rate=0.02 or augmentation.shift=4."
            )
        table, _, member = name.rpartition(".")
        if table not in ("", "augmentation"):
            raise FormatError(f"{quote(table)} has no members.", "Only the augmentation of a recipe has some.")
        target = members["augmentation"] if table else members
        if not isinstance(target, dict):
            return recipe_from_dict(members)  # raises: an earlier setting has replaced the table
        target[member] = _value(value)
    return recipe_from_dict(members)


def recipe_text(recipe: Recipe) -> str:
    """Every member of a recipe as TOML, which `read_recipe` reads back.

    >>> print(recipe_text(Recipe())[:42])
    epochs = 8
    batch = 128
    optimiser = "adamw"
    """
    members = asdict(recipe)
    augmentation = cast("dict[str, Any]", members.pop("augmentation"))
    lines = [f"{name} = {_written(value)}" for name, value in members.items() if value is not None]
    changes = [f"{name} = {_written(value)}" for name, value in augmentation.items()]
    return "\n".join([*lines, "", "[augmentation]", *changes, ""])


def _members(file: str) -> object:
    try:
        with Path(file).open("rb") as stream:
            content = stream.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise FormatError(f"is longer than {MOST_BYTES // 2**20} MiB.", "A recipe is a small file.")
        text = content.decode("utf-8")
        if file.endswith(".toml"):
            return tomllib.loads(text)
        return json.loads(text, object_pairs_hook=_once)
    except OSError as problem:
        raise FormatError(f"cannot be read: {problem.strerror}.", _EXPECTED) from None
    except SpecError:
        raise
    except RecursionError:
        raise FormatError("is nested too deeply.", "A recipe holds numbers and words.") from None
    except ValueError as problem:  # also numbers of thousands of digits, and names with a NUL
        kind = "TOML" if file.endswith(".toml") else "JSON"
        raise FormatError(f"not {kind}: {str(problem).rstrip('.')}.", _EXPECTED) from None


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """The members of a JSON object, none of which may occur twice."""
    members: dict[str, object] = {}
    for key, value in pairs:
        if key in members:
            raise FormatError(f"{key!r:.60} stands twice.", "Each member stands once.", "Leave one out.")
        members[key] = value
    return members


def _value(text: str) -> object:
    """A value of TOML, or the text itself where it is none."""
    try:
        found: Mapping[str, object] = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):
        return text
    return found["value"] if len(found) == 1 else text


def _written(value: object) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(_written(each) for each in cast('tuple[object, ...]', value))}]"
    return json.dumps(value) if isinstance(value, (str, bool)) else repr(value)
