from __future__ import annotations

import random

import numpy as np
import pytest

from striate.errors import RequirementError
from striate.go import planes as planes_room
from striate.go.games import Games, packed, positions_of
from striate.go.planes import COUNT, KINDS, legal_lengths, plane_name, planes_before, planes_of
from striate.go.position import BLACK, PASS, WHITE, Position, place, play, point_named, start, to_move
from striate.go.symmetries import places, targets
from striate.kernels.binary import Library, library
from tests.support import plain_go
from tests.support.plain_go import Game

pytestmark = pytest.mark.skipif(not isinstance(library(), Library), reason="the kernels are not compiled")


def drawn(text: str, to_play: int = BLACK) -> Position:
    rows = text.split()
    signs = "".join(rows)
    where = {sign: [at for at, each in enumerate(signs) if each == sign] for sign in "XO"}
    return to_move(place(start(len(rows)), where["X"], where["O"]), to_play)


def where(position: Position, plane: int) -> set[str]:
    """The names of the points where a plane is set."""
    found = planes_of([position])[0, plane]
    names = "ABCDEFGHJKLMNOPQRST"
    return {f"{names[column]}{position.size - row}" for row, column in zip(*found.nonzero(), strict=True)}


def played(size: int, *names: str) -> Position:
    position = start(size)
    for name in names:
        position = play(position, point_named(name, size))
    return position


def test_colours_are_those_of_the_player_to_move():
    position = played(5, "C3", "D4", "A1")
    assert where(position, 0) == {"D4"}
    assert where(position, 1) == {"C3", "A1"}
    assert len(where(position, 2)) == 22
    assert len(where(position, 3)) == 25
    assert where(position, 47) == set()


def test_turns_since_a_stone_was_placed():
    moves = ["A5", "B5", "C5", "D5", "pass", "E5", "A4", "B4", "C4"]
    position = played(5, *moves)
    last = [where(position, 4 + age) for age in range(8)]
    assert last == [{"C4"}, {"B4"}, {"A4"}, {"E5"}, set(), {"D5"}, {"C5"}, {"A5", "B5"}]
    assert where(place(start(5), [12]), 11) == {"C3"}


def test_liberties_of_chains():
    position = drawn("X.... ..... ..XX. ..... .....")
    assert (where(position, 13), where(position, 17)) == ({"A5"}, {"C3", "D3"})
    cross = drawn("....... .X.X... .XXXXX. ....... ....... ....... .......")
    assert where(cross, 19) == {"B6", "D6", "B5", "C5", "D5", "E5", "F5"}  # eleven of them: 8 or more


def test_capture_sizes():
    position = drawn(".OX.. XX.XO .OOX. XXX.. .....", BLACK)
    assert where(position, 20) == {"A5"}
    assert where(drawn("OOX.. .XX.. ..... ..... ....."), 21) == {"A4"}
    nine = drawn("OOOOX OOOOX O.XXX XXXXX .....", BLACK)
    assert where(nine, 27) == {"B3"}


def test_self_atari_and_liberties_after_a_move():
    lone = drawn("..O.. .O... O.... ..... .....")
    assert where(lone, 28) == {"A4", "B5"}  # A5 is the one liberty of both
    assert {"A4", "B5"} == where(lone, 36)
    assert where(drawn("X.O.. .O... O.... ..... ....."), 29) == {"A4", "B5"}  # two stones
    taking = drawn(".OX.. XX... ..... ..... .....")
    assert "A5" in where(taking, 20)
    assert "A5" in where(taking, 36 + 3)  # its chain has A3, B3, C4, and B5, where a stone was taken


def test_a_suicide_is_neither_sensible_nor_counted():
    position = drawn(".O... O.... ..... ..... .....", BLACK)
    for plane in (*range(20, 44), 46):
        assert "A5" not in where(position, plane)
    assert "A5" not in where(to_move(position, WHITE), 46)  # an eye of white's own
    assert "A5" in where(drawn(".O... O.X.. .X... ..... .....", WHITE), 36 + 2)  # white's chain keeps C5, B4, A3


def test_own_eyes_are_not_sensible_but_false_ones_are():
    whole = drawn(".X... XX... ..... ..... .....")
    assert "A5" not in where(whole, 46)
    false = drawn(".X... XO... ..... ..... .....")
    assert "A5" in where(false, 46)
    middle = "..... ..X.. .X.X. ..X.O ....."
    assert "C3" not in where(drawn(middle), 46)
    one, two = "..... .OX.. .X.X. ..X.. .....", "..... .OXO. .X.X. ..X.. ....."
    assert "C3" not in where(drawn(one), 46)
    assert "C3" in where(drawn(two), 46)


def test_a_ko_is_not_sensible():
    position = play(drawn(".XO. X.XO .XO. ....", WHITE), 5)
    assert "C3" not in where(position, 46)
    assert where(position, 20) == set()
    later = play(play(position, PASS), PASS)
    assert where(later, 20) == {"C3"}


LADDER = ["C4", "D3", "E3"], ["D4"]
"""Black has almost surrounded D4. The ladder that D5 begins runs over E4, E5, F5, F6 ... to the corner above right."""


def ladder(*more: str, size: int = 13, colour: int = WHITE) -> Position:
    (black, white), extra = LADDER, list(more)
    stones = [[point_named(each, size) for each in names] for names in (black, white, extra)]
    stones[colour - 1] += stones.pop()
    return place(start(size), *stones)


@pytest.mark.parametrize("size", [7, 13, 19])
def test_a_ladder_to_the_edge(size: int):
    position = ladder(size=size)
    assert where(position, 44) == {"D5"}  # after E4, white gets three liberties at D5
    assert where(play(position, point_named("D5", size)), 45) == set()


def test_a_stone_in_the_way_breaks_a_ladder():
    for breaker in ("J9", "H7", "F6"):
        assert where(ladder(breaker), 44) == set()
        assert where(play(ladder(breaker), point_named("D5", 13)), 45) == {"E4"}
    assert where(ladder("J9", colour=BLACK), 44) == {"D5"}
    assert where(ladder("C9"), 44) == {"D5"}


def test_escapes_from_atari():
    position = drawn(".X... XO... .X... ..... .....", WHITE)
    assert where(position, 45) == {"C4"}
    assert where(drawn("XO... ..... ..... ..... .....", BLACK), 45) == set()  # extending leaves one liberty
    assert where(drawn(".O... XO... O.... X.... .....", BLACK), 45) == {"B3"}  # A5 is suicide; B3 takes A3


def test_snapback_is_a_self_atari():
    position = drawn("OX.XO OXXXO .OOO. ..... .....", WHITE)
    assert where(position, 24) == {"C5"}  # white takes five


@pytest.mark.parametrize(
    ("size", "games", "moves"), [(4, 3, 60), (5, 2, 70), pytest.param(9, 2, 180, marks=pytest.mark.slow)]
)
def test_planes_of_random_games_are_those_of_a_slow_implementation(size: int, games: int, moves: int):
    draw = random.Random(size)
    for number in range(games):
        game, position = Game(size), start(size)
        codes: list[int] = []
        for turn in range(moves):
            legal = [p for p in range(size * size) if game.legal(divmod(p, size))]
            # near a last move, chains fight: captures, kos and ladders come often
            near = [p for p in legal if position.last not in (None, PASS) and _distance(p, position.last, size) < 3]
            pool = near if near and draw.random() < 0.6 else legal
            move = draw.choice(pool) if pool and draw.random() < 0.97 else PASS
            if turn % 3 == number % 3:
                slow = np.array(plain_go.planes(game), np.uint8)
                assert np.array_equal(planes_of([position])[0], slow), f"game {number}, turn {turn}"
                store = _store(size, [*codes, packed(move, game.to_play)])
                assert np.array_equal(planes_before(store, np.array([len(codes)]))[0], slow)
            codes.append(packed(move, game.to_play))
            game.play(None if move == PASS else divmod(move, size))
            position = play(position, move)


def _distance(point: int, other: int | None, size: int) -> int:
    (row, column), (r, c) = divmod(point, size), divmod(other or 0, size)
    return abs(row - r) + abs(column - c)


def _store(size: int, *games: list[int]) -> Games:
    starts = np.cumsum([0, *map(len, games)]).astype(np.int64)
    return Games(size, np.array([code for game in games for code in game], np.int16), starts)


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow), pytest.param(2, marks=pytest.mark.slow)])
def test_ladders_on_large_boards_are_those_of_a_slow_implementation(seed: int):
    """Stones at random on 19 × 19: the ladders run far."""
    draw = random.Random(seed)
    size, found = 19, 0
    for _ in range(4 if seed else 1):
        stones: dict[tuple[int, int], int] = {}
        for point in draw.sample([(r, c) for r in range(size) for c in range(size)], draw.choice([40, 90, 150])):
            colour = draw.choice([1, 2])
            board, taken, lost = plain_go.put(stones, point, colour, size)
            stones = board if not taken and not lost else stones
        slow = np.array(plain_go.planes_of(stones, 1, size, None, dict.fromkeys(stones, -9), 0), np.uint8)
        black, white = ([r * size + c for (r, c), own in stones.items() if own == colour] for colour in (1, 2))
        assert np.array_equal(planes_of([place(start(size), black, white)])[0], slow)
        found += int(slow[44:46].sum())
    assert found


def test_symmetries_move_every_plane_alike():
    draw = random.Random(3)
    position = start(7)
    for _ in range(25):
        position = play(position, draw.choice([p for p in range(49) if not position.stones[p] and p != position.ko]))
    plain = planes_of([position])[0].reshape(COUNT, 49)
    for number in range(8):
        turned = planes_of([position], [number])[0].reshape(COUNT, 49)
        assert np.array_equal(turned, plain[:, places(7)[number]])
        assert np.array_equal(turned[:, targets(7)[number]], plain)
        fields = [bytes(getattr(position, name)[p] for p in places(7)[number]) for name in ("stones", "ages")]
        ko = PASS if position.ko == PASS else int(targets(7)[number][position.ko])
        moved = Position(7, position.rules, fields[0], fields[1], position.to_play, ko)
        assert np.array_equal(planes_of([moved])[0].reshape(COUNT, 49), turned)


def test_stored_games_give_the_same_planes_as_positions():
    codes = [packed(40, BLACK, set_up=True), packed(0, WHITE, set_up=True)]
    codes += [packed(41, WHITE), packed(PASS, BLACK), packed(50, WHITE), packed(51, WHITE), packed(1, BLACK)]
    store = _store(9, [packed(4, BLACK)], codes)
    positions = positions_of(9, codes)
    assert store.positions.tolist() == [0, 3, 5, 6, 7]
    assert store.turn_of(store.positions).tolist() == [1, 1, 3, 4, 5]
    assert store.answers(store.positions).tolist() == [4, 41, 50, 51, 1]
    stored = planes_before(store, np.arange(3, 8), np.array([0, 1, 2, 3, 7], np.uint8), one=255)
    assert np.array_equal(stored, planes_of(positions[:5], [0, 1, 2, 3, 7]) * 255)


def test_legal_lengths_stop_at_the_first_illegal_move():
    moves = [packed(4, BLACK), packed(4, WHITE), packed(5, BLACK)]
    ko = [packed(p, 1 + n % 2) for n, p in enumerate([1, 2, 4, 7, 9, 10, 6, 5, 6])]
    codes = np.array([*moves, *ko], np.int16)
    assert legal_lengths(4, codes, np.array([0, 3, 12])).tolist() == [1, 8]
    assert legal_lengths(4, codes[:0], np.array([0])).tolist() == []


def test_the_kinds_cover_all_planes():
    assert [kind.first for kind in KINDS] == [sum(each.count for each in KINDS[:at]) for at in range(len(KINDS))]
    assert len({plane_name(number) for number in range(COUNT)}) == COUNT


def test_without_kernels_an_error_says_how_to_get_them(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(planes_room, "library", lambda: "they have not been compiled")
    with pytest.raises(RequirementError) as caught:
        planes_of([start(9)])
    assert str(caught.value) == (
        "the planes of Go positions need Striate's compiled kernels: they have not been compiled.\n"
        "PyTorch has no kernels for them.\nCompile them: python -m striate.kernels.compile"
    )
