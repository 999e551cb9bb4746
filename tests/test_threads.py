"""Fewer threads than there are processors: said in words, and never the end of a process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
from safetensors.torch import load_file

from striate import threads
from striate.cli.parameters import THREADS
from striate.data.workers import in_order
from tests.support.idx import first_digits

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
    assert threads.lacking_threads() == 0
    assert not {*threads.COUNTS} & {*os.environ}
    monkeypatch.setattr(threads, "startable", lambda most: 5)
    assert threads.lacking_threads() == 3
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


SPACE = (0, 1, 4, 16, 40, 70, 100, 150, 250, 1000)
"""MiB that the processes of the next test may take beyond what they have when all libraries are loaded."""
STARVED = """
import os, resource, sys
sys.argv = ["striate", "train", *sys.argv[1:]]
from striate.cli import main
import striate.cli.following, striate.cli.print.training, striate.cli.processes, striate.cli.verbs.train
import striate.look.report, striate.train.session
for more in map(int, os.environ["SPACE"].split()):
    child = os.fork()
    if not child:
        os.dup2(os.open(f"said-{more}", os.O_WRONLY | os.O_CREAT, 0o644), 2)
        sys.argv += ["--out", f"run-{more}"]
        size = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize() + more * 2**20
        resource.setrlimit(resource.RLIMIT_AS, (size, size))
        try:
            main()
        except SystemExit as end:
            sys.stderr.flush()
            os._exit(end.code or 0)
        os._exit(0)
    print(more, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs /proc to know the size of a process")
def test_a_training_whose_address_space_ends_at_ten_places_ends_in_words(tmp_path: Path) -> None:
    """Either it trains, or the exit code is 2 and the reason is there; no traceback, no crash, no half of a file."""
    (tmp_path / "digits").mkdir()
    first_digits(tmp_path / "digits", train=600, test=10)
    network = "1x28x28: conv 16 5x5, relu, max 2, conv 64 5x5, relu, max 2, linear 10"
    arguments = [
        network,
        "--data",
        "digits",
        "--epochs",
        "1",
        "--threads",
        "1",
        "--kernels",
        "engine",
        "--batch",
        "512",
    ]
    done = subprocess.run(
        [sys.executable, "-c", STARVED, *arguments],
        capture_output=True, text=True, cwd=tmp_path, env=os.environ | {"SPACE": " ".join(map(str, SPACE))},
    )  # fmt: skip
    found = dict(tuple(map(int, line.split())) for line in done.stdout.splitlines() if line[:1].isdigit())
    assert [*found] == [*SPACE], done.stderr
    for more, code in found.items():
        said = (tmp_path / f"said-{more}").read_text()
        assert code in (0, 2), f"{more} MiB: {code}\n{said}"
        assert "Traceback" not in said, f"{more} MiB:\n{said}"
        assert code == 0 or "memory" in said or "threads" in said, f"{more} MiB:\n{said}"
        for each in (tmp_path / f"run-{more}").glob("*.safetensors"):
            load_file(each)
    assert (found[0], found[1000]) == (2, 0)


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
