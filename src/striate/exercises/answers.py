"""Answers as people type them."""

from __future__ import annotations

import re

from striate.exercises.topics import Topic

SHOWN: dict[Topic, str] = {
    "size": "three sizes, such as 16x14x14",
    "parameters": "a whole number, such as 1216",
    "macs": "a whole number, such as 1216",
    "field": "a whole number, such as 14",
}
"""For each topic what an answer looks like."""


def read_answer(topic: Topic, text: str) -> tuple[int, ...] | None:
    """The numbers of an answer, None where it has not the form of one. Groups of digits may be set apart.

    >>> read_answer("size", "16 × 14x14"), read_answer("size", "16, 14, 14"), read_answer("size", "16x14")
    ((16, 14, 14), (16, 14, 14), None)
    >>> read_answer("macs", "1,216"), read_answer("macs", " 1 216 "), read_answer("macs", "about 1200")
    ((1216,), (1216,), None)
    """
    text = text.strip()
    if topic == "size":
        found = re.fullmatch(
            r"\(?\s*([0-9]{1,9})\s*[x×*,; ]\s*([0-9]{1,9})\s*[x×*,; ]\s*([0-9]{1,9})\s*\)?", text, re.I
        )
        return tuple(map(int, found.groups())) if found else None
    plain = text if re.fullmatch(r"[0-9]+", text) else _joined(text)
    return (int(plain),) if plain and len(plain) <= 15 else None


def _joined(text: str) -> str:
    """The digits of a number in groups of three, with one separator throughout; "" for anything else."""
    grouped = re.fullmatch(r"[0-9]{1,3}(?:([,. _'])[0-9]{3})(?:\1[0-9]{3})*", text)
    return re.sub(r"[^0-9]", "", text) if grouped else ""
