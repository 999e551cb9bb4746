"""Running a server: its token, its counts, its log, its queue's limits, and how it stops."""

from __future__ import annotations

import json
import logging
import signal
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from striate.errors import AddressError
from striate.serve import model
from striate.serve.app import Settings, app
from striate.serve.batching import Limits
from striate.serve.guard import COOKIE, Guard
from striate.serve.log import JsonLines, Without
from striate.serve.openapi import openapi
from striate.serve.server import listen
from tests.support.answering import Answering, answering
from tests.support.asking import IMAGE, PATIENCE
from tests.support.commands import striate
from tests.support.networks import TINY
from tests.support.pictures import picture
from tests.support.serving import fresh, serving

TOKEN = "a-secret"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Answering]:
    """A server with a token."""
    settings = Settings(Guard(token=TOKEN))
    with answering(app(fresh(TINY, tmp_path_factory.mktemp("locked") / "tiny"), settings=settings)) as found:
        yield found


@pytest.mark.parametrize("path", ["/", "/runs", "/metrics", "/openapi.json", "/static/ui/page.js", "/nothing"])
def test_without_the_token_there_is_nothing(locked: Answering, path: str) -> None:
    for heads in ({}, {"Authorization": "Bearer another"}, {"Authorization": TOKEN}, {"Cookie": f"{COOKIE}=é"}):
        status, got, body = locked.ask("GET", path, None, **heads)
        assert status == 401
        assert got["www-authenticate"] == "Bearer"
        assert json.loads(body)["error"] == {
            "where": "",
            "what": "the request has no token, or another one.",
            "expected": "This server was started with a token.",
            "remedy": "Send it as Authorization: Bearer TOKEN, or open the page once at /?token=TOKEN.",
        }
    assert locked.ask("GET", path, None, **BEARER)[0] == (404 if path == "/nothing" else 200)


def test_health_needs_no_token_and_openapi_says_so(locked: Answering) -> None:
    assert locked.ask("GET", "/health")[0] == 200
    assert openapi(token=True)["security"] == [{"token": []}]
    assert "security" not in openapi()


def test_the_page_is_in_the_language_of_the_server(locked: Answering, tmp_path: Path) -> None:
    settings = Settings(language="ko")
    with answering(app(fresh(TINY, tmp_path / "tiny"), settings=settings)) as found:
        status, heads, body = found.ask("GET", "/")
    assert (status, heads["content-type"]) == (200, "text/html; charset=utf-8")
    assert b'<html lang="en" data-lang="ko">' in body
    assert b'<html lang="en">' in locked.ask("GET", "/", None, **BEARER)[2]


def test_the_page_keeps_the_token_in_a_cookie(locked: Answering) -> None:
    assert locked.ask("GET", "/?token=another")[0] == 401
    status, heads, _ = locked.ask("GET", f"/?token={TOKEN}")
    assert (status, heads["location"]) == (303, "/")
    assert locked.ask("GET", f"/?token={TOKEN}&lang=ko")[1]["location"] == "/?lang=ko"
    assert locked.ask("GET", f"/?token={TOKEN}&lang=//elsewhere")[1]["location"] == "/"
    cookie, *rules = heads["set-cookie"].split("; ")
    assert rules == ["HttpOnly", "SameSite=Strict", "Path=/"]
    assert locked.ask("GET", "/", None, Cookie=cookie)[0] == 200
    # Browsers share the cookies of all ports.
    assert locked.ask("GET", "/", None, Cookie=f'prefs={{"a":1}}; lone; x=a b; {cookie}')[0] == 200


def test_a_token_that_no_header_can_carry() -> None:
    done = striate("serve", "lenet5", "--token", "é")
    assert done.returncode == 2
    assert done.stderr == (
        "Error: the token has characters that a header cannot carry.\n"
        "It must be of printable ASCII characters, without spaces, commas, semicolons, quotes and backslashes.\n"
        "Make one: python -c 'import secrets; print(secrets.token_urlsafe())'.\n"
    )


@pytest.mark.parametrize("given", ["option", "variable"])
def test_an_empty_token_is_refused(given: str) -> None:
    """A variable that a container sets to nothing would open a server that was to be closed."""
    done = (
        striate("serve", "lenet5", "--token", "") if given == "option" else striate("serve", "lenet5", STRIATE_TOKEN="")
    )
    name = "--token" if given == "option" else "STRIATE_TOKEN"
    assert done.returncode == 2
    assert done.stderr == (
        f"Error: {name} is empty: every request would be answered.\n"
        "It must be what requests have to show.\n"
        "Make one: python -c 'import secrets; print(secrets.token_urlsafe())'. "
        "To serve without a token, leave it out.\n"
    )


@pytest.mark.parametrize("host", ["", " "])
def test_an_empty_host_is_refused(host: str) -> None:
    """The system takes it for every address of the machine."""
    done = striate("serve", "lenet5", "--host", host)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "Error: --host is empty.\n"
        "It must be an address of this machine, such as 127.0.0.1.\n"
        "Leave it out to listen on this machine alone; 0.0.0.0 listens for all machines.\n"
    )


@pytest.mark.parametrize("host", ["a..b", "x" * 300, "a\u3002\ud800", "no.such.host.invalid", "1.2.3.4.5", "%", "a\0b"])
def test_a_host_that_is_none_is_an_error(host: str) -> None:
    with pytest.raises(AddressError, match="cannot listen on"):
        listen(host, 0)


@pytest.mark.parametrize("option", ["--port", "--queue", "--timeout", "--workers", "--max-connections"])
@pytest.mark.parametrize("value", ["", "x", "1_0", " 5", "٣", "1e2", "-1", "9" * 30, "5.0", "0x10"])
def test_numbers_are_in_plain_digits_and_within_their_range(option: str, value: str) -> None:
    done = striate("serve", "lenet5", option, value)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[-1].startswith(f"Error: Invalid value for '{option}': ")


def test_a_token_in_a_line_of_the_log_is_left_out() -> None:
    secret = "a+b/c"
    form = Without(JsonLines(), secret)
    record = logging.LogRecord("x", logging.ERROR, "", 1, "GET /?token=a%2Bb%2Fc with a+b/c", None, None)
    assert json.loads(form.format(record))["event"] == "GET /?token=[token] with [token]"
    assert "a+b" in Without(JsonLines(), "").format(record)


def test_a_request_whose_client_hangs_up_leaves_the_queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, gate, computed = threading.Event(), threading.Event(), []
    real = model.attribution

    def held(*arguments, **options):
        computed.append(1)
        begun.set()
        gate.wait(PATIENCE)
        return real(*arguments, **options)

    monkeypatch.setattr(model, "attribution", held)
    image = picture(TINY)
    head = b"POST /attribution?class=class+7 HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(image)
    settings = Settings(limits=Limits(waiting=1))
    with answering(app(fresh(TINY, tmp_path / "tiny"), settings=settings)) as server, ThreadPoolExecutor() as pool:
        first = server.connect()
        first.sendall(head + image)
        assert begun.wait(PATIENCE)
        with server.connect() as waiting:
            waiting.sendall(head + image)
            server.read()
            assert server.ask("POST", "/attribution?class=class+7", image)[0] == 503  # it takes the one place
        server.read()
        last = pool.submit(server.ask, "POST", "/attribution?class=class+7", image)
        while not _open(server, 2):
            pass
        first.close()  # it is being computed: this changes nothing
        server.read()
        gate.set()
        assert last.result(PATIENCE)[0] == 200
        counted = server.ask("GET", "/metrics")[2].decode()
        assert server.said == []
    assert len(computed) == 2
    assert 'striate_requests_total{method="POST",path="/attribution",status="499"} 1.0' in counted
    assert 'striate_requests_total{method="POST",path="/attribution",status="200"} 2.0' in counted


def test_metrics_count_requests_batches_and_what_is_open(tmp_path: Path) -> None:
    image = picture(TINY)
    with answering(app(fresh(TINY, tmp_path / "tiny"))) as server:
        for _ in range(3):
            server.ask("POST", "/predict", image, **IMAGE)
        server.ask("POST", "/models/tiny/predict", b"", **IMAGE)
        server.ask("GET", "/no/such/path")
        status, heads, body = server.ask("GET", "/metrics")
    assert status == 200
    assert heads["content-type"].startswith("text/plain")
    found = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(body.decode())
        for sample in family.samples
    }
    assert found["striate_requests_total", "/predict", "200", "POST"] == 3
    assert found["striate_requests_total", "/predict", "400", "POST"] == 1
    assert found["striate_requests_total", "404", "GET", "other"] == 1
    assert found["striate_request_seconds_count", "/predict"] == 4
    assert found["striate_batch_requests_count", "tiny"] == 3
    assert found["striate_queue_requests", "tiny"] == 0
    assert found["striate_requests_open",] == 1


def test_a_full_queue_and_a_late_answer_are_503(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, gate = threading.Event(), threading.Event()
    real = model.attribution

    def held(*arguments, **options):
        begun.set()
        gate.wait(PATIENCE)
        return real(*arguments, **options)

    monkeypatch.setattr(model, "attribution", held)
    settings, image = Settings(limits=Limits(waiting=1, seconds=20)), picture(TINY)
    path = "/attribution?class=class+7"
    with answering(app(fresh(TINY, tmp_path / "tiny"), settings=settings)) as server, ThreadPoolExecutor() as pool:
        asked = [pool.submit(server.ask, "POST", path, image, **IMAGE)]
        assert begun.wait(PATIENCE)
        asked.append(pool.submit(server.ask, "POST", path, image, **IMAGE))
        while not _open(server, 2):
            pass
        full = server.ask("POST", path, image, **IMAGE)
        server.later(21)
        late = [each.result(PATIENCE) for each in asked]
        gate.set()
        assert server.ask("POST", path, image, **IMAGE)[0] == 200
    for (status, heads, body), text in ((full, "too many requests at once."), *((each, "no answer") for each in late)):
        assert (status, heads["retry-after"]) == (503, "1")
        assert json.loads(body)["error"]["what"].startswith(text)


def _accepts(port: int) -> bool:
    """Whether a connection is accepted."""
    with socket.socket() as link:
        return link.connect_ex(("127.0.0.1", port)) == 0


def _open(server: Answering, count: int) -> bool:
    """Whether so many requests are being answered, besides the one that asks."""
    return f"striate_requests_open {count + 1}.0" in server.ask("GET", "/metrics")[2].decode()


def test_pixels_that_are_no_whole_number_of_images(tmp_path: Path) -> None:
    with answering(app(fresh(TINY, tmp_path / "tiny"))) as server:
        status, _, body = server.ask("POST", "/predict-many", bytes(785), **IMAGE)
    assert status == 422
    size = TINY.input[0] * TINY.input[1] * TINY.input[2]
    assert json.loads(body)["error"] == {
        "where": "",
        "what": "785 bytes are no whole number of images.",
        "expected": f"An image of tiny has {size}: {' × '.join(map(str, TINY.input))} (channels, height, width).",
        "remedy": "Send the pixels alone, one byte each, without a header.",
    }


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_running_requests_end_and_refuses_new_ones(tmp_path: Path, sent: signal.Signals) -> None:
    folder, image = fresh(TINY, tmp_path / "tiny").run.folder, picture(TINY)
    head = b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\nContent-Length: %d\r\n\r\n"
    head = head.replace(b"Host:", f"Authorization: Bearer {TOKEN}\r\nHost:".encode())
    with serving(folder, "--log", "json", "--token", TOKEN) as server:
        assert server.process is not None
        assert TOKEN not in server.line
        with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as link:
            link.sendall(head % len(image) + image[:-1])
            while "striate_requests_open 2.0" not in server.ask("GET", "/metrics", None, **BEARER)[2].decode():
                pass
            server.ask("GET", f"/?token={TOKEN}")
            server.ask("GET", f"/{TOKEN}?{TOKEN}={TOKEN}", None, **BEARER)
            server.process.send_signal(sent)
            while _accepts(server.port):
                pass
            link.sendall(image[-1:])
            assert link.recv(1 << 16).startswith(b"HTTP/1.1 200 OK\r\n")
        assert server.process.wait(PATIENCE) == 0
        assert server.process.stderr is not None
        said = server.process.stderr.read()
    assert TOKEN not in said
    lines = [json.loads(line) for line in said.splitlines()]
    assert (lines[0]["event"], lines[-1]["event"]) == ("started", "stopped")
    said = [line for line in lines if line["event"] == "request" and line["path"] == "/predict"]
    assert [(line["level"], line["method"], line["status"]) for line in said] == [("info", "POST", 200)]
    assert said[0]["milliseconds"] > 0


def test_an_error_of_the_server_is_one_json_line_with_its_traceback(tmp_path: Path, caplog) -> None:
    served = app(fresh(TINY, tmp_path / "tiny"))

    async def broken(request):
        raise ZeroDivisionError

    served.routes["/runs"] = (served.routes["/runs"][0], broken)
    with answering(served) as server:
        status, _, body = server.ask("GET", "/runs")
    assert status == 500
    assert json.loads(body)["error"]["what"] == "something broke in the server."
    (record,) = (each for each in caplog.records if each.name == "striate.serve")
    line = json.loads(JsonLines().format(record))
    assert line["event"] == "a request broke"
    assert line["path"] == "/runs"
    assert "ZeroDivisionError" in line["traceback"]
