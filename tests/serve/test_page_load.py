"""The page stays up to date while others ask the same server for predictions."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection

import pytest

from tests.support.asking import PATIENCE
from tests.support.browsing import NEEDS_CHROMIUM, SEVEN, Page, draw, says
from tests.support.pictures import DIGITS

pytestmark = [NEEDS_CHROMIUM, pytest.mark.slow]

CLIENTS, SECONDS = 16, 4.0
AT_REST, WANTED = 20.0, 10.0
"""Updates a second: what the page reaches alone on a machine that has nothing else to do, and wants beside clients."""


@contextmanager
def predicting(port: int) -> Iterator[list[int]]:
    """Clients that ask for one prediction after another, each on its connection; the list has the answers' statuses."""
    statuses: list[int] = []
    over, begun, content = threading.Event(), threading.Barrier(CLIENTS + 1), (DIGITS / "4-pen.png").read_bytes()

    def client() -> None:
        link = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        link.connect()
        begun.wait(PATIENCE)
        while not over.is_set():
            link.request("POST", "/predict?steps=off", content)
            answer = link.getresponse()
            answer.read()
            statuses.append(answer.status)
        link.close()

    threads = [threading.Thread(target=client) for _ in range(CLIENTS)]
    for each in threads:
        each.start()
    begun.wait(PATIENCE)
    try:
        yield statuses
    finally:
        over.set()
        for each in threads:
            each.join(PATIENCE)


def updates(page: Page) -> float:
    """Updates that the page shows in a second, while the pointer draws circles."""
    box = page.get_by_test_id("pad").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    count = "performance.getEntriesByName('striate-frame').length"
    page.mouse.move(x, y - 60)
    page.mouse.down()
    before, began, step = page.evaluate(count), time.monotonic(), 0
    while time.monotonic() < began + SECONDS:
        page.mouse.move(x + 60 * math.sin(step / 15), y - 60 * math.cos(step / 15))
        step += 1
    shown, took = page.evaluate(count) - before, time.monotonic() - began
    page.mouse.up()
    page.get_by_test_id("clear").click()
    return shown / took


def test_the_page_keeps_ten_updates_a_second_while_sixteen_clients_predict(server, visit) -> None:
    page = visit(server)
    draw(page, SEVEN)
    says(page, "7")
    alone = updates(page)
    with predicting(server.port) as statuses:
        beside = updates(page)
        answered = len(statuses)
    assert set(statuses) == {200}
    assert answered > 2 * CLIENTS
    # Where other programs slow the page down even without clients, it may get slower with them as it would elsewhere.
    assert beside >= (WANTED if alone >= AT_REST else alone * WANTED / AT_REST / 2)
