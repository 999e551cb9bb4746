"""Files that are damaged, or made to do harm: each ends in one FormatError, in bounded time and memory."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from striate import from_text
from striate.modules import weights_of
from tests.support.settled import settled

onnx = pytest.importorskip("onnx", reason="onnx is not installed")

from onnx import TensorProto, helper, numpy_helper  # noqa: E402 - after what may be missing

from striate.errors import FormatError  # noqa: E402
from striate.exchange import onnx_model  # noqa: E402
from striate.exchange.reading import read_onnx  # noqa: E402
from tests.support.by_hand import Hand  # noqa: E402
from tests.support.rewriting import rewritten  # noqa: E402

SHAPE = ("batch", 3, 8, 8)
TEXT = "3x9x8: conv 4 3 no bias, bn, relu6, residual(conv 4 3 same, hard_swish | conv 4 1), max 2, lrn 3, "
TEXT += "gate(global_average, linear 4, sigmoid), branches(conv 2 1; average 3 /1 pad 1), linear 5, softmax"
FLIPS = 1500
"""Damaged files in the fast tests; hypothesis is of no use, as most bytes are weights."""


def models() -> list[bytes]:
    network = from_text(TEXT)
    model = onnx_model(network, weights_of(settled(network)))
    return [model.SerializeToString(), *(rewritten(model, seed).SerializeToString() for seed in (1, 2))]


def survives(content: bytes, file: Path) -> bool:
    """Whether the file is read; a FormatError is the only other end."""
    file.write_bytes(content)
    try:
        read_onnx(file)
    except FormatError:
        return False
    return True


def test_files_that_are_cut_off(tmp_path: Path) -> None:
    for content in models():
        for size in range(0, len(content), 97):
            survives(content[:size], tmp_path / "cut.onnx")


@pytest.mark.parametrize("size", [FLIPS, pytest.param(20 * FLIPS, marks=pytest.mark.slow)])
def test_files_with_wrong_bytes(size: int, tmp_path: Path) -> None:
    random_ = random.Random(size)
    contents = models()
    read = 0
    for _ in range(size):
        content = bytearray(random_.choice(contents))
        kind = random_.random()
        for _ in range(random_.choice([1, 1, 2, 5])):
            at = random_.randrange(len(content))
            if kind < 0.5:
                content[at] ^= 1 << random_.randrange(8)
            elif kind < 0.8:
                content[at] = random_.randrange(256)
            else:
                del content[at : at + random_.randrange(1, 9)]
        read += survives(bytes(content), tmp_path / "flipped.onnx")
    assert 0 < read < size


def refused(content: Any, tmp_path: Path, *lines: str) -> None:
    file = tmp_path / "net.onnx"
    file.write_bytes(content if isinstance(content, bytes) else content.SerializeToString())
    with pytest.raises(FormatError) as caught:
        read_onnx(file)
    text = str(caught.value)
    assert text.startswith(f"{file}: ")
    for line in lines:
        assert line in text


def conv(hand: Hand, weight: str, **attributes: Any) -> str:
    return hand.node("Conv", hand.images, weight, **attributes)


def tensor(kind: int, dims: list[int], raw: bytes = b"") -> TensorProto:
    made = TensorProto(name="w", data_type=kind, raw_data=raw)
    made.dims.extend(dims)
    return made


def with_tensor(made: TensorProto) -> Any:
    hand = Hand(SHAPE)
    hand.weights.append(made)
    return hand.model(conv(hand, "w"))


WEIGHTS = {
    "2 GB in four bytes": (tensor(1, [512, 1024, 1024], b"1234"), "w is damaged"),
    "more than any file": (tensor(1, [2**40, 2**40], b"1234"), "w has sizes [1099511627776, 1099511627776]."),
    "sizes below zero": (tensor(1, [-4, 3, 3, 3], b"1234"), "w has sizes [-4, 3, 3, 3]."),
    "sizes of zero": (tensor(1, [0, 3, 3, 3]), "(Conv)"),
    "zero and far too many": (tensor(1, [0, 2**62]), "w"),
    "texts": (helper.make_tensor("w", TensorProto.STRING, [1], [b"text"]), "has values of type object."),
    "complex numbers": (numpy_helper.from_array(np.zeros((4, 3, 1, 1), np.complex64), "w"), "has values of type"),
    "no type": (tensor(0, [4, 3, 1, 1], b"1234"), "w is damaged"),
    "a type of the future": (tensor(999, [4, 3, 1, 1], b"1234"), "w is damaged"),
    "too few dimensions": (
        numpy_helper.from_array(np.zeros((4, 3), np.float32), "w"),
        "Its weights have 4 dimensions.",
    ),
}


@pytest.mark.parametrize("case", WEIGHTS)
def test_weights_that_are_none(case: str, tmp_path: Path) -> None:
    made, line = WEIGHTS[case]
    refused(with_tensor(made), tmp_path, line)


def outside(location: str, **more: str) -> Any:
    made = tensor(1, [4, 3, 1, 1])
    made.data_location = TensorProto.EXTERNAL
    for key, value in {"location": location, **more}.items():
        made.external_data.add(key=key, value=value)
    return with_tensor(made)


def test_weights_are_read_from_the_models_folder_only(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "secret").write_bytes(bytes(48))
    (folder / "link").symlink_to(tmp_path / "secret")
    (folder / "short").write_bytes(bytes(47))
    (folder / "good").write_bytes(bytes(64))
    os.mkfifo(folder / "pipe")
    assert os.path.getsize(folder / "good") == 64
    for location in ("../secret", str(tmp_path / "secret"), "link", "pipe", "/dev/zero", "", ".", "a\0b", "x" * 5000):
        refused(outside(location), folder, "the weights w are in ", "They must be in a file in the model's own folder.")
    for more in ({}, {"offset": "99999999999"}, {"offset": "-16"}, {"length": "-1"}, {"length": "1e3"}):
        location = "good" if more else "short"
        refused(outside(location, **more), folder, f"the weights w are cut off in {location}.")
    file = folder / "net.onnx"
    file.write_bytes(outside("good", offset="16", length="48").SerializeToString())
    assert [each.shape for each in read_onnx(file).weights.values()] == [(4, 3, 1, 1)]


def test_constants_of_nodes_keep_to_the_models_folder_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "data").write_bytes(bytes(48))
    monkeypatch.chdir(tmp_path / "here")
    hand = Hand(SHAPE)
    held = outside("data").graph.initializer[0]
    refused(hand.model(conv(hand, hand.node("Constant", value=held))), tmp_path, "the weights w are in 'data'.")


@pytest.mark.parametrize("kind", ["folder", "pipe", "device", "none", "text"])
def test_what_is_no_file_is_not_read(kind: str, tmp_path: Path) -> None:
    file = tmp_path / "net.onnx"
    match kind:
        case "folder":
            file.mkdir()
        case "pipe":
            os.mkfifo(file)
        case "device":
            file = Path("/dev/zero")
        case "text":
            file.write_text("a text, " * 100)
        case _:
            pass
    with pytest.raises(FormatError) as caught:
        read_onnx(file)
    expected = {"none": "cannot be read: No such file or directory.", "text": "is no ONNX file"}.get(
        kind, "is no file."
    )
    assert str(caught.value).startswith(f"{file}: {expected}")


def circle(hand: Hand) -> str:
    hand.nodes.append(helper.make_node("Add", [hand.images, "b"], ["a"]))
    hand.nodes.append(helper.make_node("Relu", ["a"], ["b"]))
    return "b"


def twice(hand: Hand) -> str:
    hand.nodes += [helper.make_node(each, [hand.images], ["a"], name=each) for each in ("Relu", "Tanh")]
    return "a"


def over_a_weight(hand: Hand) -> str:
    hand.nodes.append(helper.make_node("Relu", [hand.images], [hand.noise(3)]))
    return "w0"


def same_names(hand: Hand) -> str:
    hand.weights += [numpy_helper.from_array(np.zeros((4, 3, 1, 1), np.float32), "w") for _ in range(2)]
    return conv(hand, "w")


def no_text(hand: Hand) -> str:
    return hand.node("Relu", hand.images)


def inside(hand: Hand) -> str:
    """An If in an If in an If, and so on."""
    graph = helper.make_graph(
        [helper.make_node("Identity", [hand.images], ["r"])],
        "g",
        [],
        [helper.make_tensor_value_info("r", TensorProto.FLOAT, None)],
    )
    condition = hand.array(True, np.bool_)
    for at in range(12):
        node = helper.make_node("If", [condition], [f"r{at}"], then_branch=graph, else_branch=graph)
        graph = helper.make_graph([node], "g", [], [helper.make_tensor_value_info(f"r{at}", TensorProto.FLOAT, None)])
    return hand.node("If", condition, then_branch=graph, else_branch=graph)


def summed(hand: Hand) -> str:
    weight, values = hand.noise(3, 3, 1, 1), [hand.images]
    for _ in range(900):
        values.append(hand.node("Conv", values[-1], weight))
    value = values.pop()
    while values:
        value = hand.node("Add", value, values.pop())
    return value


def chain(operator: str, count: int) -> Callable[[Hand], str]:
    def make(hand: Hand) -> str:
        value = hand.images
        for _ in range(count):
            value = hand.node(operator, value)
        return value

    return make


GRAPHS: dict[str, tuple[Callable[[Hand], str], str]] = {
    "nodes in a circle": (circle, "its nodes read each other in a circle."),
    "two nodes that give one value": (twice, "has two nodes, or a weight and a node, that give 'a'."),
    "a node that gives a weight": (over_a_weight, "has two nodes, or a weight and a node, that give 'w0'."),
    "weights of one name": (same_names, "has two weights called 'w'."),
    "a value of nowhere": (lambda h: h.node("Add", h.images, "nowhere"), "reads 'nowhere', which no node gives."),
    "nothing": (lambda h: h.node("Identity", h.images), "its output is its input."),
    "graphs in graphs": (inside, "has graphs inside graphs, 8 deep."),
    "sums in sums": (summed, "(Add): stands inside 17 joins. Joins are 16 deep at most."),
    "a tensor for a number": (
        lambda h: conv(h, h.noise(4, 3, 1, 1), group=numpy_helper.from_array(np.ones(1))),
        "(Conv): has group of another type. It must be a whole number.",
    ),
    "numbers for a list": (
        lambda h: conv(h, h.noise(4, 3, 1, 1), strides=2),
        "(Conv): has strides of another type. It must be a list of whole numbers.",
    ),
    "texts for numbers": (
        lambda h: conv(h, h.noise(4, 3, 1, 1), pads=["a", "b", "c", "d"]),
        "(Conv): has pads of another type. It must be a list of whole numbers.",
    ),
    "a number for a text": (
        lambda h: conv(h, h.noise(4, 3, 1, 1), auto_pad=3),
        "(Conv): has auto_pad of another type. It must be a text.",
    ),
    "a huge window": (
        lambda h: h.node("MaxPool", h.images, kernel_shape=[2**40, 1], pads=[2**40, 0, 2**40, 0]),
        "Pool kernel is 1099511627776. It may be 1,000,000 at most.",
    ),
    "a padding below zero": (
        lambda h: conv(h, h.noise(4, 3, 1, 1), pads=[-1, 0, 0, 0]),
        "has a padding of [-1, 0, 0, 0].",
    ),
    "a huge padding": (lambda h: h.pad(h.images, [0, 0, 2**40, 0, 0, 0, 0, 0]), "makes a value of 3×1099511627784×8."),
    "a huge range": (
        lambda h: h.node("Add", h.images, h.node("Range", *(h.array(each) for each in (0, 1e12, 1e-3)))),
        "(Range): makes 999,999,",
    ),
    "huge weights": (
        lambda h: h.node(
            "Sum", *(conv(h, h.node("ConstantOfShape", h.whole(2**14, 3, 64, 64)), pads=[60] * 4) for _ in range(3))
        ),
        "makes more than 536,870,912 weights.",
    ),
    "a normalisation over nothing": (lambda h: h.node("LRN", h.images, size=0), "(LRN): normalises over 0 maps."),
    "steps without end": (chain("Relu", 20_001), "has 20,001 steps.\nA network has 20,000 at most."),
    "nodes without end": (chain("Identity", 100_001), "has 100,001 nodes.\nA network has 100,000 at most."),
}
SECONDS = 10
"""The longest that any of these may take."""


@pytest.mark.parametrize("case", GRAPHS)
def test_graphs_that_are_no_network(case: str, tmp_path: Path) -> None:
    make, line = GRAPHS[case]
    hand = Hand(SHAPE)
    model = hand.model(make(hand))
    start = time.monotonic()
    refused(model, tmp_path, line)
    assert time.monotonic() - start < SECONDS


def test_names_that_are_no_text(tmp_path: Path) -> None:
    hand = Hand(SHAPE)
    content = hand.model(hand.node("Relu", hand.images)).SerializeToString()
    refused(content.replace(b"images", b"im\xff\xfees"), tmp_path, "has a name that is no text: b'im")


def called(function: str, calls: int) -> Any:
    return helper.make_function(
        "own",
        function,
        ["x"],
        ["y"],
        [
            helper.make_node(
                f"f{int(function[1:]) - 1}",
                ["x" if at == 0 else f"v{at - 1}"],
                [f"v{at}" if at < calls - 1 else "y"],
                domain="own",
            )
            for at in range(calls)
        ],
        [helper.make_opsetid("own", 1)],
    )


def test_functions_that_grow_without_end_or_call_themselves(tmp_path: Path) -> None:
    hand = Hand(SHAPE)
    model = hand.model(hand.node("f9", hand.images, domain="own"))
    model.opset_import.append(helper.make_opsetid("own", 1))
    model.functions.extend(called(f"f{at}", 10) for at in range(1, 10))
    first = helper.make_node("Relu", ["x"], ["y"])
    model.functions.append(helper.make_function("own", "f0", ["x"], ["y"], [first], [helper.make_opsetid("", 17)]))
    refused(model, tmp_path, "has 1,000,000,000 nodes.")
    again = helper.make_node("f9", ["x"], ["y"], domain="own")
    model.functions[-1].node[0].CopyFrom(again)
    refused(model, tmp_path, "has functions that call themselves.")


def test_metadata_is_no_danger(tmp_path: Path) -> None:
    hand = Hand(SHAPE)
    value = hand.node("Gemm", hand.node("Flatten", hand.images), hand.noise(192, 2))
    for text in ("[" * 100_000, '["a", "a"]', '["a", "b", "c"]', '{"a": 1}', "[" + "1," * 500_000 + "1]"):
        model = hand.model(value)
        helper.set_model_props(model, {"classes": text, "preprocessing": text[:9]})
        file = tmp_path / "net.onnx"
        file.write_bytes(model.SerializeToString())
        assert read_onnx(file).classes == ()


def test_sizes_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    hand = Hand(["batch", 3, "h", "w"])
    file = hand.write(tmp_path / "net.onnx", conv(hand, hand.noise(4, 3, 3, 3)))
    assert read_onnx(file, input=(3, 9, 8)).network.input == (3, 9, 8)
    for sizes in ((1, 9, 8), (3, 9), (3, 9, 8, 1), (3, 0, 8), (3, 10**9, 10**9), (-3, 9, 8)):
        with pytest.raises(FormatError) as caught:
            read_onnx(file, input=sizes)
        assert str(caught.value).startswith(f"{file}: ")


def test_inputs_that_are_no_images_are_refused(tmp_path: Path) -> None:
    hand = Hand(["batch", 20])
    model = hand.model(hand.node("Gemm", hand.images, hand.noise(20, 3)))
    refused(model, tmp_path, "has an input of 2 dimensions.\nA batch of images has four.\nExport the part")


BOUNDED = """
import resource, sys, time
from pathlib import Path
resource.setrlimit(resource.RLIMIT_AS, (8 * 2**30, 8 * 2**30))
from tests.exchange.test_read_hostile import *
hand = Hand(SHAPE)
big = hand.node("ConstantOfShape", hand.whole(2**13, 2**14))
for _ in range(40):
    big = hand.node("Add", big, hand.array(1.0))
file = hand.write(Path(sys.argv[1]), hand.node("MatMul", hand.node("Flatten", hand.images), big))
try:
    read_onnx(file)
except FormatError as error:
    print(error)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
def test_memory_of_constants_is_bounded(tmp_path: Path) -> None:
    """Forty constants of half a gigabyte, each computed from the one before."""
    done = subprocess.run(
        [sys.executable, "-c", BOUNDED, str(tmp_path / "net.onnx")], capture_output=True, text=True, timeout=120
    )
    assert "makes constants of more than 2,147,483,648 bytes." in done.stdout, done.stderr[-500:]
    assert int(done.stdout.split()[-1]) < 4 * 2**20
