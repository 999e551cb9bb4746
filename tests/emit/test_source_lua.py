"""Torch7 source is whole Lua, and what it was: golden files."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

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
from tests.emit.repeating import WRONG_ONCE, repeating
from tests.support.everything import everything

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
    assert source(find(name), "torch7") == (GOLDEN / f"{name}.lua").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("layer", "what", "expected"),
    [
        (Activation("gelu"), "gelu", "It has relu, relu6, leaky_relu, elu, tanh, sigmoid, and what they make up."),
        (LocalResponseNorm(size=4), "SpatialCrossMapLRN over 4 maps", "It takes an odd number of adjacent maps."),
        (Upsample((1, 2)), "upsampling by 1 and 2", "It takes one factor for both axes."),
        (
            Conv(4, kernel=3, dilation=2, groups=4),
            "depthwise convolution with a dilation",
            "Its SpatialDilatedConvolution sees every map.",
        ),
        (
            Conv(1, kernel=3, table=((0, 1),), bias=False),
            "convolution with a connection table and no bias",
            "Give it a bias.",
        ),
        (
            Pool("average", kernel=3, stride=2, padding=(1, 0, 1, 0), ceil=True),
            "average pooling that goes over the edge like this one",
            "It pads opposite sides alike, by half the kernel at most.",
        ),
    ],
)
def test_what_torch7_cannot_express_is_refused(layer: Any, what: str, expected: str) -> None:
    network = Network("odd", (4, 5, 5), [layer, Flatten(), Linear(2)])
    with pytest.raises(SpecError) as caught:
        source(network, "torch7")
    path = plan(network).steps[0].path
    assert str(caught.value).splitlines() == [f"{path}: Torch7 has no {what}.", expected]


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


def test_widths_come_first() -> None:
    network = Network("wide", (1, 9, 9), [Conv(2, kernel=(3, 5), stride=(1, 2), padding=(0, 1)), Flatten(), Linear(2)])
    assert "nn.SpatialConvolution(1, 2, 5, 3, 2, 1, 1, 0)" in source(network, "torch7")


def test_hostile_names() -> None:
    inner = [Conv(2, kernel=1, name="end"), Conv(3, kernel=1, name="nil"), Conv(2, kernel=1, name="goto")]
    layers = [Residual(inner, name="function"), Residual(inner[1:], name="local"), Flatten(name="nn"), Linear(2)]
    parse(source(Network("[[ -- ]]", (2, 3, 3), layers), "torch7"))
