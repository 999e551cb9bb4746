"""Every network against the figures of its paper and of arithmetic, and the catalogue's own rules."""

import re

import pytest

from striate import NETWORKS, account, find
from striate.description.layers import Conv, Dropout, LocalResponseNorm
from striate.description.network import plan
from striate.errors import UnknownNameError
from striate.networks import ALIASES, CATALOGUE
from striate.networks.googlenet import INCEPTIONS
from striate.networks.lenet1 import H3_TABLE
from striate.networks.resnet import resnet, resnet_cifar
from tests.support.commands import python

# Parameters in use; and MACs in millions. Worked out by hand from the papers' tables.
TOTALS = {
    "lenet1": (2_578, 0.092288),
    "lenet5": (60_000, 0.328096),
    "lenet5-dense": (61_706, 0.41652),
    "lenet5-reader": (117_163, 1.302204),
    "lenet5-reader-1998": (60_000, 0.32818),
    "linear-classifier": (7_850, 0.00784),
    "mlp-300": (238_510, 0.2382),
    "mlp-1000": (795_010, 0.794),
    "mlp-300-100": (266_610, 0.2662),
    "mlp-500-150": (469_160, 0.4685),
    "lenet5-keras": (388_502, 1.736592),
    "lenet5-keras-table": (33_090, 1.858312),
    "simple-cnn": (1_413_834, 89.466496),
    "fully-connected": (122_890, 0.12288),
    "convnetjs-cifar10": (22_466, 3.92),
    "cifar-fast": (569_632, 54.223904),
    "alexnet": (60_965_224, 724.406816),
    "alexnet-one-tower": (62_378_344, 1_135.256096),
    "zfnet": (62_357_608, 1_168.032896),
    "zfnet-512": (107_627_624, 2_476.704896),
    "vgg-a": (132_863_336, 7_609),
    "vgg-a-lrn": (132_863_336, 7_609),
    "vgg-b": (133_047_848, 11_308),
    "vgg-c": (133_638_952, 11_771),
    "vgg-d": (138_357_544, 15_470),
    "vgg-e": (143_667_240, 19_632),
    "googlenet": (6_998_552, 1_583),
    "plain18": (11_515_688, 1_795),
    "plain34": (21_623_848, 3_644),
    "resnet18": (11_689_512, 1_814),
    "resnet18-a": (11_515_688, 1_795),
    "resnet34": (21_797_672, 3_664),
    "resnet34-a": (21_623_848, 3_644),
    "resnet34-c": (22_716_840, 3_831),
    "resnet50": (25_557_032, 3_858),
    "resnet101": (44_549_160, 7_570),
    "resnet152": (60_192_808, 11_282),
    "resnet20-cifar": (269_722, 40.6),
    "resnet32-cifar": (464_154, 68.9),
    "resnet44-cifar": (658_586, 97.2),
    "resnet56-cifar": (853_018, 125.5),
    "resnet110-cifar": (1_727_962, 252.9),
    "squeezenet-1.0": (1_248_424, 818.924576),
    "squeezenet-1.1": (1_235_496, 349.151936),
    "mobilenet-v1": (4_231_976, 568.740352),
    "mobilenet-v2": (3_504_872, 300.774272),
    "mobilenet-v3-small": (2_542_856, 56.5104),
    "mobilenet-v3-large": (5_483_032, 216.58976),
    "shufflenet-v1": (1_865_728, 137.460672),
    "densenet121": (7_978_856, 2_834.161664),
    "densenet169": (14_149_480, 3_359.843328),
    "densenet201": (20_013_928, 4_291.365888),
    "efficientnet-b0": (5_288_548, 385.814752),
    "inception-bn": (11_285_224, 2_032.600064),
    "all-cnn-c": (1_369_738, 270.798336),
    "resnet8-tiny": (78_186, 12.501632),
    "alexnet-torchvision": (61_100_840, 714.18848),
    "googlenet-torchvision": (6_624_904, 1_498.376192),
    "resnet50-torchvision": (25_557_032, 4_089.184256),
    "resnet101-torchvision": (44_549_160, 7_801.40544),
    "resnet152-torchvision": (60_192_808, 11_513.626624),
    "vgg11-bn": (132_868_840, 7_609.090048),
    "vgg13-bn": (133_053_736, 11_308.466176),
    "vgg16-bn": (138_365_992, 15_470.26432),
    "vgg19-bn": (143_678_248, 19_632.062464),
    "alphago-policy": (3_882_793, 1_401),
    "alphago-policy-48": (286_681, 103),
    "go-policy-48": (287_257, 103),
    "go-policy-128": (1_779_177, 641),
    "go-policy-192": (3_885_097, 1_401),
    "alphago-policy-128": (1_777_641, 641),
    "alphago-policy-256": (6_798_953, 2_453),
    "alphago-policy-384": (15_064_297, 5_436),
}


def rows(name: str):
    return {row.path: row.counts for row in account(find(name)).rows}


@pytest.mark.parametrize("name", NETWORKS)
def test_totals(name: str) -> None:
    totals = account(find(name)).totals
    parameters, millions = TOTALS[name]
    places = len(str(millions).partition(".")[2])
    assert (totals.parameters, round(totals.macs / 1e6, places)) == (parameters, millions)


def test_lenet1_is_the_1989_papers_to_the_digit() -> None:
    counts = rows("lenet1")
    layers = ("H1", "H2", "H3", "H4", "output")
    assert [counts[path].parameters for path in layers] == [4 * 26, 4 * 2, 20 * 25 + 12, 12 * 2, 10 * 193]
    assert [counts[path].connections for path in layers] == [59_904, 2_880, 32_768, 960, 1_930]
    units = 28 * 28 + sum(counts[path].activations for path in layers)
    assert units + 1 == 4_635  # one more gives every unit its bias


def test_lenet1s_halves_see_halves() -> None:
    assert len(H3_TABLE) == 12
    assert sum(map(len, H3_TABLE)) == 20
    assert {maps for row in H3_TABLE[:6] for maps in row} == {0, 1}
    assert [tuple(maps + 2 for maps in row) for row in H3_TABLE[:6]] == list(H3_TABLE[6:])


def test_alexnet_layer_by_layer() -> None:
    groups, dense = rows("alexnet"), rows("alexnet-one-tower")
    layers = ["conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7", "fc8"]
    connected = [37_752_832, 16_781_312, 4_097_000]
    assert [groups[path].parameters for path in layers] == [34_944, 307_456, 885_120, 663_936, 442_624, *connected]
    assert [dense[path].parameters for path in layers] == [34_944, 614_656, 885_120, 1_327_488, 884_992, *connected]
    neurons = [row.activations for path, row in groups.items() if path.startswith(("conv", "fc"))]
    assert sum(neurons) == 659_272


def test_alexnet_is_as_section_3_has_it() -> None:
    layers = find("alexnet").layers
    assert [layer.name for layer in layers[:8]] == [
        "conv1", "relu1", "norm1", "pool1", "conv2", "relu2", "norm2", "pool2",
    ]  # fmt: skip
    norm = next(layer for layer in layers if isinstance(layer, LocalResponseNorm))
    assert (norm.k, norm.size, norm.alpha, norm.beta) == (2.0, 5, 1e-4, 0.75)
    assert [layer.rate for layer in layers if isinstance(layer, Dropout)] == [0.5, 0.5]


@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        ("alexnet", [55, 27, 27, 13, 13, 13, 13, 6]),
        ("zfnet", [110, 55, 26, 13, 13, 13, 13, 6]),
        ("vgg-a", [224, 112, 112, 56, 56, 56, 28, 28, 28, 14, 14, 14, 7]),
        ("resnet50", [112, 56]),
    ],
)
def test_sizes_of_maps(name: str, sizes: list[int]) -> None:
    steps = plan(find(name)).steps
    windowed = [step for step in steps if hasattr(step.layer, "kernel") and "stage" not in step.path]
    assert [step.output[1] for step in windowed] == sizes


def test_vgg_d_layer_by_layer() -> None:
    counts = account(find("vgg-d"))
    weights = [row.counts.weights for row in counts.rows if row.counts.weights]
    convolutions = [1_728, 36_864, 73_728, 147_456, 294_912, *[589_824] * 2, 1_179_648, *[2_359_296] * 5]
    assert weights == [*convolutions, 102_760_448, 16_777_216, 4_096_000]
    assert counts.totals.activations == 15_237_608


def test_the_inception_modules_are_table_1s() -> None:
    counts = account(find("googlenet"))
    weights, macs = dict.fromkeys(INCEPTIONS, 0), dict.fromkeys(INCEPTIONS, 0)
    for row in counts.rows:
        name = row.path.removeprefix("inception")[:2]
        if row.path.startswith("inception"):
            weights[name] += row.counts.weights
            macs[name] += row.counts.macs
    assert list(weights.values()) == [
        163_328, 388_096, 375_552, 448_512, 509_440, 604_672, 867_328, 1_042_432, 1_442_816,
    ]  # fmt: skip
    assert [round(each / 1e6, 1) for each in macs.values()] == [
        128.0, 304.3, 73.6, 87.9, 99.9, 118.5, 170.0, 51.1, 70.7,
    ]  # fmt: skip
    outputs = {step.path: step.output for step in plan(find("googlenet")).steps}
    assert [outputs[f"inception{name}"] for name in ("3a", "3b", "4e", "5b")] == [
        (256, 28, 28), (480, 28, 28), (832, 14, 14), (1024, 7, 7),
    ]  # fmt: skip


def test_googlenets_heads() -> None:
    result = account(find("googlenet"))
    heads = {"head4a": 0, "head4d": 0}
    for row in result.rows:
        if row.in_head:
            heads[row.step.head] += row.counts.parameters
    assert heads == {"head4a": 3_188_840, "head4d": 3_190_888}
    assert result.training.parameters == 13_378_280
    assert plan(find("googlenet")).heads == {"head4a": 0.3, "head4d": 0.3}


@pytest.mark.parametrize(
    ("depth", "option", "parameters"),
    [
        (18, "A", 11_515_688), (18, "B", 11_689_512), (18, "C", 12_043_816),
        (34, "A", 21_623_848), (34, "B", 21_797_672), (34, "C", 22_716_840),
    ],
)  # fmt: skip
def test_the_three_shortcuts(depth: int, option: str, parameters: int) -> None:
    assert account(resnet("n", depth, shortcut=option)).totals.parameters == parameters


@pytest.mark.parametrize(
    ("blocks", "option", "parameters"),
    [
        (3, "B", 272_474), (5, "B", 466_906), (7, "B", 661_338), (9, "B", 855_770), (18, "B", 1_730_714),
        (200, "A", 19_421_274),
    ],
)  # fmt: skip
def test_residual_networks_for_cifar(blocks: int, option: str, parameters: int) -> None:
    assert account(resnet_cifar("n", blocks, shortcut=option)).totals.parameters == parameters


def test_resnet_152_has_151_convolutions() -> None:
    steps = [step for step in plan(find("resnet152")).steps if isinstance(step.layer, Conv)]
    main = [step.output[1] for step in steps if ".shortcut." not in step.path]
    assert {side: main.count(side) for side in (112, 56, 28, 14, 7)} == {112: 1, 56: 9, 28: 24, 14: 108, 7: 9}
    assert "stage3.block2.conv1" in {step.path for step in steps}


def test_alphagos_last_layers() -> None:
    counts = rows("alphago-policy")
    assert counts["conv1"].parameters == 230_592
    assert sum(counts[f"conv{number}"].parameters for number in range(2, 13)) == 3_651_648
    assert (counts["conv13"].parameters, counts["bias13"].parameters) == (192, 361)
    fields = {row.path: row.receptive_field.size for row in account(find("alphago-policy")).rows}
    assert fields["conv12"] == (27, 27)


COUNTED = {"parameters": "parameters", "connections": "connections", "MACs": "macs"}


def test_published_counts_are_ours_to_the_printed_digits() -> None:
    """But for these: the papers drop digits where rounding would raise them, AlexNet's 60 million is round, figure 5 of
    Inception-BN has fewer than its text, and MobileNets count variants of their own."""
    differ = {
        (name, published.measure)
        for name, entry in CATALOGUE.items()
        for published in entry.published
        if published.measure in COUNTED
        and not published.agrees(getattr(account(entry.make()).totals, COUNTED[published.measure]))
    }
    assert differ == {
        ("alexnet", "parameters"),
        ("googlenet", "MACs"),
        ("resnet34", "MACs"),
        ("resnet50", "MACs"),
        ("inception-bn", "parameters"),
        *(("mobilenet-v2", measure) for measure in ("parameters", "MACs")),
        *(("mobilenet-v3-large", measure) for measure in ("parameters", "MACs")),
        ("mobilenet-v3-small", "MACs"),
    }


@pytest.mark.parametrize("name", CATALOGUE)
def test_entries_are_complete(name: str) -> None:
    entry = CATALOGUE[name]
    network = entry.make()
    assert entry.about.endswith(".")
    if entry.paper is not None:
        assert network.source is not None
        assert (network.source.paper, network.source.year) == (entry.paper.cited, entry.paper.year)
    for published in entry.published:
        assert published.number > 0
        assert published.place
        assert published.measure in COUNTED or published.data


def test_papers_have_keys_of_their_own() -> None:
    papers = {entry.paper for entry in CATALOGUE.values() if entry.paper}
    assert len({paper.key for paper in papers}) == len(papers)
    assert all(re.fullmatch(r"[a-z]+(19|20)\d\d[a-z0-9]+", paper.key) for paper in papers)


def test_bibtex() -> None:
    paper = CATALOGUE["alphago-policy"].paper
    assert paper is not None
    text = paper.bibtex()
    assert text.startswith("@article{silver2016mastering,\n  author  = {Silver, David and Huang, Aja and Maddison, ")
    assert "van den Driessche, George and" in text
    assert text.count("{") == text.count("}")
    assert "  year    = {2016},\n" in text


def test_other_names() -> None:
    assert find("vgg16") == find("vgg-d")
    assert find("vgg19") == find("vgg-e")
    assert not set(ALIASES) & set(NETWORKS)
    with pytest.raises(UnknownNameError) as caught:
        find("vgg-61")
    assert str(caught.value).splitlines() == [
        "no network is called 'vgg-61'.",
        f"The catalogue has {len(NETWORKS)} networks; striate list shows them.",
        "Did you mean 'vgg19'?",
        "A file (.net or .json) or a run's folder may be given too, or a network written out: "
        "'1x28x28: conv 8 5x5, relu, linear 10'.",
    ]


def test_no_framework_is_loaded_for_the_whole_catalogue() -> None:
    code = (
        "import sys, striate; [striate.find(name) for name in striate.NETWORKS]; "
        "print([name for name in ('torch', 'numpy', 'rich', 'jaxtyping') if name in sys.modules])"
    )
    assert python(code).stdout == "[]\n"
