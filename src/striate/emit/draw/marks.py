"""The marks of a figure as values: boxes, volumes, joins, arrows, panels and texts, placed.

Lengths are in pixels of a figure that is shown as large as it is; x grows to the right and y downwards.
"""

from __future__ import annotations

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
    """The output of layers: feature maps as a solid or as sheets, a flat vector as a bar. Faces are painted in
    order."""

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
