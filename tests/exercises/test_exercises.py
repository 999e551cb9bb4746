"""Exercises: their answers against PyTorch, their formulas and answers, and the page's own against Python's."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

import pytest
import torch
from torch import nn

from striate.description.axis import Axis
from striate.description.layers import Conv, Flatten, Linear, Pool
from striate.description.network import Network, plan
from striate.exercises import TOPICS, Exercise, exercise, read_answer
from striate.web.numbers import description
from tests.support.node import COMPUTE, NEEDS_NODE, under_node

SEEDS, EACH = range(8), 32


@cache
def all_of_them() -> list[Exercise]:
    return [exercise(seed, number) for seed in SEEDS for number in range(1, EACH + 1)]


def in_pytorch(network: Network) -> nn.Sequential:
    """The layers as PyTorch's own modules, written without Striate's."""
    modules: list[nn.Module] = []
    shape = network.input
    for step in plan(network).steps:
        match step.layer:
            case Conv() as conv:
                modules.append(
                    nn.Conv2d(shape[0], conv.filters, conv.kernel, conv.stride, conv.padding[0], groups=conv.groups,
                              bias=conv.bias)
                )  # fmt: skip
            case Pool() as pool:
                kind = nn.MaxPool2d if pool.function == "max" else nn.AvgPool2d
                modules.append(kind(pool.kernel, pool.stride))
            case Flatten():
                modules.append(nn.Flatten())
            case Linear() as linear:
                modules.append(nn.Linear(shape[0], linear.units))
            case other:
                raise AssertionError(other)
        shape = tuple(modules[-1](torch.zeros(1, *shape)).shape[1:])
    return nn.Sequential(*modules)


def macs(module: nn.Sequential, shape: tuple[int, ...]) -> int:
    """Every product of a weight and a value, counted by a convolution of ones."""
    values, count = torch.ones(1, *shape, dtype=torch.float64), 0
    for each in module:
        if isinstance(each, nn.Conv2d | nn.Linear):
            out = each.double()(values)
            inputs = each.weight[0].numel()
            count += out.numel() * inputs
        values = each.double()(values)
    return count


def field(module: nn.Sequential, shape: tuple[int, ...]) -> int:
    """The rows of the input on which a unit in the middle of the output depends, by its gradient."""
    for each in module.modules():
        if isinstance(each, nn.Conv2d):
            nn.init.ones_(each.weight)
    averages = nn.Sequential(
        *(nn.AvgPool2d(each.kernel_size, each.stride) if isinstance(each, nn.MaxPool2d) else each for each in module)
    )
    image = torch.ones(1, *shape, requires_grad=True)
    output = averages(image)
    output[0, 0, output.shape[2] // 2, output.shape[3] // 2].backward()
    assert image.grad is not None
    rows = image.grad.abs().sum((0, 1, 3)) > 0
    assert rows[rows.nonzero()[0] : rows.nonzero()[-1]].all(), "it does not read every row of its field"
    return int(rows.sum())


@pytest.mark.parametrize("topic", TOPICS)
def test_answers_are_those_of_pytorch(topic: str) -> None:
    checked = 0
    for each in all_of_them():
        if each.topic != topic or (topic == "field" and each.network.input[1] > 128):
            continue
        checked += 1
        module = in_pytorch(each.network)
        shape = each.network.input
        found: tuple[int, ...]
        match topic:
            case "size":
                found = tuple(module(torch.zeros(1, *shape)).shape[1:])
            case "parameters":
                found = (sum(parameter.numel() for parameter in module.parameters()),)
            case "macs":
                found = (macs(module, shape),)
            case _:
                found = (field(module, shape),)
        assert found == each.answer, each.to_dict()
    assert checked >= 15


def value_of(expression: str) -> int:
    plain = expression.replace(",", "").replace("·", "*").replace("−", "-").replace("/", "//")
    assert re.fullmatch(r"[0-9+*/() -]+", plain.replace("⌊", "(").replace("⌋", ")")), expression
    return eval(plain.replace("⌊", "(").replace("⌋", ")"))


def test_each_formula_gives_its_value_and_the_last_the_answer() -> None:
    for each in all_of_them():
        assert [value_of(step.expression) for step in each.steps] == [step.value for step in each.steps]
        if each.topic == "size":
            sides = [step.value for step in each.steps if step.path == each.steps[-1].path]
            assert tuple(sides if len(sides) == 2 else sides * 2) == each.answer[1:]
        else:
            assert each.steps[-1].value == each.answer[0]


def test_exercises_are_of_many_kinds() -> None:
    every = all_of_them()
    assert {each.topic for each in every} == set(TOPICS)
    texts = [json.dumps(each.to_dict()["network"]) for each in every]
    assert len(set(texts)) > 0.85 * len(texts)
    layers = [layer for each in every for layer in each.network.layers]
    convolutions = [layer for layer in layers if isinstance(layer, Conv)]
    assert any(layer.groups > 1 for layer in convolutions)
    assert any(not layer.bias for layer in convolutions)
    assert any(isinstance(layer, Pool) and layer.function == "average" for layer in layers)
    assert any(each.network.input[1] != each.network.input[2] for each in every)
    first = plan(next(e for e in every if isinstance(e.network.layers[0], Conv)).network).steps[0]
    assert first.output[1] >= 1
    assert Axis(7, kernel=3, stride=3).output == 2


def test_hints_do_not_tell_the_answer() -> None:
    for each in all_of_them():
        assert not any(" = " in hint for hint in each.hints)
        assert not any(step.what == "sum" and step.hint in each.hints for step in each.steps)


@pytest.mark.parametrize(
    ("topic", "text", "found"),
    [
        ("size", "16x14x14", (16, 14, 14)),
        ("size", "(16, 14, 14)", (16, 14, 14)),
        ("size", "16 14 14", (16, 14, 14)),
        ("size", " 16 X 14 × 14 ", (16, 14, 14)),
        ("size", "16x14", None),
        ("size", "16x14x14x1", None),
        ("size", "", None),
        ("macs", "1216", (1216,)),
        ("macs", "1,216", (1216,)),
        ("macs", "1.216.000", (1216000,)),
        ("macs", "1 216", (1216,)),
        ("macs", "12,16", None),
        ("macs", "1,216.000", None),
        ("macs", "12.5", None),
        ("macs", "-3", None),
        ("macs", "9" * 16, None),
        ("macs", "٣", None),
        ("macs", "nan", None),
    ],
)
def test_answers_are_read_as_people_write_them(topic, text: str, found) -> None:
    assert read_answer(topic, text) == found


@NEEDS_NODE
def test_the_pages_exercises_are_the_same(tmp_path: Path) -> None:
    texts = ["16x14x14", "(16, 14, 14)", "16x14", "1,216", "1.216.000", "12,16", "1,216.000", "٣", "", " 7 ", "9" * 16]
    script = tmp_path / "same.mjs"
    script.write_text(
        f"const {{ exercise, readAnswer }} = await import({json.dumps((COMPUTE / 'exercises.js').as_uri())});\n"
        "const found = [];\n"
        f"for (let seed = 0; seed < {len(SEEDS)}; seed += 1) for (let at = 1; at <= {EACH}; at += 1) "
        "found.push(exercise(seed, at));\n"
        "found.push(exercise(2147483647, 99999));\n"
        f"const read = {json.dumps(texts)}.map((text) => [readAnswer('size', text), readAnswer('macs', text)]);\n"
        "console.log(JSON.stringify({ found, read }));\n",
        encoding="utf-8",
    )
    told = json.loads(under_node(script))
    every = [*all_of_them(), exercise(2147483647, 99999)]
    for each, theirs in zip(every, told["found"], strict=True):
        own = each.to_dict()
        names = ("seed", "number", "topic", "steps")
        assert {name: theirs[name] for name in names} == {name: own[name] for name in names}
        assert tuple(theirs["answer"]) == each.answer
        assert tuple(theirs["input"]) == each.network.input
        steps = description(each.network)["steps"]
        assert [row["path"] for row in theirs["rows"]] == [step["path"] for step in steps]
        assert [row["output"] for row in theirs["rows"]] == [step["output"] for step in steps]
        assert theirs["several"] == ("last layer" in each.question or "network" in each.question)
    for text, (size, count) in zip(texts, told["read"], strict=True):
        assert (read_answer("size", text), read_answer("macs", text)) == (
            tuple(size) if size else None, tuple(count) if count else None,
        ), text  # fmt: skip
