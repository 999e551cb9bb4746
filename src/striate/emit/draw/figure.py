"""A figure as a value: every mark and text of it, placed; renderers read it and decide nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from striate.emit.draw.marks import Arrow, Box, Join, Key, Mark, Node, Panel, Style, Text, Volume

SLIDE = (1920, 1080)
TOLD = 12
"""The layers of a block that its detail names one by one."""


@dataclass(frozen=True)
class Figure:
    """The figure of a network; a notebook shows it as SVG. `details` has a line for each layer, by its path."""

    name: str
    style: Style
    width: float
    height: float
    marks: tuple[Mark, ...]
    texts: tuple[Text, ...]
    keys: tuple[Key, ...]
    details: dict[str, str]

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The boxes, volumes and joins."""
        return tuple(mark for mark in self.marks if isinstance(mark, (Box, Volume, Join)))

    @property
    def arrows(self) -> tuple[Arrow, ...]:
        """The arrows, and the stems of those that branch off."""
        return tuple(mark for mark in self.marks if isinstance(mark, Arrow))

    @property
    def panels(self) -> tuple[Panel, ...]:
        """The frames, each after the one around it."""
        return tuple(mark for mark in self.marks if isinstance(mark, Panel))

    @property
    def scale(self) -> float:
        """How much larger it becomes on a slide of 1920×1080."""
        return min(SLIDE[0] / self.width, SLIDE[1] / self.height)

    def detail(self, node: Node) -> str:
        """Every layer of a node on a line of its own; of a long block only the first ones."""
        rest = len(node.layers) - TOLD
        return "\n".join(
            [*(self.details[path] for path in node.layers[:TOLD]), *([f"and {rest} more"] if rest > 0 else [])]
        )

    def all_texts(self) -> Iterator[Text]:
        """Every text of the figure, wherever it belongs."""
        for mark in self.marks:
            yield from mark.lines
        yield from self.texts
        yield from (key.line for key in self.keys)

    def _repr_svg_(self) -> str:
        """The figure as a notebook shows it."""
        from striate.emit.draw.svg import to_svg

        return to_svg(self)
