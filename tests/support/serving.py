"""A trained LeNet-5, a server that answers for it in a process of its own, and pictures to send."""

from __future__ import annotations

import os
import re
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import pytest
import torch
from PIL import Image, ImageDraw

from striate import Network, find
from striate.data import Preprocessing
from striate.description.network import plan
from striate.modules import build
from striate.serve import Predictor
from striate.serve.app import app
from striate.train import Recipe, open_run, session
from striate.train.checkpoint import save_checkpoint
from striate.train.run import DataRecord, Run, create_run
from tests.support.answering import answering
from tests.support.asking import Answer, ask, ask_json
from tests.support.commands import heed_interrupts
from tests.support.idx import first_digits
from tests.support.once import once
from tests.support.pictures import png


@dataclass(frozen=True)
class Server:
    """Where a server answers."""

    port: int
    process: subprocess.Popen[str] | None = None
    """The process of the command; None for a thread of this process."""
    line: str = ""
    """What the command said when it was ready."""

    @property
    def address(self) -> str:
        """The address of its page."""
        return f"http://127.0.0.1:{self.port}/"

    def ask(self, method: str, path: str, body: bytes | None = None, **heads: str) -> Answer:
        """As `asking.ask`."""
        return ask(self.port, method, path, body, **heads)

    def json(self, method: str, path: str, body: bytes | None = None, **heads: str):
        """As `asking.ask_json`."""
        return ask_json(self.port, method, path, body, **heads)


@contextmanager
def serving(
    folder: Path | str, *options: str | Path, cwd: Path | None = None, files: int = 0, silence: float = 0
) -> Iterator[Server]:
    """`striate serve FOLDER`, with other folders or options, on a free port, stopped with Ctrl-C at the end.

    `files` bounds how many files it may open at once; `silence` is how many seconds a connection may say nothing, where
    it is not what it usually is.
    """

    def begin() -> None:
        heed_interrupts()
        if files:
            resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))

    patient = f"from striate.serve import connection; connection.SECONDS = {silence}; import striate_command as begin"
    command = [sys.executable, *(["-c", f"{patient}; begin.main()"] if silence else ["-m", "striate"])]
    process = subprocess.Popen(
        [*command, "serve", str(folder), "--port", "0", *map(str, options)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=cwd,
        preexec_fn=begin,
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None
    watch = threading.Timer(120, process.kill)
    watch.start()
    try:
        found = re.search(r":(\d+)/", line := process.stdout.readline())
        assert found, (line, process.stderr and process.stderr.read())
        watch.cancel()
        yield Server(int(found[1]), process, line)
    finally:
        watch.cancel()
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()


@contextmanager
def serving_here(*predictors: Predictor) -> Iterator[Server]:
    """What `striate serve` answers for some runs, from a thread of this process, which is there at once."""
    with answering(app(*predictors)) as found:
        yield Server(found.port)


@pytest.fixture(scope="session")
def digits_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a LeNet-5 that has learned from 8,000 digits, to some 97 %; trained once for all workers."""
    return once(tmp_path_factory, "lenet5-dense", lambda out: learn_digits(tmp_path_factory.mktemp("digits"), out))


def learn_digits(folder: Path, out: Path) -> None:
    """Train on the first digits of MNIST, kept in `folder`, and keep the run in `out`."""
    first_digits(folder, train=8000, test=100)
    recipe = Recipe(epochs=3, batch=64, rate=0.003)
    run, split = session.prepare(
        find("lenet5-dense"), session.Images(str(folder)), recipe, folder=out, device="cpu", threads=1
    )
    list(session.start(run, split))
    replace(run, preprocessing=replace(run.preprocessing, form="digits")).write()


@pytest.fixture(scope="session")
def server(digits_run: Path) -> Iterator[Server]:
    """A server of `digits_run`."""
    with serving(digits_run) as found:
        yield found


@pytest.fixture(scope="session")
def predictor(digits_run: Path) -> Predictor:
    """The predictor that the server has, too."""
    return Predictor(open_run(digits_run))


def fresh(network: Network, folder: Path, *, seed: int = 0) -> Predictor:
    """A predictor of a network with fresh weights, for pictures."""
    classes = tuple(f"class {number}" for number in range(plan(network).output[0]))
    data = DataRecord("none", classes, None, False, (), 1, 1, "", "")
    way = Preprocessing(network.input, "resize", low=-1.0, high=1.0, form="picture")
    run = Run(folder, network, Recipe(), data, way, threads=1, device="cpu", environment={})
    create_run(run)
    model = build(network, generator=torch.Generator().manual_seed(seed))
    save_checkpoint(run.path("best.safetensors"), dict(model.state_dict()), {})
    return Predictor(run)


@pytest.fixture(scope="session")
def seven() -> bytes:
    """A seven in ink on paper, as a PNG."""
    image = Image.new("L", (120, 120), 240)
    ImageDraw.Draw(image).line([(35, 30), (85, 30), (55, 95)], fill=20, width=9, joint="curve")
    return png(image)


class Place(Protocol):
    """A server, or a file."""

    @property
    def address(self) -> str: ...


@pytest.fixture
def visit(browser):
    """Opens a page of a size and a theme; at the end nothing may have been said on the console."""
    said: list[str] = []
    contexts = []

    def opened(place: Place, size: dict[str, int] | None = None, theme: str = "light", **options):
        context = browser.new_context(viewport=size or {"width": 1440, "height": 900}, color_scheme=theme, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(place.address)
        page.wait_for_selector("[data-testid=layer] canvas[aria-label]")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert said == []
