"""A run's folder plays as its network does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from striate.go.position import play, point_named, start
from striate.look.predictor import Predictor
from striate.play.policy import Policy
from striate.train.checkpoint import save_checkpoint
from striate.train.run import create_run, open_run
from tests.support.playing import NEEDS_KERNELS, policy


@NEEDS_KERNELS
def test_a_run_gives_the_probabilities_of_its_network(tmp_path: Path) -> None:
    fresh = policy().predictor
    run = replace(fresh.run, folder=tmp_path / "board")
    create_run(run)
    save_checkpoint(run.path("best.safetensors"), dict(fresh.model.state_dict()), {})
    read = Policy(Predictor(open_run(run.folder)))
    position = play(start(9), point_named("E5", 9))
    assert read.predictor.trained
    assert read.moves(position).probabilities == pytest.approx(policy().moves(position).probabilities, abs=1e-6)
