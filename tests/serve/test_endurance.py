"""What a server has answered leaves nothing behind: its memory after 100,000 requests, and 10,000 malformed ones."""

from __future__ import annotations

import json
import random
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from striate.serve.app import app
from tests.serve.test_hostile import mutated
from tests.support.answering import answering, exchange, is_well
from tests.support.asking import IMAGE, PATIENCE
from tests.support.networks import TINY
from tests.support.pictures import picture
from tests.support.serving import Server, fresh, serving

REQUESTS, CLIENTS, MALFORMED = 100_000, 16, 10_000


def memory(server: Server) -> int:
    """The memory that its process has in use, in bytes, from Linux's /proc."""
    assert server.process is not None
    lines = Path(f"/proc/{server.process.pid}/status").read_text(encoding="ascii").splitlines()
    (found,) = (line for line in lines if line.startswith("VmRSS:"))
    return int(found.split()[1]) * 1024


def repeated(port: int, request: bytes, count: int) -> None:
    """Send a request over one connection so many times, each after the answer to the one before; all are answered."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as link, link.makefile("rb") as file:
        for _ in range(count):
            link.sendall(request)
            assert file.readline() == b"HTTP/1.1 200 OK\r\n"
            heads = dict(line.lower().split(b": ", 1) for line in iter(file.readline, b"\r\n"))
            assert json.loads(file.read(int(heads[b"content-length"])))["class"]


@pytest.mark.long
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads Linux's /proc")
def test_memory_stays_flat_over_100_000_requests(tmp_path: Path) -> None:
    folder, image = fresh(TINY, tmp_path / "tiny").run.folder, picture(TINY)
    head = b"POST /predict?steps=off HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(image)
    with serving(folder) as server, ThreadPoolExecutor(CLIENTS) as pool:

        def sent(count: int) -> None:
            list(pool.map(lambda _: repeated(server.port, head + image, count // CLIENTS), range(CLIENTS)))

        sent(REQUESTS // 10)
        before = memory(server)
        sent(REQUESTS - REQUESTS // 10)
        assert memory(server) - before < 8 * 2**20
        assert server.json("POST", "/predict", image, **IMAGE)[0] == 200


@pytest.mark.slow
def test_10_000_malformed_requests_leave_it_well(tmp_path: Path) -> None:
    draw = random.Random(20_000)
    with answering(app(fresh(TINY, tmp_path / "tiny"))) as place:
        for _ in range(MALFORMED // 50):
            found = exchange(place, [mutated(draw) for _ in range(50)])
            assert not any(each.startswith(b"HTTP/1.1 5") for each in found)
        is_well(place)
        assert place.said == []
