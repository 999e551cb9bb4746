"""striate export as people call it."""

import json
import os
import re
import shutil
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
    assert "'caffe' is not one of 'onnx', 'pt2', 'safetensors', 'torchvision'" in done.stderr
    done = striate("export", finished_run, "-o", "not/there.onnx", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr == (
        "Error: not/there.onnx cannot be written: there is no folder not.\n"
        "It was not written.\nMake the folder, or give another place to --out.\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_integers_print_what_they_lose(finished_run: Path, tmp_path: Path) -> None:
    done = striate("export", finished_run, "--int8", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    size = (tmp_path / "tiny-int8.onnx").stat().st_size / 1e3
    assert lines[0] == f"tiny-int8.onnx   tiny, {size:.1f} kB, ONNX opset 21, 8-bit integers"
    assert lines[3].startswith("  before it was quantised: ONNX Runtime on 300 test images: 300 of the same class as ")
    table = [line.split() for line in lines[5:10]]
    assert table[0] == ["float32", "int8"]
    assert table[1][:5] == ["right,", "of", "100", "validation", "images"]
    assert table[2][3:] == [f"{size:.1f}", "kB"]
    assert [each[:2] for each in table[3:]] == [["1", "image"], ["64", "images"]]
    assert re.fullmatch(r"  (no loss|\d\.\d\d points (lost|gained)); \d+ get the same class from both", lines[10])
    assert lines[12].split() == ["layer", "weights", "output", "in", "all"]
    assert lines[13].split() == ["(images)", "exact", "exact"]
    assert re.fullmatch(r"  conv1 +\d\d\.\d +\d\d\.\d +\d\d\.\d", lines[14])
    assert done.stdout.endswith("Layers that are not listed stay in float32.\n")
    assert os.listdir(tmp_path) == ["tiny-int8.onnx"]


def test_integers_for_programs(finished_run: Path, tmp_path: Path) -> None:
    done = striate("export", finished_run, "--int8", "--bare", "--json", "--keep-float", "conv1", cwd=tmp_path)
    found = json.loads(done.stdout)
    assert found["file"] == "tiny-int8.onnx"
    assert found["int8"].keys() == {
        *("split", "images", "calibration_images", "accuracy", "loss_points", "same_class", "looked_at_test", "bytes"),
        *("latency", "layers"),
    }
    assert found["int8"]["bytes"]["int8"] == found["bytes"]
    before, after = found["int8"]["accuracy"]["float"], found["int8"]["accuracy"]["int8"]
    assert found["int8"]["loss_points"] == pytest.approx(100 * (before - after))
    assert "conv1" not in [each["path"] for each in found["int8"]["layers"]]


def test_options_that_do_not_go_together(finished_run: Path, tmp_path: Path) -> None:
    for options, said in (
        (["--force"], "--force is for --int8."),
        (["--most-loss", "1"], "--most-loss is for --int8."),
        (["--keep-float", "conv1"], "--keep-float is for --int8."),
        (["--int8", "--all-layers"], "--int8 has no --all-layers: in integers, layers are computed together."),
        (["--to", "pt2", "--int8"], "--int8 is for --to onnx."),
        (["--to", "safetensors", "--all-layers"], "--all-layers is for --to onnx."),
        (["--to", "safetensors", "--bare"], "--bare is not for --to safetensors."),
        (["--to", "safetensors", "--data", "mnist"], "--data is not for --to safetensors."),
    ):
        done = striate("export", finished_run, *options, cwd=tmp_path)
        assert done.returncode == 2
        assert f"Error: {said}" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_without_other_images_the_look_is_said(finished_run: Path, tmp_path: Path) -> None:
    run = shutil.copytree(finished_run, tmp_path / "all")
    members = json.loads((run / "run.json").read_text())
    members["recipe"]["hold_out"] = 0.0
    (run / "run.json").write_text(json.dumps(members))
    done = striate("export", run, "--int8", "--force", cwd=tmp_path)
    assert done.stdout.endswith(
        "\nThe test images judged, as this run has no others: it records one more look at them.\n"
    )
    assert json.loads((run / "run.json").read_text())["test_looks"] == 1


def test_a_program_for_pytorch(finished_run: Path, tmp_path: Path) -> None:
    done = striate("export", finished_run, "--to", "pt2", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    first, given, made, agreed = done.stdout.splitlines()
    assert re.fullmatch(r"tiny\.pt2   tiny, \d+\.\d kB, torch\.export of PyTorch \S+", first)
    assert given == "  in   images uint8 batch×28×28×1"
    assert made == "  out  probabilities float32 batch×10, label int64 batch"
    assert agreed.startswith(
        "  PyTorch, without Striate, on 300 test images: 300 of the same class as striate predict, "
    )
    assert os.listdir(tmp_path) == ["tiny.pt2"]


def test_one_file_stands_for_the_run(finished_run: Path, few_digits: Path, tmp_path: Path) -> None:
    done = striate("export", finished_run, "--to", "safetensors", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    first, *others = done.stdout.splitlines()
    assert re.fullmatch(r"tiny\.safetensors   tiny, \d+\.\d kB, safetensors", first)
    assert others == [
        "  4 tensors, 1,554 values; network, 10 classes, preprocessing, temperature",
        "  read back: the same run, to the bit",
    ]
    found = json.loads(striate("export", "tiny.safetensors", "--to", "safetensors", "--json", cwd=tmp_path).stdout)
    assert found == {
        "file": "tiny.safetensors",
        "bytes": (tmp_path / "tiny.safetensors").stat().st_size,
        "tensors": 4,
        "values": 1554,
    }
    done = striate("evaluate", "tiny.safetensors", "--data", few_digits, "--json", cwd=tmp_path)
    assert json.loads(done.stdout)["images"] == 300
    done = striate("evaluate", "tiny.safetensors", "--data", few_digits, "--stress", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("Error: tiny.safetensors is one file, and has no pictures.\n")
    done = striate("evaluate", "tiny.safetensors", cwd=tmp_path)
    assert done.stderr.startswith("Error: tiny.safetensors is one file, and has no images.\n")
    assert striate("account", "tiny.safetensors", cwd=tmp_path).stdout.startswith("tiny · input 1×28×28")
    done = striate("export", "tiny.safetensors", "--to", "onnx", cwd=tmp_path)
    assert (tmp_path / "tiny.onnx").is_file()
    assert "ONNX Runtime on 50 noise images: 50 of the same class as striate predict" in done.stdout
    assert striate("page", "tiny.safetensors", cwd=tmp_path).stdout.startswith("tiny.html   tiny, ")
    assert sorted(os.listdir(tmp_path)) == ["tiny.html", "tiny.onnx", "tiny.safetensors"]
