"""A figure as a value: every box, volume, arrow and text of it, placed; renderers read it and decide nothing.

Lengths are in pixels of a figure that is shown as large as it is; x grows to the right and y downwards.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, assert_never

from striate.emit.draw.families import Family

Anchor = Literal["start", "middle", "end"]
Style = Literal["volumes", "blocks"]
Sign = Literal["+", "×", "concat"]
Point = tuple[float, float]
SMALL, LARGE, TITLE = 14, 15, 26
"""The sizes of text. The smallest one stays 14 pixels on a slide of 1920×1080 as long as the figure is no larger."""
INPUT, OUTPUT = "(input)", "(output)"
"""The ids of the nodes that are no layers: no path is written so."""
SLIDE = (1920, 1080)
TOLD = 12
"""The layers of a block that its detail names one by one."""


@dataclass(frozen=True)
class Text:
    """Words whose base line is at y, and which begin, end or have their middle at x."""

    x: float
    y: float
    words: str
    size: int = SMALL
    anchor: Anchor = "start"
    bold: bool = False
    soft: bool = False


@dataclass(frozen=True)
class Box:
    """Layers that follow each other, as a box; or a block that is not opened, or the input, or the output.

    `layers` are the paths of the layers that it stands for, and `panel` is the id of the panel that it stands in.
    """

    id: str
    family: Family
    corner: Point
    width: float
    height: float
    lines: tuple[Text, ...]
    layers: tuple[str, ...] = ()
    panel: str = ""
    dashed: bool = False


@dataclass(frozen=True)
class Face:
    """One side of a volume; `shade` 0 is the lightest."""

    points: tuple[Point, ...]
    shade: int = 0


@dataclass(frozen=True)
class Volume:
    """What layers give: feature maps as a solid or as sheets, a flat vector as a bar. Faces are painted in order."""

    id: str
    family: Family
    faces: tuple[Face, ...]
    lines: tuple[Text, ...]
    layers: tuple[str, ...] = ()
    panel: str = ""
    times: int = 1


@dataclass(frozen=True)
class Join:
    """Where lanes meet: a circle with a sign, or a bar with a word."""

    id: str
    sign: Sign
    corner: Point
    width: float
    height: float
    lines: tuple[Text, ...]
    layers: tuple[str, ...] = ()
    panel: str = ""


Node = Box | Volume | Join


@dataclass(frozen=True)
class Arrow:
    """A line from the node `source` to the node `target`; one without a target is the stem of arrows that branch off.

    `size` is the shape that passes along it, where the style writes sizes on edges; `lines` are the texts beside it.
    """

    points: tuple[Point, ...]
    source: str
    target: str
    size: str = ""
    lines: tuple[Text, ...] = ()
    dashed: bool = False


@dataclass(frozen=True)
class Panel:
    """A frame around a block; `times` is how often what is in it follows itself, `parent` the panel around it."""

    id: str
    corner: Point
    width: float
    height: float
    lines: tuple[Text, ...]
    name: str
    times: int = 1
    parent: str = ""
    dashed: bool = False


Mark = Node | Arrow | Panel


@dataclass(frozen=True)
class Key:
    """An entry of the legend: a swatch of a family's colour, and its name."""

    family: Family
    corner: Point
    line: Text


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


def ordered(marks: tuple[Mark, ...]) -> list[Mark]:
    """The marks in the order in which they are painted: panels, then arrows, then what arrows lead to."""
    return sorted(marks, key=_layer)


def _layer(mark: Mark) -> int:
    match mark:
        case Panel():
            return 0
        case Arrow():
            return 1
        case Box() | Volume() | Join():
            return 2
        case _:
            assert_never(mark)
