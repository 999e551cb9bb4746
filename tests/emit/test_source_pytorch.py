"""PyTorch source runs without Striate and gives our module's outputs for the same weights."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from torch import nn

from striate import (
    NETWORKS,
    Activation,
    Auxiliary,
    Block,
    Branches,
    Conv,
    Flatten,
    Linear,
    Network,
    Residual,
    account,
    find,
)
from striate.description.notation.reading import from_text
from striate.emit.source import pytorch_layers, source
from striate.emit.source.naming import title
from striate.emit.source.pytorch import MEMBERS
from striate.modules import build, elementwise
from tests.emit.repeating import WRONG_ONCE, repeating
from tests.support.everything import everything
from tests.support.settled import spread
from tests.support.sizes import HEAVY, by_name, lighter, macs_of


def written(network: Network) -> tuple[str, Any]:
    """The source, and the class that it defines."""
    text = source(network, "pytorch")
    names: dict[str, Any] = {"__name__": "emitted"}
    exec(compile(text, "<emitted>", "exec"), names)
    return text, names[re.findall(r"^class (\w+)\(nn\.Module\)", text, re.MULTILINE)[-1]]


def said(text: str) -> str:
    """What the comments say, in one line."""
    return " ".join(line.lstrip("# ") for line in text.splitlines() if line.startswith("#"))


def compare(network: Network, batch: int = 2) -> None:
    generator = torch.Generator().manual_seed(3)
    ours = build(network, generator=generator).double().eval()
    spread(ours, generator)
    text, kind = written(network)
    theirs = kind().double().eval()
    state = ours.state_dict()
    if "Layers renamed" in said(text):
        state = dict(zip(theirs.state_dict(), state.values(), strict=True))
    theirs.load_state_dict(state)
    assert sum(each.numel() for each in theirs.parameters()) == account(network).training.parameters
    images = torch.rand(batch, *network.input, generator=generator, dtype=torch.float64)
    with torch.no_grad():
        expected, found = ours(images), theirs(images)
    assert (expected - found).abs().max() <= 1e-5 * max(1e-9, (expected.max() - expected.min()).item())


@pytest.mark.parametrize("name", by_name([*NETWORKS]))
def test_the_catalogue_gives_our_outputs(name: str) -> None:
    network = find(name)
    compare(lighter(network), batch=1 if macs_of(name) > HEAVY else 2)
    text, kind = written(network)
    with torch.device("meta"):
        assert sum(each.numel() for each in kind().parameters()) == account(network).training.parameters
    assert f"class {title(name)}(nn.Module):" in text
    assert max(map(len, text.splitlines())) <= 120


@given(everything())
@settings(max_examples=60, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
def test_random_networks_give_our_outputs(network: Network) -> None:
    compare(network)


@pytest.mark.parametrize("name", [*WRONG_ONCE])
def test_what_was_wrong_once(name: str) -> None:
    compare(from_text(WRONG_ONCE[name]))


@pytest.mark.slow
@given(repeating())
@settings(max_examples=150, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
def test_repeated_blocks_give_our_outputs(network: Network) -> None:
    compare(network)


def test_maps_are_enlarged_forty_times_and_more() -> None:
    """There PyTorch's "nearest" repeats some pixels wrongly."""
    assert pytorch_layers.FIRST_WRONG == elementwise.FIRST_WRONG
    images = torch.rand(2, 1, 2, 2)
    for factor in (40, 41, 82):
        _, kind = written(from_text(f"1x2x2: upsample {factor}"))
        assert torch.equal(kind()(images), images.repeat_interleave(factor, 2).repeat_interleave(factor, 3))


def test_it_runs_without_striate(tmp_path: Any) -> None:
    (tmp_path / "net.py").write_text(source(find("lenet5"), "pytorch"), encoding="utf-8")
    code = (
        "import runpy, sys; sys.path[:] = [each for each in sys.path if not each.endswith('src')]; "
        "runpy.run_path('net.py', run_name='__main__'); print('striate' in sys.modules)"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("torch.Size([2, 10])\nFalse\n", "")


def test_lenet5_reads_as_a_person_would_write_it() -> None:
    text = source(find("lenet5-dense"), "pytorch")
    assert (
        text[text.index("class LeNet5Dense") :]
        == '''\
class LeNet5Dense(nn.Module):
    """1×32×32 to 10."""

    def __init__(self):
        super().__init__()
        self.C1 = nn.Conv2d(1, 6, 5)  # 6×28×28
        self.relu1 = nn.ReLU()
        self.S2 = nn.MaxPool2d(2)  # 6×14×14
        self.C3 = nn.Conv2d(6, 16, 5)  # 16×10×10
        self.relu2 = nn.ReLU()
        self.S4 = nn.MaxPool2d(2)  # 16×5×5
        self.C5 = nn.Conv2d(16, 120, 5)  # 120×1×1
        self.relu3 = nn.ReLU()
        self.flatten1 = nn.Flatten()  # 120
        self.F6 = nn.Linear(120, 84)  # 84
        self.relu4 = nn.ReLU()
        self.output = nn.Linear(84, 10)  # 10

    def forward(self, x):
        x = self.relu1(self.C1(x))
        x = self.S2(x)
        x = self.relu2(self.C3(x))
        x = self.S4(x)
        x = self.relu3(self.C5(x))
        x = self.flatten1(x)
        x = self.relu4(self.F6(x))
        return self.output(x)


if __name__ == "__main__":
    model = LeNet5Dense().eval()
    print(model(torch.zeros(2, 1, 32, 32)).shape)
'''
    )


@pytest.mark.parametrize(
    ("name", "most"), [("resnet18", 90), ("resnet152", 110), ("googlenet", 160), ("densenet201", 110)]
)
def test_repeated_structure_is_written_once(name: str, most: int) -> None:
    assert len(source(find(name), "pytorch").splitlines()) <= most


def test_a_projection_stands_where_the_shape_changes() -> None:
    text = source(find("resnet50"), "pytorch")
    assert "        if stride != 1 or in_channels != 4 * width:\n" in text
    assert text.count("class ResidualBlock") == 1


def test_a_head_runs_in_training_only() -> None:
    network = Network("headed", (1, 4, 4), [Flatten(), Auxiliary([Linear(3)], name="head"), Linear(2)])
    _, kind = written(network)
    model = kind()
    model.train()(torch.rand(2, 1, 4, 4))
    assert model.head.head_output.shape == (2, 3)
    assert model.eval()(torch.rand(2, 1, 4, 4)).shape == (2, 2)


def test_a_head_of_a_class_of_its_own_keeps_no_old_output() -> None:
    head = [Block([Flatten(), Linear(3), Activation("relu"), Linear(3)], name="deep")]
    layers = [Auxiliary(head, name="head1"), Conv(1, kernel=1), Auxiliary(head, name="head2"), Flatten(), Linear(2)]
    text, kind = written(Network("headed", (1, 4, 4), layers))
    assert "class Head(nn.Module):" in text
    model, images = kind(), torch.rand(2, 1, 4, 4)
    model.train()(images)
    assert model.head1.head_output.shape == model.head2.head_output.shape == (2, 3)
    model.eval()(images)
    assert model.head1.head_output is model.head2.head_output is None


def test_members_of_modules_are_all_known() -> None:
    known = {each for each in dir(nn.Sequential()) if not each.startswith("__")}
    assert known <= MEMBERS


def test_hostile_names_are_renamed_and_said() -> None:
    layers = [
        Block([Conv(2, kernel=1, name="class"), Activation("relu", name="None")], name="lambda"),
        Residual([Conv(2, kernel=1, name="forward"), Block([Conv(2, kernel=1, name="x")], name="self")], name="__init"),
        Branches([Block([Conv(1, kernel=1, name="pop")], name="training"), Block([], name="type")], name="nn"),
        Flatten(name="torch"),
        Linear(2, name="T_destination"),
    ]
    text, kind = written(Network("if", (2, 3, 3), layers))
    assert kind()(torch.rand(1, 2, 3, 3)).shape == (1, 2)
    assert "Layers renamed, as PyTorch has their names for itself: " in said(text)
    for old, new in (
        ("class", "class_"),
        ("forward", "forward_"),
        ("__init", "init_"),
        ("T_destination", "T_destination_"),
    ):
        assert f"{old} → {new}" in said(text)


@pytest.mark.parametrize("name", ["coding=rot13", "import", "日本", '"""', "nn", "5", "x # y"])
def test_hostile_names_of_networks(name: str) -> None:
    _, kind = written(Network(name, (1, 2, 2), [Flatten(), Linear(2)]))
    assert kind()(torch.rand(1, 1, 2, 2)).shape == (1, 2)


def test_the_same_network_gives_the_same_text() -> None:
    assert source(find("googlenet"), "pytorch") == source(find("googlenet"), "pytorch")


def test_a_batch_norm_with_an_epsilon_of_0_can_be_trained() -> None:
    _, kind = written(from_text("1x8x8: conv 2 3x3, bn epsilon 0, linear 2"))
    assert kind().train()(torch.rand(4, 1, 8, 8)).shape == (4, 2)
