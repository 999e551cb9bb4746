"""Networks layer by layer on Striate's operators, against the same modules on PyTorch."""

from __future__ import annotations

from copy import deepcopy

import pytest
import torch
import torch.nn.functional as F

from striate import (
    Activation,
    BatchNorm,
    Block,
    Branches,
    Conv,
    Dropout,
    Flatten,
    GlobalAveragePool,
    Linear,
    LocalResponseNorm,
    Network,
    PadChannels,
    Pool,
    PositionBias,
    Residual,
    Softmax,
    find,
)
from striate.description.narrow import narrow
from striate.execution.layerwise import Layerwise
from striate.modules import Built, build

RELU = Activation("relu")
SHORTCUT = [Pool("average", kernel=1, stride=2), PadChannels(6)]
NETWORKS = [
    narrow(find("resnet20-cifar"), 0.25, input=(3, 16, 16)),
    narrow(find("googlenet"), 0.125, input=(3, 96, 96), classes=5),
    narrow(find("alexnet"), 0.125, input=(3, 67, 67), classes=5),
    find("lenet5"),
    Network(  # normalised before the convolution, after a sum, and on a flat vector
        "early",
        (3, 9, 9),
        [
            Conv(6, kernel=3, padding=1),
            Residual([BatchNorm(), RELU, Conv(6, kernel=3, padding=1)]),
            Residual([BatchNorm(), RELU, Conv(6, kernel=3, padding=1), BatchNorm()], shortcut=[BatchNorm()]),
            BatchNorm(),
            Activation("tanh"),
            Activation("sigmoid"),
            Flatten(),
            Linear(7),
            BatchNorm(),
            RELU,
            Linear(4),
            Softmax(),
        ],
    ),
    Network(
        "side by side",
        (2, 8, 8),
        [
            Block([Conv(3, kernel=3, padding=1, bias=False), BatchNorm(), RELU]),
            Branches([[Conv(2, kernel=1), BatchNorm()], [Pool("max", kernel=3, stride=1, padding=1), RELU], [RELU]]),
            LocalResponseNorm(alpha=0.1),
            Dropout(0.0),
            Conv(6, kernel=3, stride=2, padding=1),
            PositionBias(),
            GlobalAveragePool(),
        ],
    ),
    Network(
        "shortcut A",
        (4, 8, 8),
        [
            Residual([Conv(6, kernel=3, stride=2, padding=1), BatchNorm()], shortcut=SHORTCUT),
            RELU,
            Residual([RELU]),
            Conv(3, kernel=1),
            GlobalAveragePool(),
        ],
    ),
]


def pair(network: Network) -> tuple[Built, Built]:
    """One network on Striate's operators and, with the same weights in float64, on PyTorch."""
    model = build(network, generator=torch.Generator().manual_seed(2))
    for name, each in model.named_parameters():
        if each.ndim == 1:  # so that scales, shifts and biases are not all alike
            torch.nn.init.uniform_(each, 0.5, 1.5) if name.endswith("weight") else torch.nn.init.uniform_(each, -1, 1)
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    exact = deepcopy(model).double()
    return model, exact


@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.name)
@pytest.mark.parametrize("images", [2, 19])
def test_a_network_learns_as_on_pytorch(network: Network, images: int) -> None:
    torch.manual_seed(4)
    model, exact = pair(network)
    maps, labels = torch.rand(images, *network.input), torch.randint(0, 3, (images,))
    heads: dict[str, torch.Tensor] = {}
    exact_heads: dict[str, torch.Tensor] = {}
    found, wanted = Layerwise(model).logits(maps, heads), exact.logits(maps.double(), exact_heads)
    assert heads.keys() == exact_heads.keys()
    losses = [F.cross_entropy(found, labels), F.cross_entropy(wanted, labels)]
    for path, each in heads.items():
        torch.testing.assert_close(each.double(), exact_heads[path], rtol=1e-4, atol=1e-4)
        losses[0] = losses[0] + F.cross_entropy(each, labels)
        losses[1] = losses[1] + F.cross_entropy(exact_heads[path], labels)
    torch.testing.assert_close(found.double(), wanted, rtol=1e-4, atol=1e-4 * (1 + wanted.abs().max().item()))
    for each in losses:
        each.backward()
    for (name, one), other in zip(model.named_parameters(), exact.parameters(), strict=True):
        assert one.grad is not None, name
        assert other.grad is not None, name
        error = (one.grad.double() - other.grad).norm() / (
            other.grad.norm() + 1e-2
        )  # a bias before a normalisation has none
        assert error < 2e-3, (name, error)
    for one, other in zip(model.buffers(), exact.buffers(), strict=True):
        torch.testing.assert_close(one.double(), other.double(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.name)
def test_a_network_answers_as_on_pytorch(network: Network) -> None:
    model, exact = pair(network)
    maps = torch.rand(17, *network.input)
    Layerwise(model).logits(maps)  # running statistics that are not those of a fresh module
    exact.load_state_dict(model.state_dict())
    with torch.inference_mode():
        found, wanted = Layerwise(model.eval()).logits(maps), exact.eval().logits(maps.double())
    torch.testing.assert_close(found.double(), wanted, rtol=1e-4, atol=1e-4 * (1 + wanted.abs().max().item()))


def test_variance_survives_a_large_mean() -> None:
    """Sums of squares lose digits where the mean is large: not so many that it shows."""
    network = Network("far", (2, 6, 6), [Conv(3, kernel=1), BatchNorm(), GlobalAveragePool()])
    model, exact = pair(network)
    with torch.no_grad():
        for each in (model, exact):
            each.get_submodule("conv1").bias.fill_(300.0)  # pyright: ignore[reportAttributeAccessIssue, reportCallIssue]
    maps = torch.rand(32, 2, 6, 6)
    exact.logits(maps.double())
    Layerwise(model).logits(maps)
    found, wanted = (each.get_buffer("batch_norm1.running_var").double() for each in (model, exact))
    assert ((found - wanted).abs() / (wanted - 0.9)).max() < 0.02  # it began at 1 and kept nine tenths of that


def test_dropout_draws_and_scales() -> None:
    network = Network("drops", (1, 4, 4), [Conv(4, kernel=1), Dropout(0.5), GlobalAveragePool()])
    model, _ = pair(network)
    model.get_submodule("dropout1").p = 0.5  # pyright: ignore[reportAttributeAccessIssue]
    maps = torch.ones(400, 1, 4, 4)
    torch.manual_seed(0)
    dropped, again = Layerwise(model).logits(maps), Layerwise(model).logits(maps)
    assert not torch.equal(dropped, again)
    kept = Layerwise(model.eval()).logits(maps)
    torch.testing.assert_close(dropped.mean(0), kept.mean(0), rtol=0.1, atol=0.05)


def test_one_value_a_channel_has_no_variance() -> None:
    network = Network("one", (1, 1, 1), [Conv(2, kernel=1), BatchNorm(), Flatten(), Linear(2)])
    with pytest.raises(ValueError, match="batch normalisation of 1 value a channel"):
        Layerwise(build(network)).logits(torch.rand(1, 1, 1, 1))
