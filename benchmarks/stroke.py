"""The time from a movement of the pen to updated scores, on the page as one file, on a processor six times as slow.

    python benchmarks/stroke.py RUN [RUN ...] [--throttle 6] [--movements 40]

Chrome's own throttling (Emulation.setCPUThrottlingRate) slows down the page's main thread, and refuses to slow down the
worker that computes. So there are two strokes: one as it is, in which the worker takes the milliseconds that the page
shows, and one that is slowed down; the median of the worker's milliseconds is added to each time of the latter, once
less often than the rate says. Printed are the fastest, median and slowest movement of each run in milliseconds, from
the event to the scores in the document. Measure on a machine that does nothing else: the throttling keeps a core
busy, and multiplies what other programs take.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

POLLING = 100
"""The milliseconds between two looks at the page; to look in every frame would itself make frames."""
WARM = 10
"""The movements of a stroke before the measured ones, while the browser compiles."""
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


def stroke(page: Page, count: int, *, down: float) -> tuple[list[float], list[float]]:
    """A stroke across the pad, `down` of its height below the top: for each movement of the pen the milliseconds to the
    scores, and those of the worker."""
    box = page.get_by_test_id("pad").bounding_box() or {}
    page.mouse.move(box["x"] + 0.25 * box["width"], box["y"] + down * box["height"])
    page.mouse.down()
    times: list[float] = []
    own: list[float] = []
    for step in range(1, count + 1):
        page.wait_for_function("() => document.body.dataset.pending === '0'", polling=POLLING)
        across = 0.25 + 0.5 * step / count
        page.mouse.move(box["x"] + across * box["width"], box["y"] + (down + 0.3 * step / count) * box["height"])
        page.wait_for_function("() => window.took !== null", polling=POLLING)
        times.append(page.evaluate("window.took"))
        own.append(float(page.get_by_test_id("meter").inner_text().split(" ms")[0].split()[-1]))
    page.mouse.up()
    return times, own


def strokes(page: Page, count: int, rate: float) -> tuple[list[float], float]:
    """The milliseconds from each movement of the pen to the scores on a processor `rate` times as slow, and the
    worker's own as it is, in the median."""
    page.wait_for_selector("[data-testid=layer] canvas[aria-label]")
    page.evaluate(WATCH)
    stroke(page, WARM, down=0.2)
    own = statistics.median(stroke(page, count, down=0.3)[1])
    page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": rate})
    return [took + (rate - 1) * own for took in stroke(page, count, down=0.4)[0]], own


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("runs", metavar="RUN", type=Path, nargs="+")
    parser.add_argument("--throttle", type=float, default=6)
    parser.add_argument("--movements", type=int, default=40)
    asked = parser.parse_args()
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-quic"]
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=arguments)
        for run in asked.runs:
            page = browser.new_page(viewport={"width": 390, "height": 844})
            page.set_default_timeout(120_000)
            page.goto(written(run, Path(folder)))
            found, own = strokes(page, asked.movements, asked.throttle)
            fastest, median, slowest = min(found), statistics.median(found), max(found)
            print(
                f"{run.name:16} fastest {fastest:.0f} ms, median {median:.0f} ms, slowest {slowest:.0f} ms;"
                f" the worker as it is {own:.0f} ms"
            )
            page.close()
        browser.close()


if __name__ == "__main__":
    main()
