"""Two machines, which are network namespaces joined by a virtual cable: a killed process on one restarts both."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from striate.train import open_run
from tests.support.commands import striate
from tests.support.idx import first_digits
from tests.train.test_torchrun import TRAIN, wait_for, workers

pytestmark = [pytest.mark.slow]


def ip(*arguments: str) -> bool:
    """Run a command of `ip`; whether it worked."""
    return shutil.which("ip") is not None and not subprocess.run(["ip", *arguments], capture_output=True).returncode


@pytest.fixture
def nodes() -> Iterator[list[str]]:
    """The names of two namespaces, with the addresses 10.77.0.1 and 10.77.0.2 on links of their names."""
    names = [f"s{os.getpid() % 10**6}{letter}" for letter in "ab"]
    try:
        if not all(ip("netns", "add", name) for name in names):
            pytest.skip("needs the right to make network namespaces")
        first, second = names
        if not ip("link", "add", first, "netns", first, "type", "veth", "peer", "name", second, "netns", second):
            pytest.skip("needs virtual network cables (veth)")
        for number, name in enumerate(names, 1):
            assert ip("-n", name, "addr", "add", f"10.77.0.{number}/24", "dev", name)
            assert all(ip("-n", name, "link", "set", link, "up") for link in (name, "lo"))
        yield names
    finally:
        for name in names:
            ip("netns", "del", name)


def test_two_machines_train_as_one_process_does_though_one_is_disturbed(tmp_path: Path, nodes: list[str]) -> None:
    (tmp_path / "digits").mkdir()
    first_digits(tmp_path / "digits", train=3000, test=10)
    assert striate(*TRAIN[2:], "--out", "alone", "--kernels", "operators", cwd=tmp_path).returncode == 0
    launchers = []
    for number, name in enumerate(nodes, 1):
        where = ["--rdzv-endpoint", "10.77.0.1:29400", "--rdzv-conf", f"is_host={2 - number}"]
        where += ["--rdzv-id", "two", "--rdzv-backend", "c10d", "--local-addr", f"10.77.0.{number}"]
        end = ["--max-restarts", "3", *TRAIN, "--out", "both", "--kernels", "operators"]
        torchrun = [sys.executable, "-m", "torch.distributed.run", "--nnodes", "2", *where]
        launchers.append(
            subprocess.Popen(
                ["ip", "netns", "exec", name, *torchrun, *end],
                cwd=tmp_path,
                env=os.environ | {"OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": name},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        )
    try:
        wait_for("epoch", tmp_path / "both", launchers[0], count=1)
        for worker in workers(launchers[1].pid):
            os.kill(worker, signal.SIGKILL)
        texts = [each.communicate(timeout=240)[0] for each in launchers]
    finally:
        for each in launchers:
            each.kill()
    assert [each.returncode for each in launchers] == [0, 0], "\n\n".join(texts)
    alone, both = (open_run(tmp_path / name).events("epoch") for name in ("alone", "both"))
    assert [each["loss"] for each in both] == pytest.approx([each["loss"] for each in alone], rel=0.01)
    assert both[0]["loss"] == pytest.approx(alone[0]["loss"], rel=1e-4)
    assert open_run(tmp_path / "both").events("resumed")
