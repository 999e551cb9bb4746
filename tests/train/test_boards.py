"""A small network learns moves from records, by the command line: train, resume, evaluate, predict."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from striate import from_text
from striate.data import Augmentation, from_arrays, load
from striate.errors import AuditError, DataError, RunError, ShapeError, SpecError
from striate.go.position import play, point_named, start
from striate.go.records import game_in
from striate.go.sgf import read_game
from striate.go.symmetries import places
from striate.kernels.binary import Library, library
from striate.kernels.engine import Engine
from striate.look.predictor import Predictor
from striate.look.subject import subject
from striate.play.policy import Policy
from striate.train import session
from striate.train.boards import Positions, evaluate_boards
from striate.train.checkpoint import BEST, load_checkpoint, save_checkpoint
from striate.train.images import Images
from striate.train.preparation import unsettled
from striate.train.recipe import Recipe
from striate.train.run import Run, open_run
from tests.data.test_boards import record
from tests.support.commands import striate
from tests.train.test_device import Numbers

pytest.importorskip("sgfmill", reason="the extra go is not installed")
pytestmark = pytest.mark.skipif(not isinstance(library(), Library), reason="the kernels are not compiled")
SMALL = "48x19x19: conv 4 5x5 pad 2, relu, conv 1 1x1 no bias, position_bias, flatten, softmax"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("go")
    for part, count in (("train", 12), ("test", 4)):
        (place / "games" / part).mkdir(parents=True)
        text = "\n".join(record(number + 100 * (part == "test"), 30) for number in range(count))
        (place / "games" / part / "some.sgf").write_text(text + "\n(;FF[4]GM[1]SZ[9];B[aa])")
    (place / "small.net").write_text(SMALL)
    return place


@pytest.fixture(scope="module")
def run(folder: Path) -> Run:
    options = ["--set", "epoch_steps=3", "--set", "augmentation.symmetries=boards", "--kernels", "torch"]
    options += ["--set", "low=0", "--set", "high=1", "--threads", "1", "--batch", "16", "--epochs", "2"]
    out = str(folder / "run")
    done = striate("train", str(folder / "small.net"), "--data", str(folder / "games"), "--out", out, *options)
    assert done.returncode == 0, done.stderr
    assert "330 positions for training, 30 of other games for validation" in done.stdout
    assert "Records left out, or cut at an illegal move: 1" in done.stdout
    assert "some.sgf, game 13: the board is '9', not 19×19" in done.stdout
    assert f"curves: {out}/pictures/error.svg" in done.stdout
    return open_run(folder / "run")


def test_evaluation_by_phase_and_over_symmetries(run: Run):
    looks = open_run(run.folder).test_looks  # another test may have evaluated it before
    done = striate("evaluate", str(run.folder), "--kernels", "torch", "--json")
    found = json.loads(done.stdout)
    assert (found["games"], found["positions"], found["symmetries"]) == (4, 120, 1)
    assert [phase["positions"] for phase in found["phases"]] == [120, 0, 0]
    assert open_run(run.folder).test_looks == looks + 1
    done = striate("evaluate", str(run.folder), "--kernels", "torch", "--symmetries", "--games", "2")
    assert "on 60 positions of 2 test games" in done.stdout
    assert "the mean over the eight symmetries" in done.stdout
    assert "AlphaGo's rollout policy 24.2%" in done.stdout


def test_figures_are_of_images(run: Run):
    with pytest.raises(ShapeError, match="takes 48×19×19, which is no image"):
        subject(run)


def test_validation_games_that_are_others_than_in_the_training_are_refused(run: Run, folder: Path):
    assert evaluate_boards(run, Positions("validation"), kernels="torch").positions == 30
    more = folder / "games" / "train" / "more.sgf"
    more.write_text(record(999, 30))
    try:
        with pytest.raises(RunError, match="are not those that .* held out"):
            evaluate_boards(run, Positions("validation"), kernels="torch")
    finally:
        more.unlink()


def test_the_evaluation_is_what_the_module_says(run: Run):
    """Top 1 and loss, counted plainly, one position after another."""
    found = evaluate_boards(run, kernels="torch")
    images, model = load(run.data.source, "test"), run.model()
    with torch.inference_mode():
        shares = model(images.images[torch.arange(120)].float() / 255)
    played = shares.gather(1, images.labels[:, None])
    assert found.top1 == pytest.approx((shares.argmax(1) == images.labels).double().mean().item())
    assert found.top5 == pytest.approx(((shares > played).sum(1) < 5).double().mean().item())
    assert found.loss == pytest.approx(-played.log().mean().item(), rel=1e-4)


def test_the_mean_over_symmetries_turns_with_the_board(run: Run):
    plainly, turning = (Policy(Predictor(run), symmetries=each) for each in (False, True))
    position = start(19)
    for name in ("D4", "Q16", "C17", "R3", "K10"):
        position = play(position, point_named(name))
    mean = turning.moves(position).probabilities
    for number in (1, 2, 7):
        source = places(19)[number]
        turned = start(19)
        for name in ("D4", "Q16", "C17", "R3", "K10"):
            turned = play(turned, int(np.flatnonzero(source == point_named(name))[0]))
        assert np.allclose(turning.moves(turned).probabilities, mean[source], atol=1e-6)
    assert not np.allclose(plainly.moves(position).probabilities, mean, atol=1e-6)
    with pytest.raises(DataError, match=r"^a board of 9×9 for a network that reads 19×19\."):
        plainly.moves(start(9))


def test_the_mean_over_symmetries_is_that_of_the_player(run: Run, folder: Path, tmp_path: Path):
    shutil.copytree(run.folder, tmp_path / "run")
    weights, _ = load_checkpoint(run.path(BEST))
    save_checkpoint(tmp_path / "run" / BEST, {name: 20 * each for name, each in weights.items()}, {"temperature": 4.0})
    other = open_run(tmp_path / "run")
    policy = Policy(Predictor(other), symmetries=True)
    losses: list[float] = []
    for number in range(1, 5):
        game = read_game(game_in(folder / "games" / "test" / "some.sgf", number))
        for position, move in zip(game.positions, game.moves, strict=False):
            losses.append(-np.log(policy.moves(position).probabilities[move]))
    found = evaluate_boards(other, kernels="torch", symmetries=True)
    assert (found.positions, found.loss) == (len(losses), pytest.approx(np.mean(losses), rel=1e-4))
    assert found.loss != pytest.approx(evaluate_boards(other, kernels="torch").loss, rel=1e-2)


def test_broken_kernels_are_found_and_nothing_is_reported(run: Run, monkeypatch: pytest.MonkeyPatch):
    right = Engine.outputs
    monkeypatch.setattr(Engine, "outputs", lambda *given, **options: right(*given, **options).roll(1, 1))
    with pytest.raises(AuditError, match=r"Striate's kernels \(engine\) and the plain PyTorch module differ"):
        evaluate_boards(run, kernels="engine")


def test_another_device_answers_where_it_is_asked_to(run: Run):
    """PyTorch's meta device stands for a GPU."""
    with Numbers():
        found = evaluate_boards(run, device="meta")
        moves = Policy(Predictor(run, device="meta")).moves(start(19))
    assert (found.positions, found.answered.kernels) == (120, "torch")
    assert moves.probabilities.shape == (361,)


def test_predict_shows_the_board_and_the_move_that_was_played(run: Run, folder: Path):
    file = folder / "games/test/some.sgf"
    done = striate("predict", str(run.folder), str(file), "--move", "5")
    lines = done.stdout.splitlines()
    assert lines[0] == f"{file}, before move 5: black to play"
    assert len([line for line in lines if line.startswith("  ") and "%" in line]) == 5
    assert "Played: " in lines[-1]
    (found,) = json.loads(striate("predict", str(run.folder), str(file), "--json").stdout)
    assert (found["move"], found["played"], found["played_rank"]) == (31, None, 0)
    assert sum(row.count("X") + row.count("O") for row in found["board"]) <= 30
    done = striate("predict", str(run.folder), str(file), "--move", "99")
    assert done.returncode == 2
    assert "there is no move 99: the game has 30 moves.\nMoves are counted from 1; 31 stands for" in done.stderr


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"flip": True, "symmetries": "boards"}, "flip"),
        ({"symmetries": "images"}, "symmetries images"),
        ({"shift": 1.0}, "shift 1"),
    ],
)
def test_an_augmentation_that_loses_the_move_is_refused(changes: dict[str, Any], words: str, folder: Path):
    recipe = Recipe(augmentation=Augmentation(**changes))
    with pytest.raises(SpecError, match=rf"^the augmentation {words} is for pictures, and these are positions of Go\."):
        unsettled(from_text(SMALL), Images(str(folder / "games")), recipe, folder=folder / "none", device="cpu")


def test_points_of_a_board_have_no_weights(folder: Path):
    recipe = Recipe(class_weights="balanced")
    with pytest.raises(SpecError, match="class_weights is balanced, and these are positions of Go"):
        unsettled(from_text(SMALL), Images(str(folder / "games")), recipe, folder=folder / "none", device="cpu")


def test_labels_that_are_no_points_do_not_turn(tmp_path: Path):
    images = from_arrays(np.zeros((30, 8, 8), np.uint8), np.arange(30) % 3)
    recipe = Recipe(augmentation=Augmentation(symmetries="boards"))
    with pytest.raises(SpecError, match=r"^the augmentation symmetries boards is for labels that are points of"):
        unsettled(
            from_text("1x8x8: flatten, linear 3"), Images(given=images), recipe, folder=tmp_path / "run", device="cpu"
        )


def test_predict_says_where_a_record_breaks_off(run: Run, folder: Path):
    file = folder / "broken.sgf"
    file.write_text("(;GM[1]SZ[19]HA[2]AB[dd][pp];W[dp];B[dp])")
    done = striate("predict", str(run.folder), str(file))
    why = "move 2: black cannot play D4: a white stone is there."
    assert done.stdout.splitlines()[-1] == f"The record breaks off here: {why}"
    (found,) = json.loads(striate("predict", str(run.folder), str(file), "--json").stdout)
    assert (found["move"], found["to_play"], found["broken"][:7]) == (2, "black", "move 2:")
    (found,) = json.loads(striate("predict", str(run.folder), str(file), "--json", "--move", "1").stdout)
    assert (found["played"], found["broken"]) == ("D4", "")


def test_predict_writes_no_file_of_moves(run: Run, folder: Path):
    out = str(folder / "moves.csv")
    for options, why in (([], "--out FILE is for pictures; this run"), (["--move", "3"], "--move, --game and --sym")):
        done = striate("predict", str(run.folder), "a.sgf", "--out", out, *options)
        assert done.returncode == 2
        assert why in done.stderr


def test_a_run_for_images_takes_no_moves(finished_run: Path):
    done = striate("predict", str(finished_run), "a.png", "--move", "3")
    assert "are for runs that learned from records of Go games" in done.stderr
    with pytest.raises(RunError, match=r"answers images, not positions of Go\.\nA run for Go learned from records"):
        evaluate_boards(open_run(finished_run))


def test_a_resumed_training_gives_the_same_weights(run: Run, folder: Path):
    """Epochs of some steps each go on where the last one ended, also after an interruption."""
    split = session.reload(run)
    other = replace(run, folder=folder / "again", test_looks=0)
    events = session.start(other, split)
    for _ in range(4):
        next(events)
    events.close()  # as Ctrl-C does, in the middle of an epoch; the last save is that of epoch 1
    for _ in session.resume(open_run(folder / "again"), session.reload(other)):
        pass
    first, second = (load_checkpoint(each / BEST)[0] for each in (run.folder, folder / "again"))
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_it_is_pushed_with_its_figures_and_the_doctor_says_what_it_checks(run: Run, folder: Path):
    assert striate("evaluate", str(run.folder), "--kernels", "torch").returncode == 0
    out = folder / "pushed"
    done = striate("push", str(run.folder), str(out))
    assert done.returncode == 0, done.stderr
    card = (out / "README.md").read_text(encoding="utf-8")
    assert "| the move played is the likeliest, in 120 positions of 4 test games |" in card
    assert "positions of 48×19×19 in, 361 moves out" in card
    assert "image" not in card.partition("# ")[0]
    done = striate("predict", str(out / "model.safetensors"), str(folder / "games/test/some.sgf"), "--move", "5")
    assert done.returncode == 0, done.stderr
    done = striate("doctor", "--data", str(folder / "games"))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[0].endswith("these are records of Go games, and no pictures.")
