"""Small data and a small run that several rooms' tests read."""

from __future__ import annotations

import gc
import os
import shutil
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest
import torch
from hypothesis import settings

from tests.support.idx import first_digits
from tests.support.networks import TINY

os.environ.setdefault("STRIATE_POISON", "1")  # the kernels' own memory is NaN where nothing has been written
pytest_plugins = ["tests.support.serving", "tests.support.pages"]
"""Fixtures of servers and pages, which the tests of several rooms use."""

collect_ignore = [f"support/{name}.py" for name in ("describing", "libraries", "keras_networks")]
"""Programs for other environments (torchvision and timm, TensorFlow), which no test imports."""
collect_ignore += ["support/by_hand.py", "support/rewriting.py"]
"""And those that import onnx, which may be missing."""

gc.disable()


def pytest_collection_finish() -> None:
    """Thousands of tests are objects that stay: the collector need not look at them while they are made, nor later."""
    gc.freeze()
    gc.enable()


torch.set_num_threads(1)  # for tensors this small, threads that wait for each other cost more than they save

# How long an example takes fails no test; the same examples each time, and new ones at night.
settings.register_profile("usual", deadline=None, derandomize=True)
settings.register_profile("nightly", max_examples=3000, deadline=None, derandomize=False, print_blob=True)
settings.load_profile("nightly" if os.environ.get("HYPOTHESIS_PROFILE") == "nightly" else "usual")


@pytest.fixture(scope="session", autouse=True)
def session_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """No test writes into the user's own cache."""
    os.environ["STRIATE_CACHE"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def few_digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of IDX files with the first 1,200 training and 300 test digits of MNIST."""
    return first_digits(tmp_path_factory.mktemp("digits"), train=1200, test=300)


@pytest.fixture(scope="session")
def finished_run(few_digits: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished training of `TINY` on `few_digits`; tests do not change it."""
    from striate.train import Recipe, session

    folder = tmp_path_factory.mktemp("runs") / "tiny"
    images = session.Images(str(few_digits))
    run, split = session.prepare(TINY, images, Recipe(epochs=3, batch=50, rate=0.01), folder=folder, device="cpu")
    list(session.start(run, split))
    return folder


@pytest.fixture(scope="session")
def captum() -> ModuleType:
    """Captum's attributions; it takes seconds to import, which only those tests wait for that ask for it."""
    return import_module("captum.attr")


@pytest.fixture(scope="session")
def playwright():
    """Playwright, once for all tests of a process.

    Once it has begun, an event loop is said to run in the main thread: `asyncio.run` has to be in another one.
    """
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with sync_api.sync_playwright() as found:
        yield found


@pytest.fixture(scope="session")
def browser(playwright):
    """Debian's Chromium, headless, for all tests of a process; its camera shows a test picture."""
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--use-fake-device-for-media-stream"]
    found = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=arguments)
    yield found
    found.close()
