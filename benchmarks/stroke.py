"""The time from a movement of the pen to updated scores, on the page as one file, on a processor six times as slow.

    python benchmarks/stroke.py RUN [RUN ...] [--throttle 6] [--strokes 30]

Chrome's own throttling (Emulation.setCPUThrottlingRate) slows down the page's main thread. Where the browser refuses it
to the worker that computes, the worker's own time is counted as often as the rate says. Printed are the fastest, median
and slowest stroke of each run in milliseconds, from the pointer's event to the scores in the document. Measure on a
machine that does nothing else: the throttling multiplies what other programs take.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

WATCH = """() => {
  window.moved = 0;
  window.took = null;
  addEventListener("pointermove", () => { window.moved = performance.now(); window.took = null; }, true);
  new MutationObserver(() => { window.took ??= performance.now() - window.moved; })
    .observe(document.querySelector("#scores"), { subtree: true, childList: true, attributes: true });
}"""


def written(run: Path, folder: Path) -> str:
    """The address of the file that `striate page RUN` writes."""
    file = folder / f"{run.name}.html"
    subprocess.run(
        [sys.executable, "-m", "striate", "page", str(run), "-o", str(file)], check=True, capture_output=True
    )
    return file.as_uri()


def throttle(page: Page, rate: float) -> bool:
    """Slow the page down; whether the worker is slowed down, too."""
    session = page.context.new_cdp_session(page)
    session.send("Emulation.setCPUThrottlingRate", {"rate": rate})
    answers: list[dict[str, Any]] = []

    def ask(found: dict[str, Any]) -> None:
        question = {"id": 1, "method": "Emulation.setCPUThrottlingRate", "params": {"rate": rate}}
        session.send("Target.sendMessageToTarget", {"sessionId": found["sessionId"], "message": json.dumps(question)})

    session.on("Target.attachedToTarget", ask)
    session.on("Target.receivedMessageFromTarget", lambda found: answers.append(json.loads(found["message"])))
    session.send("Target.setAutoAttach", {"autoAttach": True, "waitForDebuggerOnStart": False, "flatten": False})
    page.wait_for_timeout(1000)
    return bool(answers) and all("error" not in each for each in answers)


def strokes(page: Page, count: int, rate: float) -> list[float]:
    """The milliseconds from each movement of the pen to the scores."""
    page.wait_for_selector("[data-testid=layer] canvas[aria-label]")
    slowed = throttle(page, rate)
    page.evaluate(WATCH)
    box = page.get_by_test_id("pad").bounding_box() or {}
    page.mouse.move(box["x"] + 0.25 * box["width"], box["y"] + 0.2 * box["height"])
    page.mouse.down()
    found: list[float] = []
    for step in range(1, count + 1):
        page.wait_for_function("() => document.body.dataset.pending === '0'")
        page.mouse.move(
            box["x"] + (0.25 + 0.5 * step / count) * box["width"], box["y"] + (0.2 + 0.01 * step) * box["height"]
        )
        page.wait_for_function("() => window.took !== null")
        took = page.evaluate("window.took")
        own = float(page.get_by_test_id("meter").inner_text().split(" ms")[0].split()[-1])
        found.append(took if slowed else took + (rate - 1) * own)
    page.mouse.up()
    return found[3:]  # the first ones wait for the compiler


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("runs", metavar="RUN", type=Path, nargs="+")
    parser.add_argument("--throttle", type=float, default=6)
    parser.add_argument("--strokes", type=int, default=30)
    asked = parser.parse_args()
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-quic"]
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=arguments)
        for run in asked.runs:
            page = browser.new_page(viewport={"width": 390, "height": 844})
            page.set_default_timeout(120_000)
            page.goto(written(run, Path(folder)))
            found = strokes(page, asked.strokes, asked.throttle)
            fastest, median, slowest = min(found), statistics.median(found), max(found)
            print(f"{run.name:16} fastest {fastest:.0f} ms, median {median:.0f} ms, slowest {slowest:.0f} ms")
            page.close()
        browser.close()


if __name__ == "__main__":
    main()
