"""How often the page of `striate serve`, and the file of `striate page`, are up to date while one draws.

    python benchmarks/page.py RUN [RUN ...] [--seconds 4] [--rounds 3] [--pictures FOLDER]

A pointer circles on the pad in headless Chromium; each answer that the page has shown counts. Printed are updates a
second of both in each round, one after the other, and how long computing took; of several runs the first is measured.
`--pictures` keeps screenshots: what docs/serve.md shows.
"""

from __future__ import annotations

import argparse
import math
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page, sync_playwright

FOUR = (((0.33, 0.2), (0.3, 0.52), (0.68, 0.52)), ((0.66, 0.18), (0.62, 0.85)))
NUMBER = (
    *(((0.08, 0.25), (0.2, 0.22), (0.12, 0.8)), ((0.3, 0.2), (0.29, 0.8))),
    *(((0.42, 0.2), (0.38, 0.55), (0.5, 0.55)), ((0.48, 0.3), (0.47, 0.85))),
    ((0.66, 0.22), (0.6, 0.25), (0.59, 0.6), (0.64, 0.8), (0.7, 0.6), (0.72, 0.35), (0.66, 0.22)),
    ((0.8, 0.25), (0.88, 0.22), (0.9, 0.4), (0.8, 0.8), (0.93, 0.78)),
)
"""71402, on a wide pad."""
DESK, PHONE = (1440, 900), (390, 844)


@contextmanager
def serving(*runs: Path) -> Iterator[str]:
    """The address of `striate serve RUN ...` on a free port."""
    command = [sys.executable, "-u", "-m", "striate", "serve", *map(str, runs), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        found = re.search(r"http://\S+", process.stdout.readline())
        try:
            yield found[0] if found else ""
        finally:
            process.terminate()


def written(run: Path, folder: Path) -> str:
    """The address of the file that `striate page RUN` writes."""
    file = folder / "page.html"
    subprocess.run(
        [sys.executable, "-m", "striate", "page", str(run), "-o", str(file)], check=True, capture_output=True
    )
    return file.as_uri()


def opened(browser: Browser, address: str) -> Page:
    """The page, once it shows something."""
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.goto(address)
    page.wait_for_selector("[data-testid=layer] canvas[aria-label]")
    return page


def draw(page: Page, strokes: Sequence[Sequence[tuple[float, float]]] = FOUR, *, pad: str = "pad") -> None:
    """Draw a four, or something else."""
    page.get_by_test_id(pad).scroll_into_view_if_needed()
    box = page.get_by_test_id(pad).bounding_box() or {}
    for stroke in strokes:
        points = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in stroke]
        page.mouse.move(*points[0])
        page.mouse.down()
        for point in points[1:]:
            page.mouse.move(*point, steps=10)
        page.mouse.up()
    page.wait_for_timeout(1200)


def updates(page: Page, seconds: float) -> float:
    """Updates a second while the pointer draws circles."""
    box = page.get_by_test_id("pad").bounding_box() or {}
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    count = "performance.getEntriesByName('striate-frame').length"
    page.mouse.move(x, y - 60)
    page.mouse.down()
    before, began, step = page.evaluate(count), time.monotonic(), 0
    while time.monotonic() < began + seconds:
        page.mouse.move(x + 60 * math.sin(step / 15), y - 60 * math.cos(step / 15))
        step += 1
    rate = (page.evaluate(count) - before) / (time.monotonic() - began)
    page.mouse.up()
    page.get_by_test_id("clear").click()
    return rate


def picture(
    browser: Browser, address: str, file: Path, *, size: tuple[int, int], theme: Literal["light", "dark"]
) -> None:
    """A screenshot of a drawn four: a unit of C3 pointed at, or in a file, which pixels speak for the answer."""
    page = browser.new_page(viewport={"width": size[0], "height": size[1]}, color_scheme=theme)
    page.goto(address)
    page.wait_for_selector("[data-testid=layer] canvas[aria-label]")
    draw(page)
    if address.startswith("file:"):
        page.locator("#scores button.top").click()
        page.get_by_test_id("method").select_option("integrated-gradients")
    else:
        page.locator("[data-path=C3] canvas").click(position={"x": 30, "y": 30})
    page.wait_for_timeout(1200)
    if size == DESK:
        page.evaluate("document.documentElement.style.scrollBehavior = 'auto'; scrollTo(0, 0)")
        page.wait_for_timeout(600)
    page.screenshot(path=file)
    page.close()


def pictures(browser: Browser, addresses: dict[str, str], folder: Path) -> None:
    """What docs/serve.md shows: the page on a desk, on a telephone, as a file and in Korean, and its sandbox."""
    folder.mkdir(parents=True, exist_ok=True)
    picture(browser, addresses["served"], folder / "serve-desk.png", size=DESK, theme="light")
    picture(browser, addresses["served"], folder / "serve-phone.png", size=PHONE, theme="dark")
    picture(browser, addresses["file"], folder / "page-file.png", size=DESK, theme="dark")
    picture(browser, f"{addresses['served']}?lang=ko", folder / "page-korean.png", size=DESK, theme="light")
    page = opened(browser, addresses["file"])
    page.get_by_test_id("sandbox").screenshot(path=folder / "page-sandbox.png")
    page.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("runs", metavar="RUN", type=Path, nargs="+")
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pictures", type=Path)
    asked = parser.parse_args()
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-quic"]
    with tempfile.TemporaryDirectory() as folder, serving(asked.runs[0]) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=arguments)
        addresses = {"served": address, "file": written(asked.runs[0], Path(folder))}
        if asked.pictures:
            pictures(browser, addresses, asked.pictures)
            if asked.runs[1:]:
                with serving(*asked.runs) as several:
                    page = opened(browser, several)
                    draw(page)
                    page.screenshot(
                        path=asked.pictures / "serve-runs.png", clip={"x": 0, "y": 0, "width": 1440, "height": 560}
                    )
                    if page.get_by_test_id("line").is_visible():
                        draw(page, NUMBER, pad="line-pad")
                        page.get_by_test_id("line").screenshot(path=asked.pictures / "serve-line.png")
                    page.close()
        pages = {name: opened(browser, each) for name, each in addresses.items()}
        for _ in range(asked.rounds):
            for name, page in pages.items():
                page.bring_to_front()
                rate = updates(page, asked.seconds)
                print(f"{name:8} {rate:5.1f} updates/s   ({page.get_by_test_id('meter').inner_text()})")
        browser.close()


if __name__ == "__main__":
    main()
