"""The problems of examples/go: the move that their comment names works, found out by playing every answer to it."""

from __future__ import annotations

from pathlib import Path

import pytest

from striate.go.planes import planes_of
from striate.go.position import BLACK, PASS, Position, illegal, liberties, name_of, play, point_named
from striate.go.sgf import GameRecord, read_game
from tests.support.playing import NEEDS_KERNELS

FOLDER = Path(__file__).parents[2] / "examples/go"
NAMES = (
    *("capture", "connect", "double-atari", "edge", "escape", "kill"),
    *("ko", "ladder", "life", "net", "rescue", "snapback"),
)


def problem(name: str) -> GameRecord:
    return read_game((FOLDER / f"{name}.sgf").read_bytes())


def at(name: str) -> int:
    return point_named(name)


def caught(position: Position, target: int, near: frozenset[int], depth: int) -> bool:
    """Whether Black takes the white stone at `target`, whatever White plays on points that are near."""
    if not position.stones[target] or position.stones[target] == BLACK:
        return True
    if not depth:
        return False
    free = liberties(position.stones, 19, target)
    moves = [each for each in near | free if not illegal(position, each)]
    if position.to_play == BLACK:
        return any(caught(play(position, each), target, near, depth - 1) for each in moves)
    return all(caught(play(position, each), target, near, depth - 1) for each in [*moves, PASS])


def test_every_problem_is_here_and_names_its_answer() -> None:
    assert sorted(file.stem for file in FOLDER.glob("*.sgf")) == sorted(NAMES)
    for name in NAMES:
        found = problem(name)
        assert (found.size, found.broken, len(found.moves)) == (19, "", 1), name
        assert found.positions[0].to_play == BLACK
        assert found.comment.endswith(f"Black plays {name_of(found.moves[0])}."), name


@pytest.mark.parametrize(
    ("name", "target", "near", "depth"),
    [
        ("net", "F14", "F13 F12 G14 G15 H14 H13 G12", 7),
        ("edge", "K18", "K19 J19 L19 L17 M18", 5),
        ("snapback", "H18", "H19 J19", 4),
        ("kill", "A18", "B19 C19 D19", 9),
    ],
)
def test_the_stone_is_caught_after_the_answer_and_not_without_it(name: str, target: str, near: str, depth: int) -> None:
    found = problem(name)
    points = frozenset(map(at, near.split()))
    assert caught(found.positions[1], at(target), points, depth)
    passed = play(found.positions[0], PASS)
    assert not caught(passed, at(target), points, depth)


@NEEDS_KERNELS
def test_ladders_are_seen_by_the_planes() -> None:
    ladder, net, escape = (problem(name) for name in ("ladder", "net", "escape"))
    assert planes_of(ladder.positions[:1])[0, 44].flatten()[ladder.moves[0]]
    assert not planes_of(net.positions[:1])[0, 44].any()  # why a net is needed
    assert planes_of(escape.positions[:1])[0, 45].flatten()[escape.moves[0]]


def test_what_the_other_answers_do() -> None:
    assert problem("capture").positions[1].captured == (3, 0)
    taken = problem("ko").positions[1]
    assert (taken.captured, name_of(taken.ko)) == ((1, 0), "K11")
    double = problem("double-atari").positions[1]
    assert [len(liberties(double.stones, 19, at(each))) for each in ("J12", "K11")] == [1, 1]
    before, after = problem("connect").positions
    assert [len(liberties(each.stones, 19, at("H11"))) for each in (before, after)] == [1, 2]
    before, after = problem("rescue").positions
    assert [len(liberties(each.stones, 19, at("J11"))) for each in (before, after)] == [1, 2]
    assert after.captured == (1, 0)
    alive = problem("life").positions[1]
    assert all("suicide" in illegal(alive, at(each)) for each in ("B19", "D19"))
    assert len(liberties(problem("escape").positions[1].stones, 19, at("H12"))) == 3
