"""Decodes columns of class scores into a string: the best path through a graph of allowed sequences.

A network that slides along a line gives, every few pixels, the probability of each character and of "blank". A path
assigns a character or a blank to each column. The character model says which paths are allowed: a character takes 1 to
`longest` consecutive columns, blanks lie before and after it, and another character may follow without a blank, at a
cost. So two consecutive columns of 7 are one 7, and not two, because columns are closer together than characters.

The string is that of the best path (Viterbi). Its confidence is the sum over all paths that give this string, divided
by the sum over all paths; so it does not matter whether one or two columns see a character.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float

Scores = Float[np.ndarray, "columns classes"]
NEVER = -math.inf


@dataclass(frozen=True)
class Characters:
    """A character model: `symbols` in the order of the scores, one of them `blank`.

    `longest` is the most consecutive columns of one character; `touching` is the logarithm of the odds that a character
    follows another one without a blank between them.

    >>> Characters("ab-", blank="-").states
    ((2, 0), (0, 1), (0, 2), (1, 1), (1, 2))
    """

    symbols: Sequence[str]
    blank: str = "blank"
    longest: int = 2
    touching: float = -7.0

    @property
    def empty(self) -> int:
        """The number of the blank class."""
        return list(self.symbols).index(self.blank)

    @cached_property
    def states(self) -> tuple[tuple[int, int], ...]:
        """The states of a column: (class, its number among consecutive columns of it); a blank is (its class, 0)."""
        letters = [number for number in range(len(self.symbols)) if number != self.empty]
        return ((self.empty, 0), *((each, run) for each in letters for run in range(1, self.longest + 1)))

    def follows(self, before: tuple[int, int], after: tuple[int, int]) -> float:
        """The logarithm of the weight of `after` in the column next to `before`."""
        if after[1] == 0 or before[1] == 0:
            return 0.0 if after[1] <= 1 else NEVER
        if after[1] > 1:
            return 0.0 if after == (before[0], before[1] + 1) else NEVER
        return self.touching


@dataclass(frozen=True)
class Seen:
    """A character on the best path: its `symbol`, and its columns from `first` to before `end`."""

    symbol: str
    first: int
    end: int


@dataclass(frozen=True)
class Decoded:
    """The result for columns of scores: the string's characters, and the probability of the string."""

    characters: tuple[Seen, ...]
    confidence: float

    @property
    def text(self) -> str:
        """The string."""
        return "".join(each.symbol for each in self.characters)


def decode(scores: Scores, model: Characters) -> Decoded:
    """The string of the best path through columns of log-probabilities, and the probability of the string.

    >>> columns = np.log([[0.1, 0.1, 0.8], [0.9, 0.05, 0.05], [0.8, 0.1, 0.1], [0.1, 0.1, 0.8]])
    >>> found = decode(columns, Characters("ab-", blank="-"))
    >>> found.text, found.characters[0]
    ('a', Seen(symbol='a', first=1, end=3))
    """
    if not len(scores):
        return Decoded((), 1.0)
    whole = _graph_of_all(model)
    path = _best(scores, whole)
    characters: list[Seen] = []
    for column, state in enumerate(path):
        number, run = model.states[state]
        if run == 1:
            characters.append(Seen(model.symbols[number], column, column + 1))
        elif run:
            characters[-1] = Seen(characters[-1].symbol, characters[-1].first, column + 1)
    own = _sum(scores, _graph_of(model, [list(model.symbols).index(each.symbol) for each in characters]))
    return Decoded(tuple(characters), min(1.0, math.exp(own - _sum(scores, whole))))


@dataclass(frozen=True, eq=False)
class _Graph:
    """States in a column, the class that each reads, and the log-weights of starting, following and ending."""

    classes: np.ndarray
    starts: np.ndarray
    arcs: Float[np.ndarray, "before after"]
    ends: np.ndarray


def _graph_of_all(model: Characters) -> _Graph:
    """Every string."""
    states = model.states
    arcs = np.array([[model.follows(before, after) for after in states] for before in states])
    starts = np.array([0.0 if run <= 1 else NEVER for _, run in states])
    return _Graph(np.array([number for number, _ in states]), starts, arcs, np.zeros(len(states)))


def _graph_of(model: Characters, string: Sequence[int]) -> _Graph:
    """The graph of one string: its characters in order, with blanks before, between and after them."""
    states = [(0, (model.empty, 0))]
    for place, number in enumerate(string, 1):
        states += [(place, (number, run)) for run in range(1, model.longest + 1)] + [(place, (model.empty, 0))]

    def follows(before: tuple[int, tuple[int, int]], after: tuple[int, tuple[int, int]]) -> float:
        new = after[1][1] == 1
        return model.follows(before[1], after[1]) if after[0] == before[0] + new else NEVER

    arcs = np.array([[follows(before, after) for after in states] for before in states])
    starts = np.array([0.0 if state in states[:2] and state[1][1] <= 1 else NEVER for state in states])
    ends = np.array([0.0 if place == len(string) else NEVER for place, _ in states])
    return _Graph(np.array([number for _, (number, _) in states]), starts, arcs, ends)


def _best(scores: Scores, graph: _Graph) -> list[int]:
    """The states of the best path (Viterbi)."""
    weights = graph.starts + scores[0, graph.classes]
    back: list[np.ndarray] = []
    for column in scores[1:, graph.classes]:
        ways = weights[:, None] + graph.arcs
        back.append(ways.argmax(axis=0))
        weights = ways.max(axis=0) + column
    path = [int((weights + graph.ends).argmax())]
    for before in reversed(back):
        path.append(int(before[path[-1]]))
    return path[::-1]


def _sum(scores: Scores, graph: _Graph) -> float:
    """The logarithm of the sum over all paths of the product of their columns and arcs (the forward sum)."""
    weights = graph.starts + scores[0, graph.classes]
    for column in scores[1:, graph.classes]:
        weights = np.logaddexp.reduce(weights[:, None] + graph.arcs, axis=0) + column
    return float(np.logaddexp.reduce(weights + graph.ends))
