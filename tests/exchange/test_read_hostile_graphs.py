"""Graphs that are no network, or made to do harm: each ends in one FormatError, in bounded time and memory."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="onnx is not installed")

from onnx import TensorProto, helper, numpy_helper  # noqa: E402 - after what may be missing

from striate.errors import FormatError  # noqa: E402
from striate.exchange.reading import read_onnx  # noqa: E402
from tests.support.by_hand import Hand  # noqa: E402
from tests.support.damaged import SHAPE, conv, refused  # noqa: E402


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
    "a bias for more filters": (
        lambda h: h.node("Add", h.node("Conv", h.images, h.noise(4, 3, 1, 1), h.noise(5)), h.noise(4, 1, 1)),
        "(Conv): has a bias of 5 for 4 filters.",
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
    "a sum of repeated values": (
        lambda h: h.node("Add", h.images, h.node("ReduceSum", h.node("ConstantOfShape", h.whole(2**60)), keepdims=0)),
        "(ConstantOfShape): makes 1,152,921,504,606,846,976 values.",
    ),
    "sums of repeated values": (
        lambda h: h.node(
            "Add", h.images, h.node("ReduceSum", h.node("ConstantOfShape", h.whole(1, 2**29)), h.whole(0))
        ),
        "(ReduceSum): makes 536,870,912 values.",
    ),
    "repeated values of another type": (
        lambda h: h.node("Add", h.images, h.node("Cast", h.node("ConstantOfShape", h.whole(2**29)), to=11)),
        "(Cast): makes 536,870,912 values.",
    ),
    "a choice of every pair": (
        lambda h: h.node(
            "Add", h.images, h.node("Where", h.array(np.ones((2**20, 1)), bool), h.noise(1, 2**20), h.array(0.0))
        ),
        "(Where): makes 1,099,511,627,776 values.",
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
"""The longest that any of these may take, in processor time: the machine may have other work."""


@pytest.mark.parametrize("case", GRAPHS)
def test_graphs_that_are_no_network(case: str, tmp_path: Path) -> None:
    make, line = GRAPHS[case]
    hand = Hand(SHAPE)
    model = hand.model(make(hand))
    start = time.process_time()
    refused(model, tmp_path, line)
    assert time.process_time() - start < SECONDS


def test_thousands_of_inputs(tmp_path: Path) -> None:
    hand = Hand(SHAPE)
    model = hand.model(hand.node("Sum", *(f"in{number}" for number in range(50_000))))
    kind = model.graph.input[0].type
    model.graph.input.extend(helper.make_value_info(f"in{number}", type_proto=kind) for number in range(50_000))
    start = time.process_time()
    refused(model, tmp_path, "has 50000 inputs: in0, in1")
    assert time.process_time() - start < SECONDS


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
import re, resource, sys
from pathlib import Path
resource.setrlimit(resource.RLIMIT_AS, (8 * 2**30, 8 * 2**30))
from striate.errors import FormatError
from striate.exchange.reading import read_onnx
from tests.support.by_hand import Hand
from tests.support.damaged import SHAPE
hand = Hand(SHAPE)
big = hand.node("ConstantOfShape", hand.whole(2**13, 2**14))
for _ in range(40):
    big = hand.node("Add", big, hand.array(1.0))
file = hand.write(Path(sys.argv[1]), hand.node("MatMul", hand.node("Flatten", hand.images), big))
try:
    read_onnx(file)
except FormatError as error:
    print(error)
print(re.search("VmHWM:\\s*([0-9]+)", Path("/proc/self/status").read_text())[1])  # ru_maxrss is the parent's, if larger
"""


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is read as Linux tells it")
def test_memory_of_constants_is_bounded(tmp_path: Path) -> None:
    """Forty constants of half a gigabyte, each computed from the one before."""
    done = subprocess.run(
        [sys.executable, "-c", BOUNDED, str(tmp_path / "net.onnx")], capture_output=True, text=True, timeout=120
    )
    assert "makes constants of more than 2,147,483,648 bytes." in done.stdout, done.stderr[-500:]
    assert int(done.stdout.split()[-1]) < 4 * 2**20
