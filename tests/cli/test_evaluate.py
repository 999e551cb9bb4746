"""striate evaluate, as people call it."""

import json
import re
import shutil
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from striate.execution import inference
from striate.execution.choice import Choice
from striate.execution.executor import Executor
from striate.look import stress as stressing
from striate.modules import Built
from striate.train import open_run
from striate.train.evaluation import evaluate
from tests.support.commands import striate


@pytest.fixture(scope="module")
def second_run(few_digits: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of another network, on inputs of another size, with the same images."""
    folder = tmp_path_factory.mktemp("runs") / "second"
    options = ("--data", few_digits, "--epochs", 1, "--threads", 1, "--quiet", "--out", folder)
    done = striate("train", "1x32x32: conv 4 5x5/3, relu, linear 10", *options)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def run(finished_run: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    shutil.copytree(finished_run, folder)
    return folder


def test_rejection_is_one_line_or_a_table(run: Path) -> None:
    plain, told = striate("evaluate", run).stdout, striate("evaluate", run, "--reject").stdout
    line = next(line for line in plain.splitlines() if "kept answers" in line)
    share = re.fullmatch(r"  wrong 0\.\d+% of the kept answers if the least confident (.*)% are rejected", line)
    assert share
    assert line in told
    assert "Answers are rejected first" not in plain
    head, names, *rows = told[told.index("  Answers are rejected first") :].splitlines()[:5]
    assert head == "  Answers are rejected first where the two largest logits differ least."
    assert names.split("  ")[1:3] == ["rejected", "images"]
    assert [row.split()[:2] for row in rows] == [["0.00%", "0"], ["0.33%", "1"], ["0.67%", "2"]]


def test_flips_answer_by_the_mean_of_both_sides(run: Path) -> None:
    opened = open_run(run)
    plain, images = evaluate(opened, kernels="torch")
    both, _ = evaluate(opened, kernels="torch", flips=True)
    way, model = opened.preprocessing, opened.model()
    with torch.inference_mode():
        pixels = way.normalise(way.packed(images).images)
        wanted = (model.logits(pixels) + model.logits(pixels.flip(3))) / 2
    torch.testing.assert_close(both.scores, wanted, rtol=1e-4, atol=1e-4)
    assert both.loss == pytest.approx(F.cross_entropy(wanted, images.labels).item(), rel=1e-4)
    assert not torch.allclose(both.scores, plain.scores)
    report = (run / "report.html").read_bytes() if (run / "report.html").exists() else None
    told = striate("evaluate", run, "--test-time-flips")
    assert "report:" not in told.stdout
    assert report == ((run / "report.html").read_bytes() if report is not None else None)
    assert "each image and its mirror image" in told.stdout
    assert f"wrong {100 - 100 * both.accuracy:.2f}%" in told.stdout
    found = json.loads(striate("evaluate", run, "--test-time-flips", "--json").stdout)
    assert found["test_time_flips"] is True
    assert found["top1"] == pytest.approx(both.accuracy)
    assert [each["test_time_flips"] for each in open_run(run).events("evaluated")[-2:]] == [True, True]
    committee = json.loads(striate("evaluate", run, run, "--test-time-flips", "--json").stdout)
    assert committee["together"]["top1"] == pytest.approx(both.accuracy)


def test_rejection_as_json_agrees_with_itself(run: Path) -> None:
    found = json.loads(striate("evaluate", run, "--json").stdout)
    rejection = found["rejection"]
    assert rejection["compared"] == "the two largest logits"
    first, *_, last = rejection["table"]
    assert (first["rejected"], first["errors"], first["error_rate"]) == (0, found["errors"], found["error_rate"])
    assert last["rejected"] == pytest.approx(0.2)
    assert last["error_rate"] < first["error_rate"]
    assert rejection["reached"]["error_rate"] <= rejection["wanted_error_rate"] == 0.005


def test_several_runs_are_shown_alone_and_together(run: Path, second_run: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(second_run, other)
    found = json.loads(striate("evaluate", run, other, "--json").stdout)
    assert [each["run"] for each in found["runs"]] == [str(run), str(other)]
    for each in found["runs"]:
        alone = json.loads(striate("evaluate", each.pop("run"), "--json").stdout)
        assert each == alone
    assert found["together"]["rejection"]["compared"].startswith("the logarithms of the two largest mean prob")
    assert found["together"]["images"] == 300
    for folder in (run, other):
        assert json.loads((folder / "run.json").read_text())["test_looks"] == 2

    told = striate("evaluate", run, other, "--reject").stdout.splitlines()
    assert told[0].startswith("2 networks on 300 test images of ")
    assert [line.split()[:2] for line in told[3:6]] == [
        [str(run), str(found["runs"][0]["errors"])],
        [str(other), str(found["runs"][1]["errors"])],
        ["together", str(found["together"]["errors"])],
    ]
    assert sum(line.startswith("  Answers are rejected first where the logarithms") for line in told) == 1


def test_runs_that_do_not_fit_together_are_refused(run: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(run, other)
    record = json.loads((other / "run.json").read_text())
    record["data"]["classes"] = list("abcdefghij")
    (other / "run.json").write_text(json.dumps(record))
    done = striate("evaluate", run, other)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"Error: {run} and {other} learned different classes.\nThe networks of a committee")
    assert "Traceback" not in done.stderr


def test_stress_is_tables_json_and_a_picture(run: Path) -> None:
    told = striate("evaluate", run, "--stress")
    assert told.returncode == 0, told.stderr
    lines = told.stdout.splitlines()
    assert "  Wrong of 300 images that are distorted on the network's canvas of 28×28." in lines
    assert max(map(len, lines[lines.index("") :])) <= 80 + len(str(run))
    assert sum(line.split()[-2:] == ["in", "view"] for line in lines) == 3
    assert (run / "pictures/stress.svg").is_file()
    assert "test images of this run have been looked at once" in told.stdout

    found = json.loads(striate("evaluate", run, "--stress", "--json").stdout)
    names = [sweep["name"] for sweep in found["stress"]["sweeps"]]
    assert names == ["shift", "rotation", "scale", "squeeze", "noise"]
    for sweep in found["stress"]["sweeps"]:
        for rates in sweep["error_rates"].values():
            assert rates[0] == pytest.approx(found["error_rate"])
            assert rates[-1] > rates[0]


def test_stress_takes_one_run_without_mirror_images(run: Path) -> None:
    for words, text in (
        ((run,), "--stress takes one RUN."),
        (("--test-time-flips",), "--stress answers each image alone: leave out --test-time-flips."),
    ):
        done = striate("evaluate", run, *words, "--stress")
        assert done.returncode == 2
        assert text in done.stderr


def test_stress_answers_on_the_kernels_that_are_asked_for(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened, asked = open_run(run), list[str]()
    _, images = evaluate(opened, kernels="torch")

    def answering(model: Built, choice: Choice) -> Executor:
        asked.append(choice.kernels)
        return inference.answering(model, choice)

    monkeypatch.setattr(stressing, "answering", answering)
    stressing.stress(opened, images.subset(torch.arange(40)), kernels="channels-last")
    assert asked == ["channels-last"]
