from __future__ import annotations

import gzip
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from striate.errors import DataError, RequirementError
from striate.go.games import Games, packed, positions_of, unpacked
from striate.go.position import BLACK, PASS, WHITE
from striate.go.records import Note, game_in, moves_of, read_records, summary
from striate.go.sgf import read_game
from striate.kernels.binary import Library, library

pytest.importorskip("sgfmill", reason="the extra go is not installed")
needs_kernels = pytest.mark.skipif(not isinstance(library(), Library), reason="the kernels are not compiled")
GAME = "(;FF[4]GM[1]SZ[19]KM[6.5];B[pd];W[dp];B[];W[tt];B[aa])"


def test_a_game_is_its_main_line():
    text = b"(;FF[4]GM[1]SZ[9];B[aa](;W[bb]C[not ;B\\[cc\\] this];B[cc])(;W[dd];B[ee]))"
    assert moves_of(text, 9) == [packed(0, BLACK), packed(10, WHITE), packed(20, BLACK)]
    assert [unpacked(code)[0] for code in moves_of(GAME.encode())] == [72, 288, PASS, PASS, 0]


def test_handicap_stones_are_set_up_and_rectangles_are_spelled_out():
    moves = moves_of(b"(;GM[1]SZ[9]HA[3]AB[aa:ba][cc];W[dd])", 9)
    assert [unpacked(code) for code in moves] == [(0, 1, True), (1, 1, True), (20, 1, True), (30, 2, False)]


def test_stones_placed_in_the_middle_of_a_game_end_it():
    assert moves_of(b"(;GM[1]SZ[9];B[aa];AW[bb];W[cc])", 9) == [packed(0, BLACK)]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("(;GM[2]SZ[19];B[aa])", "it is a record of another game than Go"),
        ("(;GM[1]SZ[13];B[aa])", "the board is '13', not 19×19"),
        ("(;GM[1]SZ[19:13];B[aa])", "the board is '19:13', not 19×19"),
        ("(;GM[1]SZ[\x1b[2J];B[aa])", "the board is '\\x1b[2J', not 19×19"),
        ("(;GM[1]SZ[19]HA[2]AB[dd][pp])", "it has handicap stones and no moves"),
        ("(;GM[1]SZ[19];B[])", "it has no moves"),
        ("(;GM[1]SZ[19])", "it has no moves"),
        ("(;GM[1]SZ[19];B[zz])", "node 1 has 'zz', which is no point of the board"),
        ("(;GM[1]SZ[19];B[pd];W[d])", "node 2 has 'd', which is no point of the board"),
        ("(;GM[1]SZ[19];B[pd];W[", "it cannot be read: unexpected end of SGF data"),
        ("no game at all", "it cannot be read: no SGF data found"),
        ("(;GM[1];" + "B[aa];" * 2100 + ")", "it has more than 2,000 moves"),
    ],
)
def test_a_record_that_is_left_out_says_why(text: str, why: str):
    with pytest.raises(DataError) as caught:
        moves_of(text.encode())
    assert caught.value.what == why


@needs_kernels
def test_a_broken_game_costs_no_other_game(tmp_path: Path):
    file = tmp_path / "games.sgf.gz"
    text = "\n".join([GAME, "(;FF[4]GM[1]SZ[19];B[pd", GAME.replace("19", "9"), "(;FF[4]GM[1];B[qq])"])
    file.write_bytes(gzip.compress(text.encode()))
    found = read_records([file])
    assert (len(found.games), found.games.names) == (2, ("games.sgf.gz, game 1", "games.sgf.gz, game 4"))
    assert found.left_out == (
        Note("games.sgf.gz, game 2", "it cannot be read: unexpected end of SGF data"),
        Note("games.sgf.gz, game 3", "the board is '9', not 19×19"),
    )
    assert summary(found) == "2 games, 4 positions; 2 records left out"


@needs_kernels
def test_games_are_told_apart_whatever_they_begin_with(tmp_path: Path):
    file = tmp_path / "games.sgf"
    quoting = "(;GM[1]SZ[19]C[A game: (;GM[1\\]SZ[19\\];B[aa\\])];B[bb](;W[cc])(;W[dd]))"
    texts = ["From: (a server)", "(;KM[7.5]SZ[19];B[cc];W[dd])", quoting, "( ;RE[B+R];B[ee]) (or so)", "(;B[ff])"]
    file.write_text("\n".join([*texts, GAME, "(;KM[0];B[gg", GAME]))
    found = read_records([file])
    assert found.games.names == tuple(f"games.sgf, game {number}" for number in (1, 2, 3, 4, 5, 7))
    assert found.left_out == (Note("games.sgf, game 6", "it cannot be read: unexpected end of SGF data"),)
    assert [unpacked(int(found.games.moves[at]))[0] for at in found.games.starts[:-1]] == [40, 20, 80, 100, 72, 72]
    assert game_in(file, 3).startswith(b"( ;RE[B+R];B[ee])")
    file.write_bytes(b"(;KM[0]" + b"[" * 500_000 + b"(" * 500_000)
    assert len(read_records([file]).left_out) == 1  # at once


@needs_kernels
def test_an_illegal_move_cuts_its_game(tmp_path: Path):
    for name, text in (("a.sgf", "(;GM[1];B[aa];W[bb];B[bb];W[cc])"), ("b.sgf", GAME)):
        (tmp_path / name).write_text(text)
    found = read_records([tmp_path / "a.sgf", tmp_path / "b.sgf"])
    assert found.cut == (Note("a.sgf", "move 3, black B18, is illegal; kept up to there"),)
    assert np.diff(found.games.starts).tolist() == [2, 5]
    assert found.games.answers(found.games.positions).tolist() == [0, 20, 72, 288, 0]
    (tmp_path / "c.sgf").write_text("(;GM[1]HA[2]AB[dd][pp];W[cf];B[cf])")
    assert read_records([tmp_path / "c.sgf"]).cut == (Note("c.sgf", "move 2, black C14, is illegal; kept up to there"),)
    with pytest.raises(DataError) as caught:
        game_in(tmp_path / "b.sgf", 2)
    assert str(caught.value).endswith("b.sgf: has no game 2.\nIt has 1 game.\nGive another --game.")


def test_facts_of_a_game_in_its_variations_begin_no_other(tmp_path: Path):
    text = "(;FF[4]GM[1]SZ[9](;PB[A];B[ee];W[cc])(;PB[B];B[dd]))"
    (tmp_path / "m.sgf").write_text(text)
    found = read_records([tmp_path / "m.sgf"])
    assert (len(found.games), found.left_out) == (0, (Note("m.sgf", "the board is '9', not 19×19"),))
    assert game_in(tmp_path / "m.sgf", 1).decode() == text


@needs_kernels
def test_both_readers_see_the_same_game(tmp_path: Path):
    """One packs the moves of many games, the other gives the positions of one: the same moves, up to an illegal one."""
    texts = [GAME, "(;GM[1];B[aa];W[bb];B[bb];W[cc])", "(;FF[4]GM[1]SZ[19]HA[2]AB[dd][pp];W[dp];B[aa])"]
    texts.append("(;GM[1]SZ[19]AB[]AW[];B[pd];W[dp]AB[];B[dd])")
    file = tmp_path / "games.sgf.gz"
    file.write_bytes(gzip.compress("\n".join(texts).encode()))
    games = read_records([file]).games
    for number, (first, last) in enumerate(pairwise(games.starts)):
        positions = positions_of(19, games.moves[first:last].tolist())
        found = read_game(game_in(file, number + 1))
        assert [each.stones for each in found.positions] == [each.stones for each in positions]
        assert [each.to_play for each in found.positions] == [each.to_play for each in positions]
        played = [unpacked(code)[0] for code in games.moves[first:last].tolist() if not unpacked(code)[2]]
        assert list(found.moves) == played
    assert [len(read_game(game_in(file, number)).moves) for number in (1, 2, 3, 4)] == [5, 2, 2, 3]


def test_files_that_cannot_be_read(tmp_path: Path):
    cut = tmp_path / "cut.sgf.gz"
    cut.write_bytes(gzip.compress(GAME.encode())[:-9])
    with pytest.raises(DataError, match=r"cut\.sgf\.gz: cannot be read: .*end-of-stream"):
        read_records([cut])
    with pytest.raises(DataError, match=r"none\.sgf: cannot be read: no such file or directory\."):
        read_records([tmp_path / "none.sgf"])


def test_moves_that_are_no_moves_are_refused():
    for moves, starts in (([1023], [0, 1]), ([361 + 1024], [0, 1]), ([1024], [0, 2]), ([1024, 1024], [0, 2, 1, 2])):
        with pytest.raises(ValueError, match=r"^moves are int16, of points of the board"):
            Games(19, np.array(moves, np.int16), np.array(starts))


def test_without_sgfmill_an_error_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "sgfmill", None)
    with pytest.raises(RequirementError, match=r"^records of Go games need sgfmill.") as caught:
        moves_of(GAME.encode())
    assert str(caught.value).splitlines()[2].startswith("Install it: ")
