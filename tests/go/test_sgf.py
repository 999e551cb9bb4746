"""One game from the bytes of an SGF file."""

import random

import pytest

from striate.errors import DataError
from striate.go.coordinates import PASS, name_of, point_named
from striate.go.position import BLACK, WHITE, Rules, legal_moves, play, start, to_move
from striate.go.sgf import LARGEST_FILE, at_move, read_game, write_game


def test_a_game_that_is_written_is_read_as_it_was() -> None:
    draw = random.Random(3)
    for size in (5, 9, 19):
        position, moves = start(size, Rules("positional")), list[tuple[int, int]]()
        for _ in range(60):
            move = draw.choice([*legal_moves(position), PASS])
            moves.append((position.to_play, move))
            position = play(position, move)
        found = read_game(write_game(size, moves, komi=5.5).encode(), rules=Rules("positional"))
        assert (found.size, found.komi, found.broken) == (size, 5.5, "")
        assert list(found.moves) == [move for _, move in moves]
        assert found.positions[-1] == position
        assert len(found.positions) == 61
        assert at_move(found, 10) == found.positions[9]


def test_stones_are_set_up_and_players_named() -> None:
    found = read_game(b"(;SZ[9]HA[2]AB[gc][cg];W[ee];B[ef])")
    assert found.positions[0].to_play == WHITE  # after a handicap
    assert {name_of(at, 9) for at, each in enumerate(found.positions[0].stones) if each} == {"G7", "C3"}
    problem = read_game(b"(;SZ[9]AB[aa]AW[bb]PL[W]C[Kill])")
    assert (problem.positions[-1].to_play, problem.comment, problem.moves) == (WHITE, "Kill", ())
    turned = read_game(b"(;SZ[9];B[aa];PL[B])")
    assert turned.positions[-1] == to_move(play(start(9), 0), BLACK)
    twice = read_game(b"(;SZ[9];B[aa];B[bb];W[])")
    assert [each.to_play for each in twice.positions] == [BLACK, BLACK, WHITE, BLACK]
    edited = read_game(b"(;SZ[9];B[aa];AE[aa]AW[cc];B[dd])")
    assert edited.positions[1].stones[point_named("C7", 9)] == WHITE


def test_what_comes_after_the_moves_that_are_wanted_does_not_count() -> None:
    text = b"(;SZ[9];B[aa];W[bb];AB[cc]AW[zz];W[dd];B[dd])"
    found = read_game(text, most=1)
    assert (found.positions, found.broken) == (read_game(b"(;SZ[9];B[aa])").positions, "")
    turns = [read_game(b"(;SZ[9];B[aa];B[bb];W[cc])", most=most).positions[-1].to_play for most in range(4)]
    assert turns == [BLACK, BLACK, WHITE, BLACK]


def test_a_player_is_named_by_a_letter_or_a_word() -> None:
    for text, player in ((b"W", WHITE), (b"white", WHITE), (b" b ", BLACK), (b"Black", BLACK)):
        assert read_game(b"(;SZ[9]PL[" + text + b"])").positions[-1].to_play == player
    assert read_game(b"(;SZ[9]PL[x])").broken == "move 1: its player, 'x', is neither B nor W."


def test_sizes_and_encodings_are_read_as_servers_write_them() -> None:
    expected = read_game(b"(;SZ[9];B[aa])").positions
    for root in (b"SZ[9:9]", b"SZ[ 9 : 09 ]", b"SZ[9]CA[]", b"SZ[9:9]CA[ ]"):
        assert read_game(b"(;" + root + b"C[caf\xe9];B[aa])").positions == expected
    zeros = b"0" * 400_000  # a pattern that goes back over them would take a minute
    for size in (b"9:13", zeros + b":" + zeros):
        with pytest.raises(DataError, match="bad SZ property"):
            read_game(b"(;SZ[" + size + b"];B[aa])")


def test_komi_is_known_or_not() -> None:
    for text, komi in ((b"KM[0]", 0.0), (b"KM[6.5]", 6.5), (b"", None), (b"KM[6,5]", None)):
        assert read_game(b"(;SZ[9]" + text + b";B[aa])").komi == komi


@pytest.mark.parametrize("charset", [b"base64", b"rot13", b"unicode_escape"])
def test_a_charset_that_is_no_text_costs_the_comment_alone(charset: bytes) -> None:
    found = read_game(b"(;CA[" + charset + b"]SZ[9]C[\\\\ud800];B[aa])")
    assert (found.moves, found.comment) == ((0,), "?" if charset == b"unicode_escape" else "")


def test_a_game_ends_before_an_illegal_move() -> None:
    found = read_game(b"(;SZ[9];B[aa];W[aa];B[bb])")
    assert (len(found.moves), found.broken) == (1, "move 2: white cannot play A9: a black stone is there.")
    assert read_game(b"(;SZ[9];B[aa];W[xx])").broken.startswith("move 2: it cannot be read")
    assert read_game(b"(;SZ[9]AB[aa:zz];W[bb])").broken.startswith("move 1: its stones cannot be read")
    assert read_game(b"(;SZ[9]AB[aa]AW[ab][ba])").broken == "move 1: the black stone at A9 has no liberty."
    with pytest.raises(DataError, match=r"no move 4: the game has 1 moves. The record ends at an illegal one: move 2"):
        at_move(found, 4)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "not a record of a game that can be read: no SGF data found."),
        (b"(;" * 50_000, "not a record of a game that can be read: unexpected end of SGF data."),
        (b"(;SZ[40])", "not a record of a game that can be read: size out of range: 40."),
        (b"(;SZ[1])", "a board of 1×1."),
        (b"(;GM[2]SZ[9];B[dd])", "a record of another game than Go."),
        (b"(;CA[nope];B[dd])", "not a record of a game that can be read: unknown encoding: nope."),
        (b"x" * (LARGEST_FILE + 1), "1,048,577 bytes are too many for a game."),
    ],
)
def test_what_is_no_game_is_refused(content: bytes, what: str) -> None:
    with pytest.raises(DataError) as refused:
        read_game(content)
    assert refused.value.what == what


def test_nonsense_never_breaks_it() -> None:
    draw = random.Random(7)
    good = b"(;GM[1]FF[4]SZ[9]KM[7.5]AB[aa][bb]PL[W]C[a\\]b];W[ee];B[ef](;W[cc])(;W[dd]))"
    for _ in range(1500):
        damaged = bytearray(good)
        for _ in range(draw.randint(1, 4)):
            damaged[draw.randrange(len(damaged))] = draw.choice(b"()[];\\:WBASZPL019az\xff\x00")
        try:
            found = read_game(bytes(damaged))
        except DataError:
            continue
        assert len(found.positions) == len(found.moves) + 1


def test_stones_in_the_middle_of_a_game_begin_its_history_anew() -> None:
    """As the page sends such a game: with the stones that are there then."""
    middle = read_game(b"(;SZ[9];B[aa];W[bb];AE[aa]AB[cc];B[dd])").positions[-1]
    anew = read_game(b"(;SZ[9]AB[cc]AW[bb];B[dd])").positions[-1]
    assert (middle.stones, middle.ages, middle.ko, middle.last) == (anew.stones, anew.ages, anew.ko, anew.last)
    same = read_game(b"(;SZ[9];B[aa];W[bb];AW[bb];B[dd])")
    assert (same.placed, same.positions[-1].ages[0]) == (0, 3)


@pytest.mark.parametrize("text", [";AB[cc][gg];AW[gc][cg]", "AW[gc];AB[cc]", "AB[cc]AW[gc]"])
def test_black_stones_alone_are_a_handicap(text: str) -> None:
    assert read_game(f"(;SZ[9]{text})".encode()).positions[-1].to_play == BLACK
    assert read_game(b"(;SZ[9];AB[cc];AB[gg])").positions[-1].to_play == WHITE


def test_a_player_that_is_named_stays_where_more_stones_are_set_up() -> None:
    assert read_game(b"(;SZ[9]AB[cc]PL[W];AW[gc])").positions[-1].to_play == WHITE
    assert read_game(b"(;SZ[9]AB[cc]PL[B];AB[gg])").positions[-1].to_play == BLACK
