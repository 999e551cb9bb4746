"""Networks of Keras: through tf2onnx, in a Python that STRIATE_TENSORFLOW names, and by Keras's export over PyTorch.

python -m venv /tmp/tensorflow && /tmp/tensorflow/bin/pip install tensorflow-cpu tf2onnx
STRIATE_TENSORFLOW=/tmp/tensorflow/bin/python python -m pytest -m slow tests/exchange/test_read_keras.py
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from striate import account
from striate.description.layers import Conv, Linear
from striate.description.network import plan

pytest.importorskip("onnx", reason="onnx is not installed")
pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")

from striate.errors import FormatError
from striate.exchange.reading import Read, read_onnx
from tests.support.by_hand import difference

NEAR = 1e-5
"""The largest difference, as a share of the output's range."""
SCRIPT = Path(__file__).parents[1] / "support" / "keras_networks.py"
TENSORFLOW = os.environ.get("STRIATE_TENSORFLOW", "")
OPSETS = (11, 13, 17)
SMALL = ("lenet", "padded", "excited")
READ = (*SMALL, "mobilenet", "mobilenet_v2", "mobilenet_v3_small", "resnet50", "vgg16", "densenet121")
READ += ("efficientnet_b0", "inception_v3", "xception")
needs_tensorflow = pytest.mark.skipif(not TENSORFLOW, reason="STRIATE_TENSORFLOW names no Python with tf2onnx")
needs_keras = pytest.mark.skipif(find_spec("keras") is None, reason="keras is not installed")


def export(python: str, backend: str, folder: Path, name: str, *opsets: int) -> dict[str, int]:
    """Files of a network, one for each opset; gives what Keras counts."""
    settings = {"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
    command = [python, str(SCRIPT), str(folder), name, *map(str, opsets)]
    done = subprocess.run(command, env={**os.environ, **settings}, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads((folder / "counts.json").read_text())


def require(file: Path, counts: dict[str, int]) -> Read:
    """The file is read with Keras's kernels and MACs, channels first, and gives ONNX Runtime's outputs."""
    read = read_onnx(file)
    images = np.load(file.parent / "images.npy")
    assert read.channels_last
    assert read.network.input == (images.shape[3], *images.shape[1:3])
    steps = {step.path for step in plan(read.network).steps if isinstance(step.layer, (Conv, Linear))}
    assert sum(read.weights[f"{path}.weight"].size for path in steps) == counts["kernels"]
    assert account(read.network).totals.macs == counts["macs"]
    assert difference(read, file, images) < NEAR
    return read


@needs_tensorflow
@pytest.mark.slow
@pytest.mark.parametrize("name", READ)
def test_networks_through_tf2onnx(name: str, tmp_path: Path) -> None:
    counts = export(TENSORFLOW, "tensorflow", tmp_path, name, *OPSETS)
    texts = {repr(require(tmp_path / f"{opset}.onnx", counts).network.layers) for opset in OPSETS}
    assert len(texts) == 1


@needs_tensorflow
@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("resnet50v2", "(Pad): pads by 0 where no window follows that does so itself."),
        ("nasnet_mobile", "(Slice): is no operator that layers are made of."),
    ],
)
def test_what_is_no_network_of_layers_is_one_error(name: str, line: str, tmp_path: Path) -> None:
    export(TENSORFLOW, "tensorflow", tmp_path, name, 13)
    with pytest.raises(FormatError) as caught:
        read_onnx(tmp_path / "13.onnx")
    assert line in str(caught.value)


@needs_keras
@pytest.mark.slow
@pytest.mark.parametrize("name", [*SMALL, "mobilenet", "mobilenet_v3_small"])
def test_networks_by_kerass_export_over_pytorch(name: str, tmp_path: Path) -> None:
    """Nothing is folded there, so that every number that Keras counts comes back."""
    counts = export(sys.executable, "torch", tmp_path, name, 18)
    read = require(tmp_path / "18.onnx", counts)
    assert sum(each.size for each in read.weights.values()) == counts["parameters"]
