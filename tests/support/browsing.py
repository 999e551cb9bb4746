"""What tests of pages share: a headless Chromium, driven by Playwright, a pen, and what a page must keep to."""

from __future__ import annotations

import base64
import math
import shutil

import pytest

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
Browser, Page = sync_api.Browser, sync_api.Page
expect = sync_api.expect
expect.set_options(timeout=60_000)  # a machine under load is slow; only what never comes is a failure

CHROMIUM = shutil.which("chromium")
NEEDS_CHROMIUM = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine")

SEVEN = [[(0.28, 0.22), (0.72, 0.22), (0.45, 0.85)]]
FOUR = [[(0.33, 0.2), (0.3, 0.52), (0.68, 0.52)], [(0.66, 0.18), (0.62, 0.85)]]
WIDE, NARROW = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
TABLET = {"width": 1024, "height": 768}

ASK = """async ([name, text, query]) => {
  const data = (id) => document.getElementById(id).textContent;
  if (!window.asked) {
    window.asked = new Worker(URL.createObjectURL(new Blob([data("striate-worker")], { type: "text/javascript" })));
    window.asked.postMessage({ numbers: JSON.parse(data("striate-numbers")), weights: data("striate-weights") });
  }
  const bytes = Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
  const answer = new Promise((then) => { window.asked.onmessage = ({ data }) => then(data.found ?? data.error); });
  window.asked.postMessage({ id: 0, ask: name, bytes, query });
  const coded = (value) => {
    const bytes = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
    return bytes.toBase64?.() ?? btoa(Array.from(bytes, (one) => String.fromCharCode(one)).join(""));
  };
  const plain = (value) => (value instanceof Float32Array ? coded(value) : value);
  return Object.fromEntries(Object.entries(await answer).map(([key, value]) => [key, plain(value)]));
}"""
"""Ask the worker of a file as its page does."""


def draw(page: Page, strokes, *, frame=None) -> None:
    """Draw strokes with the pointer, on the page or in a frame of it. The pen draws straight lines, so that few points
    suffice."""
    pad = (frame or page).get_by_test_id("pad")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    for stroke in strokes:
        points = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in stroke]
        page.mouse.move(*points[0])
        page.mouse.down()
        for point in points[1:]:
            page.mouse.move(*point, steps=2)
        page.mouse.up()


def says(page: Page, text: str) -> None:
    """Wait until the prediction is that text."""
    sync_api.expect(page.get_by_test_id("prediction")).to_have_text(text)


def rest(page: Page) -> None:
    """Wait until the page shows all that was asked for, and a new layout has been drawn."""
    page.evaluate("() => new Promise((then) => requestAnimationFrame(() => requestAnimationFrame(then)))")
    page.wait_for_function("() => document.body.dataset.pending === '0'")


def maps(page: Page) -> dict[str, str]:
    """What every layer's canvas shows, once all are drawn."""
    rest(page)
    script = "all => Object.fromEntries(all.map(one => [one.dataset.path, one.querySelector('canvas').toDataURL()]))"
    return page.get_by_test_id("layer").evaluate_all(script)


def ask(page: Page, name: str, image: bytes, **query: object):
    """What the worker of a file answers in the browser."""
    return page.evaluate(ASK, [name, base64.b64encode(image).decode(), query])


def zoom_of(page: Page, path: str) -> float:
    """How many CSS pixels one value of a layer's maps is wide."""
    first = page.locator(f"[data-path={path}] canvas")
    label = first.get_attribute("aria-label")
    count, width = int(label.split(": ")[1].split()[0]), int(label.split(" by ")[1].split(",")[0])
    total = first.evaluate("canvas => canvas.clientWidth")
    for columns in range(count, 0, -1):
        zoom = (total - 6 * (columns - 1)) / columns / width
        if zoom >= 1 and math.isclose(zoom, round(zoom), abs_tol=0.01):
            return zoom
    raise AssertionError(label)


OVERFLOWING = """() => [...document.querySelectorAll('main *')].filter((one) => {
  const box = one.getBoundingClientRect();
  const scrolls = one.closest('#drawing, #steps, .scroll');
  return box.width && !scrolls && !one.closest('.quiet') && (box.right > innerWidth + 1 || box.left < -1);
}).map((one) => one.outerHTML.slice(0, 120))"""

FAINT = """() => {
  const curve = (share) => (share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4);
  const part = (value) => curve(value / 255);
  const light = ([r, g, b]) => 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const behind = (one) => {
    for (let at = one; at; at = at.parentElement) {
      const found = numbers(getComputedStyle(at).backgroundColor);
      if (found.length === 3 || found[3] > 0.5) return found;
    }
    return [255, 255, 255];
  };
  const faint = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const one = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !one.checkVisibility() || one.closest('.quiet, .skip, svg')) continue;
    const [text, ground] = [light(numbers(getComputedStyle(one).color)), light(behind(one))];
    const contrast = (Math.max(text, ground) + 0.05) / (Math.min(text, ground) + 0.05);
    if (contrast < 4.5) faint.push(`${contrast.toFixed(2)} ${one.outerHTML.slice(0, 100)}`);
  }
  return faint;
}"""

NAMELESS = """() => [...document.querySelectorAll('button, input, select, a, canvas[tabindex]')].filter((one) => {
  if (!one.checkVisibility()) return false;
  const label = one.labels?.[0]?.textContent.trim();
  return !(one.getAttribute('aria-label') || label || one.textContent.trim() || one.title);
}).map((one) => one.outerHTML.slice(0, 120))"""
