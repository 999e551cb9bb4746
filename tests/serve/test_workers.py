"""Workers: several processes at one socket, started again where one dies; a signal ends all of them."""

from __future__ import annotations

import os
import re
import signal
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from striate.errors import RunError, WorkerError
from striate.serve.server import listen
from striate.serve.workers import Workers
from tests.support.asking import IMAGE, PATIENCE
from tests.support.commands import striate_process
from tests.support.networks import TINY
from tests.support.pictures import picture
from tests.support.serving import fresh, serving


def ends(bound: socket.socket, ready: object) -> None:
    """A worker that ends before it answers."""
    raise SystemExit(3)


def test_a_worker_that_ends_before_it_answers_is_an_error() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with listen("127.0.0.1", 0) as bound, pytest.raises(WorkerError) as caught:
        Workers(ends, bound, 1).run()
    assert str(caught.value) == (
        "a worker ended with status 3 before it answered.\n"
        "Each worker loads the runs itself, and needs memory for them.\n"
        "Read what it printed, or serve with fewer workers."
    )
    assert signal.getsignal(signal.SIGTERM) is before


@dataclass(frozen=True)
class OneRefuses:
    """The first worker that asks refuses, once the other answers; the other would answer until a signal."""

    folder: Path

    def __call__(self, bound: socket.socket, ready: Callable[[], None]) -> None:
        try:
            self.folder.joinpath("first").mkdir()
        except FileExistsError:
            written = self.folder.joinpath("other.new")
            written.write_text(str(os.getpid()), encoding="ascii")
            written.rename(self.folder / "other")
            ready()
            while True:
                signal.pause()
        while not self.folder.joinpath("other").exists():
            time.sleep(0.01)
        raise RunError("no such run.", "It was there.", "Give another.")


def test_one_that_cannot_answer_ends_all_with_its_reason(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    workers = Workers(OneRefuses(tmp_path), socket.socket(), 2)
    with workers.bound, pytest.raises(WorkerError) as caught:
        workers.run()
    assert str(caught.value) == "a worker cannot answer: no such run.\nIt was there.\nGive another."
    other = int(tmp_path.joinpath("other").read_text(encoding="ascii"))
    with pytest.raises(ProcessLookupError):
        os.kill(other, 0)
    assert capfd.readouterr() == ("", "")  # the caller says it, once


def deaf(bound: socket.socket, ready: Callable[[], None]) -> None:
    """A worker that does not end on a signal."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    ready()
    while True:
        signal.pause()


@pytest.mark.slow
def test_a_worker_that_heeds_no_signal_is_killed() -> None:
    def stop() -> None:
        os.kill(os.getpid(), signal.SIGINT)

    with socket.socket() as bound:
        workers = Workers(deaf, bound, 1, stop, patience=0.2)
        workers.run()
    assert workers.running == []


@pytest.mark.slow
def test_a_run_that_breaks_in_the_workers_is_an_error_of_the_command(tmp_path: Path) -> None:
    run = fresh(TINY, tmp_path / "tiny").run
    weights = run.path("best.safetensors")
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(bytes(content))
    done = striate_process("serve", run.folder, "--workers", 2, "--port", 0)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Error: a worker cannot answer: ")
    assert "best.safetensors" in done.stderr
    assert "Traceback" not in done.stderr


def workers_of(process: int) -> set[int]:
    """The processes that answer: children that multiprocessing spawned."""
    found = Path(f"/proc/{process}/task/{process}/children").read_text(encoding="ascii").split()
    spawned = [each for each in found if b"spawn_main" in Path(f"/proc/{each}/cmdline").read_bytes()]
    return {int(each) for each in spawned}


@pytest.mark.slow
def test_at_a_signal_new_connections_are_refused_while_a_request_is_finished(tmp_path: Path) -> None:
    folder, image = fresh(TINY, tmp_path / "tiny").run.folder, picture(TINY)
    head = (
        f"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\nContent-Length: {len(image)}\r\n\r\n"
    )
    with serving(folder, "--workers", "2") as server:
        assert server.process is not None
        with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as link:
            link.sendall(head.encode() + image[:-1])
            until = time.monotonic() + PATIENCE
            while "striate_requests_open 2.0" not in server.ask("GET", "/metrics")[2].decode():  # it, and this one
                assert time.monotonic() < until
            server.process.terminate()
            while True:
                with socket.socket() as other:
                    if other.connect_ex(("127.0.0.1", server.port)):
                        break
                assert time.monotonic() < until
            link.sendall(image[-1:])
            assert link.recv(15) == b"HTTP/1.1 200 OK"
        assert server.process.wait(PATIENCE) == 0


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="looks for processes in Linux's /proc")
def test_a_worker_that_is_killed_is_started_again_and_a_signal_ends_all(tmp_path: Path) -> None:
    folder, image = fresh(TINY, tmp_path / "tiny").run.folder, picture(TINY)
    with serving(folder, "--workers", "2", "--log", "json") as server:
        assert server.process is not None
        assert server.process.stdout is not None
        assert server.process.stdout.readline().strip() == "2 workers"
        first = workers_of(server.process.pid)
        assert len(first) == 2
        for _ in range(40):
            assert server.json("POST", "/predict", image, **IMAGE)[0] == 200
        counted = server.ask("GET", "/metrics")[2].decode()
        assert re.search(r'striate_requests_total\{method="POST",path="/predict",status="200"\} 40.0', counted)
        os.kill(min(first), signal.SIGKILL)
        until = time.monotonic() + PATIENCE
        while len(workers_of(server.process.pid) - first) < 1:
            assert time.monotonic() < until
            time.sleep(0.05)
        assert server.json("GET", "/health")[0] == 200  # by the one that is left, or by the new one
        server.process.terminate()
        assert server.process.wait(PATIENCE) == 0
        assert server.process.stderr is not None
        said = server.process.stderr.read()
    assert '"event": "worker ended"' in said
    assert not any(Path(f"/proc/{each}").exists() for each in first)
