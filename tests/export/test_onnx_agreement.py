"""A run's file is written only where ONNX Runtime gives the run's own answers."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from striate import from_text
from striate.data import Preprocessing
from striate.errors import AuditError
from striate.modules import Built, weights_of
from striate.train import open_run
from tests.support.exported import SMALL, noise, run_of

onnx = pytest.importorskip("onnx", reason="onnx is not installed")
runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")

from striate.exchange.model import onnx_model  # noqa: E402
from striate.export.onnx import agreement  # noqa: E402 - after what may be missing
from striate.export.onnx.agreement import compared  # noqa: E402
from striate.export.onnx.classifier import classifier_model  # noqa: E402
from striate.export.onnx.write import export_onnx  # noqa: E402

UNSURE = "name unsure 3x32x32: conv 8 3x3, relu, max 2, linear {classes}"


def other_weights(module: Built) -> dict:
    """Weights of another network, in place of those that were asked for."""
    return {name: values + 0.05 for name, values in weights_of(module).items()}


@pytest.mark.parametrize("bare", [False, True])
def test_a_file_with_other_answers_is_not_written(bare: bool, finished_run: Path, tmp_path: Path, monkeypatch) -> None:
    for module in ("write", "classifier"):
        monkeypatch.setattr(f"striate.export.onnx.{module}.weights_of", other_weights)
    (tmp_path / "tiny.onnx").write_bytes(b"before")
    with pytest.raises(AuditError) as caught:
        export_onnx(open_run(finished_run), tmp_path / "tiny.onnx", bare=bare)
    what, expected, remedy = str(caught.value).split("\n")
    assert what.startswith(
        f"{finished_run}: ONNX Runtime and PyTorch differ in their answers to 300 images and 4 of noise: "
    )
    assert "get another class, and class scores differ by up to " in what
    assert expected.startswith("Weights and images are the same, so the answers must be too, to 1e-0")
    assert remedy == (
        "Try another version of onnxruntime. If it stays so, this is a fault of Striate: please report it."
    )
    assert (tmp_path / "tiny.onnx").read_bytes() == b"before"
    assert os.listdir(tmp_path) == ["tiny.onnx"]


@pytest.mark.parametrize(("classes", "temperature"), [(200, 10.0), (1000, 50.0), (10, 0.005)])
@pytest.mark.parametrize("fault", ["zero", "shifted", "scaled"])
def test_other_weights_are_found_however_sure_the_run_is(
    classes: int, temperature: float, fault: str, tmp_path: Path, monkeypatch
) -> None:
    """Among many classes, or at a high temperature, all probabilities are small; at a low one all are 0 or 1."""
    network = from_text(UNSURE.format(classes=classes))
    way = Preprocessing(network.input, "resize", 0, 1, "picture", (40, 40))
    run, module = run_of(network, tmp_path / "run", way, temperature=temperature)
    faults = {"zero": lambda each: 0 * each, "shifted": lambda each: each + 0.05, "scaled": lambda each: 1.05 * each}
    spoilt = {name: faults[fault](each) for name, each in weights_of(module).items()}
    images = noise(3, 40, 40)
    sound = classifier_model(run, module, channels=3, size=(40, 40))
    assert compared(sound, run, module, images=images, most=agreement.MOST_ROUNDED).same == 12
    monkeypatch.setattr("striate.export.onnx.classifier.weights_of", lambda _: spoilt)
    with pytest.raises(AuditError, match="differ in their answers"):
        compared(
            classifier_model(run, module, channels=3, size=(40, 40)),
            run,
            module,
            images=images,
            most=agreement.MOST_ROUNDED,
        )


@pytest.mark.parametrize("bare", [False, True])
def test_blank_images_hide_no_fault(bare: bool, tmp_path: Path, monkeypatch) -> None:
    network = from_text("name blank 1x16x16: conv 4 3x3 same, relu, max 2, linear 5")
    run, module = run_of(network, tmp_path / "run", Preprocessing((1, 16, 16), "resize", 0, 1, "picture", (16, 16)))
    flipped = {name: each[..., ::-1, ::-1] if each.ndim == 4 else each for name, each in weights_of(module).items()}
    blank = replace(noise(1, 16, 16), images=torch.full((12, 1, 16, 16), 90, dtype=torch.uint8))
    monkeypatch.setattr("striate.export.onnx.classifier.weights_of", lambda _: flipped)
    wrong = onnx_model(network, flipped) if bare else classifier_model(run, module, channels=1, size=(16, 16))
    with pytest.raises(AuditError, match="differ in their answers to 12 images and 4 of noise"):
        compared(wrong, run, module, images=blank, bare=bare)


def test_a_label_that_is_not_the_likeliest_class_is_found(tmp_path: Path) -> None:
    network = from_text(SMALL)
    run, module = run_of(network, tmp_path / "run", Preprocessing(network.input, "pad", 0, 1, "picture", (28, 28)))
    model = classifier_model(run, module, channels=1, size=(28, 28))
    (node,) = (each for each in model.graph.node if each.op_type == "ArgMax")
    node.op_type = "ArgMin"
    with pytest.raises(AuditError, match="16 get another class"):
        compared(model, run, module, images=noise(1, 28, 28))


def test_float32_that_is_unsure_allows_a_hundredth_at_most(tmp_path: Path, monkeypatch) -> None:
    network = from_text(SMALL)
    run, module = run_of(network, tmp_path / "run", Preprocessing(network.input, "pad", 0, 1, "picture", (28, 28)))
    monkeypatch.setattr(agreement, "TIMES", 1e9)
    spoilt = {name: 1.05 * each for name, each in weights_of(module).items()}
    monkeypatch.setattr("striate.export.onnx.classifier.weights_of", lambda _: spoilt)
    model = classifier_model(run, module, channels=1, size=(28, 28))
    with pytest.raises(AuditError, match="so the answers must be too, to 1e-02; nothing is written"):
        compared(model, run, module, images=noise(1, 28, 28))
