"""The widget in JupyterLab and in marimo, in a real browser: `make test-widget`.

STRIATE_NOTEBOOKS is an environment that has both; without it these tests are skipped.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sysconfig
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.browsing import NEEDS_CHROMIUM, SEVEN, draw, sync_api

PLACE = os.environ.get("STRIATE_NOTEBOOKS", "")
pytestmark = [
    NEEDS_CHROMIUM,
    pytest.mark.slow,
    pytest.mark.skipif(not PLACE, reason="STRIATE_NOTEBOOKS names no environment: make test-widget"),
]
WAIT = 540
"""Seconds that a server or a cell may take: on a busy machine a kernel that imports PyTorch takes minutes."""
SOURCE = Path(__file__).parents[1] / "src"


@contextmanager
def served(folder: Path, *command: str, port: int) -> Iterator[str]:
    """A server in a folder, once it answers."""
    path = os.pathsep.join([str(SOURCE), sysconfig.get_path("purelib")])
    environment = os.environ | {"PYTHONPATH": path, "HOME": str(folder), "OMP_NUM_THREADS": "1"}
    log = (folder / "server.log").open("w")
    server = subprocess.Popen(
        [str(Path(PLACE, "bin", command[0])), *command[1:]],
        cwd=folder,
        env=environment,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        until = time.monotonic() + WAIT
        while time.monotonic() < until:
            try:
                urllib.request.urlopen(address, timeout=20).close()
                break
            except OSError:
                assert server.poll() is None, (folder / "server.log").read_text()
                time.sleep(2)
        yield address
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(60)
        log.close()


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def the_frame_computes(page) -> None:
    """The widget's page is there, and answers what is drawn on it."""
    frame = page.frame_locator("iframe[title='tiny']")
    frame.locator("[data-testid=layer] canvas[aria-label]").first.wait_for(timeout=1000 * WAIT)
    draw(page, SEVEN, frame=frame)
    sync_api.expect(frame.get_by_test_id("prediction")).to_have_text(re.compile("^[0-9]$"), timeout=1000 * WAIT)


def test_in_marimo(browser, finished_run: Path, tmp_path: Path) -> None:
    (tmp_path / "shown.py").write_text(
        "import marimo\n\napp = marimo.App()\n\n\n@app.cell\ndef _():\n    import marimo as mo\n    import striate\n\n"
        f"    mo.ui.anywidget(striate.widget({str(finished_run)!r}))\n    return\n\n\n"
        'if __name__ == "__main__":\n    app.run()\n',
        encoding="utf-8",
    )
    port = free_port()
    options = ["--headless", "--no-token", "--port", str(port), "--host", "127.0.0.1"]
    with served(tmp_path, "marimo", "run", "shown.py", *options, port=port) as address:
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        page.set_default_timeout(1000 * WAIT)
        page.goto(address)
        the_frame_computes(page)
        page.close()


def test_in_jupyterlab(browser, finished_run: Path, tmp_path: Path) -> None:
    nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed")
    cell = nbformat.v4.new_code_cell(f"import striate\n\nstriate.widget({str(finished_run)!r})")
    spec = {"display_name": "Python 3", "language": "python", "name": "python3"}  # without it a dialog asks for one
    notebook = nbformat.v4.new_notebook(cells=[cell], metadata={"kernelspec": spec})
    nbformat.write(notebook, tmp_path / "shown.ipynb")
    port = free_port()
    options = [
        "--no-browser",
        "--allow-root",
        f"--port={port}",
        "--IdentityProvider.token=",
        "--ServerApp.ip=127.0.0.1",
    ]
    with served(tmp_path, "jupyter-lab", *options, port=port) as address:
        page = browser.new_page(viewport={"width": 1600, "height": 1100})
        page.set_default_timeout(1000 * WAIT)
        page.goto(f"{address}/lab/tree/shown.ipynb")
        page.locator(".jp-CodeCell .cm-content").first.click()
        page.keyboard.press("Shift+Enter")
        the_frame_computes(page)
        page.close()
