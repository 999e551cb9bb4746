"""The file that docs/developer/exchange.md follows becomes the pieces and the network that the page shows."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="onnx is not installed")

from onnx import TensorProto, helper, numpy_helper  # noqa: E402 - after what may be missing

from striate.description.notation.writing import to_text  # noqa: E402
from striate.exchange.reading import read_onnx  # noqa: E402
from striate.exchange.reading.file import read_file  # noqa: E402
from striate.exchange.reading.operators import read_nodes  # noqa: E402
from striate.exchange.reading.reader import Reader  # noqa: E402

PAGE = (Path(__file__).parents[2] / "docs/developer/exchange.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| `(\w+)` (\w+)\(.*?\| (?:(\d+): (\w+)|none)", PAGE, re.MULTILINE)
CONSTANTS = {
    "w1": np.ones((8, 3, 3, 3)), "b1": np.arange(1, 9).reshape(8, 1, 1), "three": 3, "zero": 0, "six": 6,
    "w2": np.ones((8, 8, 3, 3)), "w3": np.ones((10, 8)), "b3": np.ones(10),
}  # fmt: skip
NODES = {
    "conv1": ("Conv", ["x", "w1"], {"pads": [1] * 4}),
    "add1": ("Add", ["conv1", "b1"], {}),
    "plus3": ("Add", ["add1", "three"], {}),
    "clip": ("Clip", ["plus3", "zero", "six"], {}),
    "mul": ("Mul", ["add1", "clip"], {}),
    "swish": ("Div", ["mul", "six"], {}),
    "conv2": ("Conv", ["swish", "w2"], {"pads": [1] * 4}),
    "sum": ("Add", ["conv2", "swish"], {}),
    "nhwc": ("Transpose", ["sum"], {"perm": [0, 2, 3, 1]}),
    "mean": ("ReduceMean", ["nhwc"], {"axes": [1, 2], "keepdims": 0}),
    "fc": ("Gemm", ["mean", "w3", "b3"], {"transB": 1}),
}


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    graph = helper.make_graph(
        [helper.make_node(kind, reads, [name], name=name, **more) for name, (kind, reads, more) in NODES.items()],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 3, 8, 8])],
        [helper.make_tensor_value_info("fc", TensorProto.FLOAT, [None, 10])],
        [numpy_helper.from_array(np.asarray(values, np.float32), name) for name, values in CONSTANTS.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    onnx.checker.check_model(model)
    path = tmp_path_factory.mktemp("page") / "page.onnx"
    onnx.save(model, path)
    return path


def test_its_table_has_the_nodes_and_their_pieces(file: Path) -> None:
    graph = read_file(file)
    reader = Reader(graph, (3, 8, 8))
    read_nodes(reader, graph.nodes)
    made = {piece.node.name: (str(at), type(piece.what).__name__) for at, piece in reader.pieces.items()}
    assert [(name, kind) for name, kind, *_ in ROWS] == [(name, kind) for name, (kind, *_) in NODES.items()]
    assert {name: (at, what) for name, _, at, what in ROWS if at} == made


def test_its_network_is_the_one_that_is_read(file: Path) -> None:
    text = to_text(read_onnx(file).network)
    assert f"```\n{text.rstrip()}\n```" in PAGE
