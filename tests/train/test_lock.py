"""A run is written by one process: a second is refused and told by whom, and kill -9 frees it."""

import multiprocessing
import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from subprocess import PIPE

import pytest

from striate.errors import OutputError, RunError
from striate.reproduce import Method
from striate.reproduce import session as reproduction
from striate.train import Recipe, lock, open_run, session
from striate.train.lock import Lock
from tests.support.commands import striate
from tests.support.networks import TINY

HOLD = (
    "import sys; from pathlib import Path; from striate.train.lock import Lock\n"
    "held = Lock(Path(sys.argv[1])); print('held', flush=True); sys.stdin.read()"
)


def count_to_forty(folder: Path) -> None:
    """Add one to the number in the file `count` while its folder is held, forty times."""
    done = 0
    while done < 40:
        with suppress(RunError), Lock(folder):
            file = folder / "count"
            file.write_text(str(int(file.read_text()) + 1))
            done += 1


@pytest.fixture
def started(few_digits: Path, tmp_path: Path):
    """A training that has taken its first step, in this process."""
    images, recipe = session.Images(str(few_digits)), Recipe(epochs=1, batch=50, rate=0.01)
    run, split = session.prepare(TINY, images, recipe, folder=tmp_path / "run", device="cpu", threads=1)
    events = session.start(run, split)
    next(events)
    yield events, split
    events.close()


def in_use(folder: Path, pid: int) -> str:
    return rf"{folder} is being written by process {pid} on {socket.gethostname()}, since \d{{4}}-\d\d-\d\dT"


def test_a_second_process_is_refused_until_the_first_is_killed(tmp_path: Path, few_digits: Path, started) -> None:
    events, _ = started
    events.close()
    folder = tmp_path / "run"
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(folder)], stdin=PIPE, stdout=PIPE, text=True)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        before = {each.name: each.read_bytes() for each in folder.iterdir() if each.is_file()}
        done = striate("train", "--resume", "run", cwd=tmp_path)
        assert done.returncode == 2
        lines = done.stderr.splitlines()
        assert lines[0].startswith(f"Error: run is being written by process {holder.pid} on {socket.gethostname()}, ")
        assert lines[1:] == [
            "A run is written by one process at a time.",
            "Wait for it or stop it (Ctrl-C saves), then go on with --resume; or give another folder to --out.",
        ]
        assert {each.name: each.read_bytes() for each in folder.iterdir() if each.is_file()} == before
        with pytest.raises(RunError, match=in_use(folder, holder.pid)):
            Lock(folder)
    finally:
        os.kill(holder.pid, signal.SIGKILL)
        holder.wait()
    assert (folder / ".lock").exists()
    with Lock(folder):
        pass
    assert not (folder / ".lock").exists()


def test_a_training_holds_its_folder_to_its_end(tmp_path: Path, started) -> None:
    events, split = started
    run = open_run(tmp_path / "run")
    with pytest.raises(RunError, match=in_use(run.folder, os.getpid())):
        session.resume(run, split)
    list(events)
    assert not (run.folder / ".lock").exists()
    assert list(session.resume(run, split))
    assert not (run.folder / ".lock").exists()


def test_a_training_that_nobody_goes_on_with_lets_go(tmp_path: Path, started) -> None:
    events, split = started
    events.close()
    run = open_run(tmp_path / "run")
    session.resume(run, split)  # and never asked for an event
    with Lock(run.folder):
        pass


def test_a_reproduction_holds_its_folder_too(tmp_path: Path, few_digits: Path) -> None:
    method = Method(passes=1, images=500)
    run, sets = reproduction.prepare(method, folder=tmp_path / "run", source=str(few_digits))
    events = reproduction.start(run, sets)
    with pytest.raises(RunError, match=in_use(run.folder, os.getpid())):
        reproduction.resume(run, sets)
    events.close()


def test_never_two_at_once(tmp_path: Path) -> None:
    (tmp_path / "count").write_text("0")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.train.test_lock"])
    processes = [context.Process(target=count_to_forty, args=(tmp_path,)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert (tmp_path / "count").read_text() == "120"


@pytest.mark.parametrize("content", [b"", b"\xff", b"[1]", b'{"pid": "x"}', b"[" * 4096])
def test_a_lock_file_that_says_nothing(content: bytes, tmp_path: Path) -> None:
    with Lock(tmp_path):
        (tmp_path / ".lock").write_bytes(content)
        with pytest.raises(RunError, match="is being written by another process."):
            Lock(tmp_path)


def test_without_locks_of_the_system_nothing_is_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "fcntl", None)
    with Lock(tmp_path), Lock(tmp_path):
        pass
    with pytest.raises(OutputError, match="cannot be written"):
        Lock(tmp_path / "nowhere")
