"""A last checkpoint that cannot be read: the one before it is taken, which is said, and leads to the same weights."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save

from striate.errors import RunError
from striate.reproduce import Method
from striate.reproduce import session as reproduction
from striate.train import Recipe, open_run, session
from striate.train.checkpoint import load_checkpoint
from striate.train.diagnose import Finding
from tests.support.commands import striate
from tests.support.networks import TINY

RECIPE = Recipe(epochs=4, batch=100, rate=0.01)


def flipped(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-7] ^= 4
    path.write_bytes(content)


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def newer(path: Path) -> None:
    with safe_open(str(path), framework="pt") as file:
        head = file.metadata()
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
    path.write_bytes(save(tensors, metadata=head | {"version": "3"}))


DAMAGES = {
    "is damaged: its checksum is not that of what it holds.": flipped,
    "is damaged: ": truncated,
    "is of format 'striate-checkpoint', version '3'.": newer,
    "is missing.": Path.unlink,
}


@contextmanager
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    try:
        yield
    finally:
        torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def runs(few_digits: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A training that was stopped in its third epoch, and the same one that was not."""
    folder = tmp_path_factory.mktemp("runs")
    for name, events in (("stopped", 2 * 12 + 5), ("whole", None)):
        run, split = session.prepare(
            TINY, session.Images(str(few_digits)), RECIPE, folder=folder / name, device="cpu", threads=1
        )
        run = replace(run, kernels="torch")
        list(islice(session.start(run, split), events))
    return folder / "stopped", folder / "whole"


def same(folder: Path, other: Path) -> None:
    for name in ("last.safetensors", "best.safetensors"):
        found, expected = load_checkpoint(folder / name)[0], load_checkpoint(other / name)[0]
        assert found.keys() == expected.keys()
        assert all(torch.equal(found[key], expected[key]) for key in expected)


@pytest.mark.parametrize("what", DAMAGES)
def test_the_checkpoint_before_is_taken_and_said(what: str, runs: tuple[Path, Path], tmp_path: Path) -> None:
    stopped, whole = runs
    folder = Path(shutil.copytree(stopped, tmp_path / "run"))
    DAMAGES[what](folder / "last.safetensors")
    left = (folder / "last.safetensors").read_bytes() if what != "is missing." else None
    run = open_run(folder)
    with one_thread():
        events = session.resume(run, session.reload(run))
        found = next(events)
        assert isinstance(found, Finding)
        assert found.what.startswith(f"{folder}/last.safetensors {what}")
        assert found.cause == (
            "The training goes on from previous.safetensors, which was saved before it and is whole."
        )
        assert found.remedy == (
            "It takes the steps since then again, to the same weights. "
            "What could not be read is last.safetensors.unread."
        )
        # Killed now, it can still go on: nothing that is whole was given up.
        events.close()
        assert not (folder / "last.safetensors").exists()
        list(session.resume(open_run(folder), session.reload(run)))
    same(folder, whole)
    assert [each["epoch"] for each in run.events("epoch")] == [1, 2, 3, 4]
    assert [each["kind"] for each in run.events("warning")] == ["fallen-back"] * 2
    unread = folder / "last.safetensors.unread"
    assert (unread.read_bytes() if unread.exists() else None) == left


def test_the_command_says_it(runs: tuple[Path, Path], tmp_path: Path) -> None:
    folder = Path(shutil.copytree(runs[0], tmp_path / "run"))
    flipped(folder / "last.safetensors")
    done = striate("train", "--resume", folder)
    assert done.returncode == 0, done.stderr
    assert "last.safetensors is damaged: its checksum" in done.stdout + done.stderr
    assert "goes on from previous.safetensors" in done.stdout + done.stderr


def test_where_both_are_damaged_nothing_is_changed(runs: tuple[Path, Path], tmp_path: Path) -> None:
    folder = Path(shutil.copytree(runs[0], tmp_path / "run"))
    for name in ("last", "previous"):
        flipped(folder / f"{name}.safetensors")
    before = {each.name: each.read_bytes() for each in folder.iterdir() if each.is_file()}
    run = open_run(folder)
    with pytest.raises(RunError, match=r"last.safetensors is damaged: its checksum"):
        session.resume(run, session.reload(run))
    assert {each.name: each.read_bytes() for each in folder.iterdir() if each.is_file()} == before


@pytest.mark.slow
def test_a_reproduction_goes_on_from_the_pass_before(few_digits: Path, tmp_path: Path) -> None:
    method = Method(passes=3, images=600)
    with one_thread():
        for name in ("damaged", "whole"):
            run, sets = reproduction.prepare(method, folder=tmp_path / name, source=str(few_digits))
            list(reproduction.start(run, sets))
        flipped(tmp_path / "damaged/last.safetensors")
        run = open_run(tmp_path / "damaged")
        events = list(reproduction.resume(run, reproduction.reload(run)))
    assert isinstance(events[0], Finding)
    assert [each.number for each in events if isinstance(each, reproduction.Pass)] == [3]
    same(tmp_path / "damaged", tmp_path / "whole")
    assert [each["epoch"] for each in run.events("epoch")] == [1, 2, 3]
