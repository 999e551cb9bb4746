"""Prototxt as it is written, layer by layer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

from striate.description.network import Plan
from striate.description.shapes import Shape, show
from striate.emit.source.naming import unique


@dataclass
class Prototxt:
    """The layers so far; `blobs` has the name of each step's output."""

    planned: Plan
    text: list[str] = field(default_factory=list[str])
    names: set[str] = field(default_factory=set[str])
    blobs: dict[int, str] = field(default_factory=dict[int, str])
    readers: Counter[int] = field(default_factory=Counter[int])

    def layer(
        self,
        kind: str,
        name: str,
        bottoms: Sequence[str],
        *members: tuple[str, object],
        top: str = "",
        shape: Shape = (),
    ) -> str:
        """Add a layer, with the shape of its output in a comment; gives its top, which is called like it."""
        self.names.add(name)
        top = top or name
        comment = f"  # {show(shape)}" if shape else ""
        head = [f'  name: "{name}"', f'  type: "{kind}"', *(f'  bottom: "{each}"' for each in bottoms)]
        self.text += ["layer {", *head, f'  top: "{top}"{comment}', *members_text(members, "  "), "}"]
        return top

    def part(self, name: str, suffix: str) -> str:
        """A name for one of the layers that a layer is written out as, which no other has."""
        found = unique(f"{name}/{suffix}", self.names)
        self.names.add(found)
        return found

    def slices(self, name: str, bottom: str, axis: int, tops: Sequence[str], points: Sequence[int]) -> None:
        """Cut a blob along an axis at some points."""
        self.names |= {name, *tops}
        cut = [("axis", axis), *(("slice_point", each) for each in points)]
        outputs = [f'  top: "{each}"' for each in tops]
        head = [f'  name: "{name}"', '  type: "Slice"', f'  bottom: "{bottom}"', *outputs]
        self.text += ["layer {", *head, *members_text([("slice_param", cut)], "  "), "}"]

    def drop(self, *blobs: str) -> None:
        """Say of blobs that nobody reads them."""
        for each in blobs:
            own = self.part(each, "unread")
            self.text += ["layer {", f'  name: "{own}"', '  type: "Silence"', f'  bottom: "{each}"', "}"]


def members_text(members: Sequence[tuple[str, object]], indent: str) -> list[str]:
    """The members of a message, messages inside it further in; a member that is None is left out."""
    found: list[str] = []
    for key, value in members:
        if isinstance(value, list):
            inner = cast("list[tuple[str, object]]", value)
            found += [f"{indent}{key} {{", *members_text(inner, f"{indent}  "), f"{indent}}}"]
        elif value is not None:
            found.append(f"{indent}{key}: {value}")
    return found
