"""Networks that are typed into the sandbox: by JavaScript in the page as one file, and by Python on the server."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from striate import NETWORKS, find
from striate.description.network import Network, plan
from striate.description.notation.writing import to_text
from striate.errors import SpecError, StriateError
from striate.web.notation import table
from striate.web.numbers import description
from striate.web.sandbox import Trial, error_to_dict, try_it, typed
from tests.support.networks import ODD
from tests.support.node import COMPUTE, NEEDS_NODE, under_node
from tests.web.test_compute import drawn

pytestmark = NEEDS_NODE
Read = Callable[[list[str]], list[dict[str, Any]]]
OWN = find("lenet5-dense")


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def asked(texts: list[str]) -> list[dict[str, Any]]:
        (tmp_path / "texts.json").write_text(json.dumps({"notation": table(), "texts": texts}), encoding="utf-8")
        return json.loads(under_node(Path(__file__).with_name("typed.mjs"), COMPUTE, tmp_path / "texts.json"))

    return asked


def small(network: Network) -> bool:
    try:
        typed(to_text(network))
    except SpecError:
        return False
    return True


def test_the_page_reads_what_python_writes(read: Read) -> None:
    networks = [each for each in [ODD, *map(find, NETWORKS), *drawn(100)] if small(each)]
    assert len(networks) > 100
    for network, found in zip(networks, read([to_text(each) for each in networks]), strict=True):
        assert "error" not in found, (found, to_text(network))
        expected = description(network)
        assert found["input"] == expected["input"]
        members = ("path", "kind", "sources", "head")
        assert found["steps"] == [{name: step[name] for name in members} for step in expected["steps"]]
        assert_accounts(found["trial"], try_it(Trial(to_text(network)), own=OWN))


def assert_accounts(found: dict[str, Any], expected: dict[str, Any]) -> None:
    """The figures of a trial in JavaScript are those of Python."""
    assert found["problem"] == expected["problem"]
    if found["account"] is None:
        return
    for own, row in zip(found["account"]["rows"], expected["account"]["rows"], strict=True):
        for name in ("path", "output", "weights", "biases", "connections", "macs", "kernel", "stride", "padding"):
            assert own[name] == row[name], (own, row)
    assert [each["path"] for each in found["fit"]["misfits"]] == [each["path"] for each in expected["fit"]["misfits"]]


WRONG = [
    "",
    "lenet5 :",
    "3x32: relu",
    "3x0x32: relu",
    "3x32x32 conv 16 3",
    "3x32x32: conv",
    "3x32x32: conv 16",
    "3x32x32: conv 16 3x3x3",
    "3x32x32: conv 16 3 pad",
    "3x32x32: conv 16 3 / 2 / 2",
    "3x32x32: conv 16 3 stride 2",
    "3x32x32: conv 16 3 relu",
    "3x32x32: conv 16 3 4",
    "3x32x32: conv 0 3",
    "3x32x32: conv 9999999 3",
    "3x32x32: dense 10",
    "3x32x32: relu relu",
    "3x32x32: relu,, relu",
    "3x32x32: (relu",
    "3x32x32: relu)",
    "3x32x32: relu | relu",
    "3x32x32: residual relu",
    "3x32x32: residual(conv 3 3 same | conv 3 1 | relu)",
    "3x32x32: branches(relu)",
    "3x32x32: 0 * relu",
    "3x32x32:\n  conv 16 3, # a comment\n  max two\n  linear 10",
    "3x32x32: " + "(" * 20 + "relu" + ")" * 20,
    "3x32x32: conv 16 3 table (012",
    "3x32x32: a: relu, a: relu",
    "3x32x32: conv 2 1x1 table (01 # a) comment",
    "3x8x8: branches((), relu; bn)",
    "3x8x8: branches(() relu; bn)",
    "1x8x8: conv 2 3x3 table (0 00)",
    "4x8x8: conv 4 3x3 table (01 32 0 1)",
    "10x8x8: conv 1 1x1 table (0123456788)",
    "3x8x8: branches(() constructor; bn)",
    "3x8x8: relu constructor",
    "1x8x8: dropout 1e400",
    "4x8x8: conv 4 3x3 groups 2 table (0 0 1 1)",
    "1x8x8: conv 2 0x3",
    "1x8x8: conv 2 3 / 0x2",
    "1x8x8: conv 4 0 groups 3",
    "1x8x8: conv 2 3 / 0 dilation 0",
    "1x8x8: upsample 0x2",
    "1x8x8: bn epsilon 1e39",
    "1x8x8: leaky_relu alpha 1e39",
    "1x8x8: lrn alpha 1e400",
    "1x2x1: rbf (1-2; 3)",
    "1x1x1: rbf (1.; 2)",
    "1x1x1: rbf (1;\n e)",
    "2x8x8: conv 1 1x1 table (0a)",
    "1x8x8: dropout 0." + "0" * 50,
    "1x8x8: dropout 1.5",
    "1x8x8: dropout 1",
    "1x8x8: bn momentum 3",
    "1x1x1: rbf (1; 0 2)",
    "1x1x1: rbf (1; 0;)",
    "1x1x1: rbf ()",
]


@pytest.mark.parametrize("text", WRONG)
def test_what_python_refuses_is_refused_at_the_same_place(text: str, read: Read) -> None:
    (found,) = read([text])
    with pytest.raises(StriateError) as caught:
        typed(text)
    assert found["error"]["what"] == error_to_dict(caught.value)["what"]
    assert found["error"]["expected"]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("3x32x32: conv 16 2000", "kernel is 2,000."),
        ("3x32x32: conv 16 3 dilation 1025", "dilation is 1,025."),
        ("3x32x32: conv 70000 3", "filters is 70,000."),
        ("3x32x32: linear 70000", "units is 70,000."),
        ("3x32x32: upsample 17", "factor is 17."),
        ("3x1025x32: relu", "the input is 3×1025×32."),
        ("3x32x32: 1001 * relu", "too many layers."),
        ("3x32x32: relu" + " " * 40_000, "a network of 40,013 characters."),
        ("3x32x32: 3 * upsample 16", "makes maps of 3×8192×8192."),
    ],
)
def test_what_would_take_long_is_refused_by_both(text: str, what: str, read: Read) -> None:
    (found,) = read([text])
    assert (found.get("error") or found["trial"]["problem"])["what"].count(what)
    try:
        problem = try_it(Trial(text), own=OWN)["problem"]
    except SpecError as error:
        problem = error_to_dict(error)
    assert isinstance(problem, dict)
    assert problem["what"] == what


@pytest.mark.parametrize(
    "text",
    [
        "3x32x32: conv 16 3x3, global_average, conv 10 1x1",
        "1x8x8: linear 10, max 2",
        "1x8x8: linear 4, branches(linear 2; linear 3)",
    ],
)
def test_layers_for_maps_on_vectors_are_a_problem_as_elsewhere(text: str, read: Read) -> None:
    (found,) = read([text])
    assert found["trial"]["problem"] == try_it(Trial(text), own=OWN)["problem"] is not None


def test_layers_that_do_not_fit_are_a_problem_as_elsewhere(read: Read) -> None:
    text = "1x8x8: conv 2 5x5, conv 2 5x5"
    (found,) = read([text])
    assert found["trial"]["problem"] == try_it(Trial(text), own=OWN)["problem"]
    assert found["trial"]["problem"]["where"] == "conv2"
    assert plan(typed("1x8x8: conv 2 5x5, linear 3")).output == (3,)
