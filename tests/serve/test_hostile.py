"""What hostile clients send: bytes that are no request, connections that say nothing, answers that nobody takes."""

from __future__ import annotations

import asyncio
import json
import random
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from striate.serve import connection
from striate.serve.app import Settings, app
from striate.serve.endpoints import ENDPOINTS
from striate.serve.guard import Guard
from striate.web.sandbox import FIELDS
from tests.support.answering import Answering, answering, exchange, is_well
from tests.support.asking import PATIENCE, ask_json
from tests.support.networks import TINY
from tests.support.pictures import DIGITS
from tests.support.serving import fresh, serving

HEALTH = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
FOUR = (DIGITS / "4-pen.png").read_bytes()


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Answering]:
    """A server of a tiny network that goes by this machine's names."""
    with answering(app(fresh(TINY, tmp_path_factory.mktemp("hostile") / "tiny"))) as found:
        yield found


@pytest.fixture(scope="module")
def open_to_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Answering]:
    """The same with --host 0.0.0.0: it goes by any name."""
    with answering(
        app(fresh(TINY, tmp_path_factory.mktemp("hostile") / "tiny"), settings=Settings(Guard(hosts=())))
    ) as found:
        yield found


def checked(request: bytes, found: bytes) -> list[int]:
    """The statuses of the answers; each refusal is JSON with the three lines."""
    statuses = []
    while found:
        head, _, rest = found.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        status = int(lines[0].split()[1])
        heads = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
        if status == 100:
            found = rest
            continue
        statuses.append(status)
        assert status < 500, (request, found)
        assert heads["x-content-type-options"] == "nosniff", request
        body = rest[: int(heads["content-length"])] if "content-length" in heads else rest
        if request.startswith(b"HEAD"):
            break
        if status >= 400:
            assert heads["content-type"] == "application/json", (request, found)
            error = json.loads(body)["error"]
            assert set(error) == {"where", "what", "expected", "remedy"}
            assert error["what"], request
        found = rest[len(body) :]
    return statuses


REQUESTS = [
    HEALTH,
    b"GET / HTTP/1.1\r\nHost: localhost:80\r\nOrigin: http://localhost:80\r\nAccept: */*\r\n\r\n",
    b"GET /static/ui/page.js HTTP/1.1\r\nHost: [::1]:8000\r\nRange: bytes=0-10\r\nIf-None-Match: \"x\"\r\n\r\n",
    b"GET /network?run=tiny HTTP/1.0\r\nHost: 127.0.0.1\r\nIf-Modified-Since: Sat, 01 Jan 2000 00:00:00 GMT\r\n\r\n",
    b"POST /predict?steps=on&run=tiny HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n"
    b"Content-Length: %d\r\n\r\n" % len(FOUR) + FOUR,
    b"POST /activations?paths=conv1&maps=3 HTTP/1.1\r\nHost: localhost\r\nAccept: application/octet-stream\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % len(FOUR) + FOUR + b"\r\n0\r\n\r\n",
    b"POST /unit?path=conv1&map=1&row=2&column=3 HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n"
    b"Content-Length: %d\r\n\r\n" % len(FOUR) + FOUR,
    b"POST /attribution?class=class%201&method=occlusion HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc",
    b'POST /account HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 71\r\n\r\n'
    b'{"network":"tiny","input":[1,28,28],"changes":{"conv1":{"stride":2}}}\r\n',
    b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
]  # fmt: skip
PIECES = [
    *(
        b"\0",
        b"\r\n",
        b"\r",
        b"\n",
        b" ",
        b"\t",
        b":",
        b"[",
        b"]",
        b"//",
        b"%",
        b"%00",
        b"%ff",
        b"%ed%a0%80",
        b"?",
        b"#",
    ),
    *(b"\xff", b"\xc3\xa9", b"\xed\xa0\x80", b"\\ud800", b'"', b"{", b"}", b"-1", b"1e400", b"NaN", b"9" * 5000, b"@"),
    *(b"..", b"../" * 40, b"a" * 300, b"=" * 9, b"&" * 9, b";", b"Host: [\r\n", b"Origin: http://[\r\n", b"chunked"),
    *(b"Content-Length: 5\r\n", b"Range: bytes=9-1,x\r\n", b"HTTP/9.9", b"localhost:x", b"CONNECT", b"HEAD", b"TRACE"),
]


def mutated(draw: random.Random) -> bytes:
    """A request with some bytes replaced, put in, left out, doubled or moved."""
    request = draw.choice(REQUESTS)
    for _ in range(draw.randint(1, 4)):
        # Most of the changes are before the body: that of a picture would take them all.
        end = max(1, request.find(b"\r\n\r\n") + draw.choice([0, 0, 4, 90]))
        at = draw.randrange(min(end, len(request)) + 1)
        to = min(len(request), at + draw.choice([0, 0, 1, 1, 4, 30]))
        match draw.randrange(4):
            case 0 | 1:
                request = request[:at] + draw.choice(PIECES) + request[to:]
            case 2:
                request = request[:at] + bytes(draw.randrange(256) for _ in range(to - at)) + request[to:]
            case _:
                request = request[:at] + request[at:to] * 2 + request[to:]
    return request


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("place", ["guarded", "open_to_all"])
def test_no_request_breaks_it_however_it_is_garbled(place, seed, request) -> None:
    place = request.getfixturevalue(place)
    draw = random.Random(seed)
    requests = [mutated(draw) for _ in range(90)]
    found = exchange(place, requests)
    statuses = [checked(*each) for each in zip(requests, found, strict=True)]
    given = {status for each in statuses for status in each}
    assert 400 in given
    assert len(given) > 1  # some were understood
    assert place.said == []
    is_well(place)


@pytest.mark.parametrize(
    ("request_", "status", "text"),
    [
        (b"GET /health HTTP/1.1\r\nHost: [\r\n\r\n", 400, "the Host header is '['."),
        (b"GET /health HTTP/1.1\r\nHost: localhost:x\r\n\r\n", 400, "the Host header is 'localhost:x'."),
        (b"GET /health HTTP/1.1\r\nHost: localhost\r\nOrigin: http://[\r\n\r\n", 403,
         "the request comes from a page of another site."),
        (b"GET /\x80 HTTP/1.1\r\nHost: localhost\r\n\r\n", 400, "this is not an HTTP request."),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 TLS \r\n\r\n", 400, "this is not an HTTP request."),
        (b"GET /health HTTP/1.1\r\n\r\n", 400, "the request has no Host headers."),
        (HEALTH[:-2] + b"Host: localhost\r\n\r\n", 400, "the request has 2 Host headers."),
        (b"GET /" + b"a" * 70_000, 400, "this is not an HTTP request."),
        (b"GET /static/%00 HTTP/1.1\r\nHost: localhost\r\n\r\n", 404, "there is nothing at '/static/\\x00'."),
        (b"GET /%ed%a0%80 HTTP/1.1\r\nHost: localhost\r\n\r\n", 404, "there is nothing at"),
        (b"GET /static/" + b"a" * 5000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", 404, "there is nothing at"),
    ],
    ids=lambda value: value[:30].decode("latin-1") if isinstance(value, bytes) else "",
)  # fmt: skip
def test_what_is_wrong_with_a_request_is_said(guarded, request_: bytes, status: int, text: str) -> None:
    (found,) = exchange(guarded, [request_])
    assert checked(request_, found) == [status]
    assert json.loads(found.partition(b"\r\n\r\n")[2])["error"]["what"].startswith(text)
    assert guarded.said == []


@pytest.mark.parametrize("half", [b"\\ud800", b"\\udfff", b"\xed\xa0\x80"])
@pytest.mark.parametrize("document", [b'{"network":"%s"}', b'{"network":"tiny","changes":{"%s":{"kernel":1}}}'])
def test_half_a_surrogate_pair_is_no_json(guarded, document: bytes, half: bytes) -> None:
    status, found = ask_json(guarded.port, "POST", "/account", document % half)
    assert status == 400
    assert found["error"]["what"] == "the body is not JSON."
    assert guarded.said == []


LEAVES = st.none() | st.booleans() | st.integers(-3, 70_000) | st.integers() | st.floats() | st.text(max_size=5)
LEAVES |= st.sampled_from(["tiny", "lenet5", "same", "\ud800", "conv1", 10**400])
KEYS = st.sampled_from(["network", "input", "changes", "conv1", "C1", "\udfff", *FIELDS]) | st.text(max_size=3)
DOCUMENTS = st.recursive(
    LEAVES, lambda each: st.lists(each, max_size=3) | st.dictionaries(KEYS, each, max_size=4), max_leaves=12
)
ASKED = st.fixed_dictionaries(
    {},
    optional={
        "network": DOCUMENTS,
        "input": DOCUMENTS,
        "changes": st.dictionaries(KEYS, st.dictionaries(KEYS, LEAVES)),
    },
)


@settings(max_examples=80, derandomize=True, deadline=None)
@given(document=DOCUMENTS | ASKED | st.builds(lambda each: each | {"network": "tiny"}, ASKED))
def test_no_document_breaks_it(guarded, document) -> None:
    (found,) = exchange(guarded, [_posted("/account", json.dumps(document).encode())])
    assert checked(b"POST", found) != []
    assert guarded.said == []


PLACES = st.sampled_from([each.path for each in ENDPOINTS])
WORDS = st.sampled_from(["run", "steps", "paths", "maps", "path", "map", "row", "column", "class", "method"])
VALUES = (
    st.integers(-2, 70_000).map(str) | st.text(max_size=6) | st.sampled_from(["tiny", "conv1", "class 1", "on", "²"])
)


@settings(max_examples=120, derandomize=True, deadline=None)
@given(place=PLACES, query=st.lists(st.tuples(WORDS, VALUES), max_size=5), body=st.sampled_from([FOUR, b"", b"{}"]))
def test_no_query_breaks_it(guarded, place: str, query: list[tuple[str, str]], body: bytes) -> None:
    asked = f"{place}?{urlencode(query, errors='surrogatepass')}"
    (found,) = exchange(guarded, [_posted(asked, body)])
    assert checked(b"POST", found) != []
    assert guarded.said == []


def _posted(place: str, body: bytes) -> bytes:
    head = f"POST {place} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode("ascii") + body


def test_a_body_that_turns_bad_after_its_answer_leaves_no_trace(guarded) -> None:
    head = b"POST /predict HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nContent-Type: text/html\r\n\r\n"
    with guarded.connect() as link:
        link.sendall(head)
        assert link.recv(4096).startswith(b"HTTP/1.1 415 ")
        link.sendall(b"no chunk\r\n")
        rest = link.recv(4096)
        assert b"HTTP/1.1" not in rest
    is_well(guarded)
    assert guarded.said == []


@pytest.mark.slow
def test_four_hundred_silent_connections_do_not_stop_a_server_with_256_files(tmp_path: Path) -> None:
    folder = fresh(TINY, tmp_path / "tiny").run.folder
    with serving(folder, files=256, silence=1e9) as server, ExitStack() as stack:  # only their number closes one
        for number in range(400):
            link = stack.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE))
            if number % 2:
                link.sendall(b"GET /health HT")
        for _ in range(20):
            assert server.json("GET", "/health")[0] == 200
        assert server.json("POST", "/predict", FOUR, Content_Type="image/png")[0] == 200
        server.process.terminate()
        assert server.process.wait(PATIENCE) in (0, -15)
        assert server.process.stderr is not None
        assert server.process.stderr.read().strip() in ("", "Stopped.")


def test_who_says_nothing_is_sent_away(tmp_path: Path) -> None:
    with answering(app(fresh(TINY, tmp_path / "tiny"))) as place, ExitStack() as stack:
        silent, slow, dribbling, kept = (stack.enter_context(place.connect()) for _ in range(4))
        kept.sendall(HEALTH)
        assert kept.recv(4096).startswith(b"HTTP/1.1 200 ")
        slow.sendall(b"GET /health HTTP/1.1\r\nHos")
        dribbling.sendall(b"POST /predict")
        place.read()
        place.later(connection.SECONDS - 1)
        for link in (silent, slow, dribbling):
            link.setblocking(False)
            with pytest.raises(BlockingIOError):
                link.recv(1)
            link.setblocking(True)
        dribbling.sendall(b" HTT")
        place.read()
        place.later(1.1)
        assert silent.recv(4096) == b""
        assert slow.recv(4096).startswith(b"HTTP/1.1 408 ")
        assert dribbling.recv(4096).startswith(b"HTTP/1.1 408 ")
        is_well(place)
        assert place.said == []


def test_the_rest_of_a_refused_body_is_awaited_for_a_while(tmp_path: Path) -> None:
    heads = f"Host: localhost\r\nContent-Type: image/png\r\nConnection: close\r\nContent-Length: {2**30}\r\n"
    with answering(app(fresh(TINY, tmp_path / "tiny"))) as place, place.connect() as link:
        link.sendall(f"POST /predict HTTP/1.1\r\n{heads}\r\n".encode() + bytes(1000))
        assert link.recv(4096).startswith(b"HTTP/1.1 413 ")
        place.read()
        place.later(connection.SECONDS - 1)
        assert len(place._connections) == 1
        link.sendall(bytes(1000))
        place.read()
        place.later(1.1)
        assert place._connections == []
        is_well(place)


def test_who_takes_no_answer_is_sent_away() -> None:
    async def large(scope, receive, send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(50):
            await send({"type": "http.response.body", "body": bytes(2**20), "more_body": True})
        ended.set()

    ended = threading.Event()
    with answering(large) as place, place.connect() as link:
        link.sendall(HEALTH)
        place.blocked()
        place.later(connection.SECONDS - 1)
        assert not ended.is_set()
        place.later(1.1)
        assert ended.wait(PATIENCE)  # nothing was read, and the rest of the answer was let go
        assert [line for line in place.said if "ASGI callable returned without completing" not in line] == []


def test_who_takes_no_answer_and_sends_one_more_request_is_sent_away_too() -> None:
    async def large(scope, receive, send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": bytes(50 * 2**20)})

    with answering(large) as place, place.connect() as link:
        link.sendall(HEALTH)
        place.blocked()
        link.sendall(HEALTH)
        place.read()
        place.later(connection.SECONDS + 1)
        assert place._connections == []


def test_the_next_of_two_requests_in_one_packet_has_its_own_time() -> None:
    gate, asked = asyncio.Event(), list[str]()

    async def held(scope, receive, send) -> None:
        asked.append(scope["path"])
        if len(asked) > 1:
            await gate.wait()
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    with answering(held) as place, place.connect() as link:
        link.sendall(HEALTH * 2)
        place.read()
        place.later(connection.SECONDS + 1)
        place.loop.call_soon_threadsafe(gate.set)
        place.read()
        assert link.recv(2**16).count(b"204 No Content") == 2


def test_what_stands_behind_a_body_of_chunks_is_bounded(guarded: Answering) -> None:
    head = b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\nTransfer-Encoding: chunked\r\n\r\n"
    photo = (DIGITS / "5-photo.png").read_bytes()
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in photo)  # six times as many bytes as the photograph has
    assert len(chunks) > 4 * connection.HEAD_BYTES
    (found,) = exchange(guarded, [head + chunks + b"0\r\n\r\n"])
    assert checked(head, found) == [200]
    (found,) = exchange(guarded, [head + chunks + b"0\r\n" + b"ab: cd\r\n" * 2**17 + b"\r\n"])
    assert found == b"" or checked(head, found) == [400]  # 200 where they are not bounded
    is_well(guarded)


def test_where_all_are_being_answered_one_more_is_told_so() -> None:
    gate = asyncio.Event()

    async def held(scope, receive, send) -> None:
        await gate.wait()
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    with answering(held, most=3) as place, ExitStack() as stack:
        links = [stack.enter_context(place.connect()) for _ in range(3)]
        for link in links:
            link.sendall(HEALTH)
        place.read()
        with place.connect() as more:
            more.sendall(HEALTH)
            found = b"".join(iter(lambda: more.recv(4096), b""))
        assert found.startswith(b"HTTP/1.1 503 ")
        assert b"retry-after: 1\r\n" in found
        assert json.loads(found.partition(b"\r\n\r\n")[2])["error"] == {
            "where": "",
            "what": "too many connections at once.",
            "expected": "3 are kept, and each of them is being answered.",
            "remedy": "Try again soon.",
        }
        place.loop.call_soon_threadsafe(gate.set)
        assert [link.recv(4096)[:13] for link in links] == [b"HTTP/1.1 204 "] * 3
        assert place.said == []
