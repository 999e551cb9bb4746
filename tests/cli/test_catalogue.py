"""striate list, show and cite; and a network written out wherever one is taken."""

import json
from collections.abc import Sequence
from dataclasses import replace

import pytest
from click.testing import CliRunner
from hypothesis import given, settings

from striate import NETWORKS, Network, account, find, from_json, from_text
from striate.cli import root
from striate.cli.print.outline import outline
from striate.description.layers import RBF, Auxiliary, Block, Branches, Conv, Joined, Layer, Linear, Residual
from striate.description.network import plan
from striate.errors import StriateError
from striate.networks import CATALOGUE
from tests.support.commands import python
from tests.support.strategies import networks


@pytest.fixture
def run(monkeypatch):
    """Runs a command at a page width and gives what it prints."""

    def run(*words: str, width: int = 80) -> str:
        monkeypatch.setenv("COLUMNS", str(width))
        result = CliRunner().invoke(root, list(words), standalone_mode=False)
        if result.exception is not None:
            raise result.exception
        return result.output

    return run


@pytest.mark.parametrize("width", [80, 160])
def test_list_has_every_network_under_its_paper(run, width: int) -> None:
    lines = run("list", width=width).splitlines()
    assert max(map(len, lines)) <= width
    for name in NETWORKS:
        (line,) = (line for line in lines if line.split()[:1] == [name])
        totals = account(find(name)).totals
        assert f" {totals.parameters:,} " in f"{line} "
        assert f" {totals.macs:,} " in f"{line} "
    (line,) = (line for line in lines if line.startswith("  vgg-d = vgg16 "))
    assert "138,357,544 15,470,264,320 8.1 % top-5" in " ".join(line.split())


def test_list_says_what_a_figure_was_measured_on_where_there_is_room(run) -> None:
    assert "ILSVRC-2012 validation, one scale" in run("list", width=160)
    assert "ILSVRC-2012 validation, one scale" not in run("list", width=80)


def test_list_with_a_word(run) -> None:
    lines = run("list", "simonyan").splitlines()
    assert [line.split()[0] for line in lines if line.startswith("  ") and "×" in line] == [
        name for name in NETWORKS if name.startswith("vgg")
    ]
    assert "vgg-e = vgg19" in run("list", "VGG19")
    with pytest.raises(StriateError) as caught:
        run("list", "resnet-50")
    assert str(caught.value).splitlines() == [
        "no network has 'resnet-50' in its name or paper.",
        f"There are {len(NETWORKS)}: striate list shows all.",
        "Did you mean 'resnet50'?",
    ]


def test_list_as_json(run) -> None:
    found = {each["name"]: each for each in json.loads(run("list", "--json"))}
    assert list(found) == list(NETWORKS)
    vgg = found["vgg-d"]
    assert (vgg["also"], vgg["year"], vgg["input"], vgg["parameters"]) == (["vgg16"], 2014, [3, 224, 224], 138_357_544)
    assert vgg["published"][0] == {
        "measure": "top-5 error", "value": 8.1, "text": "8.1 %", "data": "ILSVRC-2012 validation, one scale",
        "place": "table 3", "computed": None, "agrees": None,
    }  # fmt: skip
    assert (found["googlenet"]["parameters"], found["googlenet"]["training_parameters"]) == (6_998_552, 13_378_280)
    assert [each["agrees"] for each in found["lenet5"]["published"]] == [None, True, True]


@pytest.mark.parametrize("width", [80, 160])
@pytest.mark.parametrize("name", NETWORKS)
def test_show(run, name: str, width: int) -> None:
    text = run("show", name, width=width)
    lines = text.splitlines()
    assert max(map(len, lines)) <= width
    flat = " ".join(text.split())
    entry, network, totals = CATALOGUE[name], find(name), account(find(name)).totals
    assert entry.about in flat
    for departure in network.source.departures if network.source else ():
        assert departure in flat
    for figure in entry.published:
        assert f"{figure.measure} {figure.text}" in flat
    assert f"parameters {totals.parameters:,}" in flat
    assert sum(part.parameters for part in outline(network)) == account(network).training.parameters


def test_show_a_card(run) -> None:
    assert run("show", "lenet5").splitlines() == [
        "lenet5",
        "The 1998 network: a connection table, trainable subsampling, RBF units.",
        "",
        "paper       LeCun, Bottou, Bengio, Haffner, Gradient-based learning applied to",
        "            document recognition, 1998, section II-B, figure 2, table I",
        "departures  A unit of S2 and S4 adds its four inputs, as section II-B says;",
        "            section II-A averages them.",
        "            The RBF bitmaps are drawn anew: the paper shows its own in figure 3",
        "            and prints no table.",
        "input       1×32×32",
        "output      10 distances",
        "parameters  60,000",
        "MACs        328,096 per image",
        "recipe      lenet5 (striate train lenet5 uses it)",
        "",
        "published             computed",
        "error         0.95 %              MNIST test, section III-B",
        "parameters    60,000    60,000 ✓  section II-B",
        "connections  340,908   340,908 ✓  section II-B",
        "",
        "layer   what it is                             output  parameters",
        "─────────────────────────────────────────────────────────────────",
        "C1      conv 6 5x5, scaled_tanh               6×28×28         156",
        "S2      subsample 2x2, scaled_tanh            6×14×14          12",
        "C3      conv 16 5x5 table(...), scaled_tanh  16×10×10       1,516",
        "S4      subsample 2x2, scaled_tanh             16×5×5          32",
        "C5      conv 120 5x5, scaled_tanh, flatten        120      48,120",
        "F6      linear 84, scaled_tanh                     84      10,164",
        "output  rbf 10                                     10",
    ]


def test_show_says_where_a_paper_rounds_differently(run) -> None:
    text = run("show", "resnet34")
    assert "MACs         3.6 billion  3,663,761,408 ≠  table 1" in text
    assert "≠: differs in the digits that the paper prints." in text


def test_show_outlines_stages(run) -> None:
    assert "stage3.block2 … block36  35 × (residual(conv 256 1x1 no bias, bn, relu, " in run(
        "show", "resnet152", width=200
    )
    assert "head4a        auxiliary 0.3 (average 5x5 /3," in run("show", "googlenet")


def test_show_outlines_shortcuts_batch_norm_and_relu(run) -> None:
    text = run("show", "resnet18", width=200)
    block = "residual(conv 64 3x3 pad 1 no bias, bn, relu, conv 64 3x3 pad 1 no bias, bn), relu"
    assert f"stage1.block1 … block2  2 × ({block})" in text
    assert (
        "stage2.block1           residual(conv 128 3x3 /2 pad 1 no bias, bn, relu, conv 128 3x3 pad 1 no bias, bn | "
        "conv 128 1x1 /2 no bias, bn), relu"
    ) in text
    assert text.endswith("n × (...): n times in a row; identical blocks are shown once.\n")
    assert "identical blocks" not in run("show", "alexnet")


def without_tables(network: Network) -> Network:
    """The outline leaves out long tables and centres."""

    def plainer(layer: Layer) -> Layer:
        match layer:
            case RBF():
                return Linear(len(layer.centres))
            case Conv():
                return replace(layer, table=None)
            case Residual():
                return replace(layer, layers=plain(layer.layers), shortcut=plain(layer.shortcut))
            case Block() | Auxiliary():
                return replace(layer, layers=plain(layer.layers))
            case Branches():
                return replace(layer, branches=plain(layer.branches))
            case _:
                return layer

    def plain(layers: Sequence[Layer]) -> tuple[Layer, ...]:
        return tuple(map(plainer, layers))

    return replace(network, layers=plain(network.layers))


def check_outline(network: Network) -> None:
    """An outline, read as notation, is the network again: every layer stands in it, with its shortcut and branch."""
    network = without_tables(network)
    parts = outline(network)
    text = ", ".join(part.text for part in parts).replace(" × ", "*")
    again = from_text(f"{'x'.join(map(str, network.input))}: {text}")

    def layers(network: Network) -> list[object]:
        steps = plan(network).steps
        unnamed = [
            (type(step.layer), None) if isinstance(step.layer, Joined) else replace(step.layer, name="")
            for step in steps
        ]
        return [(layer, step.sources, step.inputs, step.output) for layer, step in zip(unnamed, steps, strict=True)]

    assert layers(again) == layers(network)
    assert sum(part.parameters for part in parts) == account(network).training.parameters


@pytest.mark.parametrize("name", NETWORKS)
def test_every_layer_stands_in_the_outline(name: str) -> None:
    check_outline(find(name))


@settings(max_examples=40, deadline=None, derandomize=True)
@given(networks())
def test_every_layer_of_any_network_stands_in_the_outline(network: Network) -> None:
    check_outline(network)


def test_repeats_inside_a_block_are_shown_with_their_number() -> None:
    network = from_text("8x4x4: residual(3*(conv 8 1x1, relu) | 2*relu), 2*(2*(conv 8 1x1, relu)), linear 2")
    check_outline(network)
    assert outline(network)[0].text == "residual(3 × (conv 8 1x1, relu) | 2 × relu)"


def test_show_of_a_network_written_out(run) -> None:
    assert run("show", "3x32x32: conv 4 3x3, relu, linear 10").splitlines() == [
        "network",
        "",
        "input       3×32×32",
        "output      10 logits",
        "parameters  36,122",
        "MACs        133,200 per image",
        "",
        "layer    what it is                 output  parameters",
        "──────────────────────────────────────────────────────",
        "conv1    conv 4 3x3, relu, flatten    3600         112",
        "linear1  linear 10                      10      36,010",
    ]


@pytest.mark.parametrize("name", ["lenet5", "googlenet", "alphago-policy"])
def test_show_prints_the_description_itself(run, name: str) -> None:
    assert from_text(run("show", name, "--as", "net")) == find(name)
    assert from_text(run("show", name, "--as", "line")) == find(name)
    assert from_json(run("show", name, "--as", "json")) == find(name)
    assert json.loads(run("show", name, "--json"))["name"] == name


def test_a_changed_copy_has_no_published_figures(run, tmp_path) -> None:
    path = tmp_path / "mine.net"
    path.write_text(run("show", "vgg-d", "--as", "net").replace("linear 1000", "linear 10"))
    assert "published" not in run("show", str(path))
    assert "parameters  134,301,514" in run("show", str(path))


def test_cite(run) -> None:
    text = run("cite", "vgg16", "vgg-a", "resnet50")
    assert text.count("@") == 2
    assert text.startswith(
        "@inproceedings{simonyan2015very,\n  author        = {Simonyan, Karen and Zisserman, Andrew},\n"
    )
    with pytest.raises(StriateError) as caught:
        run("cite", "fully-connected")
    assert str(caught.value).splitlines() == [
        "fully-connected has no paper.",
        "All networks of the catalogue have one, except lenet5-keras, lenet5-keras-table, fully-connected, "
        "go-policy-48, go-policy-128, go-policy-192.",
        "striate list shows them.",
    ]


def test_account_of_a_network_written_out(run) -> None:
    line = (
        "3x32x32: conv 16 5x5 pad 2, relu, max 2, conv 20 5x5 pad 2, relu, max 2, conv 20 5x5 pad 2, relu, max 2, "
        "linear 10, softmax"
    )
    assert json.loads(run("account", line, "--json"))["totals"]["parameters"] == 22_466


def test_no_framework_is_loaded() -> None:
    code = (
        "import sys; from striate.cli import root\n"
        "for words in (['list'], ['show', 'resnet152'], ['cite', 'lenet5'], ['list', '--json']):\n"
        "    root(words, standalone_mode=False)\n"
        "print([name for name in ('torch', 'numpy', 'rich', 'jaxtyping') if name in sys.modules])"
    )
    done = python(code)
    assert done.stdout.splitlines()[-1] == "[]"
