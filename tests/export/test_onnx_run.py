"""A run as an ONNX file: pixels in, the run's own answers out, or no file at all."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor

from striate import Network, find, from_json, from_text
from striate.data import ImageSet, Preprocessing, load
from striate.description.network import plan
from striate.errors import AuditError, DataError, OutputError, RequirementError, SpecError
from striate.look.predictor import Predictor
from striate.modules import Built, weights_of
from striate.train import Recipe, Run, open_run
from striate.train.checkpoint import save_checkpoint
from striate.train.run import DataRecord, create_run
from tests.support.settled import settled

onnx = pytest.importorskip("onnx", reason="onnx is not installed")
runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")

from striate.exchange import requirement  # noqa: E402 - after what may be missing
from striate.exchange.graph import Graph, Value  # noqa: E402
from striate.exchange.model import onnx_model  # noqa: E402
from striate.exchange.proto import to_proto  # noqa: E402
from striate.export.onnx import agreement, write  # noqa: E402 - after what may be missing
from striate.export.onnx.agreement import compared  # noqa: E402
from striate.export.onnx.classifier import classifier_model  # noqa: E402
from striate.export.onnx.preprocessing import write_preprocessing  # noqa: E402
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
@pytest.mark.parametrize(
    ("fit", "size", "more"),
    [
        ("pad", None, {}),
        ("pad", (28, 28), {}),
        ("resize", None, {}),
        ("resize", (30, 20), {}),
        ("resize", None, {"interpolation": "bicubic"}),
        ("crop", None, {"shorter": 70}),
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
    monkeypatch.setattr(write, "compared_images", lambda *_: pytest.fail("it read the images"))
    way = Preprocessing((1, 32, 32), "pad", 0, 1, "picture", (28, 28))
    run, _ = run_of(from_text(SMALL), tmp_path / "run", way)
    with pytest.raises(RequirementError, match="ONNX files need onnx and onnxruntime"):
        export_onnx(run, tmp_path / "small.onnx")


UNSURE = "name unsure 3x32x32: conv 8 3x3, relu, max 2, linear {classes}"


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
        "the weights lack S2.weight, S2.bias, S4.weight, S4.bias.\n"
        "They are written under the names that a module of lenet5 has for them.\n"
        "Give the weights of a module that was built from the same network."
    )


def picture_folder(folder: Path, size: tuple[int, int], *, mode: str = "RGB") -> Path:
    for number, name in enumerate("ab"):
        (folder / name).mkdir(parents=True)
        for image in range(3):
            Image.new(mode, size[::-1], 40 * number + image).save(folder / name / f"{image}.png")
    return folder


def run_on(folder: Path, runs: Path, *, channels: int | None, size: tuple[int, int]) -> Run:
    network = from_text("name two 1x24x20: conv 2 3x3, relu, linear 2")
    way = Preprocessing(network.input, "resize", 0, 1, "picture", size)
    run, _ = run_of(network, runs, way)
    return replace(run, data=replace(run.data, source=str(folder), classes=("a", "b"), channels=channels))


def test_a_broken_test_image_is_named_and_no_reason_to_take_others(tmp_path: Path) -> None:
    for split in ("train", "test"):
        picture_folder(tmp_path / "data" / split, (24, 20))
    (tmp_path / "data/test/a/0.png").write_bytes(b"no picture")
    run = run_on(tmp_path / "data", tmp_path / "run", channels=3, size=(24, 20))
    with pytest.raises(DataError, match="cannot be read as images"):
        export_onnx(run, tmp_path / "two.onnx")


def test_the_file_takes_images_of_the_size_and_channels_that_were_learned_from(tmp_path: Path) -> None:
    picture_folder(tmp_path / "data/train", (24, 20))
    picture_folder(tmp_path / "data/test", (24, 20), mode="L")
    made = export_onnx(run_on(tmp_path / "data", tmp_path / "one", channels=3, size=(24, 20)), tmp_path / "two.onnx")
    assert made.inputs[0].shape == (24, 20, 3)
    run = run_on(tmp_path / "data", tmp_path / "two", channels=3, size=(48, 40))
    with pytest.raises(DataError) as caught:
        export_onnx(run, tmp_path / "two.onnx")
    assert str(caught.value) == (
        f"{tmp_path / 'data'}: the test images are 24×20 pixels (height × width).\n"
        "The run learned from images of 48×40, and the file takes such.\n"
        "Bring them to one size, or train with --resize."
    )


def test_a_run_records_the_channels_of_its_images(finished_run: Path) -> None:
    assert open_run(finished_run).data.channels == 1


def test_a_folder_that_is_not_there_is_named_before_anything_is_read(finished_run: Path, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(write, "compared_images", lambda *_: pytest.fail("it read the images"))
    with pytest.raises(OutputError) as caught:
        export_onnx(open_run(finished_run), tmp_path / "no/tiny.onnx")
    assert str(caught.value) == (
        f"{tmp_path}/no/tiny.onnx cannot be written: there is no folder {tmp_path}/no.\n"
        "It was not written.\nMake the folder, or give another place to --out."
    )
    with pytest.raises(OutputError, match=r"has no name before .onnx.*\n.*\nName it model.onnx."):
        export_onnx(open_run(finished_run), tmp_path / ".onnx")
