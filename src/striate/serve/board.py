"""A game of Go as a message."""

from __future__ import annotations

from typing import Literal

from striate.errors import RequestError
from striate.go.coordinates import name_of
from striate.go.position import BLACK, legal_moves
from striate.look.positions import game_for
from striate.look.predictor import Predictor
from striate.serve import messages as m


def position_of(predictor: Predictor, content: bytes) -> m.Position:
    """The position at the end of a game in SGF. Raises DataError where it is none, RequestError for images.

    Where stones were set up in the middle of the game, they are the `first` ones, and `moves` those after them.
    """
    if predictor.board is None:
        raise RequestError(
            f"{predictor.run.network.name} does not play Go.",
            "Expected a network of 48 planes of a square board with an output for each point.",
            "Name one by ?run=NAME.",
        )
    game = game_for(content, predictor.board)
    last = game.positions[-1]
    players = [each.to_play for each in game.positions[game.placed :]]
    played = game.moves[game.placed :]
    return m.Position(
        size=game.size,
        stones=list(last.stones),
        first=list(game.positions[game.placed].stones),
        moves=[
            m.Move(_colour(player), name_of(move, game.size)) for player, move in zip(players, played, strict=False)
        ],
        to_play=_colour(last.to_play),
        last=last.last,
        captured=last.captured,
        legal=legal_moves(last),
        komi=game.komi,
        comment=game.comment,
        broken=game.broken,
    )


def _colour(colour: int) -> Literal["black", "white"]:
    return "black" if colour == BLACK else "white"
