"""Fewer threads than there are processors: said in words, and never the end of a process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from striate import threads
from striate.cli.parameters import THREADS
from striate.data.workers import in_order

LIMITED = [
    *("setpriv", "--reuid=54321", "--regid=54321", "--clear-groups"),  # root is not limited
    *("--inh-caps=+dac_override,+dac_read_search", "--ambient-caps=+dac_override,+dac_read_search"),
    *("prlimit", "--nproc=1"),
]
"""Starts a command as a user who has one thread, and reads and writes what root may."""


def test_threads_that_the_system_refuses_are_counted(monkeypatch) -> None:
    assert threads.startable(3) == 3
    assert threads.startable(0) == 0
    start, started = threads._thread.start_new_thread, []

    def two(work, arguments):
        if len(started) == 2:
            raise RuntimeError("can't start new thread")
        started.append(start(work, arguments))

    monkeypatch.setattr(threads._thread, "start_new_thread", two)
    assert threads.startable(5) == 2
    started.clear()
    with pytest.raises(click.BadParameter) as caught:
        THREADS.convert("8", None, None)
    assert caught.value.message == (
        "the system lets this process run 3 of 8 threads (see `ulimit -u`, or the container's limit of processes)."
    )
    started.clear()
    assert THREADS.convert("3", None, None) == 3


def test_libraries_are_told_of_one_thread_where_not_all_can_be_started(monkeypatch) -> None:
    monkeypatch.setattr(threads.os, "cpu_count", lambda: 9)
    for name in threads.COUNTS:
        monkeypatch.delenv(name, raising=False)
    assert threads.within_limits() == 0
    assert not {*threads.COUNTS} & {*os.environ}
    monkeypatch.setattr(threads, "startable", lambda most: 5)
    assert threads.within_limits() == 3
    assert [os.environ[name] for name in threads.COUNTS] == ["1", "1", "1"]
    for name in threads.COUNTS:
        monkeypatch.delenv(name)


@pytest.mark.parametrize("found", [0, 1, 5])
def test_images_are_read_by_the_threads_that_there_are(found: int, monkeypatch) -> None:
    monkeypatch.setattr("striate.data.workers.startable", lambda most: min(most, found))
    assert list(in_order(lambda each: each * each, range(100), workers=4)) == [each * each for each in range(100)]


def test_a_library_that_does_not_fit_into_memory_is_an_error_in_words(tmp_path: Path) -> None:
    """The address space is what Python has, and little more: PyTorch cannot be loaded."""
    code = (
        "import resource, sys; import striate.cli\n"
        f"resource.setrlimit(resource.RLIMIT_AS, ({300 * 2**20}, {300 * 2**20}))\n"
        "sys.argv = ['striate', 'train', 'lenet5']\n"
        "striate.cli.main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert "Error: this machine has not enough memory" in done.stderr
    assert not (tmp_path / "runs").exists()


@pytest.mark.slow
def test_a_training_on_one_thread_where_the_system_starts_no_other(tmp_path: Path) -> None:
    if os.geteuid() != 0 or subprocess.run([*LIMITED, "true"], capture_output=True).returncode:
        pytest.skip("needs root, setpriv and prlimit, to become a user with a limit")
    tmp_path.chmod(0o777)
    network = "1x28x28: conv 4 5x5 /2, relu, max 2, linear 10"
    without = {name: each for name, each in os.environ.items() if name not in threads.COUNTS}
    done = subprocess.run(
        [*LIMITED, sys.executable, "-m", "striate", "train", network, "--epochs", "1", "--out", "run"],
        capture_output=True, text=True, cwd=tmp_path, env=without | {"HOME": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    if (os.cpu_count() or 1) > 1:
        assert done.stderr.startswith("The system lets Striate start fewer threads than there are processors")
    assert "1 thread on cpu" in done.stdout
    assert (tmp_path / "run" / "report.html").exists()
