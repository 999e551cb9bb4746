"""ONNX files by hand, in the form that each opset has, and the answers of networks that are read from files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from onnx import TensorProto, helper, numpy_helper, reference

from striate.exchange.reading import Read
from striate.modules import build

Array = np.ndarray[Any, Any]


class Hand:
    """A graph that grows node by node; values are names, and `images` is the first."""

    def __init__(self, shape: Sequence[int | str], opset: int = 17, *, seed: int = 0) -> None:
        self.opset, self.shape = opset, list(shape)
        self.random = np.random.default_rng(seed)
        self.nodes: list[Any] = []
        self.weights: list[Any] = []
        self.inputs: list[Any] = []
        self.images = "images"

    def node(self, operator: str, *inputs: str, outputs: int = 1, domain: str = "", **attributes: Any) -> str:
        """Append a node; gives the name of its first output."""
        names = [f"v{len(self.nodes)}_{each}" for each in range(outputs)]
        self.nodes.append(helper.make_node(operator, list(inputs), names, domain=domain, **attributes))
        return names[0]

    def array(self, values: Any, kind: Any = np.float32) -> str:
        """A constant, as an initialiser; gives its name."""
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.asarray(values, kind), name))
        return name

    def noise(self, *shape: int, kind: Any = np.float32) -> str:
        """A constant of small random numbers."""
        return self.array(self.random.normal(0, 0.4, shape), kind)

    def whole(self, *values: int) -> str:
        """A constant of whole numbers, one dimension."""
        return self.array(values, np.int64)

    def clip(self, value: str, low: float, high: float) -> str:
        """Limits: attributes before opset 11."""
        if self.opset < 11:
            return self.node("Clip", value, min=low, max=high)
        return self.node("Clip", value, self.array(low), self.array(high))

    def pad(self, value: str, pads: list[int], fill: float = 0.0) -> str:
        """A padding: attributes before opset 11."""
        if self.opset < 11:
            return self.node("Pad", value, pads=pads, value=fill)
        return self.node("Pad", value, self.whole(*pads), self.array(fill))

    def along(self, operator: str, value: str, axes: list[int], since: int, **attributes: Any) -> str:
        """A node with axes: an input since some opset."""
        if self.opset < since:
            return self.node(operator, value, axes=axes, **attributes)
        return self.node(operator, value, self.whole(*axes), **attributes)

    def dropout(self, value: str) -> str:
        """A dropout with its mask as a second output, which nothing reads."""
        if self.opset < 12:
            return self.node("Dropout", value, outputs=2, ratio=0.3)
        return self.node("Dropout", value, self.array(0.3), self.array(False, np.bool_), outputs=2)

    def norm(self, value: str, channels: int) -> str:
        """A batch normalisation."""
        given = [self.noise(channels), self.noise(channels), self.noise(channels)]
        variance = self.array(self.random.uniform(0.5, 2, channels))
        return self.node("BatchNormalization", value, *given, variance, epsilon=1e-3)

    def larger(self, value: str, rows: float, columns: float) -> str:
        """Each value repeated."""
        scales = [1.0, 1.0, rows, columns]
        if self.opset < 9:
            return self.node("Upsample", value, scales=scales)
        if self.opset == 9:
            return self.node("Upsample", value, self.array(scales))
        if self.opset == 10:
            return self.node("Resize", value, self.array(scales))
        region = self.array(np.zeros(0)) if self.opset < 13 else ""
        return self.node("Resize", value, region, self.array(scales))

    def model(self, output: str, *, kind: int = TensorProto.FLOAT, ends: Sequence[str] = ()) -> Any:
        """The message of the graph."""
        inputs = [helper.make_tensor_value_info(self.images, kind, self.shape), *self.inputs]
        outputs = [helper.make_tensor_value_info(each, kind, None) for each in (output, *ends)]
        graph = helper.make_graph(self.nodes, "by hand", inputs, outputs, self.weights)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=8)

    def write(self, path: Path, output: str, **options: Any) -> Path:
        """Write the graph to a file."""
        path.write_bytes(self.model(output, **options).SerializeToString())
        return path


@torch.inference_mode()
def answers(read: Read, images: Array) -> Array:
    """The network's answers in float64, to images as the file takes them."""
    module = build(read.network).eval()
    own = module.state_dict()
    assert set(read.weights) <= set(own)
    module.load_state_dict(own | {name: torch.from_numpy(np.array(each)) for name, each in read.weights.items()})
    values = torch.from_numpy(np.asarray(images, np.float64))
    values = values.permute(0, 3, 1, 2) if read.channels_last else values
    top, bottom, left, right = read.margins
    values = torch.nn.functional.pad(values, (left, right, top, bottom))
    scale, shift = (
        torch.from_numpy(np.asarray(each, np.float64)).reshape(-1, 1, 1) for each in (read.scale, read.shift)
    )
    found = module.double().logits(values * scale + shift) / read.temperature
    found = found.softmax(1) if read.network.probabilities else found
    return (found.permute(0, 2, 3, 1) if read.ends_last else found).numpy()


def wanted(path: Path, images: Array) -> Array:
    """The answers of ONNX Runtime, or of ONNX's own evaluator where the runtime is older than the opset."""
    import onnxruntime as runtime

    try:
        options = runtime.SessionOptions()
        options.intra_op_num_threads, options.log_severity_level = 1, 4
        session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception:  # the runtime's own errors have no common kind
        return reference.ReferenceEvaluator(str(path)).run(None, {"images": images})[0]
    first, *others = session.get_inputs()
    unread = {each.name: np.zeros([n if isinstance(n, int) else 1 for n in each.shape], np.float32) for each in others}
    return session.run(None, {first.name: images} | unread)[0]


def difference(read: Read, path: Path, images: Array) -> float:
    """How far the network's answers are from those of the file, as a share of their range."""
    expected = wanted(path, images)
    found = answers(read, images).reshape(expected.shape)
    return float(np.abs(found - expected).max() / ((expected.max() - expected.min()) or 1))
