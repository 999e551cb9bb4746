"""A run from weights: it answers as the module that they are of, and files for another network are refused in words."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from striate.data import Preprocessing
from striate.errors import RunError, WeightsError
from striate.export.weights.bring import Brought, bring
from striate.export.weights.matching import COUNTER
from striate.look.predictor import Predictor
from striate.networks import find
from striate.train.evaluation import evaluate
from striate.train.run import open_run
from tests.support.weights import drawn, kept

SMALL = "squeezenet-1.1"


def brought(tensors: dict[str, Tensor], folder: Path, network: str, library: str, **given) -> Brought:
    file = kept(tensors, folder / "given.pth")
    return bring(find(network), file, library=library, folder=folder / "run", **given)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize(
    ("network", "library"),
    [
        (SMALL, "torchvision"),
        ("mobilenet-v2", "torchvision"),
        ("mobilenet-v3-small", "torchvision"),
        ("mobilenet-v3-small", "timm"),
    ],
)
def test_the_run_answers_as_the_module(network, library, suffix, tmp_path: Path) -> None:
    module, tensors = drawn(network, library)
    file = kept(tensors, tmp_path / f"given{suffix}")
    made = bring(find(network), file, library=library, folder=tmp_path / "run")
    assert open_run(tmp_path / "run") == made.run
    assert made.run.origin is not None
    assert made.run.origin["model"] == made.model
    images = torch.randn(1, 3, 224, 224, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        torch.testing.assert_close(made.run.model().logits(images), module.logits(images), rtol=0, atol=0)


def test_the_classes_are_the_files(tmp_path: Path) -> None:
    _, tensors = drawn(SMALL, "torchvision", classes=3)
    names = {"class_to_idx": {"dog": 2, "cat": 0, "cow": 1}}
    made = brought({"state_dict": tensors} | names, tmp_path, SMALL, "torchvision")  # type: ignore[arg-type]
    assert made.run.classes == ("cat", "cow", "dog")
    file = kept(tensors, tmp_path / "b.safetensors", classes=json.dumps(["a", "b", "c"]))
    assert bring(find(SMALL), file, library="torchvision", folder=tmp_path / "b").run.classes == ("a", "b", "c")
    file = kept(tensors, tmp_path / "c.safetensors", classes=json.dumps(["a", "b"]))  # of another head
    assert bring(find(SMALL), file, library="torchvision", folder=tmp_path / "c").run.classes == (
        "class 0",
        "class 1",
        "class 2",
    )


@pytest.mark.parametrize(
    ("name", "text", "wanted"),
    [
        ("names.txt", "cat\n cow \n\ndog\n", ("cat", "cow", "dog")),
        ("names.json", '["cat", "cow", "dog"]', ("cat", "cow", "dog")),
        ("names.json", '{"2": "dog", "0": "cat", "1": "cow"}', ("cat", "cow", "dog")),
        ("names.json", '{"dog": 2, "cat": 0, "cow": 1}', ("cat", "cow", "dog")),
        ("names.json", '{"10": 0, "2": 1, "7": 2}', ("10", "2", "7")),
        ("names.json", '{"dog": "2", "cat": "0", "cow": "1"}', ("cat", "cow", "dog")),
        ("names.txt", "cat\ncow\n", "has 2 names for 3 classes.\nThe file of weights has an output for each class"),
        ("names.txt", "cat\ncow\ncat\n", "names 'cat' twice"),
        ("names.json", '{"0": "cat", "2": "cow", "3": "dog"}', "has no names of classes"),
        ("names.json", "[1, 2, 3]", "has no names of classes"),
        ("names.json", "[", "A file of names is JSON"),
        ("none.txt", None, "cannot be read: .*\nIt has a name in each line"),
    ],
)
def test_names_from_a_file(name, text, wanted, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / name).write_text(text)
    _, tensors = drawn(SMALL, "torchvision", classes=3)
    if isinstance(wanted, tuple):
        assert brought(tensors, tmp_path, SMALL, "torchvision", classes=tmp_path / name).run.classes == wanted
        return
    with pytest.raises(WeightsError, match=wanted):
        brought(tensors, tmp_path, SMALL, "torchvision", classes=tmp_path / name)
    assert not (tmp_path / "run").exists()


def test_all_that_does_not_fit_is_named_at_once(tmp_path: Path) -> None:
    _, tensors = drawn(SMALL, "torchvision")
    for name in ("features.0.weight", "features.3.expand1x1.weight", "features.3.expand1x1.bias"):
        del tensors[name]
    tensors |= {"head.weight": torch.zeros(2), "features.0.bias": torch.zeros(9)}
    with pytest.raises(WeightsError) as caught:
        brought(tensors, tmp_path, SMALL, "torchvision")
    assert str(caught.value) == (
        f"{tmp_path / 'given.pth'}: not the weights of torchvision's squeezenet1_1, which squeezenet-1.1 takes:\n"
        "  missing: 3 names\n"
        "    features.0.weight\n"
        "    features.3.expand1x1: weight, bias\n"
        "  unknown: 1 name\n"
        "    head.weight\n"
        "  of another shape: 1 name\n"
        "    features.0.bias is 9 in place of 64\n"
        "Every name and every shape is that of torchvision's module.\n"
        "Give the file of that model, or another NETWORK."
    )
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        (("mobilenet-v3-small", "timm"), ("mobilenet-v3-small", "torchvision")),
        (("mobilenet-v3-small", "torchvision"), ("mobilenet-v3-small", "timm")),
        (("squeezenet-1.0", "torchvision"), ("squeezenet-1.1", "torchvision")),
        (("resnet18", "torchvision"), ("resnet34", "timm")),
    ],
)
def test_a_file_of_another_model_is_refused_with_the_network_to_take(given, asked, tmp_path: Path) -> None:
    _, tensors = drawn(*given, classes=5)
    with pytest.raises(WeightsError) as caught:
        brought(tensors, tmp_path, *asked)
    network, library = given if given[0] != "resnet18" else ("resnet18", "timm")  # which has the same names
    assert caught.value.remedy == f"Take that: striate import-weights {network} FILE --from {library}."


def test_older_files_have_no_counters_and_dots_in_densenets_names(tmp_path: Path) -> None:
    module, tensors = drawn("densenet121", "torchvision", classes=10)
    old = {re.sub(r"(denselayer\d+\.(norm|conv))([12])", r"\1.\3", name): each for name, each in tensors.items()}
    old = {name: each for name, each in old.items() if not name.endswith(COUNTER)}
    assert "features.denseblock1.denselayer1.norm.1.weight" in old
    made = brought(old, tmp_path, "densenet121", "torchvision")
    images = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        assert torch.equal(made.run.model().logits(images), module.logits(images))


def test_auxiliary_heads_are_left_out_and_half_precision_is_taken(tmp_path: Path) -> None:
    _, tensors = drawn("googlenet-torchvision", "torchvision", classes=10)
    heads = {"aux1.fc1.weight": torch.zeros(3), "aux2.conv.bn.num_batches_tracked": torch.tensor(1)}
    half = {name: each.half() if each.is_floating_point() else each for name, each in tensors.items()}
    made = brought(half | heads, tmp_path, "googlenet-torchvision", "torchvision")
    assert made.left_out == tuple(heads)
    assert made.run.preprocessing.range() == (-1.0, 1.0)
    assert {each.dtype for each in made.run.model().parameters()} == {torch.float32}


def test_weights_that_are_not_finite_are_named(tmp_path: Path) -> None:
    _, tensors = drawn(SMALL, "torchvision")
    tensors["classifier.1.bias"][3] = torch.nan
    with pytest.raises(WeightsError, match=r"not finite: classifier\.1\.bias\.\n.*\nTake a file with the weights"):
        brought(tensors, tmp_path, SMALL, "torchvision")


def test_weights_in_whole_numbers_are_refused(tmp_path: Path) -> None:
    _, tensors = drawn(SMALL, "torchvision")
    tensors["features.0.weight"] = (100 * tensors["features.0.weight"]).to(torch.int8)
    with pytest.raises(
        WeightsError, match=r"whole numbers, such as features\.0\.weight in int8\.\nWeights are fractions"
    ):
        brought(tensors, tmp_path, SMALL, "torchvision")


def test_a_small_storage_behind_a_huge_shape_is_refused_by_its_shape(tmp_path: Path) -> None:
    _, tensors = drawn(SMALL, "torchvision")
    tensors["features.0.weight"] = torch.zeros(1).expand(10**12)
    with pytest.raises(WeightsError, match="features.0.weight is 1000000000000 in place of 64×3×3×3"):
        brought(tensors, tmp_path, SMALL, "torchvision")


def test_only_networks_of_the_catalogue_have_tables(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="mine is not a network of the catalogue"):
        bring(find("name mine 3x8x8: linear 3"), tmp_path / "a", library="timm", folder=tmp_path / "run")
    (tmp_path / "run").mkdir()
    (tmp_path / "run/something").touch()
    with pytest.raises(RunError, match="is there already"):
        bring(find(SMALL), tmp_path / "a", library="torchvision", folder=tmp_path / "run")


CONFIG = {
    "architecture": "mobilenetv3_small_100",
    "label_names": ["a", "b", "c"],
    "pretrained_cfg": {
        "input_size": [3, 160, 160],
        "crop_pct": 0.95,
        "interpolation": "bicubic",
        "mean": [0.5, 0.5, 0.5],
        "std": [0.5, 0.5, 0.5],
    },
}


def test_timms_config_beside_a_file_says_how_pictures_are_prepared(tmp_path: Path) -> None:
    _, tensors = drawn("mobilenet-v3-small", "timm", classes=3)
    (tmp_path / "config.json").write_text(json.dumps(CONFIG | {"model_args": {"num_classes": 3}}))
    made = brought(tensors, tmp_path, "mobilenet-v3-small", "timm")
    assert made.run.preprocessing == Preprocessing(
        (3, 160, 160), "crop", -1.0, 1.0, "picture", shorter=168, interpolation="bicubic"
    )
    assert made.run.network.input == (3, 160, 160)
    assert made.run.classes == ("a", "b", "c")
    assert made.way_from == "config.json beside the file"


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"architecture": "tf_mobilenetv3_small_100"}, "is of tf_mobilenetv3_small_100, not of mobilenetv3_small_100"),
        ({"model_args": {"act_layer": "silu", "num_classes": 3}}, "is of mobilenetv3_small_100 made with act_layer."),
        ({"pretrained_cfg": {}}, "its preprocessing cannot be taken: 'input_size'"),
        ({"pretrained_cfg": CONFIG["pretrained_cfg"] | {"crop_mode": "squash"}}, "Striate knows no crop 'squash'"),  # type: ignore[operator]
        ({"pretrained_cfg": CONFIG["pretrained_cfg"] | {"std": [0, 1, 1]}}, "square images of three channels"),  # type: ignore[operator]
    ],
)
def test_a_config_that_is_not_understood_is_refused(change, text, tmp_path: Path) -> None:
    _, tensors = drawn("mobilenet-v3-small", "timm", classes=3)
    (tmp_path / "config.json").write_text(json.dumps(CONFIG | change))
    with pytest.raises(WeightsError, match=text):
        brought(tensors, tmp_path, "mobilenet-v3-small", "timm")


def test_a_published_file_is_known_by_the_digits_in_its_name(tmp_path: Path) -> None:
    _, tensors = drawn("mobilenet-v2", "torchvision", classes=3)
    for name, shorter in (("mobilenet_v2-7ebf99e0.pth", 232), ("mobilenet_v2-b0353104.pth", 256)):
        file = kept(tensors, tmp_path / name)
        made = bring(find("mobilenet-v2"), file, library="torchvision", folder=tmp_path / str(shorter))
        assert made.run.preprocessing.shorter == shorter
    made = bring(find("mobilenet-v2"), file, library="torchvision", folder=tmp_path / "own", shorter=240)
    assert made.run.preprocessing.shorter == 240
    assert made.way_from == "torchvision's for mobilenet_v2, and --shorter"


@pytest.mark.parametrize("kernels", ["torch", "operators"])
def test_pictures_of_different_sizes_are_evaluated_as_they_are_predicted(kernels, tmp_path: Path) -> None:
    _, tensors = drawn(SMALL, "torchvision", classes=2)
    (tmp_path / "names.txt").write_text("cat\ndog\n")
    run = brought(tensors, tmp_path, SMALL, "torchvision", classes=tmp_path / "names.txt").run
    generator = np.random.default_rng(1)
    for place, size in (("cat/a", (300, 260)), ("cat/b", (256, 400)), ("dog/c", (224, 224)), ("dog/d", (500, 230))):
        file = tmp_path / f"pictures/test/{place}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(generator.integers(0, 256, (*size, 3), dtype=np.uint8)).save(file)
    outputs, images = evaluate(run, source=str(tmp_path / "pictures"), kernels=kernels)
    predictor = Predictor(run)
    for name, row in zip(images.names, outputs.probabilities, strict=True):
        found = predictor(tmp_path / "pictures" / name).probabilities
        torch.testing.assert_close(torch.tensor(list(found.values())), row, rtol=0, atol=1e-5)
