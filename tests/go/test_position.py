from __future__ import annotations

import random

import pytest

from striate.errors import MoveError
from striate.go.position import (
    BLACK,
    PASS,
    WHITE,
    Position,
    Rules,
    chain,
    illegal,
    is_over,
    legal_moves,
    liberties,
    name_of,
    place,
    play,
    point_named,
    start,
    to_move,
)
from striate.go.score import area, result
from striate.go.show import board
from tests.support.plain_go import Game


def drawn(*rows: str, rules: Rules | None = None, to_play: int = BLACK) -> Position:
    """A position from rows of X, O and dots."""
    text = "".join(rows)
    where = {sign: [at for at, each in enumerate(text) if each == sign] for sign in "XO"}
    return to_move(place(start(len(rows), rules), where["X"], where["O"]), to_play)


def shown(position: Position) -> list[str]:
    text = "".join(".XO"[colour] for colour in position.stones)
    return [text[at : at + position.size] for at in range(0, len(text), position.size)]


def at(name: str, position: Position) -> int:
    return point_named(name, position.size)


def test_a_captured_chain_leaves_the_board():
    position = drawn(".OO.", "OXXO", ".O..", "....", to_play=WHITE)
    after = play(position, at("C2", position))
    assert shown(after) == [".OO.", "O..O", ".OO.", "...."]
    assert (after.captured, after.ko, after.to_play) == ((0, 2), PASS, BLACK)


def test_a_ko_may_not_be_taken_back_at_once():
    position = drawn(".XO.", "X.XO", ".XO.", "....", to_play=WHITE)
    after = play(position, at("B3", position))
    assert shown(after) == [".XO.", "XO.O", ".XO.", "...."]
    with pytest.raises(MoveError) as caught:
        play(after, at("C3", position))
    assert str(caught.value) == "black cannot play C3: the ko was just taken there."
    later = play(play(after, PASS), PASS)
    assert play(later, at("C3", position)).stones == position.stones


def test_a_lone_stone_that_takes_two_makes_no_ko():
    position = drawn("OX..", ".OX.", "OX..", "X...", to_play=BLACK)
    after = play(drawn(".OOX", "XXX.", "....", "....", to_play=BLACK), 0)
    assert after.ko == PASS
    assert play(position, 4).ko == PASS


def test_positional_superko_forbids_what_simple_ko_allows():
    rows = (".XO.", "X.XO", ".XO.", "....")
    simple, positional = (drawn(*rows, rules=Rules(ko=ko), to_play=WHITE) for ko in ("simple", "positional"))
    move, back = at("B3", simple), at("C3", simple)
    simple, positional = (play(play(play(each, move), PASS), PASS) for each in (simple, positional))
    assert illegal(simple, back) == ""
    assert illegal(positional, back) == "it repeats an earlier position (superko)"
    with pytest.raises(MoveError, match=r"^black cannot play C3: it repeats an earlier position \(superko\)\.$"):
        play(positional, back)


def test_suicide_by_both_rules():
    rows = (".XX.", "XOOX", "XO.X", ".XX.")
    forbidden = drawn(*rows, to_play=WHITE)
    with pytest.raises(MoveError, match=r"^white cannot play C2: it takes its own last liberty \(suicide\)\.$"):
        play(forbidden, at("C2", forbidden))
    allowed = play(drawn(*rows, rules=Rules(suicide=True), to_play=WHITE), at("C2", forbidden))
    assert shown(allowed) == [".XX.", "X..X", "X..X", ".XX."]
    assert (allowed.captured, allowed.ages.count(0)) == ((4, 0), 8)


def test_snapback():
    """White takes one stone, and loses three at once: the chain it made has one liberty, but is no lone stone."""
    position = drawn("XXXX.", "XOOX.", "XO.XX", ".XOO.", "..XXO")
    thrown = play(position, at("C3", position))
    assert thrown.stones.count(WHITE) == 3
    position = drawn(".OOX.", "OX.X.", "OOXX.", ".....", ".....", to_play=BLACK)
    assert illegal(position, at("C4", position)) == ""


def test_errors_say_what_is_wrong_with_a_move():
    position = play(start(9), at("E5", start(9)))
    assert illegal(position, at("E5", position)) == "a black stone is there"
    assert illegal(position, 81) == illegal(position, -7) == "it is no point of a 9×9 board"
    with pytest.raises(MoveError, match=r"^white cannot play 81: it is no point of a 9×9 board\.$"):
        play(position, 81)
    with pytest.raises(MoveError) as caught:
        start(26)
    assert str(caught.value) == "a board of 26×26.\nA board has 2 to 25 lines each way."
    with pytest.raises(MoveError) as caught:
        place(start(3), [0], [1, 3])
    assert str(caught.value) == (
        "the black stone at A3 has no liberty.\nEvery chain of stones has an empty point beside it."
    )
    with pytest.raises(MoveError, match=r"^A3 is placed twice\.\nA point has one stone, or none\.$"):
        place(start(3), [0], [0])
    with pytest.raises(MoveError, match=r"^9 is no point of a 3×3 board\.$"):
        place(start(3), [9])


@pytest.mark.parametrize("name", ["", "I5", "A0", "A10", "Z1", "A", "5", "a+1", "é3", "A1 ", "A٣", "A001"])
def test_names_that_are_no_points(name: str):
    with pytest.raises(MoveError, match=r"is no point of a 9×9 board\.\nPoints are A1 \(below left\) to J9"):
        point_named(name, 9)


@pytest.mark.parametrize("size", [2, 9, 19, 25])
def test_names_go_both_ways(size: int):
    assert [point_named(name_of(point, size), size) for point in range(size * size)] == list(range(size * size))


def test_a_turn_given_to_the_other_frees_the_ko():
    position = play(drawn(".XO.", "X.XO", ".XO.", "....", to_play=WHITE), 5)
    assert position.ko == 6
    assert to_move(position, BLACK) is position
    assert (to_move(position, WHITE).ko, to_move(position, WHITE).to_play) == (PASS, WHITE)


def test_two_passes_end_a_game():
    position = play(start(5), PASS)
    assert not is_over(position)
    assert is_over(play(position, PASS))
    assert not is_over(play(play(play(position, 3), PASS), 4))


def test_the_area_counts_stones_and_what_one_colour_alone_reaches():
    position = drawn(".X.O.", "XX.OO", ".X.O.", "XX.OO", ".X.OO")
    score = area(position)
    assert (score.black, score.white, score.neutral) == (10, 10, 5)
    assert [score.owners[point] for point in (0, 2, 4)] == [BLACK, 0, WHITE]
    dead = area(drawn("O.X.", "..X.", "XXX.", "...."), dead=[0])
    assert (dead.black, dead.white, dead.neutral) == (16, 0, 0)
    assert area(start(9)).neutral == 81
    assert [result(score, komi) for komi in (0, 7.5, -0.5)] == ["0", "W+7.5", "B+0.5"]


def test_a_board_as_text_marks_the_last_move_at_the_edge_too():
    assert board(play(start(2), 0)).splitlines()[1:3] == [" 2(X). 2", " 1 . . 1"]
    lines = board(start(9)).splitlines()
    assert [at for at, line in enumerate(lines) if "+" in line] == [3, 5, 7]


@pytest.mark.parametrize("superko", [False, True])
@pytest.mark.parametrize("suicide", [False, True])
@pytest.mark.parametrize("size", [2, 3, 5])
def test_random_games_are_those_of_a_slow_implementation(size: int, suicide: bool, superko: bool):
    draw = random.Random(size)
    rules = Rules("positional" if superko else "simple", suicide)
    kos = suicides = 0
    for _ in range(6 if size < 5 else 1):
        position, game = start(size, rules), Game(size, superko, suicide)
        for _ in range(120):
            expected = [point for point in range(size * size) if game.legal(divmod(point, size))]
            assert legal_moves(position) == expected
            move = draw.choice(expected) if expected and draw.random() < 0.95 else PASS
            game.play(None if move == PASS else divmod(move, size))
            position = play(position, move)
            stones = bytes(game.stones.get(divmod(point, size), 0) for point in range(size * size))
            assert (position.stones, position.to_play) == (stones, game.to_play)
            ko = game.forbidden_ko()
            assert position.ko == (PASS if ko is None else ko[0] * size + ko[1])
            ages = [min(8, len(game.moves) - game.placed[divmod(p, size)]) if c else 0 for p, c in enumerate(stones)]
            assert list(position.ages) == ages
            score = area(position)
            assert (score.black, score.white) == game.area()
            kos += position.ko != PASS
            suicides += move != PASS and not position.stones[move]
    assert size != 3 or kos
    assert bool(suicides) == suicide or size == 2  # on 2×2, superko leaves none


def test_chains_and_liberties():
    position = drawn("XX..", ".XO.", "....", "....")
    assert chain(position.stones, 4, 0) == {0, 1, 5}
    assert liberties(position.stones, 4, 0) == {2, 4, 9}
