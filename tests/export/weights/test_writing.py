"""A run's weights under torchvision's names: they come back as they went, and other networks are refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from striate.data import Preprocessing
from striate.errors import OutputError, WeightsError
from striate.export.weights.bring import bring
from striate.export.weights.tables import TABLES
from striate.export.weights.writing import export_weights, table_of
from striate.modules import build
from striate.networks import find
from striate.networks.adapt import adapted
from striate.train.imported import ClassifierSettings, create_imported
from striate.train.run import Run
from tests.support.weights import drawn


def run_of(folder: Path, network: str, classes: int = 3) -> Run:
    names = tuple(f"thing {number}" for number in range(classes))
    own = adapted(find(network), names)
    way = Preprocessing(own.input, "resize", low=-0.1, high=1.175, form="picture", size=(50, 50))
    tensors = build(own, generator=torch.Generator().manual_seed(0)).state_dict()
    return create_imported(folder, own, tensors, answers=ClassifierSettings(way, names), origin={"file": "test"})


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_what_is_written_comes_back(suffix, tmp_path: Path) -> None:
    run = run_of(tmp_path / "run", "mobilenet-v3-small")
    written = export_weights(run, tmp_path / f"a{suffix}")
    assert written.call == "torchvision.models.mobilenet_v3_small(num_classes=3)"
    assert written.bytes == (tmp_path / f"a{suffix}").stat().st_size
    back = bring(find("mobilenet-v3-small"), written.file, library="torchvision", folder=tmp_path / "b").run
    assert back.network == run.network
    found, wanted = (each.model().state_dict() for each in (back, run))
    assert all(torch.equal(found[name], each) for name, each in wanted.items())
    if suffix == ".safetensors":  # which has room for what is not a tensor
        assert back.classes == run.classes
        assert back.preprocessing == run.preprocessing


def test_names_and_shapes_are_the_librarys(tmp_path: Path) -> None:
    _, wanted = drawn("mobilenet-v3-small", "torchvision", classes=3)
    export_weights(run_of(tmp_path / "run", "mobilenet-v3-small"), tmp_path / "a.pt")
    found = torch.load(tmp_path / "a.pt", weights_only=True)
    assert {name: each.shape for name, each in found.items()} == {name: each.shape for name, each in wanted.items()}


def test_googlenet_is_loaded_without_its_heads(tmp_path: Path) -> None:
    written = export_weights(run_of(tmp_path / "run", "googlenet-torchvision", 1000), tmp_path / "a.pth")
    assert written.call == "torchvision.models.googlenet(aux_logits=False, init_weights=False)"


@pytest.mark.parametrize("network", [each for each in TABLES["torchvision"] if each != "efficientnet-b0"])
def test_the_table_is_found_by_the_layers(network) -> None:
    own = find(network)
    assert table_of(own, "torchvision").network == network
    assert table_of(adapted(own, ("a", "b")), "torchvision").network == network


@pytest.mark.parametrize("network", ["lenet5-dense", "resnet50", "shufflenet-v1"])
def test_other_networks_are_refused_with_a_list(network) -> None:
    with pytest.raises(WeightsError) as caught:
        table_of(find(network), "torchvision")
    assert str(caught.value).startswith(f"torchvision has no model with the layers of {network}.\nIt has vgg-a, ") or (
        "alexnet-torchvision" in str(caught.value)
    )
    assert caught.value.remedy == "Write it as ONNX: striate export RUN."


def test_another_epsilon_is_another_network() -> None:
    with pytest.raises(WeightsError, match="torchvision has no model with the layers of mobilenet-v3-small"):
        table_of(TABLES["timm"]["mobilenet-v3-small"].value(1000), "torchvision")
    with pytest.raises(WeightsError) as caught:
        table_of(find("efficientnet-b0"), "torchvision")
    assert caught.value.what == (
        "torchvision has no model with the layers of efficientnet-b0: its efficientnet_b0 has others. "
        "Batch norm's epsilon is 1e-05, as torchvision has it."
    )
    assert table_of(TABLES["torchvision"]["efficientnet-b0"].value(7), "torchvision").model == "efficientnet_b0"


def test_the_suffix_says_the_format(tmp_path: Path) -> None:
    run = run_of(tmp_path / "run", "mobilenet-v3-small")
    with pytest.raises(OutputError, match=r"a\.bin does not end in \.safetensors, \.pth, \.pt\.\n.*\nName it a\.safe"):
        export_weights(run, tmp_path / "a.bin")
    with pytest.raises(OutputError, match=r"cannot be written: .*\nIt was not written\.\nGive another place to --out"):
        export_weights(run, tmp_path / "none/a.pth")
