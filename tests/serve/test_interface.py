"""The interface of `striate serve`, asked over a real socket of a real process."""

import json
import os
import select
import signal
import socket
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch

from striate import from_text
from striate.accounting import account
from striate.description.json import dump
from striate.execution.names import KERNELS
from striate.extras import install
from striate.look.predictor import Predictor
from striate.serve.endpoints import ENDPOINTS
from striate.train import open_run
from striate.train.checkpoint import save_checkpoint
from striate.web.attribution import METHODS, attribution
from tests.support.asking import BYTES, IMAGE, PATIENCE, is_described
from tests.support.commands import python, striate
from tests.support.networks import ODD
from tests.support.pictures import DIGITS
from tests.support.serving import Server, fresh, serving, serving_here

FOUR = (DIGITS / "4-pen.png").read_bytes()


def bomb(width: int, height: int) -> bytes:
    """A PNG of some hundred bytes that says it has so many pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"\0" * 10_000)) + chunk(b"IEND", b"")


def test_health(server: Server) -> None:
    status, found = server.json("GET", "/health")
    assert found.pop("kernels") in KERNELS
    assert (status, found) == (
        200,
        {"status": "ok", "network": "lenet5-dense", "trained": True, "version": "0.1.0"},
    )


def test_the_network_comes_with_its_account(server: Server, predictor: Predictor) -> None:
    status, found = server.json("GET", "/network")
    assert status == 200
    expected = json.loads(dump(account(predictor.run.network).to_dict()))
    for row in found["rows"]:
        del row["sources"], row["columns"]
    assert {name: found[name] for name in expected} == expected
    assert found["classes"] == list("0123456789")
    assert found["text"].startswith("name lenet5-dense\n")


@pytest.mark.parametrize("file", sorted(DIGITS.glob("*.png")), ids=lambda file: file.stem)
def test_predict_says_what_the_predictor_says(server: Server, predictor: Predictor, file: Path) -> None:
    status, found = server.json("POST", "/predict", file.read_bytes(), **IMAGE)
    expected = predictor(file)
    assert status == 200
    assert found["class"] == expected.name == file.stem[0]
    assert found["probabilities"] == pytest.approx(expected.probabilities, abs=1e-6)
    assert [step["name"] for step in found["steps"]] == [step.name for step in expected.steps]


def test_the_steps_can_be_left_out(server: Server, seven: bytes) -> None:
    _, found = server.json("POST", "/predict?steps=off", seven, **IMAGE)
    assert [step["name"] for step in found["steps"]] == ["picture", "input"]


def test_activations_in_both_forms(server: Server, predictor: Predictor, seven: bytes) -> None:
    expected = predictor.watch(seven).outputs
    paths = ["input", *(step.path for step in predictor.plan.steps)]
    status, found = server.json("POST", "/activations", seven, **IMAGE)
    assert status == 200
    assert [layer["path"] for layer in found["layers"]] == paths
    for number, layer in enumerate(found["layers"], start=-1):
        values = torch.tensor(layer["values"]).view(layer["shape"])
        torch.testing.assert_close(values, expected[number], rtol=1e-4, atol=1e-5)

    status, _, content = server.ask("POST", "/activations?paths=C1,C5", seven, **BYTES)
    length = int.from_bytes(content[:4], "little")
    head = json.loads(content[4 : 4 + length])
    assert [layer["path"] for layer in head["layers"]] == ["input", "C1", "C5"]
    assert head["class"] == "7"
    for layer, number in zip(head["layers"], (-1, 0, 6), strict=True):
        at = 4 + length + layer["at"]
        codes = torch.frombuffer(bytearray(content[at : at + expected[number].numel()]), dtype=torch.uint8)
        values = (codes.float() - 128) / 127 * layer["scale"]
        difference = (values - expected[number].flatten()).abs().max().item()
        assert difference <= layer["scale"] / 254 * 1.001


def test_a_unit_with_its_field(server: Server, seven: bytes) -> None:
    status, found = server.json("POST", "/unit?path=C3&map=2&row=9&column=0", seven, **IMAGE)
    assert status == 200
    assert found["field"] == {"rows": [18, 31], "columns": [0, 13]}
    assert len(found["terms"]) == 6
    total = sum(term["value"] for term in found["terms"]) + found["bias"]
    assert total == pytest.approx(found["value"], abs=1e-5)
    _, flat = server.json("POST", "/unit?path=F6&map=83", seven, **IMAGE)
    assert flat["field"] == {"rows": [0, 31], "columns": [0, 31]}
    assert flat["others"]["count"] == 104


def test_attribution_is_the_attribution(server: Server, predictor: Predictor, seven: bytes) -> None:
    for method in METHODS:
        status, found = server.json("POST", f"/attribution?class=7&method={method}", seven, **IMAGE)
        expected = attribution(predictor, predictor.read(seven)[0], 7, method=method)
        assert status == 200
        torch.testing.assert_close(torch.tensor(found["values"]), expected, rtol=1e-3, atol=1e-4)


def test_the_sandbox_answers_at_account(server: Server) -> None:
    status, found = server.json("POST", "/account", b'{"network": "post-002", "changes": {"conv1": {"stride": 2}}}')
    assert status == 200
    assert found["account"]["rows"][0]["output"] == [1, 3, 3]
    assert found["fit"]["misfits"] == []


def test_answers_are_as_their_types_describe_them(server: Server, seven: bytes) -> None:
    queries = {"/unit": "?path=C1", "/attribution": "?class=7"}
    bodies = {"image": seven, "pixels": bytes(2 * 32 * 32), "json": b'{"network": "lenet5"}', "": None}
    for each in ENDPOINTS:
        if each.path in ("/read", "/position", "/metrics"):  # test_lines.py and test_board.py have these; is no JSON
            continue
        for path in (each.path, f"/models/lenet5-dense{each.path}")[: 1 + each.of_run]:
            heads = {"Content_Type": "application/json"} if each.takes == "json" else IMAGE
            status, found = server.json(each.method, path + queries.get(each.path, ""), bodies[each.takes], **heads)
            assert status == 200, path
            is_described(found, each.path)


@pytest.mark.parametrize(
    ("method", "path", "body", "heads", "status", "text"),
    [
        ("GET", "/nothing", None, {}, 404, "there is nothing at '/nothing'."),
        ("GET", "/static/../app.py", None, {}, 404, "there is nothing at"),
        ("GET", "/predict", None, {}, 405, "'/predict' does not take GET."),
        ("POST", "/predict", b"", IMAGE, 400, "the body is empty."),
        ("POST", "/predict", b"no image", IMAGE, 422, "not an image of a known format."),
        ("POST", "/predict", b"<svg><script>alert(1)</script></svg>", IMAGE, 422, "not an image of a known format."),
        (
            "POST", "/predict", b"<svg><script>alert(1)</script></svg>", {"Content_Type": "image/svg+xml"}, 415,
            "a body of type image/svg+xml is no image that can be read.",
        ),
        ("POST", "/predict", b"--x", {"Content_Type": "multipart/form-data; boundary=x"}, 415, "multipart/form-data"),
        ("POST", "/predict", bomb(60_000, 60_000), IMAGE, 413, "too large: at most 16,000,000 pixels are decoded."),
        ("POST", "/predict", bomb(70_000, 2), IMAGE, 413, "too large: 70000 × 2 pixels"),
        ("POST", "/predict", bomb(3_000, 3_000), IMAGE, 422, "cut short"),
        ("POST", "/predict", FOUR[:900], IMAGE, 422, "cut short"),
        ("POST", "/predict", bytes(9 * 2**20), IMAGE, 413, "the body is larger than 8 MiB."),
        ("POST", "/predict?steps=maybe", b"x", IMAGE, 422, "steps is 'maybe'."),
        ("POST", "/activations?paths=C1,C9", b"x", IMAGE, 404, "no layer is called 'C9'."),
        ("POST", "/activations?maps=0", b"x", IMAGE, 422, "maps is '0'."),
        ("POST", "/activations?maps=-1", b"x", IMAGE, 422, "It must be a whole number from 1 to 4,096."),
        ("POST", "/unit", b"x", IMAGE, 422, "path is missing."),
        ("POST", "/attribution", b"x", IMAGE, 422, "class is missing."),
        ("POST", "/unit?path=C1&row=x", b"x", IMAGE, 422, "row is 'x'."),
        ("POST", "/unit?path=C1&row=28", FOUR, IMAGE, 422, "C1 has no unit at map 0, row 28"),
        ("POST", "/attribution?class=ten", b"x", IMAGE, 404, "no class is called 'ten'."),
        ("POST", "/attribution?class=1&method=guess", b"x", IMAGE, 422, "method is 'guess'."),
        ("POST", "/account", b"{", {}, 400, "the body is not JSON."),
        ("POST", "/account", b"[" * 60_000, {}, 400, "the body is not JSON."),
        ("POST", "/account", b" " * 70_000, {}, 413, "the body is larger than 64 KiB."),
        ("POST", "/account", b'{"network": "nothing"}', {}, 404, "no network is called 'nothing'."),
        ("POST", "/account", b"3", {}, 422, "the document names no network."),
        ("GET", "/health", None, {"Host": "example.org"}, 403, "this server is not 'example.org'."),
        ("POST", "/predict", b"x", IMAGE | {"Origin": "https://example.org"}, 403,
         "the request comes from a page of another site."),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_what_cannot_be_answered(server: Server, method, path, body, heads, status, text) -> None:
    got, found = server.json(method, path, body, **heads)
    assert got == status
    assert set(found) == {"error"}
    assert set(found["error"]) == {"where", "what", "expected", "remedy"}
    assert text in f"{found['error']['what']} {found['error']['expected']}"
    assert server.json("GET", "/health")[0] == 200


def test_a_body_that_says_no_size_is_bounded_too(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as link:
        link.sendall(b"POST /predict HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
        part = b"100000\r\n" + bytes(2**20) + b"\r\n"
        try:
            for _ in range(9):
                link.sendall(part)
            link.sendall(b"0\r\n\r\n")
        except OSError:
            pass  # it hung up, as it may
        assert link.recv(4096).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("connection", ["close", "keep-alive"])
def test_a_client_that_sends_to_the_end_sees_why_it_is_refused(server: Server, connection: str) -> None:
    size = 64 * 2**20  # more than the systems' buffers hold
    heads = f"Host: localhost\r\nContent-Type: image/png\r\nContent-Length: {size}\r\nConnection: {connection}\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as link:
        link.sendall(f"POST /predict HTTP/1.1\r\n{heads}\r\n".encode() + bytes(size))
        assert link.recv(4096).startswith(b"HTTP/1.1 413 ")
        link.settimeout(5)
        if connection == "close":
            while link.recv(4096):
                pass


def test_a_thousand_requests_at_once_leave_it_well(server: Server, seven: bytes) -> None:
    def ask(number: int) -> int:
        bodies = (seven, b"<svg/>", bomb(60_000, 60_000), seven[:60], b"")
        status, _, content = server.ask("POST", "/predict", bodies[number % 5], **IMAGE)
        assert (status == 200) == (b'"class":"7"' in content)
        assert status == 200 or json.loads(content)["error"]["what"]
        return status

    with ThreadPoolExecutor(64) as pool:
        found = list(pool.map(ask, range(1000)))
    assert set(found) <= {200, 400, 413, 422, 503}
    assert 200 in found
    assert {found[number] for number in range(4, 1000, 5)} == {400}
    assert server.json("POST", "/predict", seven, **IMAGE)[1]["class"] == "7"
    assert server.process.poll() is None


@pytest.mark.parametrize("path", ["/", "/static/ui/page.js", "/health", "/nothing"])
def test_every_answer_is_guarded(server: Server, path: str) -> None:
    _, heads, _ = server.ask("GET", path)
    policy = heads["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert heads["x-content-type-options"] == "nosniff"
    assert heads["referrer-policy"] == "no-referrer"


def test_the_page_fetches_from_nowhere_else() -> None:
    folder = Path(__file__).parents[2] / "src/striate/web"
    for file in [*folder.glob("ui/*.*"), *folder.glob("compute/*.*")]:
        text = file.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert "http://" not in text, file.name
        assert "https://" not in text, file.name


def test_numbers_that_are_not_finite_are_an_error_that_says_so(tmp_path: Path, seven: bytes) -> None:
    predictor = fresh(ODD, tmp_path / "run")
    state = predictor.model.state_dict()
    weights = {name: value * 1e38 if value.is_floating_point() else value for name, value in state.items()}
    save_checkpoint(predictor.run.path("best.safetensors"), weights, {})
    with serving_here(Predictor(predictor.run)) as other:
        for path in ("/predict", "/activations", "/unit?path=last", "/attribution?class=class%200"):
            status, found = other.json("POST", path, seven, **IMAGE)
            assert status == 422, path
            assert found["error"]["what"].endswith("not finite."), path
        assert other.json("POST", "/activations", seven, **BYTES)[0] == 422


def test_networks_with_blocks_are_served_whole(tmp_path: Path, seven: bytes) -> None:
    predictor = fresh(ODD, tmp_path / "run")
    with serving_here(predictor) as other:
        _, found = other.json("POST", "/activations", seven, **IMAGE)
        assert [layer["path"] for layer in found["layers"][1:]] == [step.path for step in predictor.plan.steps]
        for step in predictor.plan.steps:
            assert other.json("POST", f"/unit?path={step.path}", seven, **IMAGE)[0] == 200, step.path


def test_a_layer_called_input_does_not_take_the_place_of_the_input(tmp_path: Path, seven: bytes) -> None:
    predictor = fresh(from_text("name named 3x9x9: input: conv 2 3x3, flatten, linear 3"), tmp_path / "run")
    with serving_here(predictor) as other:
        _, found = other.json("POST", "/activations", seven, **IMAGE)
    assert [(layer["path"], layer["shape"]) for layer in found["layers"][:2]] == [
        ("input", [3, 9, 9]),
        ("input", [2, 7, 7]),
    ]


def test_a_run_of_maps_answers_no_image(tmp_path: Path, seven: bytes) -> None:
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    from tests.support.by_hand import Hand

    hand = Hand(("n", 1, 8, 8))
    hand.write(tmp_path / "maps.onnx", hand.node("Conv", hand.images, hand.noise(5, 1, 8, 8)))
    with serving_here(Predictor(open_run(tmp_path / "maps.onnx"))) as other:
        for path in ("/predict", "/activations"):
            status, found = other.json("POST", path, seven, **IMAGE)
            assert (status, found["error"]["what"].endswith("gives 5×1×1 and no value for each class.")) == (422, True)


def test_ctrl_c_stops_it_and_clients_that_hang_up_leave_no_trace(digits_run: Path) -> None:
    with serving(digits_run) as other:
        for _ in range(3):
            with socket.create_connection(("127.0.0.1", other.port), timeout=30) as link:
                link.sendall(b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nhalf")
        assert other.json("GET", "/health")[0] == 200
        other.process.send_signal(signal.SIGINT)
        assert other.process.wait(20) == 0
        assert other.process.stderr is not None
        assert other.process.stderr.read().strip() == "Stopped."


def test_open_opens_the_page(digits_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    browser, opened = tmp_path / "browser", tmp_path / "opened"
    os.mkfifo(opened)
    browser.write_text(f"#!/bin/sh\necho $1 > {opened}\n")
    browser.chmod(0o755)
    monkeypatch.setenv("BROWSER", f"{browser} %s")
    reading = os.open(opened, os.O_RDONLY | os.O_NONBLOCK)
    with open(reading, encoding="utf-8") as pipe, serving(digits_run, "--open") as other:
        assert select.select([pipe], [], [], PATIENCE)[0]
        os.set_blocking(reading, True)
        assert pipe.read().strip() == other.address


def test_a_port_that_is_taken(server: Server, digits_run: Path) -> None:
    done = striate("serve", digits_run, "--port", server.port)
    assert done.returncode == 2
    assert done.stderr == (
        f"Error: port {server.port} of 127.0.0.1 is taken.\n"
        "Another program listens there, perhaps another `striate serve`.\n"
        "Stop it, or choose another port: --port 0 takes any free one.\n"
    )


def test_without_the_extra_it_says_what_to_install(digits_run: Path) -> None:
    code = "import sys; sys.modules['uvicorn'] = None; from striate.cli import main; main()"
    done = python(code, "serve", "x")
    assert done.returncode == 2
    assert done.stderr == (
        f"Error: striate serve needs uvicorn.\nIt comes with the extra `serve`.\nInstall it: {install('serve')}\n"
    )
