"""Games against gnugo, by the referee: legality over whole games."""

from random import Random

import pytest

from striate.play.choose import Style
from tests.support.playing import NEEDS_KERNELS, commands
from tests.support.referee import GNUGO, Foul, Inside, game, gnugo, program, wilson

pytestmark = NEEDS_KERNELS


@pytest.mark.slow
@pytest.mark.skipif(GNUGO is None, reason="gnugo is not installed")
@pytest.mark.parametrize("seed", [1, 2])
def test_games_against_gnugo_are_legal_and_end(seed: int) -> None:
    us = Inside(commands(style=Style(temperature=1.0), seed=seed))
    with program(gnugo(0, seed)) as them:
        black, white = (us, them) if seed % 2 else (them, us)
        played = game(black, white, judge=them, most=200, size=9)
    assert played.ended in ("passes", "resignation")
    assert played.judged == played.counted
    assert played.winner() == (2 if seed % 2 else 1)  # random weights lose


def test_the_referee_sees_what_is_illegal() -> None:
    class Cheat(Inside):
        def ask(self, command: str) -> str:
            return "A1" if command.startswith("genmove") else super().ask(command)

    first, second = (Cheat(commands(seed=Random(each).randrange(9))) for each in (1, 2))
    with pytest.raises(Foul, match="white plays A1 as move 2: a black stone is there"):
        game(first, second, judge=first, size=9)
    with pytest.raises(Foul, match=r"`boardsize 19` is answered by `\? unacceptable size`"):
        game(first, second, judge=first)


def test_wilsons_interval() -> None:
    # Worked out by hand from the formula's quadratic: (p − s)² = z² p (1 − p) / n at both ends.
    for wins, games in ((0, 40), (8, 40), (40, 40), (1, 3)):
        share = wins / games
        for end in wilson(wins, games):
            assert (end - share) ** 2 == pytest.approx(1.96**2 * end * (1 - end) / games, abs=1e-12)
