"""Film the page of a run while a digit is drawn on it: the animated picture of README. Needs Chromium, Playwright.

    python examples/film_page.py RUN [docs/images/page.webp]

A frame is taken after every few points of the pen, and then of one unit of a layer with its patch, filter and sum.
"""

from __future__ import annotations

import argparse
import io
import shutil
import tempfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from striate.export.page import write_page
from striate.look.predictor import Predictor
from striate.train import open_run

SIZE = {"width": 1120, "height": 700}
SHOWN = (960, 600)
FOUR = (((0.33, 0.2), (0.3, 0.52), (0.68, 0.52)), ((0.66, 0.18), (0.62, 0.85)))
"""The strokes of a four, in parts of the pad."""
POINTS = 2
"""Frames for each line of a stroke."""
WAIT = 300_000
"""Milliseconds that anything may take, on a machine that does much else."""
LARGEST = 1_500_000


def frames(page: Page) -> Iterator[tuple[Image.Image, int]]:
    """Each frame, and the milliseconds that it is shown."""
    yield _shot(page), 600
    pad = page.get_by_test_id("pad").bounding_box(timeout=WAIT)
    assert pad  # noqa: S101 - the pad is on the page
    for stroke in FOUR:
        points = [(pad["x"] + x * pad["width"], pad["y"] + y * pad["height"]) for x, y in stroke]
        page.mouse.move(*points[0])
        page.mouse.down()
        for (left, top), (right, bottom) in pairwise(points):
            for part in range(1, POINTS + 1):
                share = part / POINTS
                page.mouse.move(left + share * (right - left), top + share * (bottom - top))
                yield _shot(page), 130
        page.mouse.up()
    yield _shot(page), 1200
    page.locator("[data-path=C1] canvas").click(position={"x": 40, "y": 30}, timeout=WAIT)
    yield _shot(page), 3000


def _shot(page: Page) -> Image.Image:
    page.wait_for_function("() => document.body.dataset.pending === '0'", timeout=WAIT)
    picture = Image.open(io.BytesIO(page.screenshot(timeout=WAIT)))
    return picture.convert("RGB").resize(SHOWN, Image.Resampling.LANCZOS)


def main() -> None:
    """Film it."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("run", type=Path)
    options.add_argument("file", type=Path, nargs="?", default=Path("docs/images/page.webp"))
    asked = options.parse_args()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        file = Path(folder) / "page.html"
        write_page(Predictor(open_run(asked.run), images=1), file=file, language="en")
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": SIZE["width"], "height": SIZE["height"]})
        page.goto(file.as_uri(), timeout=WAIT)
        page.wait_for_selector("[data-testid=layer] canvas[aria-label]", timeout=WAIT)
        shown = list(frames(page))
        browser.close()
    pictures, times = [picture for picture, _ in shown], [time for _, time in shown]
    pictures[0].save(
        asked.file, save_all=True, append_images=pictures[1:], duration=times, loop=0, quality=72, method=6
    )
    size = asked.file.stat().st_size
    print(f"{asked.file}: {len(pictures)} frames, {sum(times) / 1000:.1f} s, {size:,} bytes")
    if size > LARGEST:
        raise SystemExit(f"It has more than {LARGEST:,} bytes.")


if __name__ == "__main__":
    main()
