from __future__ import annotations

import random
from pathlib import Path

import pytest
import torch

from striate.data import Boards, hold_out, load, symmetric
from striate.data.records import some_games
from striate.data.symmetries import draw_symmetries
from striate.errors import DataError, MissingSplitError
from striate.go.coordinates import name_of
from striate.kernels.binary import Library, library

pytest.importorskip("sgfmill", reason="the extra go is not installed")
pytestmark = pytest.mark.skipif(not isinstance(library(), Library), reason="the kernels are not compiled")


def record(seed: int, moves: int = 12) -> str:
    points = random.Random(seed).sample(range(361), moves)
    text = ";".join(f"{'BW'[at % 2]}[{chr(97 + p % 19)}{chr(97 + p // 19)}]" for at, p in enumerate(points))
    return f"(;FF[4]GM[1]SZ[19];{text})"


@pytest.fixture
def games(tmp_path: Path) -> Path:
    folder = tmp_path / "games"
    for part, count in (("train", 20), ("test", 3)):
        (folder / part).mkdir(parents=True)
        text = "\n".join(record(number + 100 * (part == "test")) for number in range(count))
        (folder / part / "some.sgf").write_text(text)
    return folder


def test_a_folder_of_records(games: Path):
    train, test = load(games, "train"), load(games, "test")
    assert (len(train), len(test), train.form, train.split) == (240, 36, "board", "train")
    assert tuple(train.images.shape) == (240, 48, 19, 19)
    assert train.classes == tuple(name_of(point) for point in range(361))
    assert train.images[0].sum() > 0
    assert set(train.images[:5].unique().tolist()) == {0, 255}
    # the point that is played is empty, and sensible
    planes = train.images[torch.arange(240)].flatten(2)
    assert (planes[torch.arange(240), 2, train.labels] == 255).all()
    assert (planes[torch.arange(240), 46, train.labels] == 255).all()


def test_whole_games_are_held_out(games: Path):
    images = load(games, "train")
    train, held = hold_out(images, fraction=0.1)
    assert isinstance(train.images, Boards)
    assert isinstance(held.images, Boards)
    owners = [set(part.images.games.game_of(part.images.moves.numpy())) for part in (train, held)]
    assert not owners[0] & owners[1]
    assert (len(train), len(held), held.split) == (216, 24, "validation")
    assert hold_out(images, fraction=0.1)[1].fingerprint() == held.fingerprint()
    assert train.fingerprint() != held.fingerprint()
    assert len(hold_out(images, fraction=0.001)[1]) == 12


def test_one_game_alone_is_no_training(tmp_path: Path):
    file = tmp_path / "games.sgf"
    file.write_text(record(1))
    images = load(file, "train") if _in_train(file) else load(file, "test")
    with pytest.raises(DataError, match=r"^one game alone cannot be learned from\.\nWhole games are held out"):
        hold_out(images)


def _in_train(file: Path) -> bool:
    try:
        return len(load(file, "train")) > 0
    except DataError:
        return False


def test_a_file_is_parted_by_games_and_one_named_test_is_all_test(tmp_path: Path):
    text = "\n".join(record(number) for number in range(40))
    (tmp_path / "all.sgf").write_text(text)
    (tmp_path / "2016-test.sgf").write_text(text)
    train, test = load(tmp_path / "all.sgf", "train"), load(tmp_path / "all.sgf", "test")
    assert len(train) + len(test) == 480
    assert 0 < len(test) < 240
    assert len(load(tmp_path / "2016-test.sgf", "test")) == 480
    with pytest.raises(MissingSplitError, match=r"2016-test\.sgf: has no train games\.\nRecords are FILE\.sgf"):
        load(tmp_path / "2016-test.sgf", "train")
    side_by_side = load(tmp_path, "train"), load(tmp_path, "test")
    assert [len(part) for part in side_by_side] == [480, 480]


def test_records_without_a_game_are_an_error(tmp_path: Path):
    (tmp_path / "a.sgf").write_text("(;GM[1]SZ[9];B[aa])")
    with pytest.raises(DataError) as caught:
        load(tmp_path, "train")
    assert caught.value.what == "no train game on a 19×19 board among 1 files of records."
    assert "a.sgf: the board is '9', not 19×19" in caught.value.expected


def test_the_cache_gives_the_same_and_a_damaged_one_is_read_anew(games: Path, tmp_path: Path, monkeypatch):
    monkeypatch.setenv("STRIATE_CACHE", str(tmp_path / "cache"))
    first = load(games, "train").fingerprint()
    (kept,) = (tmp_path / "cache").iterdir()
    assert load(games, "train").fingerprint() == first
    kept.write_bytes(b"\0" * 100)
    assert load(games, "train").fingerprint() == first


def test_positions_are_turned_as_images_are(games: Path):
    images = load(games, "train")
    assert isinstance(images.images, Boards)
    chosen = torch.tensor([3, 50, 200, 7, 11, 12, 13, 14])
    drawn = draw_symmetries(8, generator=torch.Generator().manual_seed(5))
    planes, labels = images.images.turned(chosen, images.labels[chosen], drawn)
    slow = symmetric(
        images.images[chosen].float(), images.labels[chosen], "boards", generator=torch.Generator().manual_seed(5)
    )
    assert torch.equal(planes.float(), slow[0])
    assert torch.equal(labels, slow[1])
    assert len(drawn.unique()) > 3


def test_some_games_are_those_games(games: Path):
    store = load(games, "train").images
    assert isinstance(store, Boards)
    some = some_games(store.games, [4, 2])
    assert some.names == ("some.sgf, game 5", "some.sgf, game 3")
    assert some.moves[:12].tolist() == store.games.moves[48:60].tolist()
