"""Small data and a small run that several rooms' tests read."""

from __future__ import annotations

import gzip
import os
import shutil
import struct
from pathlib import Path

import pytest
import torch
from hypothesis import settings

from striate import Activation, Conv, Flatten, Linear, Network, Pool

os.environ.setdefault("STRIATE_POISON", "1")  # the kernels' own memory is NaN where nothing has been written
pytest_plugins = ["tests.support.serving"]
"""Fixtures of servers and pages, which the tests of several rooms use."""

torch.set_num_threads(1)  # for tensors this small, threads that wait for each other cost more than they save

settings.register_profile("usual", deadline=None)  # how long an example takes fails no test
settings.register_profile("nightly", max_examples=3000, deadline=None, print_blob=True)
settings.load_profile("nightly" if os.environ.get("HYPOTHESIS_PROFILE") == "nightly" else "usual")

TINY = Network(
    "tiny",
    (1, 28, 28),
    [Conv(4, kernel=5, stride=2), Activation("relu"), Pool("max", kernel=2), Flatten(), Linear(10)],
)
"""A network that learns in a second."""


@pytest.fixture(scope="session", autouse=True)
def session_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """No test writes into the user's own cache."""
    os.environ["STRIATE_CACHE"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def few_digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of IDX files with the first 1,200 training and 300 test digits of MNIST."""
    from striate.data import load

    folder = tmp_path_factory.mktemp("digits")
    for split, prefix, count in (("train", "train", 1200), ("test", "t10k", 300)):
        images = load("mnist", split).subset(torch.arange(count))
        pixels, labels = images.images.numpy(), images.labels.to(torch.uint8).numpy()
        head = struct.pack(">4B3I", 0, 0, 8, 3, count, 28, 28)
        (folder / f"{prefix}-images-idx3-ubyte.gz").write_bytes(gzip.compress(head + pixels.tobytes(), 1))
        (folder / f"{prefix}-labels-idx1-ubyte").write_bytes(struct.pack(">4BI", 0, 0, 8, 1, count) + labels.tobytes())
    return folder


@pytest.fixture(scope="session")
def finished_run(few_digits: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished training of `TINY` on `few_digits`; tests do not change it."""
    from striate.train import Recipe, session

    folder = tmp_path_factory.mktemp("runs") / "tiny"
    images = session.Images(str(few_digits))
    run, split = session.prepare(TINY, images, Recipe(epochs=3, batch=50, rate=0.01), folder=folder, device="cpu")
    list(session.start(run, split))
    return folder


@pytest.fixture(scope="module")
def browser():
    """Debian's Chromium, headless."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with sync_api.sync_playwright() as playwright:
        found = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu", "--disable-quic"]
        )
        yield found
        found.close()
