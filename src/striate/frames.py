"""Rows as a data frame of pandas or polars, whichever is installed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

from striate.errors import RequirementError, unknown_name

LIBRARIES = ("pandas", "polars")


def frame_of(rows: Sequence[Mapping[str, object]], library: str | None = None) -> Any:
    """The rows as a DataFrame of a library, without one of the first that is installed; objects become columns.

    Raises RequirementError where it is not installed, and UnknownNameError for another library.
    """
    if library is not None and library not in LIBRARIES:
        raise unknown_name("data frame library", library, LIBRARIES)
    for name in LIBRARIES if library is None else (library,):
        try:
            module = import_module(name)
        except ImportError:
            continue
        return module.DataFrame([flat(row) for row in rows])
    wanted = library or " or ".join(LIBRARIES)
    raise RequirementError(
        f"{wanted} is not installed.",
        "A frame is a DataFrame of pandas or of polars.",
        f"Install it: pip install {library or LIBRARIES[0]}",
    )


def flat(row: Mapping[str, object]) -> dict[str, object]:
    """A row whose objects are columns of their own.

    >>> flat({"epoch": 1, "field": {"size": [3, 3], "jump": [1, 1]}})
    {'epoch': 1, 'field_size': [3, 3], 'field_jump': [1, 1]}
    """
    found: dict[str, object] = {}
    for key, value in row.items():
        if isinstance(value, Mapping):
            members: Mapping[str, object] = value  # pyright: ignore[reportUnknownVariableType]
            found |= {f"{key}_{name}": each for name, each in flat(members).items()}
        else:
            found[key] = value
    return found
