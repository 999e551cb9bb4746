"""A reproduction that is kept: killed and taken up again, judged, and read by the other verbs."""

from __future__ import annotations

import json
import os
import re
import signal
import xml.etree.ElementTree as ElementTree
from functools import partial
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from striate.cli import root
from striate.errors import DataError, FormatError, RunError, SpecError
from striate.kernels import pattern
from striate.look.report import write_report
from striate.networks import find
from striate.reproduce import Decisions, Method, Pass, learner, paper, session, table
from striate.reproduce.distortion import affine_of, presentations, shown
from striate.reproduce.figure import curves
from striate.reproduce.learner import fresh, inputs_of_units
from striate.train import open_run
from striate.train.checkpoint import BEST, load_checkpoint, save_last
from striate.train.evaluation import evaluate
from striate.train.session import reload as reload_training
from tests.support.killing import KILLS, killed_many_times

METHOD = Method(passes=3, images=600, distorted="fresh")
CALLS = 8_000
"""A reproduction by `METHOD` takes 6,000 calls and returns from beginning to end."""


def train_or_resume(folder: str, digits: str) -> None:
    """What `striate reproduce` does: begin, or go on where something is saved."""
    torch.set_num_threads(1)
    if Path(folder).exists():
        run = open_run(folder)
        events = session.resume(run, session.reload(run))
    else:
        run, sets = session.prepare(METHOD, folder=Path(folder), source=digits)
        events = session.start(run, sets)
    for _ in events:
        pass


@pytest.fixture(scope="module")
def whole(few_digits, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "whole"
    train_or_resume(str(folder), str(few_digits))
    return folder


def figures(folder: Path) -> list[dict]:
    timing = {"learning_seconds", "seconds"}
    passes = session.history_of(open_run(folder))
    return [{key: value for key, value in vars(each).items() if key not in timing} for each in passes]


def killed(folder: Path, digits: Path, whole: Path, *, seed: int) -> int:
    """Kill a reproduction up to 4 times, and compare it with an undisturbed one; the number of kills that hit."""
    work = partial(train_or_resume, str(folder), str(digits))
    hits = killed_many_times(work, module=__name__, kills=4, calls=CALLS // 4, seed=seed)
    assert hits
    for name in ("last.safetensors", "best.safetensors"):
        ours, theirs = load_checkpoint(folder / name)[0], load_checkpoint(whole / name)[0]
        assert all(torch.equal(ours[key], each) for key, each in theirs.items())
    assert figures(folder) == figures(whole)
    assert [each["epoch"] for each in open_run(folder).events("epoch")] == [1, 2, 3]
    assert open_run(folder).test_looks == 3
    return hits


def test_killed_at_any_moment_it_goes_on_to_the_same_weights(whole: Path, few_digits: Path, tmp_path: Path) -> None:
    killed(tmp_path / "killed", few_digits, whole, seed=1)


@pytest.mark.slow
def test_kill_9_at_many_moments(whole: Path, few_digits: Path, tmp_path: Path) -> None:
    hits, seed = 0, 2
    while hits < KILLS:
        hits += killed(tmp_path / f"killed-{seed}", few_digits, whole, seed=seed)
        seed += 1


def test_a_pass_that_is_saved_in_part_is_taken_again(
    whole: Path, few_digits: Path, tmp_path: Path, monkeypatch
) -> None:
    """Killed in the last pass after its weights were written, and before the checkpoint that resuming needs."""
    folder, saved = tmp_path / "run", []

    def last(*given) -> None:
        saved.append(1)
        if len(saved) == METHOD.passes:
            raise KeyboardInterrupt
        save_last(*given)

    monkeypatch.setattr(session, "save_last", last)
    with pytest.raises(KeyboardInterrupt):
        train_or_resume(str(folder), str(few_digits))
    monkeypatch.undo()
    train_or_resume(str(folder), str(few_digits))
    assert figures(folder) == figures(whole)
    one, two = (load_checkpoint(each / BEST) for each in (folder, whole))
    assert one[1] == two[1]
    assert all(torch.equal(one[0][name], two[0][name]) for name in two[0])
    assert open_run(folder).test_looks == METHOD.passes


def test_a_signal_ends_with_the_pass_and_loses_nothing(whole: Path, few_digits: Path, tmp_path: Path) -> None:
    run, sets = session.prepare(METHOD, folder=tmp_path / "run", source=str(few_digits))
    events = []
    for event in session.start(run, sets):
        events.append(event)
        if isinstance(event, session.PassProgress) and event.number == 2:
            os.kill(os.getpid(), signal.SIGINT)
    assert events[-1] == session.Stopped(2)
    run = open_run(tmp_path / "run")
    run.log("evaluated", split="test", source=run.data.source)  # as striate evaluate does
    run = run.looked_at_test()
    assert len([each for each in session.resume(run, session.reload(run)) if isinstance(each, Pass)]) == 1
    assert figures(tmp_path / "run") == figures(whole)
    assert open_run(tmp_path / "run").test_looks == METHOD.passes + 1


def test_held_out_images_that_judge_choose_nothing(few_digits: Path, tmp_path: Path) -> None:
    method = Method(passes=1, images=500, hold_out=600)
    run, sets = session.prepare(method, folder=tmp_path / "run", source=str(few_digits))
    for _ in session.start(run, sets):
        pass
    assert table.members(run)["paper"]["train_error"] == {}
    found, report = open_run(tmp_path / "run"), tmp_path / "run" / "report.html"
    write_report(found, *evaluate(found, split="validation"))
    page = report.read_text(encoding="utf-8")
    assert "held out from training; nothing was chosen by them" in page
    assert "chose the best epoch" not in page
    write_report(found, *evaluate(found))
    assert "after every pass" not in report.read_text(encoding="utf-8")


def test_the_kernels_learn_what_plain_pytorch_learns(whole: Path, few_digits: Path, tmp_path: Path) -> None:
    method = Method(passes=1, images=600, distorted="fresh")
    run, sets = session.prepare(method, folder=tmp_path / "plain", kernels="torch", source=str(few_digits))
    done = next(each for each in session.start(run, sets) if isinstance(each, Pass))
    ours = session.history_of(open_run(whole))[0]
    assert done.loss == pytest.approx(ours.loss, rel=1e-4)
    assert (done.slowest, done.fastest) == pytest.approx((ours.slowest, ours.fastest), rel=1e-4)
    assert done.train_error == pytest.approx(ours.train_error, abs=0.004)


def test_it_learns(whole: Path) -> None:
    history = session.history_of(open_run(whole))
    assert history[-1].train_error < 0.7 * history[0].train_error
    assert history[-1].test_error < 0.4


def test_other_rooms_read_it_as_a_run(whole: Path) -> None:
    outputs, images = evaluate(open_run(whole))
    assert images.split == "test"
    assert 1 - outputs.accuracy == pytest.approx(session.history_of(open_run(whole))[-1].test_error)
    assert open_run(whole).temperature != 1.0
    with pytest.raises(DataError, match="learned from all training images.\nNone was held out for validation."):
        evaluate(open_run(whole), split="validation")
    with pytest.raises(RunError, match="was made by striate reproduce.\n.*\nGo on with: striate reproduce --resume"):
        reload_training(open_run(whole))


def test_a_run_of_train_is_left_to_train(finished_run: Path) -> None:
    with pytest.raises(RunError, match="was made by striate train.\n.*\nGo on with: striate train --resume"):
        session.reload(open_run(finished_run))


def test_the_images_must_be_those_that_it_began_with(whole: Path) -> None:
    path = whole / "run.json"
    text = path.read_text()
    changed = json.loads(text)
    changed["data"]["train_fingerprint"] = "0"
    path.write_text(json.dumps(changed))
    try:
        with pytest.raises(RunError, match="are not those that this run began with"):
            session.reload(open_run(whole))
    finally:
        path.write_text(text)


def test_the_schedule_and_the_order_are_the_papers() -> None:
    method = Method(images=1000)
    assert [round(1e5 * method.eta(number)) for number in range(1, 21)] == [50] * 2 + [20] * 3 + [10] * 3 + [5] * 4 + [
        1
    ] * 8
    first, draws = presentations(method, 1)
    assert sorted(first.tolist()) == list(range(1000))
    assert torch.equal(first, presentations(method, 20)[0])
    assert not draws.any()


def test_fresh_distortions_differ_from_pass_to_pass_and_leave_a_tenth_alone() -> None:
    method = Method(images=2000, distorted="fresh")
    one, again, other = presentations(method, 1)[1], presentations(method, 1)[1], presentations(method, 2)[1]
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    assert 0.07 < (~one.any(1)).double().mean() < 0.13
    assert one.min() >= -1
    assert one.max() <= 1


def test_in_20_passes_every_sample_of_the_pool_is_seen_twice() -> None:
    method = Method(images=500, distorted="pool")
    seen: dict[tuple, int] = {}
    for number in range(1, 21):
        images, draws = presentations(method, number)
        for image, draw in zip(images.tolist(), draws.tolist(), strict=True):
            seen[(image, *draw)] = seen.get((image, *draw), 0) + 1
    assert len(seen) == 10 * 500
    assert set(seen.values()) == {2}
    assert sum(not any(draw) for _, *draw in seen) == 500


def test_what_is_shown_is_moved_by_the_amplitudes(few_digits: Path, tmp_path: Path) -> None:
    _, sets = session.prepare(METHOD, folder=tmp_path, source=str(few_digits))
    chosen, draws = presentations(METHOD, 1)
    some = next(shown(sets.train, sets.preprocessing, METHOD, 1))
    plain = sets.preprocessing.normalise(sets.train.images[chosen])
    still = ~draws.any(1)
    assert torch.equal(some.pictures.images[still], plain[still])
    assert (some.pictures.images[~still] - plain[~still]).abs().amax((1, 2, 3)).min() > 0.05
    decided = Decisions(shift=1.5, size=0.2, squeeze=0.05, shear=12.0)
    affine = affine_of(torch.tensor([[1.0, -1.0, -1.0, 1.0, -1.0]]), decided)
    moved = [affine.right, affine.down, affine.scale, affine.squeeze, affine.shear]
    assert [round(float(each), 6) for each in moved] == [1.5, -1.5, 0.8, 0.05, -12.0]


def test_first_weights_are_even_within_2_4_over_the_inputs() -> None:
    model = fresh(find("lenet5"), Method(decisions=Decisions(biases="uniform")))
    for path, inputs in {"C1": 25, "S2": 4, "C5": 400, "F6": 120}.items():
        for name in ("weight", "bias"):
            values = model.get_parameter(f"{path}.{name}").detach()
            assert values.abs().max() <= 2.4 / inputs
            assert values.std() > 0.25 * 2.4 / inputs, (path, name)
    assert inputs_of_units(model.C3).tolist() == [75] * 6 + [100] * 9 + [150]
    averaged = fresh(find("lenet5"), Method(decisions=Decisions(subsampling="average")))
    added = fresh(find("lenet5"), Method())
    assert torch.equal(averaged.S2.weight * 4, added.S2.weight)
    assert not added.C1.bias.any()


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (
            {"los": "eq8"},
            "no decision is called 'los'.\n"
            "The decisions are: loss, j, scale, subsampling, biases, start, shift, size, squeeze, shear.",
        ),
        ({"j": "many"}, "j is 'many'.\nIt must be a number."),
        ({"scale": "0"}, "scale is 0.\nIt must be more than 0."),
        ({"size": "1"}, "size is 1.0.\nIt must be a number of at least 0 and below 1."),
        ({"shear": "90"}, "shear is 90.0.\nIt must be a number of at least 0 and below 90."),
    ],
)
def test_a_decision_that_is_none(texts: dict[str, str], message: str) -> None:
    with pytest.raises((FormatError, SpecError), match=re.escape(message)):
        Decisions().with_texts(texts)


def test_more_images_than_there_are() -> None:
    with pytest.raises(
        SpecError, match="60,000 images for training, and 10,000 held out.\nThe training set has 60,000"
    ):
        Method(hold_out=10_000)


def test_a_method_survives_json() -> None:
    method = Method(passes=7, distorted="pool", decisions=Decisions(loss="eq8", j=3.0))
    assert Method.from_dict(json.loads(json.dumps(method.to_dict()))) == method


def test_the_papers_figures_stand_only_beside_what_it_trained() -> None:
    assert paper.train_error(Method(), 19) == 0.0035
    assert paper.test_error(Method(distorted="pool"), 20) == 0.008
    assert paper.test_error(Method(images=30_000), 20) is None


def test_the_curves(whole: Path) -> None:
    svg = curves(session.history_of(open_run(whole)), Method())
    ElementTree.fromstring(svg)
    assert "paper, test" in svg
    assert "paper, test" not in curves(session.history_of(open_run(whole)), Method(images=600))


def test_the_command(tmp_path: Path, monkeypatch) -> None:
    runner, out = CliRunner(), str(tmp_path / "run")
    done = runner.invoke(root, ["reproduce", "lenet5-1998", "--passes", "2", "--set-size", "500", "--out", out])
    assert done.exit_code == 0, done.output
    assert "LeNet-5 as it was trained in 1998: 500 images, 2 passes, seed 0" in done.output
    assert all(len(line) <= 80 for line in done.output.split("\n") if str(tmp_path) not in line)
    assert (tmp_path / "run/pictures/passes.svg").exists()
    assert (tmp_path / "run/report.html").exists()
    found = json.loads(runner.invoke(root, ["reproduce", "--resume", out, "--json"]).output)
    assert len(found["passes"]) == 2
    assert {"train_error", "test_error", "seconds"} <= set(found["passes"][0])
    assert found["decisions"]["loss"] == "eq9"
    evaluated = runner.invoke(root, ["evaluate", out, "--json"])
    assert json.loads(evaluated.output)["error_rate"] == pytest.approx(found["test_error"])


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ([], "Give the name of a reproduction, such as lenet5-1998, or --resume RUN."),
        (["lenet5-1998", "--resume", "x"], "Give the name of a reproduction, such as lenet5-1998, or --resume RUN."),
        (["lenet5-1998", "--pool"], "--pool needs --distorted: it says how images are distorted."),
        (["lenet5-1998", "--decide", "eq8"], "'eq8' is not of the form NAME=VALUE, such as loss=eq8."),
        (["lenet-1"], "'lenet-1' is not 'lenet5-1998'."),
        (["--resume", "x", "--passes", "3"], "--resume takes everything from the run; leave out --passes."),
        (["--resume", "x", "--decide", "j=1", "--distorted"], "leave out --distorted, --decide."),
    ],
)
def test_what_the_command_refuses(arguments: list[str], text: str) -> None:
    done = CliRunner().invoke(root, ["reproduce", *arguments])
    assert done.exit_code == 2
    assert text in done.output


def test_without_compiled_kernels_it_runs_and_says_so(few_digits: Path, tmp_path: Path, monkeypatch) -> None:
    for module in (pattern, session, table, learner):
        monkeypatch.setattr(module, "unsupported", lambda _: "they have not been compiled")
    run, sets = session.prepare(Method(passes=1, images=500), folder=tmp_path / "run", source=str(few_digits))
    assert "on plain PyTorch, more than ten times slower than Striate's kernels: they have not been" in table.heading(
        run
    )
    assert isinstance(list(session.start(run, sets))[-1], Pass)


def test_kernels_that_cannot_run_here_leave_no_folder(few_digits: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("striate.execution.choice.unsupported", lambda *_, **__: "they have not been compiled")
    with pytest.raises(SpecError, match="cannot run on Striate's kernels"):
        session.prepare(METHOD, folder=tmp_path / "run", kernels="engine", source=str(few_digits))


def test_a_line_of_the_table_has_the_papers_figures() -> None:
    done = Pass(19, 1e-5, 1.2e-4, 5e-4, 0.1, 0.0036, 0.003, 0.0101, 4.0, 5.0)
    line = table.line(done, Method())
    assert line.split() == ["19", "1e-05", "1.2e-04", "5.0e-04", "0.36", "0.35", "0.30", "1.01", "0.95", "5.0"]
    assert "0.35" not in table.line(done, Method(hold_out=10_000, images=50_000))
