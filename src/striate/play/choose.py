"""The move that is played, by the network's probabilities, and when it passes or resigns."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

import numpy as np

from striate.go.coordinates import PASS
from striate.go.position import BLACK, EMPTY, Position, liberties, play
from striate.go.score import Score
from striate.play.policy import Moves
from striate.play.rules import PlayRules, lead, score

RESIGN = -2
"""The move that gives the game up."""
EARLY = 0.4
"""The number of the first move in place of which a game may be given up, as a share of the points of the board."""


@dataclass(frozen=True)
class Style:
    """How moves are chosen. At `temperature` 0 the most probable one is played, else one is drawn by p^(1/temperature).

    `resign`: the points behind, counted as the board stands, at which the game is given up; None for never.
    """

    temperature: float = 0.0
    resign: float | None = None


def choose(position: Position, moves: Moves, rules: PlayRules, style: Style, *, komi: float, random: Random) -> int:
    """A point, PASS or RESIGN.

    Of the sensible moves one is chosen: those that are legal and fill no eye of one's own. It passes where there is
    none. After the opponent's pass it passes, too, if it leads by the board as it stands, or if no sensible move gains
    anything (`gains`).
    """
    points = moves.sensible.nonzero()[0].tolist()
    counted = score(position, rules)
    ahead = lead(counted, komi) * (1 if position.to_play == BLACK else -1)
    if style.resign is not None and ahead < -style.resign and position.turn + 1 >= EARLY * len(position.stones):
        return RESIGN
    if position.last == PASS and position.turn:
        points = [] if ahead > 0 else [each for each in points if gains(position, each, counted.area)]
    if not points:
        return PASS
    weights = moves.probabilities[points]
    if style.temperature == 0:
        return points[int(np.argmax(weights))]
    logs = np.log(np.maximum(weights, 1e-300))
    with np.errstate(over="ignore"):  # by a temperature near 0
        shares = np.exp((logs - logs.max()) / style.temperature)
    return random.choices(points, shares.tolist())[0]


def gains(position: Position, point: int, area: Score) -> bool:
    """Whether a move may change the score: not one inside the player's own area; nor one inside the opponent's area
    that takes nothing and leaves its own chain with one liberty."""
    owner = area.owners[point]
    if owner == EMPTY:
        return True
    if owner == position.to_play:
        return False
    after = play(position, point)
    took = sum(after.captured) > sum(position.captured)
    return took or len(liberties(after.stones, after.size, point)) > 1
