"""From pieces that read each other to layers inside layers: sums become residuals, products gates, maps branches.

A join's parts begin at the last piece that all its inputs depend on (its immediate dominator). What lies between is a
chain for each input, and chains hold further joins.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from striate.description import limits
from striate.description.layers import Flatten, Simple
from striate.errors import FormatError
from striate.exchange.reading.graph import Node, Problem, refusal
from striate.exchange.reading.pieces import (
    INPUT,
    Affine,
    ChannelMean,
    Concatenation,
    Difference,
    Function,
    Joining,
    Padding,
    Piece,
    Product,
    Sum,
)

Pieces = dict[int, Piece]


@dataclass(frozen=True)
class Leaf:
    """A layer, by the number of its piece."""

    piece: int
    layer: Simple


@dataclass(frozen=True)
class Join:
    """A join, by the number of its piece and its node; one chain for each part, the value itself being an empty one.

    Of a gate, the one part gives the factors. A node that joins several values may be several joins.
    """

    piece: int
    node: Node
    what: Joining
    parts: tuple[Chain, ...]


Chain = tuple["Leaf | Join", ...]


def structured(pieces: Pieces, last: int) -> Chain:
    """The chain of a network's pieces. Raises FormatError, naming all, where some are no layers or fit in no chain."""
    problems = [_left(piece) for piece in pieces.values() if not _sayable(piece)]
    if problems:
        raise refusal(problems)
    pieces = _nested(pieces)
    dominators = _dominators(pieces)
    while (grouped := _grouped(pieces, dominators)) is not pieces:
        pieces, dominators = grouped, _dominators(grouped)
    building = _Building(pieces, dominators)
    made = building.chain(INPUT, last)
    if building.problems:
        raise refusal(building.problems)
    return made


class _Building:
    def __init__(self, pieces: Pieces, dominators: dict[int, int]) -> None:
        self.pieces, self.dominators = pieces, dominators
        self.used: set[int] = set()
        self.problems: list[Problem] = []

    def chain(self, start: int, end: int, depth: int = 0) -> Chain:
        """The pieces after `start` up to `end`; `depth` counts the joins around them."""
        found: list[Leaf | Join] = []
        if depth > limits.DEPTH:
            self._refuse(self.pieces[end], f"stands inside {depth} joins.", f"Joins are {limits.DEPTH} deep at most.")
            return ()
        while end != start and not self.problems:
            piece = self.pieces[end]
            if end in self.used and not isinstance(piece.what, Flatten):  # which each part may do by itself
                self._refuse(
                    piece, "is read by two parts of a join.", "Parts of a sum, product or concatenation share nothing."
                )
                break
            self.used.add(end)
            if isinstance(piece.what, (Sum, Product, Concatenation)):
                base = self.dominators[end]
                found.append(Join(end, piece.node, piece.what, self._parts(piece, base, depth + 1)))
                end = base
            else:
                found.append(_leaf(end, piece))
                end = piece.sources[0]
        return tuple(reversed(found))

    def _parts(self, piece: Piece, base: int, depth: int) -> tuple[Chain, ...]:
        if isinstance(piece.what, Product):
            value, gate = piece.sources
            if value != base and gate == base and piece.shape == self._shape(base):
                value, gate = gate, value
            if value != base or piece.what.sign < 0:
                found = "multiplies two values that were both computed."
                found = found if piece.what.sign > 0 else "divides a value by another."
                self._refuse(piece, found, "A gate multiplies a value by what layers compute of it.")
                return ()
            return (self.chain(base, gate, depth),)
        return tuple(self.chain(base, source, depth) for source in piece.sources)

    def _shape(self, at: int) -> tuple[int, ...] | None:
        return None if at == INPUT else self.pieces[at].shape

    def _refuse(self, piece: Piece, found: str, expected: str) -> None:
        self.problems.append(Problem(piece.node, found, expected))


def _leaf(at: int, piece: Piece) -> Leaf:
    if isinstance(piece.what, (Sum, Product, Concatenation, Affine, Function, Padding, ChannelMean, Difference)):
        raise FormatError(f"{piece.node.name} is no layer.", "Arithmetic becomes layers before it is put together.")
    return Leaf(at, piece.what)


def _sayable(piece: Piece) -> bool:
    return not isinstance(piece.what, (Affine, Function, Padding, ChannelMean, Difference))


def _left(piece: Piece) -> Problem:
    match piece.what:
        case Padding():
            by = "copies of the outermost values" if piece.what.edge else f"{piece.what.value:g}"
            return Problem(piece.node, f"pads by {by} where no window follows that does so itself.", _PADDED)
        case Affine() if piece.what.scalar:
            found = f"computes {float(piece.what.scale):g} · a + {float(piece.what.shift):g}."
            return Problem(piece.node, found, "A factor belongs to a convolution, a linear layer or a normalisation.")
        case Function():
            found = f"computes {piece.what.name} as a part of no activation."
            return Problem(piece.node, found, "Activations are those of docs/notation.md.")
        case _:
            return Problem(piece.node, "computes what no layer does.", "See docs/notation.md for the layers.")


_PADDED = "Convolutions and averages pad by 0; a maximum does where no value below 0 reaches it, and else by −∞."


def _nested(pieces: Pieces) -> Pieces:
    """Sums of three and more as sums of two, and concatenations of what an earlier one has as reading that.

    DenseNet's layers are written as concatenations of all maps before: of the earlier concatenation and one more.
    """
    made: Pieces = {}
    earlier: dict[tuple[int, ...], int] = {}
    fresh = max(pieces, default=0) + 1
    for at, piece in pieces.items():
        sources = piece.sources
        if isinstance(piece.what, Concatenation):
            own = list(sources)
            for length in range(len(own) - 1, 1, -1):
                if tuple(own[:length]) in earlier:
                    sources = [earlier[tuple(own[:length])], *own[length:]]
                    break
            earlier.setdefault(tuple(own), at)
        while isinstance(piece.what, Sum) and len(sources) > 2:
            made[fresh] = replace(piece, sources=sources[:2])
            sources = [fresh, *sources[2:]]
            fresh += 1
        made[at] = replace(piece, sources=sources)
    return made


def _grouped(pieces: Pieces, dominators: dict[int, int]) -> Pieces:
    """Concatenations whose neighbours begin at one later piece with a concatenation of these; without any, the pieces.

    An exporter that optimises writes Inception's branches that split again as one concatenation of all ends.
    """
    depth = {INPUT: 0}
    for at in pieces:
        depth[at] = depth[dominators[at]] + 1
    made: Pieces = {}
    fresh = max(pieces, default=0) + 1
    for at, piece in pieces.items():
        runs: list[list[int]] = []
        beginning = INPUT
        for source in piece.sources if isinstance(piece.what, Concatenation) and len(piece.sources) > 2 else ():
            shared = _common(beginning, source, dominators, depth) if runs else INPUT
            if runs and depth[shared] > depth[dominators[at]]:
                runs[-1].append(source)
                beginning = shared
            else:
                runs.append([source])
                beginning = source
        sources: list[int] = []
        for run in runs:
            if len(run) > 1:
                channels = sum(pieces[each].shape[0] for each in run)
                made[fresh] = replace(piece, sources=run, shape=(channels, *piece.shape[1:]))
                run, fresh = [fresh], fresh + 1
            sources += run
        made[at] = replace(piece, sources=sources) if sources else piece
    return pieces if len(made) == len(pieces) else made


def _common(first: int, second: int, dominators: dict[int, int], depth: dict[int, int]) -> int:
    """The last piece that every way to either of two pieces passes."""
    while first != second:
        if depth[first] >= depth[second]:
            first = dominators[first]
        else:
            second = dominators[second]
    return first


def _dominators(pieces: Pieces) -> dict[int, int]:
    """The last piece that every way from the input to a piece passes, by the piece.

    K. Cooper, T. Harvey, K. Kennedy, A simple, fast dominance algorithm, 2001; one pass, as nothing goes back.
    """
    depth, found = {INPUT: 0}, dict[int, int]()
    for at, piece in pieces.items():
        base = piece.sources[0]
        for other in piece.sources[1:]:
            base = _common(base, other, found, depth)
        found[at], depth[at] = base, depth[base] + 1
    return found
