"""striate export as people call it."""

import json
import os
import re
from pathlib import Path

import pytest

from tests.support.commands import striate

pytest.importorskip("onnx", reason="onnx is not installed")
runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")


def test_it_writes_a_file_and_says_how_it_answers(finished_run: Path, tmp_path: Path) -> None:
    done = striate("export", finished_run, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    first, given, made, agreed = done.stdout.splitlines()
    size = (tmp_path / "tiny.onnx").stat().st_size / 1e3
    assert first == f"tiny.onnx   tiny, {size:.1f} kB, ONNX opset 21"
    assert given == "  in   images uint8 batch×28×28×1"
    assert made == "  out  probabilities float32 batch×10, label int64 batch"
    agreed = re.sub(r"\d\.\de-\d+", "...", agreed)
    assert agreed == (
        "  ONNX Runtime on 300 test images: 300 of the same class as striate predict, probabilities within ..."
    )
    assert os.listdir(tmp_path) == ["tiny.onnx"]


def test_bare_and_every_layer(finished_run: Path, tmp_path: Path) -> None:
    done = striate("export", finished_run, "--bare", "--all-layers", "-o", "bare.onnx", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    _, given, made, agreed = done.stdout.splitlines()
    assert given == "  in   images float32 batch×1×28×28"
    assert made == "  out  logits float32 batch×10, and 4 layers by path"
    assert re.search(r", logits within \S+ \(\S+ of their range\)$", agreed)
    session = runtime.InferenceSession(str(tmp_path / "bare.onnx"), providers=["CPUExecutionProvider"])
    assert [each.name for each in session.get_outputs()] == ["logits", "conv1", "relu1", "pool1", "flatten1"]


def test_the_same_for_programs(finished_run: Path, tmp_path: Path) -> None:
    done = striate("export", finished_run, "--to", "onnx", "--json", cwd=tmp_path)
    found = json.loads(done.stdout)
    assert found["file"] == "tiny.onnx"
    assert found["bytes"] == (tmp_path / "tiny.onnx").stat().st_size
    assert found["inputs"] == {"images": {"type": "uint8", "shape": ["batch", 28, 28, 1]}}
    assert found["outputs"] == {
        "probabilities": {"type": "float32", "shape": ["batch", 10]},
        "label": {"type": "int64", "shape": ["batch"]},
    }
    assert (found["agreement"]["images"], found["agreement"]["same_class"]) == (300, 300)
    assert 0 <= found["agreement"]["largest_difference"] < 1e-5


def test_it_is_no_look_at_the_test_images(finished_run: Path, tmp_path: Path) -> None:
    before = (finished_run / "run.json").read_bytes(), (finished_run / "events.jsonl").read_bytes()
    assert striate("export", finished_run, cwd=tmp_path).returncode == 0
    assert ((finished_run / "run.json").read_bytes(), (finished_run / "events.jsonl").read_bytes()) == before


def test_mistakes_get_an_answer_and_leave_no_file(finished_run: Path, tmp_path: Path) -> None:
    done = striate("export", "lenet5", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("Error: lenet5 is a network without a run: there is no runs/lenet5.\n")
    done = striate("export", finished_run, "--to", "caffe", cwd=tmp_path)
    assert done.returncode == 2
    assert "'caffe' is not one of 'onnx', 'torchvision'" in done.stderr
    done = striate("export", finished_run, "-o", "not/there.onnx", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr == (
        "Error: not/there.onnx cannot be written: there is no folder not.\n"
        "It was not written.\nMake the folder, or give another place to --out.\n"
    )
    assert list(tmp_path.iterdir()) == []
