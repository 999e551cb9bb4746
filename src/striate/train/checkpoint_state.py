"""Reads the JSON state of a checkpoint strictly: the position of the training, its epochs, and the best of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from striate.errors import FormatError, RunError
from striate.train.events import Event, event_of
from striate.train.members import Members

LEAST_TEMPERATURE, MOST_TEMPERATURE = 1e-6, 1e6
"""The bounds of temperatures; calibration gives none beyond them."""


@dataclass(frozen=True)
class Progress:
    """The state of last.safetensors: the learner's `position`, the `history` of epochs, and the `best` of them.

    `gradient` is the norm of the first step's gradients; None before it was looked at, and in older files.
    """

    position: Mapping[str, Any]
    history: list[Event]
    best: dict[str, Any]
    gradient: float | None = None


def progress_of(state: Mapping[str, Any], *, where: Path) -> Progress:
    """The state of a training that is resumed. Raises RunError, with the file and the member, where it is wrong."""
    try:
        members = Members.of(state, "state")
        history = members.values.get("history")
        if not isinstance(history, list):
            raise FormatError("state.history is no list.", "It must list the epochs.")
        best = members.within("best")
        best.whole("epoch")
        best.number("accuracy", least=-1, most=1)
        if best.values.get("balanced_accuracy") is not None:  # even classes have none
            best.number("balanced_accuracy", least=0, most=1)
        if "temperature" in best.values:
            best.number("temperature", least=LEAST_TEMPERATURE, most=MOST_TEMPERATURE)
        position = members.within("position").values
        epochs = [event_of(each, f"state.history[{at}]") for at, each in enumerate(history)]
        for at, each in enumerate(epochs):
            if "epoch" not in each:
                raise FormatError(f"state.history[{at}] is no epoch.", "The history lists epochs.")
        gradient = members.number("gradient", least=0) if members.values.get("gradient") is not None else None
        return Progress(position, epochs, dict(best.values), gradient)
    except FormatError as error:
        raise misread(where, error) from None


def position_of(position: Mapping[str, Any], *, like: Mapping[str, int | float], where: Path) -> dict[str, int | float]:
    """The members of a position, with the names and types of `like`, that of a new training. Raises RunError."""
    members = Members.of(position, "state.position")
    try:
        return {
            key: members.whole(key) if type(own) is int else members.number(key, least=-1) for key, own in like.items()
        }
    except FormatError as error:
        raise misread(where, error) from None


def temperature_kept(state: Mapping[str, Any], *, where: Path) -> float:
    """The temperature of the weights in best.safetensors; 1 where the file has none. Raises RunError."""
    if "temperature" not in state:
        return 1.0
    try:
        return Members(state, "state").number("temperature", least=LEAST_TEMPERATURE, most=MOST_TEMPERATURE)
    except FormatError as error:
        raise misread(where, error) from None


def misread(where: Path, error: FormatError) -> RunError:
    """The error for a checkpoint whose state cannot be read."""
    return RunError(
        f"{where} is damaged: {error.what}",
        error.expected,
        "Take the file from a copy, or train anew: striate train NETWORK --out ANOTHER_FOLDER.",
    )
