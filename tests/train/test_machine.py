"""Settings of the processor last as long as a command."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

import torch
from click.testing import CliRunner

from striate.cli import root
from striate.train import open_run, session
from striate.train.machine import takes_tiny_for_zero, tiny_is_zero


def test_tiny_numbers_are_zero_within_and_as_before_afterwards() -> None:
    assert not takes_tiny_for_zero()
    with tiny_is_zero():
        assert takes_tiny_for_zero()
        assert torch.full((100,), 1e-40).mul(1.0).count_nonzero() == 0
        with tiny_is_zero():
            pass
        assert takes_tiny_for_zero()
    assert not takes_tiny_for_zero()
    with suppress(KeyError), tiny_is_zero():
        raise KeyError
    assert not takes_tiny_for_zero()


def test_the_command_trains_with_them_and_gives_back_what_it_found(
    few_digits: Path, tmp_path: Path, monkeypatch
) -> None:
    seen: list[bool] = []
    start = session.start
    monkeypatch.setattr(session, "start", lambda *given: [seen.append(takes_tiny_for_zero()), *start(*given)][1:])
    network = "1x28x28: conv 4 5x5 /4, relu, linear 10"
    options = ["--data", str(few_digits), "--epochs", "1", "--out", str(tmp_path / "run"), "--threads", "1", "--quiet"]
    done = CliRunner().invoke(root, ["train", network, *options])
    assert done.exit_code == 0, done.output
    assert seen == [True]
    assert not takes_tiny_for_zero()


def test_the_library_leaves_it_alone(finished_run: Path, tmp_path: Path) -> None:
    run = open_run(shutil.copytree(finished_run, tmp_path / "run"))
    list(session.resume(run, session.reload(run)))
    assert not takes_tiny_for_zero()
