"""The MACs of training, against what PyTorch's counter sees of a forward and a backward pass."""

import pytest
import torch
from hypothesis import given, settings
from torch.utils.flop_counter import FlopCounterMode

from striate import Network, account, find
from striate.accounting.show.memory import cost_table
from striate.accounting.training import TrainingCost, training_cost
from striate.description.layers import RBF, Conv, Linear, Subsample
from striate.modules import build
from tests.support.strategies import networks


def counted(network: Network, *, batch: int) -> int:
    """The MACs that FlopCounterMode sees in one step of training."""
    model = build(network, device="meta").train()
    heads: dict[str, torch.Tensor] = {}
    with FlopCounterMode(display=False) as counter:
        outputs = model.logits(torch.empty(batch, *network.input, device="meta"), heads=heads)
        (outputs.sum() + sum(head.sum() for head in heads.values())).backward()
    return counter.get_total_flops() // 2


def as_counted(cost: TrainingCost) -> int:
    """Our cost under the counter's rules.

    It lays a connection table out densely, does not know subsampling and RBF units, and counts the gradient of the
    weights of a convolution in groups as many times as there are groups.
    """
    total = 0
    for layer in cost.layers:
        match layer.row.step.layer:
            case Conv() as conv:
                shape = layer.row.step.inputs[0]
                links = sum(map(len, conv.table)) if conv.table else 0
                dense = conv.filters * shape[0] / links if links else 1
                total += round(dense * (layer.forward + layer.input + conv.groups * layer.weights))
            case Linear():
                total += layer.forward + layer.weights + layer.input
            case _:
                assert isinstance(layer.row.step.layer, (Subsample, RBF)) or not layer.forward
    return total


@given(network=networks())
@settings(max_examples=80, deadline=None)
def test_random_networks(network: Network) -> None:
    assert as_counted(training_cost(account(network, batch=3))) == counted(network, batch=3)


def test_the_catalogue() -> None:
    for name in ("lenet5-dense", "lenet5-keras", "simple-cnn", "fully-connected"):
        assert training_cost(account(find(name), batch=2)).step == counted(find(name), batch=2)


def test_an_epoch_is_every_image_once() -> None:
    cost = training_cost(account(find("lenet5-dense"), batch=128), images=1000)
    assert cost.epoch == 1000 * (416_520 + 715_440)
    assert cost.step == 128 * (416_520 + 715_440)


def test_the_table_has_the_sums() -> None:
    text = cost_table(training_cost(account(find("lenet5"), batch=128)), width=80)
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert "total 41,996,288 41,888,768 26,943,488" in lines
    assert "a step of 128 images 41,996,288 68,832,256 110,828,544" in lines
    assert "an epoch of 60,000 images 19,685,760,000 32,265,120,000 51,950,880,000" in lines
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize("name", ["lenet5", "alexnet", "googlenet", "resnet152"])
@pytest.mark.parametrize("width", [80, 160])
def test_the_table_keeps_within_the_page(name: str, width: int) -> None:
    text = cost_table(training_cost(account(find(name), batch=128), images=1_281_167), width=width)
    assert max(map(len, text.splitlines())) <= width


def test_depth_adds_up() -> None:
    text = cost_table(training_cost(account(find("resnet152"))), width=100, depth=1)
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert any(line.startswith("stage3 362 layers 7,938,244,608 7,938,244,608 7,938,244,608") for line in lines)
    assert not any("stage3.block" in line for line in lines)
