"""A run in 8-bit integers: measured beside the float file, and refused where it loses more than was allowed."""

from __future__ import annotations

import json
import os
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from striate import from_text
from striate.data import load
from striate.errors import AuditError, MissingSplitError, RunError, SpecError, UnknownNameError
from striate.modules import weights_of
from striate.train import open_run
from tests.support.settled import settled

onnx = pytest.importorskip("onnx", reason="onnx is not installed")
runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")

from onnx import numpy_helper  # noqa: E402 - after what may be missing

from striate.exchange import onnx_model  # noqa: E402
from striate.exchange.folding import fold_batch_norms  # noqa: E402
from striate.export.images import compared_images, int8_images  # noqa: E402
from striate.export.int8 import write  # noqa: E402
from striate.export.int8.losses import layer_losses, worst  # noqa: E402
from striate.export.int8.measure import latencies  # noqa: E402
from striate.export.int8.quantise import quantised  # noqa: E402
from striate.export.int8.write import Int8Options, export_int8  # noqa: E402

MIXED = (
    "name mixed 2x16x14: conv 4 3x3 no bias, bn, relu6, lrn 2, residual(conv 4 3x3 same groups 4 no bias, bn, relu, "
    "gate(global_average, linear 4, hard_sigmoid)), pool: average 2 /2, tanh, linear 6"
)


def values(network, count: int = 24) -> np.ndarray:
    return np.random.default_rng(1).normal(size=(count, *network.input)).astype(np.float32)


def made(text: str, *, keep_float: tuple[str, ...] = ()):
    network = from_text(text)
    model = onnx_model(network, weights_of(settled(network)))
    return network, model, quantised(model, network, [values(network)], keep_float=keep_float)


def integers(model) -> dict[str, np.ndarray]:
    """The weights of a model that are int8, by their name in the float model."""
    held = {each.name: numpy_helper.to_array(each) for each in model.graph.initializer}
    suffix = ".weight_quantized"
    return {name.removesuffix(suffix): each for name, each in held.items() if name.endswith(suffix)}


def test_convolutions_and_linear_layers_have_7_bits_and_all_else_float() -> None:
    network, model, rounded = made(MIXED)
    found = integers(rounded)
    assert set(found) == {"conv1", "residual1.conv1", "residual1.gate1.linear1", "linear1"}
    assert all(each.dtype == np.int8 and np.abs(each.astype(int)).max() == 64 for each in found.values())
    assert all(np.abs(each.astype(int)).reshape(len(each), -1).max(1).min() >= 63 for each in found.values())
    inner = {node.op_type for node in rounded.graph.node}
    assert {"Tanh", "HardSigmoid", "Conv", "Gemm", "QuantizeLinear", "DequantizeLinear"} <= inner
    assert "BatchNormalization" not in inner
    kinds = {each.data_type for each in rounded.graph.initializer if each.name.endswith(("/alpha", "/k"))}
    assert kinds == {onnx.TensorProto.FLOAT}
    assert [each.domain for each in rounded.opset_import] == [""]
    assert rounded.producer_name == "striate"
    given = {"images": values(network, 9)}
    before, after = (
        runtime.InferenceSession(each.SerializeToString()).run(None, given)[0] for each in (model, rounded)
    )
    assert 0 < np.abs(before - after).max() < 0.1 * (before.max() - before.min())


def test_layers_and_blocks_stay_in_float() -> None:
    found = integers(made(MIXED, keep_float=("residual1", "linear1"))[2])
    assert set(found) == {"conv1"}


def test_what_cannot_be_kept_in_float() -> None:
    with pytest.raises(UnknownNameError) as caught:
        made(MIXED, keep_float=("conv9",))
    assert str(caught.value).startswith("no layer is called 'conv9'.\nThe layers are: ")
    with pytest.raises(SpecError) as error:
        made(MIXED, keep_float=("residual1", "linear1", "conv1"))
    assert str(error.value) == (
        "no layer of mixed would have weights in integers.\n"
        "Convolutions and linear layers become 8-bit integers, except those that are kept in float32.\n"
        "Leave --int8 away, or keep fewer layers with --keep-float."
    )


def test_what_the_quantiser_raises_is_an_error_of_ours(monkeypatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("no such thing\nand more")

    monkeypatch.setattr("onnxruntime.quantization.quantize_static", broken)
    with pytest.raises(AuditError) as caught:
        made(MIXED)
    assert str(caught.value) == (
        "ONNX Runtime cannot quantise mixed: no such thing\n"
        "It must give a model in 8-bit integers; nothing is written.\n"
        "Try another version of onnxruntime, or export without --int8."
    )


def test_the_layer_that_loses_most_is_found() -> None:
    """One filter of a depthwise convolution that is far larger than the others takes their levels."""
    network = from_text(
        "name outlier 4x8x8: a: conv 4 3x3 same, relu, b: conv 4 3x3 same groups 4, c: conv 4 3x3, linear 3"
    )
    weights = weights_of(settled(network))
    weights["b.weight"] = weights["b.weight"] * np.array([1, 1, 1, 2000], np.float32).reshape(4, 1, 1, 1)
    weights["c.weight"] = weights["c.weight"] / np.array([1, 1, 1, 2000], np.float32).reshape(1, 4, 1, 1)
    model = onnx_model(network, weights)
    given = values(network)
    rounded = quantised(model, network, [given])
    found = layer_losses(whole=fold_batch_norms(model), rounded=rounded, images=given)
    by_path = {each.path: each for each in found}
    assert [each.path for each in found] == ["(images)", "a", "b", "c", "flatten1", "linear1"]
    assert by_path["b"].own is not None
    assert by_path["b"].own > 30  # most of its energy is in the large map, which is exact enough
    layer, before = worst(found)[0]
    assert (layer, before) == (by_path["c"], by_path["b"].total)
    assert layer.total is not None
    assert layer.total < before - 15
    kept = quantised(model, network, [given], keep_float=("b", "c"))
    better = layer_losses(whole=fold_batch_norms(model), rounded=kept, images=given)
    assert [each.path for each in better] == ["(images)", "a", "flatten1", "linear1"]
    assert better[-1].total is not None
    assert better[-1].total > layer.total + 10
    scale = np.abs(weights["a.weight"]).reshape(4, -1).max(1).reshape(4, 1, 1, 1) / 64
    off = weights["a.weight"] - np.rint(weights["a.weight"] / scale) * scale
    expected = 10 * np.log10((weights["a.weight"] ** 2).sum() / (off**2).sum())
    assert by_path["a"].weights == pytest.approx(expected, abs=0.1)


def test_a_run_in_integers_is_as_accurate_as_was_said(finished_run: Path, tmp_path: Path) -> None:
    run = open_run(finished_run)
    before = (finished_run / "run.json").read_bytes()
    found = export_int8(run, tmp_path / "tiny.onnx", Int8Options())
    measured = found.measured
    assert (measured.split, measured.images, measured.calibration, measured.looked) == ("validation", 100, 512, False)
    assert (finished_run / "run.json").read_bytes() == before
    assert os.listdir(tmp_path) == ["tiny.onnx"]
    size = (tmp_path / "tiny.onnx").stat().st_size
    assert measured.bytes[1] == found.exported.bytes == size
    session = runtime.InferenceSession(str(tmp_path / "tiny.onnx"))
    images = int8_images(run).judging
    (labels,) = session.run(["label"], {"images": images.images.permute(0, 2, 3, 1).contiguous().numpy()})
    assert int((torch.from_numpy(labels) == images.labels).sum()) == measured.right[1]
    module = run.model()
    wanted = module(run.preprocessing.normalise(run.preprocessing.pack(images.images))).argmax(1)
    assert int((wanted == images.labels).sum()) == measured.right[0]
    assert measured.loss == pytest.approx(measured.right[0] - measured.right[1])
    assert measured.loss <= 1
    assert [each.images for each in measured.latency] == [1, 64]
    assert all(each.whole > 0 and each.rounded > 0 for each in measured.latency)
    properties = {each.key: each.value for each in onnx.load(str(tmp_path / "tiny.onnx")).metadata_props}
    assert json.loads(properties["classes"]) == list(run.classes)
    assert json.loads(properties["quantisation"])["method"].startswith("static, per channel")


def test_the_bare_graph_takes_normalised_images(finished_run: Path, tmp_path: Path) -> None:
    found = export_int8(open_run(finished_run), tmp_path / "bare.onnx", Int8Options(), bare=True)
    assert [(each.name, each.dtype) for each in (*found.exported.inputs, *found.exported.outputs)] == [
        ("images", "float32"),
        ("logits", "float32"),
    ]
    assert found.measured.loss <= 1
    assert [each.path for each in found.measured.layers] == ["(images)", "conv1", "pool1", "linear1"] or [
        each.path for each in found.measured.layers
    ] == ["(images)", "conv1", "pool1", "flatten1", "linear1"]


def spoilt(model, network, batches, *, keep_float=()):
    """A quantised model whose weights have lost their scale, but for one class."""
    rounded = quantised(model, network, batches, keep_float=keep_float)
    for each in rounded.graph.initializer:
        if each.name == "linear1.weight_scale":
            each.CopyFrom(numpy_helper.from_array(0 * numpy_helper.to_array(each), each.name))
    return rounded


def test_a_file_that_loses_too_much_is_not_written_but_by_force(
    finished_run: Path, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr(write, "quantised", spoilt)
    run = open_run(finished_run)
    with pytest.raises(AuditError) as caught:
        export_int8(run, tmp_path / "tiny.onnx", Int8Options(most_loss=2.5))
    what, expected, remedy = str(caught.value).split("\n")
    assert what.startswith(f"{finished_run}: in 8-bit integers tiny loses ")
    assert " points of accuracy: of 100 images (validation) it was right on " in what
    assert re.search(r"Most is lost at linear1 \(-?\d+ dB, \d+ before it\), ", what)
    assert expected == "It may lose 2.5 (--most-loss); nothing is written."
    assert remedy == (
        "Keep layers in float32 (--keep-float linear1), allow more with --most-loss, or write it anyway with --force."
    )
    assert os.listdir(tmp_path) == []
    found = export_int8(run, tmp_path / "tiny.onnx", Int8Options(most_loss=2.5, force=True))
    assert found.measured.loss > 2.5
    assert os.listdir(tmp_path) == ["tiny.onnx"]


def test_calibration_takes_training_images_that_were_not_held_out(finished_run: Path) -> None:
    run = open_run(finished_run)
    parts, again = int8_images(run), int8_images(run)
    assert torch.equal(parts.calibration.images, again.calibration.images)
    train = {bytes(each.numpy().tobytes()) for each in load(run.data.source, "train").images}
    held = {bytes(each.numpy().tobytes()) for each in parts.judging.images}
    assert (len(parts.calibration), len(parts.judging), parts.judging.split) == (512, 100, "validation")
    for image in parts.calibration.images:
        assert image.numpy().tobytes() in train
        assert image.numpy().tobytes() not in held


def test_without_validation_images_the_test_images_judge_and_it_is_a_look(finished_run: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(finished_run, tmp_path / "all")
    run = open_run(folder)
    replace(run, recipe=replace(run.recipe, hold_out=0.0)).write()
    run = open_run(folder)
    found = export_int8(run, tmp_path / "tiny.onnx", Int8Options(most_loss=100))
    assert (found.measured.split, found.measured.images, found.measured.looked) == ("test", 300, True)
    assert open_run(folder).test_looks == run.test_looks + 1


def test_other_images_judge_without_a_look(finished_run: Path, few_digits: Path, tmp_path: Path) -> None:
    run = open_run(finished_run)
    (tmp_path / "digits").mkdir()
    for file in few_digits.glob("train-*"):
        (tmp_path / "digits" / file.name).symlink_to(file)
    parts = int8_images(run, str(tmp_path / "digits"))
    assert (parts.judging.split, parts.looked, len(parts.judging)) == ("validation", False, 100)
    assert compared_images(run, str(tmp_path / "digits")).split == "train"
    parts = int8_images(run, "mnist")
    assert (parts.judging.split, parts.looked, len(parts.judging)) == ("test", False, 10_000)
    gone = replace(run, recipe=replace(run.recipe, hold_out=0), data=replace(run.data, source=str(tmp_path / "digits")))
    with pytest.raises(MissingSplitError):
        int8_images(gone)


def test_a_run_without_images_is_compared_on_noise_and_cannot_be_calibrated(finished_run: Path) -> None:
    run = open_run(finished_run)
    bare = replace(run, data=replace(run.data, source=""), origin={"file": "tiny.safetensors"})
    images = compared_images(bare)
    assert (images.split, tuple(images.images.shape)) == ("noise", (50, 1, 28, 28))
    with pytest.raises(RunError, match="has no images of its own"):
        int8_images(bare)


def test_the_files_take_turns() -> None:
    turns: list[str] = []
    time = iter(range(10_000))

    class Session:
        def __init__(self, name: str) -> None:
            self.name = name

        def run(self, _: object, given: dict) -> None:
            turns.append(f"{self.name}{len(given['images'])}")

    found = latencies(Session("a"), Session("b"), np.zeros((10, 2)), clock=lambda: float(next(time)))
    assert turns == ["a1", "b1"] * 4 + ["a64", "b64"] * 4
    assert [(each.whole, each.rounded) for each in found] == [(1000.0, 1000.0)] * 2
