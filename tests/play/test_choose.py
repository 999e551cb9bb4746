"""Which move is chosen, and when there is none."""

from random import Random

import numpy as np
import pytest

from striate import find
from striate.errors import SpecError
from striate.go.coordinates import PASS, point_named
from striate.go.position import BLACK, WHITE, Position, place, play, start, to_move
from striate.go.symmetries import places
from striate.look.untrained import untrained
from striate.play.choose import RESIGN, Style, choose
from striate.play.policy import Moves, Policy
from striate.play.rules import RULES
from tests.support.playing import NEEDS_KERNELS, policy


def drawn(text: str, to_play: int = BLACK) -> Position:
    rows = text.split()
    signs = "".join(rows)
    where = {sign: [at for at, each in enumerate(signs) if each == sign] for sign in "XO"}
    return to_move(place(start(len(rows), RULES["chinese"].moves), where["X"], where["O"]), to_play)


def moves(position: Position, *named: str) -> Moves:
    """Sensible are the named moves alone, the first the most probable."""
    found = Moves(np.full(len(position.stones), 0.001), np.zeros(len(position.stones), bool))
    for number, each in enumerate(named):
        point = point_named(each, position.size)
        found.sensible[point], found.probabilities[point] = True, 0.5 / (number + 1)
    return found


def chosen(position: Position, *named: str, style: Style | None = None, komi: float = 0.0, seed: int = 0) -> int:
    found = moves(position, *named)
    return choose(position, found, RULES["chinese"], style or Style(), komi=komi, random=Random(seed))


HALVES = "..XO. ..XO. ..XO. ..XO. ..XO."  # Black has 15 points, White 10


def test_the_most_probable_sensible_move_is_played() -> None:
    position = drawn(HALVES)
    assert chosen(position, "A1", "B2") == point_named("A1", 5)
    assert chosen(position) == PASS


def test_a_temperature_near_0_plays_the_most_probable_move() -> None:
    for seed in range(20):
        assert chosen(drawn(HALVES), "B2", "A1", style=Style(1e-310), seed=seed) == point_named("B2", 5)


def test_after_a_pass_it_passes_where_it_leads() -> None:
    position = play(drawn(HALVES, WHITE), PASS)
    assert chosen(position, "E1") == PASS
    assert chosen(position, "E3", komi=6.0) == point_named("E3", 5)  # behind, and a stone there has two liberties


def test_after_a_pass_it_passes_where_no_move_gains() -> None:
    position = play(drawn(HALVES, BLACK), PASS)  # White to play, 5 behind
    assert chosen(position, "E3") == PASS  # inside its own area
    assert chosen(position, "B3") == point_named("B3", 5)  # a stone that may live
    assert chosen(position, "A3", komi=20) == PASS  # ahead
    assert chosen(play(drawn(".XO.. XXO.. .XO.. .XO.. .XO..", BLACK), PASS), "A3") == PASS  # it is caught at once
    taking = play(drawn(".OXO. OXXO. .XXO. .XXO. .XXO.", BLACK), PASS)
    assert chosen(taking, "A3", "A5", komi=-20) == point_named("A3", 5)  # two liberties by the chain that it joins


def test_moves_are_drawn_by_their_probabilities() -> None:
    position, style = drawn(HALVES), Style(temperature=1.0)
    found = [chosen(position, "A1", "B2", style=style, seed=seed) for seed in range(600)]
    share = found.count(point_named("A1", 5)) / 600
    assert 0.6 < share < 0.73  # two thirds
    sure = [chosen(position, "A1", "B2", style=Style(temperature=0.1), seed=seed) for seed in range(100)]
    assert sure.count(point_named("A1", 5)) > 95  # (1/2)^10 to one


def test_it_resigns_only_when_asked_to_and_not_early() -> None:
    early, late = drawn(HALVES, WHITE), drawn(HALVES, WHITE)
    object.__setattr__(early, "turn", 8)
    object.__setattr__(late, "turn", 9)  # its tenth move: 0.4 of 25 points
    style = Style(resign=4.0)
    assert chosen(early, "E1", style=style) != RESIGN
    assert chosen(late, "E1", style=style) == RESIGN
    assert chosen(late, "E1") != RESIGN
    assert chosen(late, "E1", style=style, komi=3) != RESIGN


@NEEDS_KERNELS
def test_the_mean_of_eight_symmetries_turns_with_the_board() -> None:
    position = start(9)
    for each in ("E5", "C3", "G7", "D5"):
        position = play(position, point_named(each, 9))
    found = policy(symmetries=True).moves(position)
    assert found.probabilities.sum() == pytest.approx(1)
    for table in places(9)[1:]:
        stones, ages = (bytes(np.frombuffer(each, np.uint8)[table]) for each in (position.stones, position.ages))
        turned = Position(9, position.rules, stones, ages, position.to_play, turn=4)
        other = policy(symmetries=True).moves(turned)
        np.testing.assert_allclose(other.probabilities, found.probabilities[table], atol=1e-6)
        assert (other.sensible == found.sensible[table]).all()


@NEEDS_KERNELS
def test_superko_is_not_sensible() -> None:
    position = drawn("." * 9 + " .XO...... X.XO..... .XO......" + " ........." * 5)
    before = play(to_move(position, WHITE), point_named("B7", 9))  # White takes the ko
    elsewhere = play(play(before, PASS), PASS)  # the simple ko is over
    assert elsewhere.ko == PASS
    found = policy().moves(elsewhere)
    assert not found.sensible[point_named("C7", 9)]


def test_a_network_of_images_does_not_play() -> None:
    with pytest.raises(SpecError) as error:
        Policy(untrained(find("lenet5")))
    assert str(error.value) == (
        "lenet5 does not play Go.\n"
        "Expected a network of 48 planes of a square board with an output for each point.\n"
        "Take one such as alphago-policy: striate list shows them."
    )
