"""Torch7 source is whole Lua, gives our module's outputs where a Lua is installed, and is what it was: golden files."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from striate import (
    NETWORKS,
    Activation,
    Conv,
    Flatten,
    Linear,
    LocalResponseNorm,
    Network,
    Pool,
    Residual,
    Upsample,
    find,
)
from striate.description.network import plan
from striate.description.notation.reading import from_text
from striate.emit.source import source
from striate.errors import SpecError
from striate.modules import build
from tests.emit.repeating import WRONG_ONCE, repeating
from tests.support.everything import everything
from tests.support.settled import spread
from tests.support.sizes import macs_of
from tests.support.torch7 import LUA, modules, output, weights

GOLDEN = Path(__file__).parent / "golden"
TOKEN = re.compile(r"\s+|--[^\n]*|'[^'\n]*'|[A-Za-z_]\w*|\d+(?:\.\d+)?(?:e-?\d+)?|~=|==|\.\.|[-+*/%=<>#(){}\[\],.;:]")
CLOSES = {")": "(", "}": "{", "]": "["}
KNOWN = {
    *("Sequential", "ConcatTable", "Concat", "CAddTable", "CMulTable", "Identity", "Narrow", "View", "Padding"),
    *("SpatialConvolution", "SpatialDilatedConvolution", "SpatialDepthWiseConvolution", "SpatialConvolutionMap"),
    *("SpatialZeroPadding", "SpatialMaxPooling", "SpatialAveragePooling", "SpatialAdaptiveAveragePooling"),
    *("SpatialSubSampling", "SpatialBatchNormalization", "BatchNormalization", "SpatialCrossMapLRN", "Linear"),
    *("SpatialUpSamplingNearest", "CMul", "CAdd", "Euclidean", "Square", "Dropout", "SoftMax", "ReLU", "ReLU6"),
    *("Tanh", "Sigmoid", "LeakyReLU", "ELU", "MulConstant", "AddConstant"),
}
"""The modules of Torch7's `nn` that the source may use."""


def parse(text: str) -> None:
    """Fail where the text is no sequence of tokens of Lua, or where brackets or blocks do not close."""
    place, opened = 0, list[str]()
    while place < len(text):
        token = TOKEN.match(text, place)
        assert token is not None, text[place : place + 40]
        place, word = token.end(), token[0]
        if word in "({[" or word in ("function", "do", "then"):
            opened.append(word)
        elif word in CLOSES:
            assert opened.pop() == CLOSES[word]
        elif word == "end":
            assert opened.pop() in ("function", "do", "then")
    assert opened == []
    own = {"ScaleMaps"} if "torch.class('nn.ScaleMaps'" in text else set()
    code = re.sub(r"--[^\n]*", "", text)
    assert set(re.findall(r"\bnn\.(\w+)\(", code)) <= KNOWN | own
    called = set(re.findall(r"(?<![.:\w])([a-z]\w*)\(", code)) - {"ipairs", "function", "convolution"}
    functions = re.findall(r"function (\w+)\(", code)
    assert called <= {*functions}
    assert len({*functions}) == len(functions)
    for arguments in re.findall(r"function \w+\(([^)]*)\)", code):
        assert not {*re.split(r"\W+", arguments)} & (
            {*functions} | {*re.findall(r"^local (\w+) =", code, re.MULTILINE)}
        )


def compare(network: Network, folder: Path) -> None:
    """Fail where what Torch7's modules give for one image is not what our module gives."""
    made = modules(source(network, "torch7"), folder)
    generator = torch.Generator().manual_seed(3)
    ours = build(network, generator=generator).double().eval()
    spread(ours, generator)
    images = torch.rand(1, *network.input, generator=generator, dtype=torch.float64)
    own = weights(network, ours)
    with torch.no_grad():
        expected, found = ours(images), output(made, images, own)
    assert next(own, None) is None
    assert expected.shape == found.shape
    assert (expected - found).abs().max() <= 1e-5 * max(1e-9, (expected.max() - expected.min()).item())


needs_lua = pytest.mark.skipif(not LUA, reason="no Lua is installed (apt install luajit)")
LIGHT = [name for name in NETWORKS if macs_of(name) < 1e8]
"""Networks that take little time."""


@needs_lua
@pytest.mark.parametrize("name", LIGHT)
def test_the_catalogue_gives_our_outputs(name: str, tmp_path: Path) -> None:
    compare(find(name), tmp_path)


@needs_lua
@pytest.mark.parametrize("name", [*WRONG_ONCE])
def test_what_was_wrong_once_gives_our_outputs(name: str, tmp_path: Path) -> None:
    compare(from_text(WRONG_ONCE[name]), tmp_path)


@needs_lua
@given(st.one_of(repeating(), everything()))
@settings(max_examples=60, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
def test_random_networks_give_our_outputs(tmp_path: Path, network: Network) -> None:
    try:
        source(network, "torch7")
    except SpecError as error:
        assert "Torch7 has no " in str(error)  # noqa: PT017
        return
    compare(network, tmp_path)


@pytest.mark.parametrize("name", [*NETWORKS])
def test_the_catalogue_is_whole_lua(name: str) -> None:
    parse(source(find(name), "torch7"))


@given(everything())
@settings(max_examples=100, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
def test_random_networks_are_whole_lua(network: Network) -> None:
    try:
        parse(source(network, "torch7"))
    except SpecError as error:
        assert "Torch7 has no " in str(error)  # noqa: PT017


@pytest.mark.parametrize("name", [*WRONG_ONCE])
def test_what_was_wrong_once(name: str) -> None:
    parse(source(from_text(WRONG_ONCE[name]), "torch7"))


@given(repeating())
@settings(max_examples=100, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
def test_repeated_blocks_are_whole_lua(network: Network) -> None:
    try:
        parse(source(network, "torch7"))
    except SpecError as error:
        assert "Torch7 has no " in str(error)  # noqa: PT017


@pytest.mark.parametrize("name", ["lenet5", "alexnet", "resnet18", "googlenet", "shufflenet-v1", "mobilenet-v3-small"])
def test_it_is_the_golden_file(name: str) -> None:
    text = source(find(name), "torch7", made_by=f"striate emit {name} --to torch7")
    assert text == (GOLDEN / f"{name}.lua").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("layer", "what", "expected", "remedy"),
    [
        (
            Activation("gelu"),
            "gelu",
            "It has relu, relu6, leaky_relu, elu, tanh, sigmoid, and what they make up.",
            "Put one of these in its place, such as silu, which is x times a sigmoid.",
        ),
        (
            LocalResponseNorm(size=4),
            "SpatialCrossMapLRN over 4 maps",
            "It takes an odd number of adjacent maps.",
            "Give it an odd size, such as 5.",
        ),
        (
            Upsample((1, 2)),
            "upsampling by 1 and 2",
            "It takes one factor for both axes.",
            "Give both axes one factor, such as 1.",
        ),
        (
            Conv(4, kernel=3, dilation=2, groups=4),
            "convolution with a dilation of 2×2 and 4 groups",
            "Its SpatialDilatedConvolution sees every map.",
            "Give it a dilation of 1, or let every filter see every map.",
        ),
        (
            Conv(1, kernel=2, dilation=(1, 2), table=((0, 1),)),
            "convolution with a dilation of 1×2 and a connection table",
            "Its SpatialDilatedConvolution sees every map.",
            "Give it a dilation of 1, or let every filter see every map.",
        ),
        (
            Conv(1, kernel=3, table=((0, 1),), bias=False),
            "convolution with a connection table and no bias",
            "Its SpatialConvolutionMap has a bias.",
            "Give it a bias.",
        ),
        (
            Pool("average", kernel=3, stride=2, padding=(1, 0, 1, 0), ceil=True),
            "average pooling with a kernel of 3×3, a stride of 2×2 and a padding of (1, 0, 1, 0), and a window over "
            "the edge",
            "It pads opposite sides alike, by half the kernel at most, and rounds both axes up or none.",
            "Give it such padding, and no ceil.",
        ),
        (
            Pool("average", kernel=3, stride=1, padding=(1, 0, 0, 0), count_padding=False),
            "average pooling with a kernel of 3×3, a stride of 1×1 and a padding of (1, 0, 0, 0), and padding that it "
            "leaves out",
            "It pads opposite sides alike, by half the kernel at most, and rounds both axes up or none.",
            "Give it such padding, or count the padding.",
        ),
    ],
)
def test_what_torch7_cannot_express_is_refused(layer: Any, what: str, expected: str, remedy: str) -> None:
    network = Network("odd", (4, 5, 5), [layer, Flatten(), Linear(2)])
    with pytest.raises(SpecError) as caught:
        source(network, "torch7")
    path = plan(network).steps[0].path
    assert str(caught.value).splitlines() == [f"{path}: Torch7 has no {what}.", expected, remedy]


def test_sizes_that_are_written_out_stand_in_no_shared_function() -> None:
    text = source(from_text(WRONG_ONCE["padding wider than half the kernel"]), "torch7")
    assert (
        text.count(":add(nn.Padding(2, -2, 3, -math.huge))")
        == text.count(":add(nn.Padding(2, -3, 3, -math.huge))")
        == 2
    )
    assert (
        text.count(":add(nn.SpatialMaxPooling(3, 3, 1, 1))")
        == text.count(":add(nn.SpatialMaxPooling(5, 5, 1, 1))")
        == 2
    )


def test_padding_of_a_table_stands_in_no_shared_function() -> None:
    text = source(from_text(WRONG_ONCE["padding of connection tables"]), "torch7")
    for sides, kernel in (("1, 1, 1, 1", "3, 3"), ("2, 2, 2, 2", "5, 5")):
        assert text.count(f":add(nn.SpatialZeroPadding({sides}))") == 1
        assert text.count(f":add(nn.SpatialConvolutionMap(conv1_table, {kernel}, 1, 1))") == 1


def test_a_gate_of_every_value_is_no_gate_of_maps() -> None:
    text = source(from_text(WRONG_ONCE["gates of every value beside gates of maps"]), "torch7")
    assert text.count(":add(nn.CMulTable())\n") == text.count(":add(nn.ScaleMaps())\n") == 1


def test_a_batch_of_one_image_stays_a_batch() -> None:
    network = from_text("""2x4x4: conv 4 1x1, g1: gate(global_average, linear 4, sigmoid),
        g2: gate(global_average, linear 4, sigmoid), scale, position_bias, flatten, linear 2""")
    text = source(network, "torch7")
    assert text.count("nn.View(") == text.count(":setNumInputDims(3)") == 2
    assert "body:add(nn.View(-1):setNumInputDims(3))\n" in text
    assert "model:add(nn.View(64):setNumInputDims(3))" in text
    assert "nn.CMul(1, 4, 1, 1)" in text
    assert "nn.CAdd(1, 4, 4, 4)" in text


@pytest.mark.parametrize("name", ["densenet201", "resnet152", "googlenet", "inception-bn", "mobilenet-v3-large"])
def test_the_catalogue_has_few_local_names(name: str) -> None:
    text = source(find(name), "torch7")
    assert len(re.findall(r"^local ", text, re.MULTILINE)) <= 60
    assert max(len(re.findall(r"\blocal ", each)) for each in re.split(r"^end$", text, flags=re.MULTILINE)) <= 60


def crowded() -> Network:
    """A network of 144 functions and as many constants."""
    tables = [((place % 12,), (place // 12,), *((0,),) * 10) for place in range(144)]
    sums = [Residual([Conv(12, kernel=1, table=each, name="c")], name=f"sum{at}") for at, each in enumerate(tables)]
    return Network("crowded", (12, 2, 2), [*sums, Flatten(), Linear(2)])


def test_a_chunk_has_no_more_local_names_than_lua_allows() -> None:
    text = source(crowded(), "torch7")
    assert text.count("function residual_sum") == 144
    assert re.findall(r"^local .*", text, re.MULTILINE) == [
        "local function connections(rows)",
        "local model = nn.Sequential()",
    ]
    parse(text)


@needs_lua
def test_lua_compiles_it(tmp_path: Path) -> None:
    for network in (crowded(), *map(find, NETWORKS)):
        (tmp_path / f"{network.name}.lua").write_text(source(network, "torch7"), encoding="utf-8")
    script = "for _, name in ipairs(arg) do assert(loadfile(name)) end print('all')"
    (tmp_path / "compile").write_text(script, encoding="utf-8")
    command = [LUA, "compile", *sorted(each.name for each in tmp_path.glob("*.lua"))]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("all\n", "")


def test_no_function_is_called_like_a_global_of_lua() -> None:
    text = source(from_text("2x4x4: table: branches(conv 1 1x1; conv 1 1x1), linear 2"), "torch7")
    assert "local function table2()" in text


def test_no_constant_is_called_like_a_function() -> None:
    text = source(
        from_text("2x4x4: c: conv 2 1x1 table(0 1), c_table: residual(conv 2 1x1 table(0 1)), c_table1: conv 2 1x1"),
        "torch7",
    )
    names = re.findall(r"^local (?:function )?(\w+)", text, re.MULTILINE)
    assert len({*names}) == len(names)


def test_sizes_that_rise_stand_in_no_loop_around_a_function_with_an_i_of_its_own() -> None:
    text = source(
        from_text(
            """4x9x9: b: (c1: conv 4 1x1 groups 2, c2: conv 4 2x2 groups 2, c3: conv 4 3x3 groups 2), linear 2"""
        ),
        "torch7",
    )
    kernels = re.findall(r"nn\.SpatialConvolution\(i, o, (.*?)\) end", text)
    assert kernels == ["1, 1", "2, 2", "3, 3"]


def test_widths_come_first() -> None:
    network = Network("wide", (1, 9, 9), [Conv(2, kernel=(3, 5), stride=(1, 2), padding=(0, 1)), Flatten(), Linear(2)])
    assert "nn.SpatialConvolution(1, 2, 5, 3, 2, 1, 1, 0)" in source(network, "torch7")


def test_hostile_names() -> None:
    inner = [Conv(2, kernel=1, name="end"), Conv(3, kernel=1, name="nil"), Conv(2, kernel=1, name="goto")]
    layers = [Residual(inner, name="function"), Residual(inner[1:], name="local"), Flatten(name="nn"), Linear(2)]
    parse(source(Network("[[ -- ]]", (2, 3, 3), layers), "torch7"))
