"""The pieces of a network while they are simplified, and the rules' way over them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from striate.description.shapes import Shape
from striate.exchange.reading.pieces import INPUT, OUTSIDE, Piece, users

Pieces = dict[int, Piece]
Rule = Callable[["Rewriting", int], bool]


class Rewriting:
    """The pieces while they are simplified, and who reads each; `last` gives the output, the network reads `input`."""

    def __init__(self, pieces: Pieces, last: int, *, input: Shape) -> None:
        self.pieces, self.last, self.input = pieces, last, input
        self.readers = users(pieces, last)

    def source(self, at: int, place: int = 0) -> int:
        """The piece that a piece reads."""
        return self.pieces[at].sources[place]

    def shape(self, at: int) -> Shape:
        """The shape of a piece, or of the input."""
        return self.input if at == INPUT else self.pieces[at].shape

    def alone(self, at: int) -> bool:
        """Whether a piece has one reader, so that it may become part of that."""
        return at != INPUT and len(self.readers[at]) == 1

    def put(self, at: int, **changes: object) -> None:
        """Change a piece in its place."""
        before = self.pieces[at]
        self.pieces[at] = replace(before, **changes)  # pyright: ignore[reportArgumentType]
        for source in self.pieces[at].sources:
            self.readers[source].append(at)
        for source in before.sources:
            self._forget(source, at)

    def drop(self, at: int) -> None:
        """Take a piece out: what reads it reads its source."""
        source = self.source(at)
        for reader in self.readers[at]:
            self.readers[source].append(reader)
            if reader != OUTSIDE:
                piece = self.pieces[reader]
                piece.sources[piece.sources.index(at)] = source
        self.last = source if self.last == at else self.last
        self.readers[at] = []
        self._forget(source, at)
        del self.pieces[at]

    def _forget(self, source: int, reader: int) -> None:
        """A piece reads `source` no more; what nothing reads is left out."""
        left = [(source, reader)]
        while left:
            source, reader = left.pop()
            self.readers[source].remove(reader)
            if not self.readers[source] and source != INPUT and source in self.pieces:
                gone = self.pieces.pop(source)
                left += [(each, source) for each in gone.sources]


def run_rules(rewriting: Rewriting, rules: Sequence[Rule]) -> None:
    """Apply rules, from the output to the input, until none changes anything."""
    changed = True
    while changed:
        changed = False
        for at in list(reversed(rewriting.pieces)):
            while at in rewriting.pieces and any(rule(rewriting, at) for rule in rules):
                changed = True


def reached(pieces: Pieces, last: int) -> Pieces:
    """The pieces that the output depends on; sources are lists of their own."""
    found, left = set[int](), [last]
    while left:
        at = left.pop()
        if at not in found and at != INPUT:
            found.add(at)
            left += pieces[at].sources
    return {at: replace(piece, sources=list(piece.sources)) for at, piece in pieces.items() if at in found}
