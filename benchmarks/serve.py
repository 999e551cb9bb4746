"""Requests a second of `striate serve` beside plain FastAPI servers of the same run, over loopback.

    python benchmarks/serve.py RUN [--seconds 2] [--rounds 3] [--connections 1 16 64] [--wrk PATH] [--parts] [--json]

RUN is a LeNet-5 that was trained on digits. The rivals are FastAPI with PyTorch and FastAPI with ONNX Runtime
(serve_rivals.py), on uvicorn with uvloop and httptools: `pip install fastapi 'uvicorn[standard]'`. wrk makes the
requests (`apt install wrk`): one image as a PNG of MNIST, 100 of them in turn, and 64 images as pixels. Each server is
one process and computes on one thread. They take turns, round by round, and the medians of the rounds are printed:
requests a second, and the processor time of the server for each, which other programs on the machine hardly touch.
Then: the processor time that the parts of a request take, by calls in this process; the rest of a request is HTTP.
Last, how many of the page's requests are answered in a second while 16 clients predict. With --parts, the parts alone:
they need neither wrk nor the rivals.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection
from io import BytesIO
from pathlib import Path

import msgspec
import torch
from PIL import Image

from striate.data import load
from striate.look.predictor import Predictor
from striate.serve.app import App, app
from striate.serve.server import listen
from striate.train import open_run
from striate.train.machine import environment

HERE = Path(__file__).parent
IMAGES, BATCH, TURNS = 100, 64, 10
OURS, TORCH, ONNX = "striate", "FastAPI + PyTorch", "FastAPI + ONNX Runtime"
PATHS = {"one image": "/predict?steps=off", f"{BATCH} images": "/predict-many"}
PATIENCE = 300
Measured = dict[str, float]
"""What serve.lua prints: requests, seconds, p50 and p99 in milliseconds, failed requests."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", metavar="RUN", type=Path)
    parser.add_argument("--seconds", type=int, default=2, help="of each turn")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, nargs="+", default=[1, 16, 64])
    parser.add_argument("--wrk", default=shutil.which("wrk"))
    parser.add_argument("--parts", action="store_true", help="only what is measured in this process")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    if asked.parts:
        with tempfile.TemporaryDirectory() as folder:
            show_parts(parts_of(asked.run, written(asked.run, Path(folder))))
        return
    if asked.wrk is None:
        parser.error("wrk is not there: install it (apt install wrk), or name it by --wrk PATH")
    found: dict[str, dict[str, Measured]] = {}
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        bodies = written(asked.run, Path(folder))
        servers = {name: stack.enter_context(served(asked.run, name)) for name in (OURS, TORCH, ONNX)}
        for kind, path in PATHS.items():
            for connections in asked.connections:
                turns: dict[str, list[Measured]] = {name: [] for name in servers}
                for _ in range(asked.rounds):
                    for name, (port, process) in servers.items():
                        before = processor(process)
                        address = f"http://127.0.0.1:{port}{path}"
                        turn = loaded(asked.wrk, address, bodies[kind], connections, asked.seconds)
                        turns[name].append(turn | {"processor": processor(process) - before})
                found[f"{kind}, {connections} connections"] = {name: median(each) for name, each in turns.items()}
        parts = parts_of(asked.run, bodies)
        rate = page_rate(servers[OURS][0], bodies["one image"], asked)
    if asked.json:
        print(json.dumps({"environment": environment(), "load": found, "parts": parts, "page": rate}, indent=1))
        return
    for case, row in found.items():
        print(case)
        for name, each in row.items():
            ratios = row[OURS]["rate"] / each["rate"], each["microseconds"] / row[OURS]["microseconds"]
            line = f"{each['rate']:7.0f} requests/s   p50 {each['p50']:7.2f} ms   p99 {each['p99']:7.2f} ms"
            line += f"   processor {each['microseconds']:6.0f} µs a request"
            print(f"  {name:24}{line}   striate: {ratios[0]:5.2f} ×, by processor time {ratios[1]:5.2f} ×")
    show_parts(parts)
    print(f"the page's requests while 16 clients predict: {rate:.1f} a second")


def median(turns: list[Measured]) -> Measured:
    """The medians of some turns; every request must have been answered."""
    if failed := sum(each["failed"] for each in turns):
        raise SystemExit(f"{failed:.0f} requests failed")
    rates = [each["requests"] / each["seconds"] for each in turns]
    spent = [1e6 * each["processor"] / each["requests"] for each in turns]
    return {"rate": statistics.median(rates), "microseconds": statistics.median(spent)} | {
        name: statistics.median(each[name] for each in turns) for name in ("p50", "p99")
    }


def written(run: Path, folder: Path) -> dict[str, list[Path]]:
    """The bodies of both kinds of requests: MNIST's test images as PNG, and as pixels of the network's size."""
    images = load("mnist", "test").images[: IMAGES * 2]
    one = [folder / f"{number}.png" for number in range(IMAGES)]
    for file, pixels in zip(one, images, strict=False):
        Image.fromarray(pixels[0].numpy()).save(file)
    packed = open_run(run).preprocessing.pack(images)
    many = [folder / f"{number}.pixels" for number in range(4)]
    for number, file in enumerate(many):
        file.write_bytes(packed[number : number + BATCH].numpy().tobytes())
    return {"one image": one, f"{BATCH} images": many}


@contextmanager
def served(run: Path, name: str) -> Iterator[tuple[int, int]]:
    """The port of a server and its process's number, while it runs."""
    with listen("127.0.0.1", 0) as bound:
        port = bound.getsockname()[1]
    rival = {TORCH: "torch", ONNX: "onnx-runtime"}.get(name)
    rivals = [sys.executable, str(HERE / "serve_rivals.py"), str(run), str(port), str(rival)]
    ours = [sys.executable, "-m", "striate", "serve", str(run), "--port", str(port)]
    quiet = os.environ | {"OMP_NUM_THREADS": "1"}
    with subprocess.Popen(ours if rival is None else rivals, env=quiet, stdout=subprocess.DEVNULL) as process:
        try:
            wait_for(port)
            yield port, process.pid
        finally:
            process.terminate()


def processor(process: int) -> float:
    """The seconds of processor time that a process has taken, from Linux's /proc."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def wait_for(port: int) -> None:
    """Wait until a server accepts."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        with socket.socket() as link:
            if link.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise SystemExit("a server did not start")


def loaded(wrk: str, address: str, bodies: list[Path], connections: int, seconds: int) -> Measured:
    """What wrk measures."""
    command = [
        wrk,
        "-t1",
        f"-c{connections}",
        f"-d{seconds}s",
        "--timeout",
        f"{PATIENCE}s",
        "-s",
        str(HERE / "serve.lua"),
        address,
    ]
    names = os.environ | {"BODIES": ":".join(map(str, bodies))}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=names)
    return json.loads(done.stdout.splitlines()[-1])


def show_parts(parts: Measured) -> None:
    """A line for each part."""
    print("microseconds of processor time")
    for name, each in parts.items():
        print(f"  {name:52}{each:7.0f}")


def parts_of(run: Path, bodies: dict[str, list[Path]]) -> Measured:
    """Microseconds of processor time for the parts of a request; "inside the app" is all of it but HTTP."""
    torch.set_num_threads(1)
    opened = open_run(run)
    predictor, module = Predictor(opened, images=None), opened.model().eval()
    contents = [file.read_bytes() for file in bodies["one image"]]
    many = bodies[f"{BATCH} images"][0].read_bytes()
    pixels = torch.frombuffer(bytearray(many), dtype=torch.uint8).view(-1, *opened.network.input)
    floats = opened.preprocessing.normalise(pixels)
    found = predictor.probabilities(pixels).tolist()
    own, handed = app(predictor), app(predictor)
    for model in handed.models.values():
        model.images.light = lambda _: False
    one, several = PATHS["one image"], PATHS[f"{BATCH} images"]
    with torch.inference_mode(), asyncio.Runner() as runner:
        return {
            "one image: decoding": spent(lambda: [predictor.pixels(each, prepared=False) for each in contents])
            / len(contents),
            "  of it Pillow": spent(lambda: [Image.open(BytesIO(each)).load() for each in contents]) / len(contents),
            "  the network": spent(lambda: predictor.probabilities(pixels[:1])),
            "  inside the app": spent(lambda: runner.run(inside(own, one, contents[0]))) / TURNS,
            "  inside the app, computed by another thread": spent(lambda: runner.run(inside(handed, one, contents[0])))
            / TURNS,
            f"{BATCH} images: the network": spent(lambda: predictor.probabilities(pixels)),
            "  the network on PyTorch": spent(lambda: module(floats)),
            "  JSON of the probabilities": spent(lambda: msgspec.json.encode(found)),
            f"  inside the app, {BATCH} images": spent(lambda: runner.run(inside(own, several, many))) / TURNS,
        }


async def inside(app: App, path: str, content: bytes) -> None:
    """Ask an app some times, without HTTP."""
    place, _, query = path.partition("?")
    scope: dict[str, object] = {"type": "http", "method": "POST", "path": place, "query_string": query.encode()}
    scope |= {"headers": [(b"host", b"127.0.0.1"), (b"content-length", str(len(content)).encode())]}

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": content, "more_body": False}

    async def send(message: MutableMapping[str, object]) -> None:
        if message.get("status", 200) != 200:
            raise SystemExit(f"{path}: status {message['status']}")

    for _ in range(TURNS):
        await app(dict(scope), receive, send)


def spent(work: Callable[[], object]) -> float:
    """The microseconds of a call, the best of several."""
    best = float("inf")
    for _ in range(20):
        began = time.process_time()
        work()
        best = min(best, time.process_time() - began)
    return 1e6 * best


def page_rate(port: int, files: list[Path], asked: argparse.Namespace) -> float:
    """Answers a second to what the page asks for each stroke, one after another, while 16 clients predict."""
    stop, answers, content = threading.Event(), 0, files[0].read_bytes()
    address = f"http://127.0.0.1:{port}{PATHS['one image']}"
    link = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)

    def load() -> None:
        loaded(asked.wrk, address, files, 16, 2 * asked.seconds)
        stop.set()

    thread = threading.Thread(target=load)
    thread.start()
    time.sleep(0.2)
    began = time.monotonic()
    while not stop.is_set():
        link.request("POST", "/activations?maps=64", content, {"Accept": "application/octet-stream"})
        link.getresponse().read()
        answers += 1
    thread.join()
    return answers / (time.monotonic() - began)


if __name__ == "__main__":
    main()
