"""The network that docs/developer/source-text.md follows is written as the page shows."""

from __future__ import annotations

import re
from pathlib import Path

from striate.description.notation.reading import from_text
from striate.emit.source import source
from striate.emit.source.parts import parts

PAGE = (Path(__file__).parents[2] / "docs/developer/source-text.md").read_text(encoding="utf-8")
TEXT, PYTHON = re.findall(r"^```\w*\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_its_source_is_the_one_that_is_written() -> None:
    assert PYTHON in source(from_text(TEXT), "pytorch")


def test_its_numbers_are_those_of_the_parts() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (?:`conv1`: )?(inputs .*) \|$", PAGE, re.MULTILINE))
    found = {part.name: part for part in parts(from_text(TEXT))}
    assert list(rows) == ["residual1", "conv1", "residual2"]
    for name, shown in rows.items():
        assert shown == ", ".join(f"{number} {value}" for (_, number), value in found[name].numbers.items())
    assert found["residual1"].skeleton == found["residual2"].skeleton
