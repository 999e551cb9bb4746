"""A run as an ONNX file: pixels in, the run's own answers out, or no file at all."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from striate import Network, find, from_json, from_text
from striate.data import ImageSet, Preprocessing, load
from striate.description.network import plan
from striate.errors import AuditError, OutputError, RequirementError
from striate.look.predictor import Predictor
from striate.modules import Built
from striate.train import Recipe, Run, open_run
from striate.train.checkpoint import save_checkpoint
from striate.train.run import DataRecord, create_run
from tests.support.settled import settled

onnx = pytest.importorskip("onnx", reason="onnx is not installed")
runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")

from striate.export.onnx import agreement, requirement, write  # noqa: E402 - after what may be missing
from striate.export.onnx.agreement import require_agreement  # noqa: E402
from striate.export.onnx.classifier import classifier_model  # noqa: E402
from striate.export.onnx.graph import Graph, Value  # noqa: E402
from striate.export.onnx.model import weights_of  # noqa: E402
from striate.export.onnx.preprocessing import write_preprocessing  # noqa: E402
from striate.export.onnx.proto import to_proto  # noqa: E402
from striate.export.onnx.write import export_onnx  # noqa: E402

SMALL = "name small 1x32x32: conv 4 5x5 /2, relu, max 2, linear 10"
COLOUR = "name colour 3x40x36: conv 4 5x5 /2, relu, average 3 /2, linear 10"


def run_of(network: Network, folder: Path, way: Preprocessing, *, temperature: float = 1.7) -> tuple[Run, Built]:
    """A run with weights that have not learned, and its module."""
    classes = tuple(f"class {number}" for number in range(plan(network).output[0]))
    data = DataRecord("mnist", classes, None, False, (), 1, 1, "", "")
    run = Run(folder, network, Recipe(), data, way, threads=1, device="cpu", environment={})
    create_run(run)
    save_checkpoint(run.path("best.safetensors"), dict(settled(network).state_dict()), {"temperature": temperature})
    return open_run(folder), run.model()


def noise(channels: int, height: int, width: int, count: int = 12) -> ImageSet:
    generator = torch.Generator().manual_seed(4)
    pixels = torch.randint(0, 256, (count, channels, height, width), dtype=torch.uint8, generator=generator)
    labels = torch.zeros(count, dtype=torch.int64)
    return ImageSet(pixels, labels, tuple(map(str, range(10))), "mnist", "test", "picture")


def answers(content: bytes, pixels: Tensor) -> list[Tensor]:
    """What ONNX Runtime gives for uint8 images of (images, channels, height, width)."""
    session = runtime.InferenceSession(content, providers=["CPUExecutionProvider"])
    found = session.run(None, {"images": pixels.permute(0, 2, 3, 1).contiguous().numpy()})
    return [torch.from_numpy(each) for each in found]


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 20, 31), (3, 64, 48), (1, 13, 13)])
@pytest.mark.parametrize("wanted", [(1, 32, 32), (3, 67, 63), (1, 9, 50)])
@pytest.mark.parametrize(("fit", "size"), [("pad", None), ("pad", (28, 28)), ("resize", None), ("resize", (30, 20))])
def test_pixels_take_the_same_way_to_the_input(shape, wanted, fit: str, size) -> None:
    way = Preprocessing(wanted, fit, low=-0.1, high=1.175, form="picture", size=size)
    graph = Graph()
    end = write_preprocessing(graph, way, "images", channels=shape[0], size=shape[1:])
    value = Value("images", "uint8", (*shape[1:], shape[0]))
    model = to_proto(graph, name="way", inputs=[value], outputs=[Value(end, "float32", wanted)], properties={})
    images = noise(*shape).images
    found = answers(model.SerializeToString(), images)[0]
    off = (found - way.normalise(way.pack(images))).abs() / ((way.high - way.low) / 255)
    rounds = any(each.op_type == "Round" for each in model.graph.node)
    assert off.max() < (1.001 if rounds else 1e-4)  # a pixel just between two levels may be rounded to the other
    assert (off > 1e-4).float().mean() < 2e-3


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
    assert made.agreement.span > 1
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
    found = require_agreement(model.SerializeToString(), run, module, images, most=agreement.MOST_ROUNDED)
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
    assert require_agreement(model.SerializeToString(), run, module, noise(1, 8, 8)).same == 12


def other_weights(module: Built) -> dict:
    """Weights of another network, in place of those that were asked for."""
    return {name: values + 0.05 for name, values in weights_of(module).items()}


@pytest.mark.parametrize("bare", [False, True])
def test_a_file_with_other_answers_is_not_written(bare: bool, finished_run: Path, tmp_path: Path, monkeypatch) -> None:
    for module in ("model", "classifier"):
        monkeypatch.setattr(f"striate.export.onnx.{module}.weights_of", other_weights)
    (tmp_path / "tiny.onnx").write_bytes(b"before")
    with pytest.raises(AuditError) as caught:
        export_onnx(open_run(finished_run), tmp_path / "tiny.onnx", bare=bare)
    what, expected, remedy = str(caught.value).split("\n")
    assert what.startswith(f"{finished_run}: ONNX Runtime and PyTorch differ in their answers to 300 images: ")
    assert "get another class, and outputs differ by up to " in what
    assert expected.startswith("Weights and images are the same, so the answers must be too, to 1e-0")
    assert remedy == (
        "Try another version of onnxruntime. If it stays so, this is a fault of Striate: please report it."
    )
    assert (tmp_path / "tiny.onnx").read_bytes() == b"before"
    assert os.listdir(tmp_path) == ["tiny.onnx"]


def test_held_out_images_stand_in_where_there_are_no_test_images(
    few_digits: Path, finished_run: Path, tmp_path
) -> None:
    folder = tmp_path / "digits"
    folder.mkdir()
    for file in few_digits.glob("train-*"):
        (folder / file.name).symlink_to(file)
    run = open_run(finished_run)
    made = export_onnx(replace(run, data=replace(run.data, source=str(folder))), tmp_path / "tiny.onnx")
    assert (made.split, made.agreement.images) == ("validation", 100)


def test_a_large_network_answers_fewer_images(tmp_path: Path) -> None:
    images = noise(3, 8, 8, count=600)
    counts = {}
    for name in ("lenet5", "alexnet", "vgg-e"):
        network = find(name)
        way = Preprocessing(network.input, "resize", 0, 1, "picture")
        run = Run(tmp_path, network, Recipe(), DataRecord("", (), None, False, (), 1, 1, "", ""), way, 1, "cpu", {})
        counts[name] = len(agreement.sample(run, images))
    assert counts["lenet5"] == 500
    assert 4 <= counts["vgg-e"] < counts["alexnet"] < 500


def test_a_name_that_is_no_onnx_file(finished_run: Path, tmp_path: Path) -> None:
    with pytest.raises(OutputError) as caught:
        export_onnx(open_run(finished_run), tmp_path / "tiny.pb")
    assert str(caught.value) == (
        f"{tmp_path}/tiny.pb does not end in .onnx.\nPrograms know an ONNX file by its suffix.\nName it tiny.onnx."
    )


def test_what_is_missing_is_said_before_anything_is_read(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(requirement, "find_spec", lambda name: None)
    monkeypatch.setattr(write, "_images", lambda run: pytest.fail("it read the images"))
    way = Preprocessing((1, 32, 32), "pad", 0, 1, "picture", (28, 28))
    run, _ = run_of(from_text(SMALL), tmp_path / "run", way)
    with pytest.raises(RequirementError, match="ONNX files need onnx and onnxruntime"):
        export_onnx(run, tmp_path / "small.onnx")
