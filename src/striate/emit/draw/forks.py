"""Forks: a sum with its shortcut, a gate, branches and their concatenation; and heads, which join nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from striate.emit.draw.columns import BESIDE, GAP, LABELLED
from striate.emit.draw.marks import SMALL, Arrow, Join, Mark, Point, Text
from striate.emit.draw.parts import Fork
from striate.emit.draw.pieces import Moved, Piece, placed, shifted
from striate.emit.draw.widths import width
from striate.emit.draw.words import Size, sizes

SPLIT, LEAD, RADIUS, BAR, APART = 3, 17, 10, 20, 12
"""Pixels: above the place where lanes part, from there to their first boxes, of a join, and between lanes."""


Before = tuple[str, Size]
"""The node that gives what comes in, and its size."""


@dataclass(frozen=True)
class Lane:
    """A lane of a fork; `node` gives what leaves it, of a `size`, which `told` says beside its last arrow."""

    piece: Piece
    node: str
    size: Size
    told: str

    @property
    def empty(self) -> bool:
        """Whether it passes on what comes in."""
        return not self.piece.marks


def fork_piece(part: Fork, lanes: Sequence[Lane], before: Before) -> Piece:
    """A fork with its lanes."""
    if part.sign == "concat":
        return _branches(part, lanes, before)
    return _sum_or_product(part, lanes[0], lanes[1], before)


def head_piece(inner: Piece, node: str) -> Piece:
    """A head at the right of the axis, along which the value goes on."""
    x = GAP + inner.left
    if len(inner.marks) == 1:  # a box: the arrow comes in from its side
        start = (0.0, inner.height / 2)
        arrow = Arrow((start, (x - inner.left, start[1])), node, inner.nodes[0], dashed=True)
        marks = (arrow, *placed(inner.marks, (x, 0)))
        return _aside(marks, x + inner.right, inner.height, start, node)
    start = (0.0, SPLIT + 0.0)
    points = (start, (x, SPLIT), shifted(inner.entry, (x, SPLIT + LEAD)))
    arrow = Arrow(points, node, "" if inner.stem else inner.nodes[0], dashed=True)
    marks = (arrow, *placed(inner.marks, (x, SPLIT + LEAD)))
    return _aside(marks, x + inner.right, SPLIT + LEAD + inner.height, start, node)


def _aside(marks: tuple[Mark | Moved, ...], right: float, height: float, start: Point, node: str) -> Piece:
    """Marks beside the axis, which begin at the point where the value passes."""
    return Piece(left=4, right=right, height=height, marks=marks, entry=start, exit=start, stem=True, nodes=("", node))


def _sum_or_product(part: Fork, main: Lane, side: Lane, before: Before) -> Piece:
    """The main lane on the axis, the other one at its right, and a circle where they meet."""
    split = (0.0, SPLIT + 0.0)
    x = max(main.piece.right, _told(main, main.piece.exit[0]), RADIUS) + APART + side.piece.left
    join_y = SPLIT + max(_room(main), _room(side)) + RADIUS
    join_x = main.piece.exit[0]
    marks: list[Mark | Moved] = []
    if main.empty:
        marks.append(Arrow((split, (0, join_y - RADIUS)), before[0], part.join.path, sizes(before[1])))
    else:
        marks += _lane(main, before, (split, (0, SPLIT + LEAD)), ((join_x, join_y - RADIUS),), part.join.path)
    if side.empty:
        points = (split, (x, SPLIT), (x, join_y), (join_x + RADIUS, join_y))
        marks.append(Arrow(points, before[0], part.join.path, sizes(before[1])))
    else:
        end_x = x + side.piece.exit[0]
        start = (split, (x, SPLIT), (x, SPLIT + LEAD))
        marks += _lane(side, before, start, ((end_x, join_y), (join_x + RADIUS, join_y)), part.join.path)
    marks.append(_join(part, (join_x - RADIUS, join_y - RADIUS), (2 * RADIUS, 2 * RADIUS)))
    right = max(x + side.piece.right, _told(side, x + side.piece.exit[0]), join_x + RADIUS)
    return Piece(
        left=max(main.piece.left, RADIUS),
        right=right + 2,
        height=join_y + RADIUS,
        marks=tuple(marks),
        entry=split,
        exit=(join_x, join_y + RADIUS),
        stem=True,
        nodes=("", part.join.path),
    )


def _branches(part: Fork, lanes: Sequence[Lane], before: Before) -> Piece:
    """Lanes side by side, and a bar below them on which they end."""
    axes: list[float] = []
    right = 0.0
    for lane in lanes:
        axes.append(right + (APART if axes else 0) + max(lane.piece.left, 8))
        exit_x = axes[-1] + lane.piece.exit[0]
        right = max(axes[-1] + max(lane.piece.right, 8), _told(lane, exit_x))
    ends = [axis + lane.piece.exit[0] for axis, lane in zip(axes, lanes, strict=True)]
    middle = (axes[0] + axes[-1]) / 2
    axes, ends = [axis - middle for axis in axes], [end - middle for end in ends]
    top = SPLIT + max(_room(lane) for lane in lanes)
    first, last = min(*ends, -34) - 10, max(*ends, 34) + 10
    marks: list[Mark | Moved] = []
    for axis, end, lane in zip(axes, ends, lanes, strict=True):
        split = ((0.0, SPLIT + 0.0), (axis, SPLIT))
        if lane.empty:
            marks.append(Arrow((*split, (axis, top)), before[0], part.join.path, sizes(before[1])))
        else:
            marks += _lane(lane, before, (*split, (axis, SPLIT + LEAD)), ((end, top),), part.join.path)
    marks.append(_join(part, (first, top), (last - first, BAR)))
    return Piece(
        left=max(middle, -first),
        right=max(right - middle, last),
        height=top + BAR,
        marks=tuple(marks),
        entry=(0, SPLIT),
        exit=(0, top + BAR),
        stem=True,
        nodes=("", part.join.path),
    )


def _lane(
    lane: Lane, before: Before, start: tuple[Point, ...], end: tuple[Point, ...], join: str
) -> list[Mark | Moved]:
    """The marks of a lane: the way in, which ends above its piece, the piece, and the way to the join."""
    piece, (x, y) = lane.piece, start[-1]
    way_in = Arrow(
        (*start[:-1], shifted(piece.entry, (x, y))), before[0], "" if piece.stem else piece.nodes[0], sizes(before[1])
    )
    leaving = shifted(piece.exit, (x, y))
    text: tuple[Text, ...] = ()
    if lane.told:
        text = (Text(leaving[0] + BESIDE, y + piece.height + LABELLED / 2 + 4, lane.told, SMALL, soft=True),)
    return [way_in, *placed(piece.marks, (x, y)), Arrow((leaving, *end), lane.node, join, sizes(lane.size), text)]


def _room(lane: Lane) -> float:
    """The height of a lane, from where it parts to where it ends."""
    return LEAD + GAP if lane.empty else LEAD + lane.piece.height + (LABELLED if lane.told else GAP)


def _told(lane: Lane, x: float) -> float:
    """How far to the right the size that stands beside a lane's last arrow reaches."""
    return x + BESIDE + width(lane.told, SMALL) if lane.told else x


def _join(part: Fork, corner: Point, room: Point) -> Join:
    big = part.sign != "concat"
    text = Text(
        corner[0] + room[0] / 2, corner[1] + room[1] / 2 + (6 if big else 5), part.sign, 18 if big else SMALL, "middle"
    )
    path = part.join.path
    return Join(path, part.sign, corner, room[0], room[1], (text,), (path,))
