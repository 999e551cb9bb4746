"""The style `blocks`: boxes from top to bottom, lanes side by side with their joins, frames around blocks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import assert_never

from striate.emit.draw.cells import cell_piece
from striate.emit.draw.columns import Chained, columns, linked
from striate.emit.draw.forks import Lane, fork_piece, head_piece
from striate.emit.draw.marks import SMALL, Panel, Text
from striate.emit.draw.parts import Cell, Fork, Group, Head, Part, Repeat, last_node, span
from striate.emit.draw.pieces import Piece, placed, shifted
from striate.emit.draw.widths import shortened, width
from striate.emit.draw.words import Size, told

PAD, CAPTION = 8, 21


@dataclass(frozen=True)
class Manner:
    """How tall a frame may be, in pixels, before its parts stand in several columns; and whether lanes are `sparse`:
    told of in fewer words, as `told` has it."""

    tallest: float
    sparse: bool = False


@dataclass(frozen=True)
class Value:
    """The value that flows into a part: the id of the node that makes it, and its size."""

    node: str
    size: Size


def laid(parts: tuple[Part, ...], value: Value, manner: Manner, *, framed: bool = True) -> list[Chained]:
    """Each of the parts in a row as a piece, with the value that it gives.

    A fork has a frame of its own, unless it is not to be `framed`.
    """
    found: list[Chained] = []
    for part in parts:
        piece = _piece(part, value, manner, framed=framed)
        value = Value(last_node([part], value.node), output_size([part], value.size))
        found.append(Chained(piece, value.node, value.size))
    return found


def output_size(parts: list[Part] | tuple[Part, ...], before: Size, *, last: bool = False) -> Size:
    """The size of what parts in a row give; with `last`, what the last of their repetitions gives."""
    for part in reversed(parts):
        match part:
            case Cell() | Fork():
                return part.outputs[-1:] if last else part.outputs
            case Group():
                if found := output_size(part.parts, (), last=last):
                    return found
            case Repeat():
                if found := output_size(part.parts, (), last=True):
                    return found
            case Head():
                continue
            case _:
                assert_never(part)
    return before


def chain(parts: tuple[Part, ...], value: Value, manner: Manner, *, framed: bool = True, sparse: bool = False) -> Piece:
    """Parts in a row as one piece, in several columns where one would be too tall."""
    pieces = laid(parts, value, manner, framed=framed)
    one = linked(pieces, value.size, sparse=sparse)
    if one.height <= manner.tallest:
        return one
    return columns(pieces, value.size, tallest=manner.tallest, sparse=sparse)


def _piece(part: Part, value: Value, manner: Manner, *, framed: bool) -> Piece:
    match part:
        case Cell():
            return cell_piece(part)
        case Fork():
            lanes = [_lane(lane, value, manner) for lane in part.lanes]
            piece = fork_piece(part, lanes, (value.node, value.size))
            return frame(piece, part.join.path, _last(part.join.path)) if framed else piece
        case Group():
            return frame(chain(part.parts, value, manner, framed=_several(part.parts)), part.path, _last(part.path))
        case Head():
            return head_piece(_head(part, value, manner), value.node)
        case Repeat():
            return _repeated(part, value, manner)
        case _:
            assert_never(part)


def _lane(parts: tuple[Part, ...], value: Value, manner: Manner) -> Lane:
    size = output_size(parts, value.size)
    piece = chain(parts, value, manner, sparse=manner.sparse)
    return Lane(piece, last_node(parts, value.node), size, told(size, value.size, sparse=manner.sparse))


def _head(part: Head, value: Value, manner: Manner) -> Piece:
    only = part.parts[0]
    if isinstance(only, Cell) and only.block is not None and len(part.parts) == 1:
        return cell_piece(only, dashed=True)
    return frame(chain(part.parts, value, manner), part.path, f"{_last(part.path)}, training only", dashed=True)


def _repeated(part: Repeat, value: Value, manner: Manner) -> Piece:
    named = not all(isinstance(each, Cell) and each.block is None for each in part.parts)
    name = span(part.first, part.last) if named else ""
    inner = part.parts
    if len(inner) == 1 and isinstance(inner[0], Group):
        inner = inner[0].parts
    piece = chain(inner, value, manner, framed=_several(inner))
    return frame(piece, f"{part.first} ×{part.times}", name, times=part.times)


def _several(parts: tuple[Part, ...]) -> bool:
    """Whether parts hold more than one fork or block, so that each needs a frame."""
    return sum(not isinstance(part, Cell) for part in parts) > 1


def frame(piece: Piece, path: str, name: str, *, times: int = 1, dashed: bool = False) -> Piece:
    """A piece in a frame with its name, and how often it follows itself."""
    count = f"× {times}" if times > 1 else ""
    beside = width(count, SMALL, bold=True) + PAD + 12 if count else 0
    right = max(piece.right + PAD, beside)
    shown = shortened(name, SMALL, 170)
    # The name stands left of the axis, on which the arrow comes in; a stem above a fork is the piece's own.
    left = max(piece.left + PAD, width(shown, SMALL) + PAD + 6)
    top = CAPTION if shown or count else PAD
    height = top + piece.height + PAD
    texts = [Text(PAD - left, 16, shown, SMALL, soft=True)] if shown else []
    texts += [Text(right - PAD, 16, count, SMALL, "end", bold=True)] if count else []
    panel = Panel(path, (-left, 0), left + right, height, tuple(texts), name, times, "", dashed)
    by = (0.0, top + 0.0)
    return replace(
        piece,
        left=left,
        right=right,
        height=height,
        marks=(panel, *placed(piece.marks, by, panel=path)),
        entry=shifted(piece.entry, by),
        exit=shifted(piece.exit, by),
    )


def _last(path: str) -> str:
    return path.rpartition(".")[2]
