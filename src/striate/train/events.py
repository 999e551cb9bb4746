"""Reads the events of a run, one JSON object per line, strictly: members must be present and of their types."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from striate.errors import FormatError, RunError
from striate.train.members import Members, parsed

Event = dict[str, Any]


def read_events(path: Path) -> list[Event]:
    """The events in a file; none where there is no file.

    A line that is no JSON was cut off by a crash, and is left out. Raises RunError, with the line and the member, for
    an event that Striate does not write.
    """
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return []
    except OSError as problem:
        raise RunError(f"{path} cannot be read: {problem.strerror}.", "It is a file of JSON, a line each.") from None
    found: list[Event] = []
    for number, line in enumerate(lines, 1):
        try:
            value = parsed(line.decode("utf-8"))
        except ValueError:
            continue
        try:
            found.append(event_of(value))
        except FormatError as error:
            raise RunError(
                f"{path}, line {number}: {error.what}",
                error.expected,
                "Put it right, or take the line out: nothing but reports reads it.",
            ) from None
    return found


def event_of(value: object, place: str = "") -> Event:
    """An event whose members are checked. Raises FormatError, with the member's place, where one has a wrong type."""
    event = Members.of(value, place)
    match event.text("event"):
        case "epoch":
            event.whole("epoch", least=1)
            for key in ("accuracy", "train_accuracy"):
                event.number(key, least=0, most=1)
            for key in ("loss", "seconds"):
                event.number(key)
            for key in ("validation_loss", "temperature", "rate", "images_per_second"):
                if key in event.values:  # runs of older versions, and reproductions, have fewer
                    event.number(key)
            if event.values.get("balanced_accuracy") is not None:  # of even classes there is none
                event.number("balanced_accuracy", least=0, most=1)
            if "missed" in event.values:
                event.wholes("missed")
        case "profile":
            event.whole("epoch")
            seconds = event.within("seconds")
            for key in seconds.values:
                seconds.number(key, least=0)
            if "decoded" in event.values:
                decoded = event.within("decoded")
                decoded.whole("images")
                decoded.number("seconds", least=0)
                decoded.whole("workers", least=1)
        case "warning":
            for key in ("what", "cause", "remedy"):
                event.text(key, lines=True)
        case "evaluated":
            if event.values.get("answered"):  # runs of older versions have none
                answered = event.within("answered")
                answered.text("kernels")
                for key in ("batch", "threads"):
                    answered.whole(key, least=1)
                milliseconds = answered.within("milliseconds")
                for key in milliseconds.values:
                    milliseconds.number(key, least=0)
        case "finished":
            event.text("why")
            event.whole("epoch")
            event.number("accuracy")
        case _:
            pass
    return dict(event.values)
