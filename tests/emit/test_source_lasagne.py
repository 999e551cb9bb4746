"""Lasagne source is Python that names only what it defines or Lasagne has, and what it was: golden files."""

from __future__ import annotations

import ast
import builtins
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from striate import NETWORKS, Auxiliary, Block, Conv, Flatten, Linear, LocalResponseNorm, Network, Pool, Residual, find
from striate.description.network import plan
from striate.description.notation.reading import from_text
from striate.emit.source import source
from striate.emit.source.lasagne import LAYERS, NONLINEARITIES
from striate.errors import SpecError
from tests.emit.repeating import WRONG_ONCE, repeating
from tests.support.everything import everything

GOLDEN = Path(__file__).parent / "golden"


def parse(text: str) -> None:
    """Fail where the text is no Python, reads a name that nothing gives, or calls an argument of a function of ours."""
    tree = ast.parse(text)
    given, read = {*dir(builtins), "__name__"}, set[str]()
    for node in ast.walk(tree):
        match node:
            case ast.Name(name, ast.Load()):
                read.add(name)
            case ast.Name(name, ast.Store()) | ast.arg(name):
                given.add(name)
            case ast.FunctionDef(name):
                given.add(name)
                arguments = {each.arg for each in ast.walk(node) if isinstance(each, ast.arg)}
                called = {
                    each.func.id
                    for each in ast.walk(node)
                    if isinstance(each, ast.Call) and isinstance(each.func, ast.Name)
                }
                assert not arguments & called
            case ast.ClassDef(name):
                given.add(name)
            case ast.Import(names) | ast.ImportFrom(names=names):
                given |= {each.asname or each.name for each in names}
                if isinstance(node, ast.ImportFrom):
                    known = LAYERS if node.module == "lasagne.layers" else NONLINEARITIES
                    assert {each.name for each in names} <= {*known}
            case _:
                pass
    assert read <= given


@pytest.mark.parametrize("name", [*NETWORKS])
def test_the_catalogue_is_whole_python(name: str) -> None:
    parse(source(find(name), "lasagne"))


@given(everything())
@settings(max_examples=100, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
def test_random_networks_are_whole_python(network: Network) -> None:
    try:
        parse(source(network, "lasagne"))
    except SpecError as error:
        assert "Lasagne has no " in str(error)  # noqa: PT017


@pytest.mark.parametrize("name", [*WRONG_ONCE])
def test_what_was_wrong_once(name: str) -> None:
    parse(source(from_text(WRONG_ONCE[name]), "lasagne"))


@pytest.mark.slow
@given(repeating())
@settings(max_examples=100, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
def test_repeated_blocks_are_whole_python(network: Network) -> None:
    try:
        parse(source(network, "lasagne"))
    except SpecError as error:
        assert "Lasagne has no " in str(error)  # noqa: PT017


@pytest.mark.parametrize("name", ["lenet5", "alexnet", "resnet18", "googlenet", "shufflenet-v1", "mobilenet-v3-small"])
def test_it_is_the_golden_file(name: str) -> None:
    text = source(find(name), "lasagne", made_by=f"striate emit {name} --to lasagne")
    assert text == (GOLDEN / f"{name}_lasagne.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("layer", "what", "expected", "remedy"),
    [
        (
            LocalResponseNorm(size=4),
            "normalisation over 4 maps",
            "It takes an odd number of adjacent maps.",
            "Give it an odd size, such as 5.",
        ),
        (
            Conv(4, kernel=2, dilation=2, stride=2),
            "convolution with a dilation of 2×2 and a stride of 2×2",
            "Its DilatedConv2DLayer has neither strides nor groups.",
            "Give it a dilation of 1, or a stride of 1.",
        ),
        (
            Conv(4, kernel=2, dilation=2, groups=2),
            "convolution with a dilation of 2×2 and 2 groups",
            "Its DilatedConv2DLayer has neither strides nor groups.",
            "Give it a dilation of 1, or one group.",
        ),
        (
            Pool("average", kernel=3, stride=1, padding=(1, 0, 0, 0), count_padding=False),
            "average pooling with a kernel of 3×3, a stride of 1×1 and a padding of (1, 0, 0, 0) that leaves padding "
            "out",
            "It pads opposite sides alike.",
            "Count the padding, or pad opposite sides alike.",
        ),
        (
            Pool("average", kernel=4, stride=2, padding=1, ceil=True, count_padding=False),
            "average pooling with a kernel of 4×4, a stride of 2×2 and a padding of (1, 1, 1, 1) that leaves padding "
            "out and goes over the edge",
            "Where it goes over the edge, padding counts.",
            "Count the padding, or give it none.",
        ),
        (
            Pool("max", kernel=2, stride=2, padding=(0, 0, 1, 1), ceil=True),
            "max pooling with a kernel of 2×2, a stride of 2×2 and a padding of (0, 0, 1, 1) whose last window hangs "
            "over the edge of one axis only",
            "Its ignore_border is for both axes.",
            "Give it other padding, or no ceil.",
        ),
    ],
)
def test_what_lasagne_cannot_express_is_refused(layer: Any, what: str, expected: str, remedy: str) -> None:
    network = Network("odd", (4, 5, 5), [layer, Flatten(), Linear(2)])
    with pytest.raises(SpecError) as caught:
        source(network, "lasagne")
    path = plan(network).steps[0].path
    assert str(caught.value).splitlines() == [f"{path}: Lasagne has no {what}.", expected, remedy]


def test_heads_are_given_beside_the_output() -> None:
    network = Network("headed", (1, 4, 4), [Flatten(), Auxiliary([Linear(3)], name="head"), Linear(2)])
    text = source(network, "lasagne")
    assert '    heads["head"] = h\n' in text
    assert "    return x, heads\n" in text


def test_a_gate_of_every_value_is_no_gate_of_maps() -> None:
    text = source(from_text(WRONG_ONCE["gates of every value beside gates of maps"]), "lasagne")
    assert text.count("return ElemwiseMergeLayer([x, y], T.mul)\n") == text.count("return GateLayer([x, y])\n") == 1


def test_hostile_names() -> None:
    inner = [Conv(2, kernel=1, name="lambda"), Conv(3, kernel=1, name="x"), Conv(2, kernel=1, name="T")]
    layers = [Residual(inner, name="lasagne"), Residual(inner[1:], name="None"), Block(inner, name="tanh"), Flatten()]
    parse(source(Network("coding=rot13", (2, 3, 3), [*layers, Linear(2)]), "lasagne"))
