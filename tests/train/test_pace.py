"""The number of threads, tried again between epochs: by a clock of the test's own; no machine's load decides."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from striate import Activation, Conv, Flatten, Linear, Network
from striate.data import load, preprocessing_for
from striate.execution.choice import Choice
from striate.modules import build
from striate.train import Epoch, Learner, Recipe, Split, open_run, session, train
from striate.train import pace as pacing
from striate.train.pace import STEPS, Change, Pace, pace_of
from tests.support.networks import TINY

NETWORK = Network("small", (1, 28, 28), [Conv(4, kernel=5, stride=3), Activation("relu"), Flatten(), Linear(10)])


class Load:
    """A machine on which a step with so many threads takes so many seconds; its time is `now`."""

    def __init__(self, seconds: dict[int, float]) -> None:
        self.seconds, self.now, self.taken = seconds, 0.0, list[int]()

    def clock(self) -> float:
        return self.now

    def step(self, threads: int) -> int:
        self.taken.append(threads)
        self.now += self.seconds[threads]
        return threads


def epoch(pace: Pace, load: Load, batches: int = 1000) -> list[int]:
    """The threads of each step of an epoch."""
    load.taken = []
    pace.begin(batches)
    assert [pace.take(load.step) for _ in range(batches)] == load.taken
    return load.taken


def test_a_number_from_a_passing_load_is_left_again() -> None:
    load = Load({1: 4.0, 2: 5.0, 4: 6.0, 8: 7.0})
    pace = Pace(1, most=8, clock=load.clock)
    assert epoch(pace, load) == [1, 1, 1, 2, 2, 2] + [1] * 994
    assert pace.changes == []
    load.seconds = {1: 4.0, 2: 2.0, 4: 1.0, 8: 0.95}
    assert epoch(pace, load) == [1, 1, 1] + [2] * 997
    assert epoch(pace, load)[3:] == [1] * 3 + [4] * 994
    assert epoch(pace, load)[9:] == [4] * 991  # 8 are not worth it
    assert pace.changes == [Change(2, {1: 4000.0, 2: 2000.0}), Change(4, {2: 2000.0, 1: 4000.0, 4: 1000.0})]


@pytest.mark.parametrize(("most", "batches"), [(1, 10_000), (4, 100 * STEPS - 1), (4, 1)])
def test_no_trial_where_there_is_no_choice_or_it_would_cost_too_much(most: int, batches: int) -> None:
    load = Load({1: 4.0, 2: 1.0})
    pace = Pace(1, most=most, clock=load.clock)
    assert set(epoch(pace, load, batches)) == {1}


@pytest.mark.parametrize("threads", [1, 2, 3, 5])
def test_a_trial_costs_less_than_a_hundredth(threads: int) -> None:
    """Where half the threads take twice as long, and twice as many no longer than before."""
    load = Load({count: 1.0 / min(count, threads) for count in range(1, 11)})
    pace = Pace(threads, most=10, clock=load.clock)
    for batches in (299, 300, 599, 600, 5000):
        begun = load.now
        epoch(pace, load, batches)
        assert load.now - begun <= 1.0101 * batches / threads


def test_an_interrupted_trial_begins_anew() -> None:
    load = Load({1: 4.0, 2: 1.0})
    pace = Pace(1, most=2, clock=load.clock)
    pace.begin(1000)
    pace.take(load.step)
    assert epoch(pace, load)[:6] == [1, 1, 1, 2, 2, 2]


def trained(pace: Pace | None) -> dict[str, torch.Tensor]:
    images = load("mnist").subset(torch.arange(300))
    recipe = Recipe(epochs=4, batch=10, rate=0.01)
    preprocessing = preprocessing_for(NETWORK.input, images, low=recipe.low, high=recipe.high)
    model = build(NETWORK, generator=torch.Generator().manual_seed(0))
    learner = Learner(model, recipe, kernels="engine")
    learner.pace = pace
    split = Split.of(images, preprocessing, hold_out_fraction=0.1)
    assert len([event for event in train(learner, split, preprocessing) if isinstance(event, Epoch)]) == 4
    return learner.tensors()


def test_the_weights_are_the_same_bits_whatever_the_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pacing, "SHARE", 1.0)
    times = iter(
        [0.0] + [float(2**power) for power in range(200)]
    )  # each step seems to take longer than the one before
    pace = Pace(3, most=6, clock=lambda: next(times))
    found, wanted = trained(pace), trained(None)
    assert pace.changes == []
    falling = iter([float(-(2.0**-power)) for power in range(500)])
    changing = Pace(3, most=6, clock=lambda: next(falling))
    assert all(torch.equal(each, wanted[name]) for name, each in trained(changing).items())
    assert changing.changes
    assert all(torch.equal(each, wanted[name]) for name, each in found.items())


def prepared(folder: Path, digits: Path, threads: int | None) -> tuple[session.Run, Split]:
    recipe = Recipe(epochs=3, batch=30, rate=0.01)
    return session.prepare(TINY, session.Images(str(digits)), recipe, folder=folder, device="cpu", threads=threads)


def test_a_run_changes_its_threads_and_keeps_a_note(
    few_digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, split = prepared(tmp_path / "run", few_digits, 1)
    run = replace(run, kernels="engine", threads=1, most_threads=2)
    falling = iter([float(-(2.0**-power)) for power in range(500)])
    monkeypatch.setattr(pacing, "SHARE", 1.0)
    monkeypatch.setattr(pacing.os, "cpu_count", lambda: 2)
    monkeypatch.setattr(pacing, "Pace", lambda threads, most: Pace(threads, most=most, clock=lambda: next(falling)))
    list(session.start(run, split))
    kept = open_run(tmp_path / "run")
    assert (kept.threads, kept.most_threads) == (1, 2)
    assert [(each["epoch"], each["threads"]) for each in kept.events("threads")] == [(2, 2), (3, 1)]
    assert set(kept.events("threads")[0]["milliseconds"]) == {"1", "2"}
    monkeypatch.undo()
    monkeypatch.setattr(pacing.os, "cpu_count", lambda: 2)
    pace = pace_of(kept)
    assert pace is not None
    assert (pace.threads, pace.most) == (1, 2)
    kept.log("threads", epoch=9, threads=2, milliseconds={})
    assert pace_of(kept).threads == 2  # type: ignore[union-attr]
    kept.log("threads", epoch=9, threads="many", milliseconds={})
    assert pace_of(kept).threads == 1  # type: ignore[union-attr]


def test_threads_that_were_given_stay_and_so_do_those_of_other_kernels(
    few_digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = "striate.train.kernel_choice.choose_for_training"
    monkeypatch.setattr(chosen, lambda *_, threads, **__: Choice("engine", threads or 1))
    monkeypatch.setattr(session.torch, "get_num_threads", lambda: 2)
    monkeypatch.setattr(pacing.os, "cpu_count", lambda: 8)
    given, _ = prepared(tmp_path / "run", few_digits, 1)
    free, _ = prepared(tmp_path / "run", few_digits, None)
    assert (given.most_threads, free.most_threads) == (0, 2)
    assert pace_of(given) is None
    assert pace_of(free) is not None
    for kernels in ("operators", "torch", "channels-last"):
        assert pace_of(replace(free, kernels=kernels)) is None
