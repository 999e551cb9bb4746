"""Runs of uneven classes: judged by balanced accuracy, and a class that is never answered is said."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from striate import Flatten, Linear, Network
from striate.train import Epoch, Recipe, open_run, session
from striate.train.diagnose import Finding
from striate.train.judge import is_best
from striate.train.session import Finished
from tests.support.commands import striate
from tests.support.idx import write_idx

NETWORK = Network("flat", (1, 4, 4), [Flatten(), Linear(3)])
COUNTS = {"train": (600, 600, 30), "t10k": (40, 40, 4)}


@pytest.fixture(scope="module")
def rare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """IDX files of light and of dark images, and of a rare class that looks like the dark ones."""
    folder = tmp_path_factory.mktemp("rare")
    draw = torch.Generator().manual_seed(0)
    for prefix, counts in COUNTS.items():
        labels = torch.repeat_interleave(torch.arange(3), torch.tensor(counts))[
            torch.randperm(sum(counts), generator=draw)
        ]
        pixels = torch.randint(0, 100, (len(labels), 4, 4), generator=draw) + 120 * (labels == 0).long()[:, None, None]
        write_idx(folder, prefix, pixels.numpy().astype(np.uint8), labels.numpy().astype(np.uint8))
    return folder


@pytest.fixture(scope="module")
def trained(rare: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[session.Event]]:
    folder = tmp_path_factory.mktemp("runs") / "rare"
    recipe = Recipe(epochs=4, batch=50, rate=0.02)
    run, split = session.prepare(NETWORK, session.Images(str(rare)), recipe, folder=folder, device="cpu", threads=1)
    return folder, list(session.start(run, split))


def test_the_best_epoch_is_the_best_by_balanced_accuracy(trained: tuple[Path, list[session.Event]]) -> None:
    epochs = [event for event in trained[1] if isinstance(event, Epoch)]
    balanced = [event.balanced_accuracy for event in epochs]
    assert all(each is not None and each < epoch.accuracy for each, epoch in zip(balanced, epochs, strict=True))
    finished = trained[1][-1]
    assert isinstance(finished, Finished)
    best = max(epochs, key=lambda event: (event.judged, event.epoch))
    assert (finished.epoch, finished.balanced_accuracy) == (best.epoch, best.balanced_accuracy)


def test_a_class_that_is_never_answered_is_said_once_at_the_end(trained: tuple[Path, list[session.Event]]) -> None:
    folder, events = trained
    findings = [event for event in events if isinstance(event, Finding)]
    assert findings == [events[-2]]
    assert str(findings[0]).splitlines() == [
        "No validation image of the class 2 (28 training images) is recognised: recall 0%.",
        "The largest class has 550: a network loses little by never answering a rare class.",
        "Add images of it, or take fewer of the others.",
    ]
    run = open_run(folder)
    assert [each["kind"] for each in run.events("warning")] == ["missed"]
    list(session.resume(run, session.reload(run)))
    assert [each["kind"] for each in run.events("warning")] == ["missed"]


def test_evaluate_and_the_report_say_so(trained: tuple[Path, list[session.Event]]) -> None:
    folder, _ = trained
    told = striate("evaluate", folder).stdout.splitlines()
    assert told[0].startswith("flat on 84 test images of ")
    assert told[1].startswith("  right 95.24%, wrong 4.76% (4 images)")
    assert "top 5" not in told[1]
    assert told[2:4] == [
        "  balanced accuracy 66.67%, the mean of the classes' recalls",
        "  never recognised: 2 (recall 0% of 4 images)",
    ]
    assert json.loads(striate("evaluate", folder, "--json").stdout)["balanced_accuracy"] == pytest.approx(2 / 3)
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "66.67 %</b>balanced accuracy, the mean of the classes&#39; recalls" in page.replace("'", "&#39;")
    assert "Never recognised: 2." in page
    assert "No validation image of the class 2" in page


def test_train_says_which_accuracy_it_stops_at(rare: Path, tmp_path: Path) -> None:
    options = ("--data", rare, "--threads", 1, "--out", tmp_path / "run", "--until", 0.6, "--rate", 0.02, "--batch", 50)
    told = striate("train", "1x4x4: flatten, linear 3", *options)
    assert told.returncode == 0, told.stderr
    lines = told.stdout.splitlines()
    assert any(line.startswith("epoch ") and "  balanced  " in line for line in lines)
    finished = next(line for line in lines if line.startswith("Finished"))
    assert finished.startswith("Finished: reached 60.00% balanced accuracy on the validation images. Best on the ")
    assert ": balanced accuracy " in finished
    assert "Warning: No validation image of the class 2 (28 training images) is recognised" in told.stderr


def epoch(accuracy: float, balanced: float | None) -> Epoch:
    return Epoch(1, 0.1, 0.5, 0.1, accuracy, 1.0, 0.01, 1.0, 10.0, balanced)


def test_even_classes_are_judged_by_accuracy_as_ever() -> None:
    best = {"epoch": 3, "accuracy": 0.9, "balanced_accuracy": None}
    assert is_best(epoch(0.9, None), best)
    assert not is_best(epoch(0.89, None), best)
    assert is_best(epoch(0.0, None), {"epoch": 0, "accuracy": -1.0})


def test_uneven_classes_are_judged_by_balanced_accuracy() -> None:
    best = {"epoch": 3, "accuracy": 0.95, "balanced_accuracy": 0.6}
    assert is_best(epoch(0.9, 0.7), best)
    assert not is_best(epoch(0.99, 0.5), best)
    assert is_best(epoch(0.0, 0.0), {"epoch": 0, "accuracy": -1.0})
    old = {"epoch": 3, "accuracy": 0.95}  # of a run that did not know it
    assert is_best(epoch(0.95, 0.5), old)
    assert not is_best(epoch(0.9, 0.99), old)


def test_mnist_is_even(finished_run: Path) -> None:
    assert {each["balanced_accuracy"] for each in open_run(finished_run).events("epoch")} == {None}
