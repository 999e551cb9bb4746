"""Commands of the Go Text Protocol, and lines that are no commands."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from striate.go.coordinates import PASS, point_named
from striate.play.protocol import LONGEST, answer
from tests.support.plain_go import Stones, put
from tests.support.playing import NEEDS_KERNELS, answers, commands

pytestmark = NEEDS_KERNELS


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("protocol_version", "= 2"),
        ("12 name", "=12 Striate"),
        ("known_command genmove", "= true"),
        ("known_command fly", "= false"),
        ("7 fly", "?7 unknown command"),
        ("7", "?7 unknown command"),
        ("boardsize 9", "="),
        ("boardsize 19", "? unacceptable size"),
        ("boardsize -1", "? syntax error: expected a whole number"),
        ("boardsize ٣", "? syntax error: expected a whole number"),
        ("boardsize", "? syntax error: expected 1 argument"),
        ("komi 6.5", "="),
        ("komi nan", "? syntax error: komi is a number of points on the board"),
        ("komi x", "? syntax error: komi is a number"),
        ("play b j9", "="),
        ("play white PASS", "="),
        ("play green a1", "? syntax error: a colour is black or white"),
        ("play b i5", "? syntax error: no such vertex"),
        ("play b a10", "? syntax error: no such vertex"),
        ("play b", "? syntax error: expected 2 arguments"),
        ("undo", "? cannot undo"),
        ("fixed_handicap 1", "? invalid number of stones"),
        ("fixed_handicap 3", "= C3 G7 C7"),
        ("place_free_handicap 40", "= C3 G7 C7 G3 C5 G5 E7 E3 E5"),
        ("set_free_handicap A1 A1", "? bad vertex list"),
        ("set_free_handicap A1 pass", "? bad vertex list"),
        ("set_free_handicap A1 B2", "="),
        ("loadsgf /nowhere/game.sgf", "? cannot load file: No such file or directory"),
        ("loadsgf", "? syntax error: a file, and the number of a move"),
        ("final_score", "= W+7.5"),
        ("final_status_list dead", "="),
        ("final_status_list good", "? syntax error: expected one of alive, dead, seki"),
        ("time_settings 0 30 5", "="),
        ("time_left b 30 x", "? syntax error: expected a whole number"),
        ("# nothing", ""),
        ("", ""),
    ],
)
def test_a_line_has_its_answer(line: str, expected: str) -> None:
    assert answers(commands(), line) == [expected]


def test_what_the_rules_forbid_is_answered_with_the_reason() -> None:
    found = commands()
    ko = ["b b1", "w c1", "b a2", "w d2", "b b3", "w c3", "b c2", "w b2"]
    assert answers(found, *(f"play {each}" for each in ko)) == ["="] * 8
    answers(found, "play w j2", "play w h1")
    assert answers(found, "play b j1")[0].endswith("it takes its own last liberty (suicide).")
    assert answers(found, "undo", "undo", "play b c2", "play b b2") == [
        "=",
        "=",
        "? illegal move: black cannot play C2: the ko was just taken there.",
        "? illegal move: black cannot play B2: a white stone is there.",
    ]


def test_suicide_is_legal_by_tromp_taylor_alone() -> None:
    lines = ["play w a1", "play b a2", "play b b2", "play b c1", "play w b1"]
    free = commands(rules="tromp-taylor")
    assert answers(free, *lines, "final_status_list alive")[-2:] == ["=", "= A2 B2 C1"]
    assert answers(commands(rules="japanese"), *lines)[-1].startswith("? illegal move")


def test_a_move_is_taken_back_with_the_stones_that_it_took() -> None:
    found = commands()
    answers(found, "play b a2", "play w a1", "play b b1")
    assert found.session.position.captured == (1, 0)
    assert answers(found, "undo", "undo") == ["=", "="]
    assert found.session.position.captured == (0, 0)
    assert "X to play" not in answers(found, "showboard")[0]
    assert answers(found, "final_status_list alive") == ["= A2"]


def test_handicap_needs_an_empty_board() -> None:
    found = commands()
    assert (
        answers(found, "play b a1", "fixed_handicap 2", "place_free_handicap 2", "set_free_handicap A1 B1")[1:]
        == ["? board not empty"] * 3
    )


def test_a_handicap_may_be_placed_after_a_pass() -> None:
    assert answers(commands(), "play b pass", "fixed_handicap 2") == ["=", "= C3 G7"]


def test_by_chinese_rules_a_handicap_is_given_back(tmp_path: Path) -> None:
    """As gnugo does: by its Chinese rules four stones on an empty board with a komi of 0 are B+77."""
    lines = ["komi 0", "fixed_handicap 4", "final_score", "clear_board", "play b c3", "final_score"]
    assert [answers(commands(), *lines)[at] for at in (2, 5)] == ["= B+77", "= B+81"]
    assert answers(commands(rules="tromp-taylor"), *lines)[2] == "= B+81"
    file = tmp_path / "game.sgf"
    for text, score in (("AB[cc][gg]", "B+79"), ("AB[cc]", "B+81"), ("AB[cc][gc]AW[gg]", "B+1")):
        file.write_text(f"(;SZ[9]KM[0]{text})")
        assert answers(commands(), f"loadsgf {file}", "final_score") == ["=", f"= {score}"]


def test_a_board_is_counted_by_area_or_by_territory() -> None:
    wall = [f"play {colour} {column}{row}" for row in range(1, 10) for colour, column in (("b", "e"), ("w", "f"))]
    taken = ["play w a1", "play b a2", "play b b1"]  # black fills, and takes one stone
    assert answers(commands(), *wall, *taken, "final_score")[-1] == "= B+1.5"  # 45 − 36 − 7.5
    # 36 − 2 stones − 27, one taken, komi 6.5
    assert answers(commands(rules="japanese"), *wall, *taken, "final_score")[-1] == "= B+1.5"


def test_a_game_is_loaded_up_to_a_move(tmp_path: Path) -> None:
    file = tmp_path / "game.sgf"
    file.write_text("(;SZ[9]KM[5.5];B[aa];W[bb];B[cc])")
    found = commands()
    assert answers(found, f"loadsgf {file} 3", "final_status_list alive") == ["=", "= A9 B8"]
    assert answers(found, f"loadsgf {file}", "final_status_list alive") == ["=", "= A9 B8 C7"]
    assert found.session.komi == 5.5
    file.write_text("(;SZ[9];B[aa];B[bb];AB[cc];W[dd])")
    assert answers(found, f"loadsgf {file} 2", "final_status_list alive") == ["=", "= A9"]
    assert answers(found, "showboard")[0].endswith("black to play; black captured 0, white captured 0")
    assert found.session.komi == 5.5  # the record names none
    file.write_text("(;SZ[9]KM[5.5];B[aa];W[bb];B[cc])")
    answers(found, f"loadsgf {file}")
    for text, reason in (
        ("(;SZ[19];B[aa])", "a game on 19x19"),
        ("(;SZ[9];B[aa];W[aa])", "move 2: white cannot play A9: a black stone is there."),
        ("no game", "not a record of a game that can be read: no SGF data found."),
    ):
        file.write_text(text)
        assert answers(found, f"loadsgf {file}") == [f"? cannot load file: {reason}"]
    assert answers(found, "final_status_list alive") == ["= A9 B8 C7"]  # a file that is refused changes nothing


def test_a_line_without_end_is_refused_as_a_whole() -> None:
    assert answers(commands(), f"name {'x' * LONGEST}") == ["? syntax error: a line has at most 4096 characters"]


def test_a_game_of_the_network_alone_ends_and_is_legal() -> None:
    found = commands()
    session = found.session
    boards: list[Stones] = [{}]  # by the slow rules of the tests
    for turn in range(400):
        move = point_named(answers(found, f"genmove {'bw'[turn % 2]}")[0].removeprefix("= "), 9)
        if move != PASS:
            assert divmod(move, 9) not in boards[-1]
            board, _, own = put(boards[-1], divmod(move, 9), 1 + turn % 2, 9)
            assert not own
            assert board not in boards
            boards.append(board)
        if session.position.passes == 2:
            break
    assert session.position.passes == 2


NAMES = (
    *("protocol_version", "name", "version", "known_command", "list_commands", "boardsize", "clear_board", "komi"),
    *("play", "genmove", "undo", "showboard", "fixed_handicap", "place_free_handicap", "set_free_handicap", "loadsgf"),
    *("final_score", "final_status_list", "time_settings", "time_left", "quit"),
)


def test_quit_is_answered_and_ends_the_session() -> None:
    found = commands()
    assert not found.closed
    assert answers(found, "9 quit") == ["=9"]
    assert found.closed


def test_all_commands_are_listed() -> None:
    found = commands()
    assert sorted(answers(found, "list_commands")[0].removeprefix("= ").split()) == sorted(NAMES)
    assert sorted(found.acts) == sorted(NAMES)


WORDS = st.one_of(
    st.sampled_from(NAMES),
    st.sampled_from(
        ["b", "white", "A1", "j9", "pass", "9", "0", "-3", "2", "1e400", "nan", "#", "=", "?", "\t", "\x00", "ÿ"]
    ),
    st.integers(-(10**12), 10**12).map(str),
    st.text(max_size=8),
)


@settings(deadline=None, max_examples=100)
@given(st.lists(st.lists(WORDS, max_size=5).map(" ".join), max_size=12))
def test_nonsense_is_answered_and_the_game_goes_on(lines: list[str]) -> None:
    found = commands()
    for line in lines:
        text = answer(line, found)
        assert text == "" or (text[0] in "=?" and text.endswith("\n\n") and "\n\n" not in text[:-2])
    assert answers(found, "5 protocol_version") == ["=5 2"]
