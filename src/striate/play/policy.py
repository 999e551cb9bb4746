"""The network's probability of each move of a position."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from striate.errors import DataError
from striate.go.position import Position, illegal
from striate.go.symmetries import places
from striate.look.positions import planes, require_board
from striate.look.predictor import Predictor
from striate.train.answer_checks import require_answers

SENSIBLE = 46
"""The plane of moves that are legal and fill no own eye."""


@dataclass(frozen=True, eq=False)
class Moves:
    """`probabilities`: float64, one for each point, as the network gives them, illegal points included. `sensible`:
    bool, whether a move is legal by the position's rules and fills no eye of the player's own."""

    probabilities: NDArray[np.float64]
    sensible: NDArray[np.bool_]

    def best(self, count: int) -> list[tuple[int, float]]:
        """The most probable sensible moves, with their probabilities, the most probable first."""
        order = np.argsort(-np.where(self.sensible, self.probabilities, -1.0), kind="stable")
        return [(int(each), float(self.probabilities[each])) for each in order[:count] if self.sensible[each]]


class Policy:
    """A network that plays: `Policy(Predictor(open_run("runs/go"))).moves(start(19))`.

    With `symmetries` a position is shown in all eight ways, and the mean of the answers counts. Raises SpecError for a
    network that does not play Go.
    """

    def __init__(self, predictor: Predictor, *, symmetries: bool = False) -> None:
        self.size = require_board(predictor.run.network)
        self.predictor = predictor
        self.symmetries = symmetries

    @property
    def name(self) -> str:
        """The network's name."""
        return self.predictor.run.network.name

    def moves(self, position: Position) -> Moves:
        """The network's answer to a position.

        Raises DataError for a board of another size, and RunError where its answer is not finite.
        """
        if position.size != self.size:
            raise DataError(
                f"a board of {position.size}×{position.size} for a network that reads {self.size}×{self.size}.",
                "A network answers boards of the size that it learned.",
                f"Give a position on {self.size}×{self.size}.",
            )
        shown = range(8 if self.symmetries else 1)
        seen = planes([position] * len(shown), shown)
        answers = torch.cat([self.predictor.probabilities(each) for each in seen.split(self.predictor.at_once)])
        require_answers(answers, self.predictor.run.folder)
        turned, table = answers.double().numpy(), places(self.size)
        found = np.zeros(self.size**2)
        for each in shown:
            found[table[each]] += turned[each] / len(shown)
        sensible = seen[0, SENSIBLE].flatten().numpy() > 0
        for point in sensible.nonzero()[0]:
            if illegal(position, int(point)):
                sensible[point] = False  # superko, which the planes do not know
        return Moves(found, sensible)
