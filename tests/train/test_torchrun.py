"""The command under torchrun: restarts after a kill, signals, and processes that fail."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from striate.train import open_run
from striate.train.checkpoint import LAST, load_checkpoint
from tests.support.commands import heed_interrupts
from tests.support.idx import first_digits

NETWORK = "name mini 1x28x28: conv 4 5x5 /2, bn, relu, max 2, dropout 0.2, linear 10"
TRAIN = ("-m", "striate", "train", NETWORK, "--data", "digits", "--set", "augmentation.shift=1", "--epochs", "5",
         "--kernels", "operators")  # two trainings that may choose need not choose the same  # fmt: skip
KILLS = int(os.environ.get("STRIATE_KILLS", "1"))
"""More of them take longer: each restart imports PyTorch anew."""
EPOCHS = max(5, 2 * KILLS)
"""Of the training that is killed: it goes on for up to 1.5 seconds, about two epochs, before the next kill."""

STARTED: list[subprocess.Popen[str]] = []
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs /proc to find the processes"),
]


def torchrun(*arguments: str, cwd: Path) -> subprocess.Popen[str]:
    """Two processes, started by torchrun."""
    process = subprocess.Popen(
        [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", *arguments],
        cwd=cwd,
        env=os.environ | {"OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"},
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=heed_interrupts,
    )
    STARTED.append(process)
    return process


@pytest.fixture(autouse=True)
def ended() -> Iterator[None]:
    """A launcher that a failed test leaves behind ends, and ends its processes."""
    yield
    while STARTED:
        process = STARTED.pop()
        process.terminate()
        process.communicate(timeout=60)


def workers(launcher: int) -> list[int]:
    """The processes that a launcher has started."""
    try:
        return [int(each) for each in Path(f"/proc/{launcher}/task/{launcher}/children").read_text().split()]
    except OSError:
        return []


def wait_for(what: str, run: Path, process: subprocess.Popen[str], *, count: int) -> None:
    """Wait until a run has so many events."""
    end = time.monotonic() + 240
    while time.monotonic() < end and process.poll() is None:
        if (run / "events.jsonl").exists() and (run / "events.jsonl").read_text().count(f'"event": "{what}"') >= count:
            return
        time.sleep(0.02)
    raise AssertionError(f"no {what}: {process.communicate()[0] if process.poll() is not None else 'too late'}")


def test_a_killed_process_is_replaced_and_the_result_is_that_of_an_undisturbed_training(tmp_path: Path) -> None:
    (tmp_path / "digits").mkdir()
    first_digits(tmp_path / "digits", train=6000, test=10)
    train = (*TRAIN, "--epochs", str(EPOCHS))
    whole = torchrun(*train, "--out", "whole", cwd=tmp_path)
    assert whole.wait(300) == 0, whole.communicate()[0]
    process = torchrun("--max-restarts", str(2 * KILLS), *train, "--out", "killed", cwd=tmp_path)
    seed = random.randrange(2**32)
    draw = random.Random(seed)
    for kill in range(KILLS):
        wait_for("resumed" if kill else "epoch", tmp_path / "killed", process, count=max(1, kill))
        time.sleep(draw.uniform(0, 1.5))
        found = workers(process.pid)
        if process.poll() is None and found:
            os.kill(draw.choice(found), signal.SIGKILL)
    assert process.wait(300) == 0, f"seed {seed}\n{process.communicate()[0]}"
    states = [load_checkpoint(tmp_path / name / LAST)[0] for name in ("whole", "killed")]
    assert states[0].keys() == states[1].keys()
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0]), f"seed {seed}"
    runs = [open_run(tmp_path / name) for name in ("whole", "killed")]
    losses = [{each["epoch"]: each["loss"] for each in run.events("epoch")} for run in runs]
    assert losses[0] == losses[1]
    assert len(runs[1].events("epoch")) == EPOCHS  # none is lost, and none is written twice
    assert runs[1].events("resumed")
    assert {each["processes"] for each in runs[1].events("started")} == {2}


@pytest.mark.parametrize("to", ["process", "torchrun"])
def test_a_signal_saves_in_all_processes_and_the_run_goes_on(to: str, tmp_path: Path) -> None:
    """SIGTERM to the process that does not write, and what Ctrl-C is: SIGINT to torchrun. All stop at the same step."""
    (tmp_path / "digits").mkdir()
    first_digits(tmp_path / "digits", train=6000, test=10)
    process = torchrun(*TRAIN, "--epochs", "2000", "--out", "run", cwd=tmp_path)
    wait_for("epoch", tmp_path / "run", process, count=1)
    if to == "process":
        os.kill(workers(process.pid)[1], signal.SIGTERM)
    else:
        process.send_signal(signal.SIGINT)
    text = process.communicate(timeout=120)[0]
    assert "Stopped and saved. Resume with:\n  torchrun --nproc-per-node 2 -m striate train --resume run\n" in text
    assert process.returncode == 1  # torchrun's own, as its traceback is
    if to == "process":
        assert "(exitcode: 130)" in text or "exitcode  : 130" in text
    else:
        assert text.count("Traceback") == 1
        assert "SignalException: Process" in text
    run = open_run(tmp_path / "run")
    stopped = run.events("interrupted")[-1]
    state = load_checkpoint(tmp_path / "run" / LAST)[1]
    assert (state["position"]["epoch"], state["position"]["batch"]) == (stopped["epoch"], stopped["batch"])
    assert not (tmp_path / "run" / ".lock").exists()


def test_a_process_that_fails_names_itself_and_leaves_no_half_of_a_run(tmp_path: Path) -> None:
    """The second process finds no images: it says so, and the first one that it has lost it."""
    code = (
        "import os, sys\n"
        "if os.environ['RANK'] == '1': sys.argv[sys.argv.index('mnist')] = 'nowhere'\n"
        "import striate_command\n"
        "striate_command.main()\n"
    )
    (tmp_path / "start.py").write_text(code)
    process = torchrun("start.py", "train", NETWORK, "--data", "mnist", "--out", "run", cwd=tmp_path)
    text = process.communicate(timeout=120)[0]
    assert process.returncode != 0
    assert "Error in process 1 of 2: no source is called 'nowhere'.\n" in text
    assert 'File "' not in text.split("torch/distributed")[0]
    assert not (tmp_path / "run").exists()
