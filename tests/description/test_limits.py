"""Every limit: what is at it works in every room, what is beyond it is refused in three lines that name it."""

import os
import re
from pathlib import Path

import pytest
import torch

from striate import (
    RBF,
    Activation,
    Auxiliary,
    Block,
    Branches,
    Conv,
    Dropout,
    Flatten,
    Linear,
    Network,
    Pool,
    Residual,
    Source,
    account,
    find,
    from_json,
    from_text,
    to_json,
    to_text,
)
from striate.accounting.fitting import fitting
from striate.accounting.memory import memory
from striate.accounting.show.fit import fit_table
from striate.accounting.show.table import to_table
from striate.accounting.unit import view
from striate.description import limits
from striate.description.narrow import narrow
from striate.description.network import plan
from striate.errors import SpecError, StriateError

RELU = Activation("relu")


def nested(levels: int, kind: str) -> Network:
    """A network of that many levels of layers inside layers."""
    layer = Conv(2, kernel=1)
    for _ in range(levels - 1):
        match kind:
            case "block":
                layer = Block([layer])
            case "residual":
                layer = Residual([Conv(2, kernel=1)], shortcut=[layer], name="r")
            case _:
                layer = Auxiliary([layer])
    return Network("deep", (2, 4, 4), [layer, Flatten(), Linear(2)])


@pytest.mark.parametrize("kind", ["block", "residual", "auxiliary"])
def test_the_deepest_network_is_taken_by_every_room(kind: str) -> None:
    from striate.modules import build

    network = nested(limits.DEPTH, kind)
    assert from_json(to_json(network)) == network
    for one_line in (True, False):
        assert from_text(to_text(network, one_line=one_line)) == network
    counted = account(network)
    assert "total" in to_table(counted)
    assert "total" in to_table(counted, depth=limits.DEPTH)
    assert memory(counted).figures["training"] > 0
    assert "takes: 1×1" in fit_table(fitting(network))
    assert narrow(network, classes=3)
    assert view(network, plan(network).steps[0].path + ":1,1").clipped is not None
    model = build(network)
    assert model(torch.zeros(1, 2, 4, 4)).shape == (1, 2)
    assert hash(network) == hash(from_json(to_json(network)))
    assert len(repr(network)) > 100
    with pytest.raises(SpecError, match="holds more than 16 levels of layers inside layers"):
        nested(limits.DEPTH + 1, kind)


def deep_json(levels: int) -> str:
    inner = '{"kind": "activation", "function": "relu"}'
    for _ in range(levels):
        inner = f'{{"kind": "block", "layers": [{inner}]}}'
    return f'{{"format": "striate-network", "version": 1, "name": "n", "input": [1, 8, 8], "layers": [{inner}]}}'


def with_layer(members: str) -> str:
    return f'{{"format": "striate-network", "version": 1, "name": "n", "input": [1, 8, 8], "layers": [{members}]}}'


TOO_LARGE = "It may be 1,000,000 at most."


@pytest.mark.parametrize(
    ("make", "lines"),
    [
        (
            lambda: from_text("3x8x8: conv 99999999999999999999 3x3"),
            [
                "line 1, column 13: the filters of conv: '99999999999999999999' is too large.",
                "  3x8x8: conv 99999999999999999999 3x3",
                "              ^^^^^^^^^^^^^^^^^^^^",
                TOO_LARGE,
                limits.SEE,
            ],
        ),
        (
            lambda: from_text("3x8x8: 999999999999*relu"),
            [
                "line 1, column 8: the number before '*': '999999999999' is too large.",
                "  3x8x8: 999999999999*relu",
                "         ^^^^^^^^^^^^",
                "It may be 10,000 at most.",
                limits.SEE,
            ],
        ),
        (
            lambda: from_text("3x8x8: 1000*(1000*(1000*(relu)))"),
            [
                "line 1, column 14: 2,001,000 layers.",
                "  3x8x8: 1000*(1000*(1000*(relu)))",
                "               ^^^^",
                "A network may hold 10,000 at most.",
                limits.SEE,
            ],
        ),
        (
            lambda: from_text("3x999999999x999999999: relu"),
            [
                "line 1, column 1: the input: '3x999999999x999999999' is too large.",
                "  3x999999999x999999999: relu",
                "  ^^^^^^^^^^^^^^^^^^^^^",
                "A size may be 1,000,000 at most.",
                limits.SEE,
            ],
        ),
        (
            lambda: account(find("lenet5"), input=(1, 10**9, 10**9)),
            ["an input size is 1000000000.", TOO_LARGE, limits.SEE],
        ),
        (
            lambda: Conv(1, kernel=3, dilation=10**5000),
            ["Conv dilation is a number of about 5,001 digits.", TOO_LARGE, limits.SEE],
        ),
        (
            lambda: Conv(1, kernel=999_999, dilation=999_999),
            [
                "the reach of a Conv's window, dilation · (kernel − 1) + 1, is 999997000003.",
                TOO_LARGE,
                limits.SEE,
            ],
        ),
        (
            lambda: plan(from_text("1x9x1000000: conv 1 1x1 pad 1")),
            [
                "conv1: makes maps of 1×11×1000002 of 1×9×1000000.",
                "A size of a feature map may be 1,000,000 at most.",
                limits.SEE,
            ],
        ),
        (lambda: Linear(99999999999), ["Linear units is 99999999999.", TOO_LARGE, limits.SEE]),
        (
            lambda: Network("n", (1, 8, 8), [RELU] * 10_001),
            [
                "Network holds more than 10,000 layers, those inside others counted.",
                "No network may hold more.",
                limits.SEE,
            ],
        ),
        (
            lambda: Network("n", (1, 8, 8), [RBF([[0.0] * 1001] * 100)] * 10),
            [
                "Network holds more than 1,000,000 entries of connection tables and RBF centres.",
                "No network may hold more.",
                limits.SEE,
            ],
        ),
        (
            lambda: from_json(deep_json(450)),
            [
                "layers[0]" + ".layers[0]" * 15 + ".layers is 17 levels deep.",
                "Layers may stand inside layers 16 levels deep.",
                limits.SEE,
            ],
        ),
        (
            lambda: from_json(with_layer(f'{{"kind": "linear", "units": {"9" * 5000}}}')),
            [
                "a number is written with 5,000 characters: 999999999999…",
                "It may have 40 at most.",
                limits.SEE,
            ],
        ),
        (
            lambda: from_json(with_layer('{"kind": "rbf", "centres": [[-1e400]]}')),
            ["layers[0]: RBF centres is -inf.", "It must be finite, within ±3.4e+38.", limits.SEE],
        ),
        (
            lambda: RBF([[float("nan")]]),
            ["RBF centres is nan.", "It must be a number."],
        ),
        (
            lambda: Dropout(10**400),
            ["Dropout rate is a number of about 401 digits.", "It must be a number of at least 0 and below 1."],
        ),
        (
            lambda: Auxiliary([RELU], weight=10**400),
            [
                "Auxiliary weight is a number of about 401 digits.",
                "It must be finite, within ±3.4e+38.",
                limits.SEE,
            ],
        ),
        (
            lambda: from_text("1x8x8: auxiliary 1e999 (linear 2)"),
            [
                "line 1, column 8: Auxiliary weight is inf.",
                "  1x8x8: auxiliary 1e999 (linear 2)",
                "         ^^^^^^^^^",
                "It must be a number of at least 0.",
            ],
        ),
        (lambda: Source("p", 10_000), ["the year of the paper is 10000.", "It may be 9,999 at most.", limits.SEE]),
        (lambda: Source("p", -5), ["the year of the paper is -5.", "It must be a whole number of at least 0."]),
        (
            lambda: Source("a\x1b[2J", 1998),
            [
                "the paper is 'a\\x1b[2J'.",
                "It is printed as it stands, so it is one line without characters of control.",
                "Leave them out.",
            ],
        ),
        (
            lambda: Source("p", 1998, "x" * 1001),
            ["the place in the paper has 1,001 characters.", "It may have 1,000 at most.", limits.SEE],
        ),
        (
            lambda: Source("p", 1998, departures=["d"] * 101),
            ["the number of departures is 101.", "It may be 100 at most.", limits.SEE],
        ),
        (
            lambda: plan(from_text(f"1x8x8: {'a' * 60}: ({'b' * 60}: ({'c' * 60}: ({'d' * 60}: (relu))))")),
            [
                "the path of a layer has 249 characters: 'aaaaaaaaaaaaaaaaaaaaaaaaaaa...dddddddddddddddddddddd.relu1'.",
                "It also names files, and may have 200 at most.",
                "Give shorter names to the blocks that the layer stands in.",
            ],
        ),
        (
            lambda: account(find("lenet5"), batch=10**400),
            ["the batch is a number of about 401 digits.", "It may be 1,000,000,000,000 at most.", limits.SEE],
        ),
    ],
)  # fmt: skip
def test_what_is_beyond_a_limit_is_told_so(make, lines: list[str]) -> None:
    with pytest.raises(SpecError) as caught:
        make()
    assert str(caught.value).split("\n") == lines


@pytest.mark.parametrize(
    "name",
    ["../../escaped", "/etc/x", "a\\b", "c:x", ".", "..", ".hidden", "-rf", "~", "a\0b", "a\x1b[2J", "a\nb", "a ", "a.",
     " a", "\ud800", "a\u202eb", 5, None],
)  # fmt: skip
def test_a_name_that_is_no_part_of_a_path_is_refused(name: object) -> None:
    with pytest.raises(SpecError) as caught:
        Network(name, (1, 8, 8), [RELU])
    what, expected, remedy = str(caught.value).split("\n")
    assert what.startswith("the network's name is ")
    assert what.isprintable()
    assert "one line without / \\ or :" in expected
    assert remedy == "Give it another, such as 'lenet5' or 'my net 2'."


def test_names_that_are_taken() -> None:
    for name in ("lenet5", "my net", "LeNet-5 (1998)", "сеть", "網路", "a" * limits.NAME):
        network = Network(name, (1, 8, 8), [RELU])
        assert from_text(to_text(network)) == from_json(to_json(network)) == network
    with pytest.raises(SpecError, match="the network's name has 61 characters"):
        Network("a" * 61, (1, 8, 8), [RELU])
    with pytest.raises(SpecError, match="Conv name has 61 characters"):
        Conv(1, kernel=1, name="a" * 61)


def test_layers_side_by_side_are_told_apart_when_the_network_is_made() -> None:
    for layers in (
        [Block([Conv(1, kernel=1, name="a"), Pool("max", kernel=1, name="a")])],
        [Branches([Block([RELU], name="a"), Block([RELU], name="a")])],
        [Residual([RELU], shortcut=[Conv(1, kernel=1, name="a"), Conv(1, kernel=1, name="a")])],
    ):
        with pytest.raises(SpecError, match="two layers are called 'a'"):
            Network("n", (1, 8, 8), layers)


@pytest.mark.parametrize(
    "text", ["1x1000x1000: linear 1000000", "1x100000x1000000: relu", "1x9x9: 3*conv 999999 9x9 same"]
)
@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_what_no_memory_holds_is_not_built(text: str, device: str) -> None:
    from striate.modules import build

    vast = (
        "1000000x1000000x1000000: conv 1000000 999999x999999 pad 499999, linear 1000000" if device == "meta" else text
    )
    with pytest.raises(SpecError) as caught:
        build(from_text(vast), device=device)
    what, expected, remedy = str(caught.value).split("\n")
    assert what.startswith("network is too large to run here: its weights take ")
    assert " GB of memory; the largest layer is " in expected
    assert remedy == "Make it, or the input, smaller; `striate account --memory` says what every layer takes."


def test_a_file_without_an_end(tmp_path) -> None:
    if os.path.exists("/dev/zero"):
        with pytest.raises(StriateError) as caught:
            find("/dev/zero")
        assert str(caught.value).split("\n") == [
            "/dev/zero: is longer than 67,108,864 bytes.",
            "A network's file has 67,108,864 at most.",
            limits.SEE,
        ]
    with pytest.raises(StriateError, match=re.escape(r"'a\x00/b.net' names no file.")):
        find("a\0/b.net")
    for stem, name in (("-x", "network"), ("a" * 80, "network"), ("my.net", "my.net")):
        file = tmp_path / f"{stem}.net"
        file.write_text("1x8x8: relu")
        assert find(str(file)).name == name


def test_what_reaches_a_terminal_has_no_characters_of_control() -> None:
    for make in (
        lambda: from_text("1x8x8: \x1b[2J"),
        lambda: from_text('name "\\u001b[2J" 1x8x8: relu'),
        lambda: from_json('{"format": "striate-network", "version": 1, "\x7f\\u001b[2J": 1}'),
        lambda: from_json(with_layer('{"kind": "\\u001b[2J"}')),
        lambda: from_json(with_layer('{"kind": "conv", "filters": 1, "kernel": 1, "name": "\\u001b[2J"}')),
        lambda: find("\x1b[2J"),
    ):
        with pytest.raises(StriateError) as caught:
            make()
        assert str(caught.value).replace("\n", "").isprintable()


def test_the_page_has_every_limit() -> None:
    page = (Path(__file__).parents[2] / "docs" / "notation.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (.+) \| ([^|]+) \|$", page[page.index("## Limits") :], re.MULTILINE)
    assert rows[1:] == list(limits.TABLE)
