"""The same rows from a cluster of two nodes, also where one of its processes is killed."""

import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from striate.errors import RequirementError, WorkerError
from striate.predictions import cluster
from striate.predictions import job as jobs
from striate.predictions.answers import Manner
from striate.predictions.job import JobRequest
from striate.predictions.work import predict_all
from striate.train.run import open_run

IMAGES, PART = 240, 8


@pytest.mark.parametrize("address", ["scans", "http://head:80/x", "head", "head:port", "", "a b:1"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(WorkerError) as caught:
        cluster.by_cluster(address)
    assert str(caught.value) == (
        f"{address!r} is no address of a cluster.\n"
        "Expected HOST:PORT, as `ray start --head` prints it, auto for the cluster of this machine, or local.\n"
        "To begin a cluster here for this job, give --ray as the last word, or --ray local."
    )


def test_without_ray_it_is_said_what_to_install(monkeypatch) -> None:
    here = ModuleSpec("there", None, origin="there.py")
    monkeypatch.setattr("striate.extras.find_spec", lambda name: None if name == "ray" else here)
    with pytest.raises(RequirementError, match="predictions by a cluster need ray.\nIt comes with the extra `ray`."):
        cluster.by_cluster("local")


def test_a_cluster_that_does_not_start_is_an_error_of_ours(monkeypatch) -> None:
    """Ray raises a plain Exception for a node that takes too long."""
    ray = ModuleType("ray")
    vars(ray).update(is_initialized=lambda: False, init=lambda **_: 1 / 0, shutdown=lambda: None)
    vars(ray)["exceptions"] = SimpleNamespace(RayError=OSError)
    monkeypatch.setitem(sys.modules, "ray", ray)
    monkeypatch.setitem(sys.modules, "ray.data", ModuleType("ray.data"))
    with pytest.raises(WorkerError) as caught, cluster._connected("head:1"):
        pass
    assert str(caught.value) == (
        "the cluster at head:1 could not answer: division by zero\n"
        "Parts that are done are kept.\n"
        "Mend the cluster, then give the same command again; without --ray it is done in this process."
    )


def with_ports(start: Callable[[Any], None], node: Any) -> None:
    """Start a node's processes with the ports that they are going to write into its folder, written ahead.

    A node dies where they need more than 15 seconds for that, as on a busy machine. Without `ray[default]` the agent of
    the dashboard writes −1; that of environments keeps to the port that it is given.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        node._ray_params.runtime_env_agent_port = port = probe.getsockname()[1]
    ports = {"metrics_agent_port": -1, "metrics_export_port": -1, "dashboard_agent_listen_port": -1}
    for name, number in (ports | {"runtime_env_agent_port": port}).items():
        Path(node._session_dir, f"{name}_{node._node_id}").write_text(str(number))
    start(node)


@pytest.fixture
def two_nodes(monkeypatch) -> Iterator[str]:
    """The address of a cluster of two nodes on this machine, each with one processor."""
    for name in cluster.PATIENT:
        monkeypatch.setenv(name, "300")  # read when ray is imported
    pytest.importorskip("ray", reason="ray is not installed: it comes with the extra `ray`, of 0.6 GB")
    from ray._private.node import Node
    from ray.cluster_utils import Cluster

    start = Node.start_ray_processes
    monkeypatch.setattr(Node, "start_ray_processes", lambda node: with_ports(start, node))
    monkeypatch.setenv("RAY_worker_niceness", "0")  # not 15, by which they would wait for all others of the machine
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))  # its processes import what this one does
    nodes = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    try:
        nodes.add_node(wait=False, num_cpus=1)
        nodes.wait_for_nodes(timeout=300)
        yield nodes.address
    finally:
        nodes.shutdown()


def workers() -> list[int]:
    """The processes of Ray's that answer parts."""
    found: list[int] = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            name = (place / "cmdline").read_bytes()
        except OSError:  # it has ended meanwhile
            continue
        if name.startswith(b"ray::") and b"(Worker)" in name:
            found.append(int(place.name))
    return found


@pytest.mark.slow
def test_a_process_that_is_killed_loses_and_doubles_nothing(two_nodes, finished_run, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(jobs, "LEAST", PART)
    monkeypatch.setattr(jobs, "MOST", PART)
    dice = np.random.default_rng(0)
    (tmp_path / "in").mkdir()
    for number in range(IMAGES):
        pixels = dice.integers(0, 256, (200, 300, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / "in" / f"{number}.png")
        if number % 100 == 7:
            (tmp_path / "in" / f"{number}.png").write_bytes(b"no image")
    run, killed = open_run(finished_run), []

    def kill(done: int, images: int) -> None:
        if done and not killed:
            killed.extend(workers()[:1])
            os.kill(killed[0], signal.SIGKILL)

    for out, by, tell in (
        (tmp_path / "here.csv", None, lambda done, images: None),
        (tmp_path / "there.csv", cluster.by_cluster(two_nodes), kill),
    ):
        found = predict_all(JobRequest(run, (str(tmp_path / "in"),), out, Manner("torch", top=2)), by=by, tell=tell)
        assert (found.images, found.unreadable) == (IMAGES, 3)
    assert killed
    assert (tmp_path / "there.csv").read_bytes() == (tmp_path / "here.csv").read_bytes()


@pytest.mark.slow
def test_what_fails_in_the_cluster_is_an_error_of_ours(two_nodes, finished_run, tmp_path, monkeypatch) -> None:
    Image.new("L", (28, 28)).save(tmp_path / "0.png")
    run, out = open_run(finished_run), tmp_path / "found.csv"
    monkeypatch.setattr(cluster.os.path, "abspath", lambda path: "/no/such/run")
    with pytest.raises(WorkerError, match="could not answer") as caught:
        predict_all(JobRequest(run, (str(tmp_path / "0.png"),), out, Manner("torch")), by=cluster.by_cluster(two_nodes))
    assert "/no/such/run" in str(caught.value)
    assert not out.exists()
