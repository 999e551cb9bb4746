"""The tables of names: each is of all tensors of the library's model, and of no other."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from striate.description.network import plan
from striate.errors import SpecError, WeightsError
from striate.export.weights.matching import shapes_of
from striate.export.weights.resnet import layer
from striate.export.weights.tables import ALL, INSTEAD, TABLES, table
from striate.export.weights.theirs import MEAN, STD, Theirs
from striate.networks import NETWORKS

# The first 16 digits of the SHA-256 of each model's names and shapes, sorted, a line each, as torchvision 0.29.1 and
# timm 1.0.31 have them.
NAMES = {
    ("torchvision", "alexnet"): "9b204a0e6319caba",
    ("torchvision", "vgg11"): "839b1d4e93d78d88",
    ("torchvision", "vgg13"): "16c588a61614aa27",
    ("torchvision", "vgg16"): "e36b43eb356035da",
    ("torchvision", "vgg19"): "fafd9d516f77ba55",
    ("torchvision", "vgg11_bn"): "92b35921413c8911",
    ("torchvision", "vgg13_bn"): "2ee9fb082618c35c",
    ("torchvision", "vgg16_bn"): "ac9d6e9725a44cb1",
    ("torchvision", "vgg19_bn"): "95c2fa41f19fe7a1",
    ("timm", "vgg11"): "4173af41d6ab1f44",
    ("timm", "vgg13"): "dfe52e88795b1f5d",
    ("timm", "vgg16"): "a4ac622a768b376f",
    ("timm", "vgg19"): "ce518595a4caecfa",
    ("timm", "vgg11_bn"): "a9e1e66cfdd01d74",
    ("timm", "vgg13_bn"): "4f5b0381afec363d",
    ("timm", "vgg16_bn"): "13901f8f419518c8",
    ("timm", "vgg19_bn"): "6aaa37c3cc7d1563",
    ("torchvision", "googlenet"): "e5c470d1ce5e675e",
    ("torchvision", "resnet18"): "f0e35161599236f3",
    ("torchvision", "resnet34"): "c1372162bc2e8e86",
    ("torchvision", "resnet50"): "fe1d335c3c7786ff",
    ("torchvision", "resnet101"): "b6755676a9dbfb7d",
    ("torchvision", "resnet152"): "3446679ffd752d79",
    ("timm", "resnet18"): "f0e35161599236f3",
    ("timm", "resnet34"): "c1372162bc2e8e86",
    ("timm", "resnet50"): "fe1d335c3c7786ff",
    ("timm", "resnet101"): "b6755676a9dbfb7d",
    ("timm", "resnet152"): "3446679ffd752d79",
    ("torchvision", "squeezenet1_0"): "cd23a9be2e193de5",
    ("torchvision", "squeezenet1_1"): "a462856ef96ade94",
    ("torchvision", "densenet121"): "1fe00a8008e9a530",
    ("torchvision", "densenet169"): "c0294fa506afd3fa",
    ("torchvision", "densenet201"): "7d7147f47babb7bf",
    ("timm", "densenet121"): "1fe00a8008e9a530",
    ("timm", "densenet169"): "c0294fa506afd3fa",
    ("timm", "densenet201"): "7d7147f47babb7bf",
    ("torchvision", "mobilenet_v2"): "2a196dc04125b8ce",
    ("timm", "mobilenetv2_100"): "026fcf850fd3006a",
    ("torchvision", "mobilenet_v3_small"): "6353e9f51ee2108d",
    ("torchvision", "mobilenet_v3_large"): "00e3a56a0bdeba96",
    ("timm", "mobilenetv3_small_100"): "828877c834db4893",
    ("timm", "mobilenetv3_large_100"): "7f2ec26ba945f437",
    ("timm", "mobilenetv1_100"): "ae25296301944b46",
    ("torchvision", "efficientnet_b0"): "20940b31d23df4a1",
    ("timm", "efficientnet_b0"): "de46994670e19e0c",
}


def test_every_table_has_the_librarys_names_and_shapes() -> None:
    assert {(each.package, each.model) for each in ALL} == set(NAMES)


@pytest.mark.parametrize("theirs", ALL, ids=lambda each: f"{each.package}-{each.model}")
def test_names_and_shapes_are_the_librarys(theirs: Theirs) -> None:
    shapes = shapes_of(theirs.value(1000))
    named = {theirs.name(path): theirs.shape(path, shape) for path, shape in shapes.items()}
    assert len(named) == len(shapes)
    lines = sorted(f"{name} {'x'.join(map(str, shape))}" for name, shape in named.items())
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]
    assert digest == NAMES[theirs.package, theirs.model]


def test_networks_stay_the_catalogues_where_the_library_has_the_same_numbers() -> None:
    changed = {(each.package, each.network) for each in ALL if each.value(1000) != NETWORKS[each.network]()}
    assert changed == {
        ("timm", "mobilenet-v1"),
        ("timm", "mobilenet-v3-small"),
        ("timm", "mobilenet-v3-large"),
        ("torchvision", "efficientnet-b0"),
        ("timm", "efficientnet-b0"),
    }


def test_another_epsilon_and_other_functions_are_departures() -> None:
    network = TABLES["timm"]["mobilenet-v3-small"].value(1000)
    assert {step.layer.epsilon for step in plan(network).steps if hasattr(step.layer, "epsilon")} == {1e-5}
    assert network.source is not None
    assert network.source.departures[-1] == "Batch norm's epsilon is 1e-05, as timm has it."
    network = TABLES["timm"]["mobilenet-v1"].value(1000)
    assert {step.layer.function for step in plan(network).steps if hasattr(step.layer, "function")} == {"relu6"}


@pytest.mark.parametrize("library", list(TABLES))
@pytest.mark.parametrize("network", list(INSTEAD))
def test_a_similar_network_is_refused_with_the_one_to_take(network, library) -> None:
    with pytest.raises(WeightsError) as caught:
        table(network, library)
    right = INSTEAD[network].network
    if right in TABLES[library]:
        assert caught.value.remedy == f"Take that: striate import-weights {right} FILE --from {library}."
    else:
        assert caught.value.what == f"{library} has no weights for {network}."


def test_the_papers_resnet50_says_why() -> None:
    with pytest.raises(WeightsError) as caught:
        table("resnet50", "torchvision")
    assert str(caught.value) == (
        "resnet50 is not the resnet50 of torchvision: it has the stride of a bottleneck in the 3×3 convolution, and "
        "the paper in the first 1×1: with the same names and shapes, outputs would be others.\n"
        "The weights of torchvision's resnet50 are for resnet50-torchvision.\n"
        "Take that: striate import-weights resnet50-torchvision FILE --from torchvision."
    )


def test_a_library_without_a_network_says_which_it_has() -> None:
    with pytest.raises(WeightsError, match=r"timm has no weights for squeezenet-1\.1\.\nIt has them for vgg-a, "):
        table("squeezenet-1.1", "timm")


def test_a_layer_without_a_name_is_refused() -> None:
    with pytest.raises(SpecError, match=r"a\.b\.c\.d\.e has no name in the table"):
        layer("a.b.c.d.e")


def test_pixels_have_imagenets_mean_and_deviation() -> None:
    way = table("resnet18", "torchvision").way.preprocessing()
    assert way.low == tuple(-mean / std for mean, std in zip(MEAN, STD, strict=True))
    assert table("googlenet-torchvision", "torchvision").way.preprocessing().range() == (-1.0, 1.0)


def test_the_page_has_the_tables() -> None:
    page = (Path(__file__).parents[3] / "docs/weights.md").read_text(encoding="utf-8")
    rows = [
        [each.strip().strip("`") for each in line.strip("|").split("|")]
        for line in page.splitlines()
        if line[:1] == "|"
    ]
    head, _, *found = rows
    assert head == ["Striate", "torchvision", "timm"]
    names = dict.fromkeys([*TABLES["torchvision"], *TABLES["timm"]])
    models = [{name: each.model for name, each in TABLES[library].items()} for library in ("torchvision", "timm")]
    assert found == [[name, *(each.get(name, "") for each in models)] for name in names]
