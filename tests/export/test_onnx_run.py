"""A run as an ONNX file: pixels in, the run's own answers out, or no file at all."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from striate import find, from_json, from_text
from striate.data import Preprocessing, load
from striate.description.network import plan
from striate.errors import AuditError, SpecError
from striate.look.predictor import Predictor
from striate.modules import weights_of
from striate.train import open_run
from tests.support.exported import COLOUR, SMALL, noise, run_of

onnx = pytest.importorskip("onnx", reason="onnx is not installed")
runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")

from striate.exchange.graph import Graph, Value  # noqa: E402
from striate.exchange.model import onnx_model  # noqa: E402
from striate.exchange.proto import to_proto  # noqa: E402
from striate.exchange.reading import read_onnx  # noqa: E402
from striate.export.onnx import agreement  # noqa: E402 - after what may be missing
from striate.export.onnx.agreement import compared  # noqa: E402
from striate.export.onnx.classifier import classifier_model  # noqa: E402
from striate.export.onnx.preprocessing import write_preprocessing  # noqa: E402
from striate.export.onnx.write import export_onnx  # noqa: E402


def answers(content: bytes, pixels: Tensor) -> list[Tensor]:
    """What ONNX Runtime gives for uint8 images of (images, channels, height, width)."""
    session = runtime.InferenceSession(content, providers=["CPUExecutionProvider"])
    found = session.run(None, {"images": pixels.permute(0, 2, 3, 1).contiguous().numpy()})
    return [torch.from_numpy(each) for each in found]


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 20, 31), (3, 64, 48), (1, 13, 13)])
@pytest.mark.parametrize("wanted", [(1, 32, 32), (3, 67, 63), (1, 9, 50)])
@pytest.mark.parametrize(
    ("fit", "size", "more"),
    [
        ("pad", None, {}),
        ("pad", (28, 28), {}),
        ("resize", None, {}),
        ("resize", (30, 20), {}),
        ("resize", None, {"interpolation": "bicubic"}),
        ("crop", None, {"shorter": 70}),
        ("letterbox", None, {}),
        ("crop", None, {"shorter": 73, "interpolation": "bicubic"}),
    ],
)
def test_pixels_take_the_same_way_to_the_input(shape, wanted, fit: str, size, more: dict[str, Any]) -> None:
    low, high = ((-2.1, -2.0, -1.8), (2.2, 2.4, 2.6)) if more and wanted[0] == 3 else (-0.1, 1.175)
    way = Preprocessing(wanted, fit, low=low, high=high, form="picture", size=size, **more)
    graph = Graph()
    end = write_preprocessing(graph, way, "images", channels=shape[0], size=shape[1:])
    value = Value("images", "uint8", (*shape[1:], shape[0]))
    model = to_proto(graph, name="way", inputs=[value], outputs=[Value(end, "float32", wanted)], properties={})
    images = noise(*shape).images
    found = answers(model.SerializeToString(), images)[0]
    least, most = map(torch.as_tensor, way.ends())
    off = (found - way.normalise(way.pack(images))).abs() / ((most - least) / 255)
    rounds = any(each.op_type == "Round" for each in model.graph.node)
    assert off.max() < (1.001 if rounds else 1e-4)  # a pixel just between two levels may be rounded to the other
    assert (off > 1e-4).float().mean() < (1e-2 if fit == "crop" else 2e-3)  # a crop may enlarge one such pixel


def test_a_file_gives_what_predict_gives(finished_run: Path, tmp_path: Path) -> None:
    run = open_run(finished_run)
    made = export_onnx(run, tmp_path / "tiny.onnx")
    assert (made.file, made.bytes, made.split) == (
        tmp_path / "tiny.onnx",
        (tmp_path / "tiny.onnx").stat().st_size,
        "test",
    )
    assert [(each.name, each.dtype, each.shape) for each in (*made.inputs, *made.outputs)] == [
        ("images", "uint8", (28, 28, 1)),
        ("probabilities", "float32", (10,)),
        ("label", "int64", ()),
    ]
    assert (made.agreement.images, made.agreement.same) == (300, 300)
    assert made.agreement.difference < 1e-5
    images = load(run.data.source, "test").images[:20]
    probabilities, labels = answers((tmp_path / "tiny.onnx").read_bytes(), images)
    predictor = Predictor(run)
    for pixels, found, label in zip(images, probabilities, labels, strict=True):
        values = run.preprocessing.normalise(run.preprocessing.pack(pixels[None]))
        expected = predictor._predict(values, (), "")
        assert run.classes[label] == expected.name
        assert found[label].item() == pytest.approx(expected.probability, abs=1e-5)
    assert os.listdir(tmp_path) == ["tiny.onnx"]


def test_the_metadata_says_what_goes_in_and_comes_out(finished_run: Path, tmp_path: Path) -> None:
    run = open_run(finished_run)
    export_onnx(run, tmp_path / "tiny.onnx")
    model = onnx.load(str(tmp_path / "tiny.onnx"))
    found = {each.key: each.value for each in model.metadata_props}
    assert json.loads(found["classes"]) == list(run.classes)
    assert Preprocessing.from_dict(json.loads(found["preprocessing"])) == run.preprocessing
    assert json.loads(found["temperature"]) == run.temperature
    assert from_json(found["network"]) == run.network
    assert str(run.data.source) not in str(found)


def test_the_bare_graph_and_every_layer(finished_run: Path, tmp_path: Path) -> None:
    run = open_run(finished_run)
    made = export_onnx(run, tmp_path / "bare.onnx", bare=True, every_layer=True)
    names = [each.name for each in made.outputs]
    assert names == ["logits", *(step.path for step in plan(run.network).steps[:-1])]
    assert (made.inputs[0].dtype, made.inputs[0].shape) == ("float32", (1, 28, 28))
    assert made.agreement.share < 1e-5
    assert made.agreement.difference < 1e-4
    whole = export_onnx(run, tmp_path / "all.onnx", every_layer=True)
    assert [each.name for each in whole.outputs] == ["probabilities", "label", *names[1:], "linear1"]


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        (SMALL, (1, 28, 28)),
        (SMALL, (3, 20, 31)),
        (COLOUR, (1, 28, 28)),
        (COLOUR, (3, 64, 48)),
        (f"{SMALL}, softmax", (1, 28, 28)),
    ],
)
def test_runs_of_other_images(text: str, shape: tuple[int, int, int], tmp_path: Path) -> None:
    network = from_text(text)
    way = Preprocessing(network.input, "pad", low=-1, high=1, form="picture", size=(28, 28))
    run, module = run_of(network, tmp_path / "run", way)
    model = classifier_model(run, module, channels=shape[0], size=shape[1:])
    images = noise(*shape)
    found = compared(model, run, module, images=images, most=agreement.MOST_ROUNDED)
    assert (found.images, found.same) == (12, 12)
    probabilities, labels = answers(model.SerializeToString(), images.images)
    logits = module.logits(way.normalise(way.pack(images.images))).detach()
    assert torch.allclose(probabilities, (logits / 1.7).softmax(1), atol=5e-3)
    assert torch.equal(labels, probabilities.argmax(1))


def test_the_nearest_centre_is_the_likeliest_class(tmp_path: Path) -> None:
    network = find("lenet5")
    way = Preprocessing(network.input, "pad", low=-0.1, high=1.175, form="digits", size=(28, 28))
    run, module = run_of(network, tmp_path / "run", way, temperature=9.0)
    model = classifier_model(run, module, channels=1, size=(28, 28))
    images = load("mnist", "test").images[:30]
    probabilities, labels = answers(model.SerializeToString(), images)
    distances = module.logits(way.normalise(way.pack(images))).detach()
    assert torch.equal(labels, distances.argmin(1))
    assert torch.allclose(probabilities, (-distances / 9).softmax(1), atol=1e-4)


def test_layers_may_be_called_as_the_inputs_and_outputs_are(tmp_path: Path) -> None:
    network = from_text("1x8x8: images: subsample 2, probabilities: conv 3 3, label: linear 4")
    run, module = run_of(network, tmp_path / "run", Preprocessing((1, 8, 8), "resize", 0, 1, "picture", (8, 8)))
    model = classifier_model(run, module, channels=1, size=(8, 8), every_layer=True)
    outputs = [each.name for each in model.graph.output]
    assert outputs == ["probabilities", "label", "images/value", "probabilities/value", "flatten1", "label/value"]
    assert compared(model, run, module, images=noise(1, 8, 8)).same == 12


def test_what_the_runtime_cannot_run_is_an_error_of_ours(tmp_path: Path) -> None:
    network = from_text(SMALL)
    run, module = run_of(network, tmp_path / "run", Preprocessing(network.input, "pad", 0, 1, "picture", (28, 28)))
    model = classifier_model(run, module, channels=1, size=(28, 28))
    model.graph.node[0].op_type = "NoSuchOperator"
    with pytest.raises(AuditError) as caught:
        compared(model, run, module, images=noise(1, 28, 28))
    assert str(caught.value).startswith(f"{run.folder}: ONNX Runtime cannot run the model: ")


@pytest.mark.parametrize("numbers", ["alpha 1e-50", "beta 1e-50", "alpha 0"])
def test_numbers_that_float32_has_not(numbers: str, tmp_path: Path) -> None:
    network = from_text(f"name odd 3x8x8: lrn 3 {numbers}, conv 4 3x3, linear 3")
    run, module = run_of(network, tmp_path / "run", Preprocessing((3, 8, 8), "resize", 0, 1, "picture", (8, 8)))
    model = classifier_model(run, module, channels=3, size=(8, 8))
    assert compared(model, run, module, images=noise(3, 8, 8)).same == 12


def test_a_module_of_another_network_is_named() -> None:
    from striate.modules import build

    with pytest.raises(SpecError) as caught:
        onnx_model(find("lenet5"), weights_of(build("lenet5-dense")))
    assert str(caught.value) == (
        "the weights lack S2.weight, S2.bias, S4.weight, S4.bias, output.centres.\n"
        "They are written under the names that a module of lenet5 has for them.\n"
        "Give the weights of a module that was built from the same network."
    )
    normed = from_text("1x4x4: conv 2 3x3, bn, linear 2")
    with pytest.raises(SpecError, match=r"lack batch_norm1.running_mean, batch_norm1.running_var\."):
        onnx_model(normed, {name: each.detach().numpy() for name, each in build(normed).named_parameters()})


def test_a_temperature_behind_a_scaled_tanh_is_not_taken_for_its_factor(tmp_path: Path) -> None:
    network = from_text("name tanh 1x8x8: flatten, linear 5, scaled_tanh")
    run, module = run_of(
        network, tmp_path / "run", Preprocessing((1, 8, 8), "resize", -1.0, 1.0, "picture"), temperature=1.7
    )
    model = classifier_model(run, module, channels=1, size=(8, 8))
    (tmp_path / "tanh.onnx").write_bytes(model.SerializeToString())
    read = read_onnx(tmp_path / "tanh.onnx")
    assert read.network.layers[:-1] == network.layers  # without its softmax
    assert read.temperature == pytest.approx(1.7, rel=1e-5)
    for name, values in weights_of(module).items():
        np.testing.assert_array_equal(read.weights[name], values)
