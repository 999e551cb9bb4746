"""The kernels that learn image by image against the plain step in float64, and what they do not take."""

from __future__ import annotations

import copy

import pytest
import torch

from striate import RBF, Activation, Conv, Flatten, Linear, Network, Pool, Subsample, find
from striate.description.network import plan
from striate.execution.tensors import tensors_of
from striate.kernels import pattern
from striate.kernels.engine import Goal, Pictures
from striate.kernels.lower import NotLoweredError
from striate.modules import build
from striate.reproduce.plain import Plain
from tests.support.comparison import INSTRUCTION_SETS


def codes(count: int, features: int) -> tuple[tuple[float, ...], ...]:
    """Centres of RBF units: ±1, each its own."""
    return tuple(
        tuple(1.0 if (unit * 7 + place * 3) % 5 < 2 else -1.0 for place in range(features)) for unit in range(count)
    )


NETWORKS = [
    find("lenet5"),
    Network(
        "odd",  # sides that fill no vector, a kernel wider than a piece, more filters than a block, windows with a rest
        (2, 19, 24),
        [
            Conv(18, kernel=(3, 7)),
            Activation("tanh"),
            Subsample(kernel=(3, 2), name="S"),
            Activation("sigmoid"),
            Conv(5, kernel=(2, 6), table=tuple(tuple(range(row, 18, 4)) for row in range(5)), bias=False),
            Activation("relu"),
            Flatten(),
            Linear(37, bias=False),
            Activation("scaled_tanh"),
            Linear(21),
            RBF(codes(4, 21)),
        ],
    ),
    Network("flat", (1, 5, 3), [Flatten(), Linear(9), Activation("scaled_tanh"), RBF(codes(3, 9))]),
    Network(
        "deep",
        (1, 30, 41),
        [
            Conv(3, kernel=7),
            Conv(20, kernel=8),
            Activation("tanh"),
            Conv(17, kernel=4),
            Flatten(),
            Linear(5),
            RBF(codes(2, 5)),
        ],
    ),
]


def prepared(network: Network, *, images: int, seed: int = 0):
    """A module with weights of some size, images, labels, and a rate for each parameter."""
    generator = torch.Generator().manual_seed(seed)
    model = build(network, initialisation="lecun", generator=generator)
    for each in model.parameters():
        each.data += 0.05 * torch.randn(each.shape, generator=generator)
    pixels = torch.randn(images, *network.input, generator=generator)
    labels = torch.randint(0, plan(network).output[0], (images,), generator=generator)
    rates = {
        name: 1e-3 * torch.rand(each.shape, generator=generator) / each[0].numel()
        for name, each in model.named_parameters()
    }
    return model, pixels, labels, rates


def double(model, rates):
    """Both in float64."""
    return Plain(copy.deepcopy(model).double()), {name: each.double() for name, each in rates.items()}


@pytest.mark.parametrize("instruction_set", INSTRUCTION_SETS)
@pytest.mark.parametrize("loss", ["rbf-mle", "rbf-map"])
@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.name)
def test_steps_equal_the_plain_ones(network: Network, loss: str, instruction_set: str) -> None:
    model, pixels, labels, rates = prepared(network, images=12)
    plain, exact_rates = double(model, rates)
    goal = Goal(labels, loss, rubbish=3.0)
    begun = copy.deepcopy(model.state_dict())
    expected = plain.learn(Pictures(pixels.double()), goal, rates=exact_rates)
    ours = pattern.Pattern(network, tensors_of(model), instruction_set=instruction_set).learn(
        Pictures(pixels), goal, rates=rates
    )
    assert ours[0] == pytest.approx(expected[0], rel=1e-5)
    assert ours[1] == expected[1]
    for name, each in plain.model.named_parameters():
        moved = (each - begun[name]).abs().max()
        assert moved > 0, name
        assert (model.get_parameter(name) - each).abs().max() < 2e-5 * moved + 3e-7 * each.abs().max(), name


@pytest.mark.parametrize("instruction_set", INSTRUCTION_SETS)
@pytest.mark.parametrize("loss", ["rbf-mle", "rbf-map"])
@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.name)
def test_the_diagonal_equals_the_plain_one(network: Network, loss: str, instruction_set: str) -> None:
    model, pixels, labels, rates = prepared(network, images=5)
    plain, _ = double(model, rates)
    goal = Goal(labels, loss, rubbish=30.0)
    expected = plain.curvature(Pictures(pixels.double()), goal)
    ours = pattern.Pattern(network, tensors_of(model), instruction_set=instruction_set).curvature(
        Pictures(pixels), goal
    )
    for name, each in expected.items():
        assert each.max() > 0, name
        assert ((ours[name] - each).abs() <= 1e-4 * each + 1e-6 * each.max()).all(), name


def test_bytes_are_brought_to_the_networks_values_and_chosen_by_number() -> None:
    model, _, labels, rates = prepared(NETWORKS[2], images=6)
    images = torch.arange(6 * 15, dtype=torch.uint8).view(6, 1, 5, 3)
    chosen = torch.tensor([4, 4, 0, 5])
    plain, exact_rates = double(model, rates)
    floats = (images.double() * 0.01 - 0.1)[chosen]
    plain.learn(Pictures(floats), Goal(labels[chosen], "rbf-mle"), rates=exact_rates)
    pattern.Pattern(NETWORKS[2], tensors_of(model)).learn(
        Pictures(images, chosen, -0.1, 0.01), Goal(labels, "rbf-mle"), rates=rates
    )
    for ours, theirs in zip(model.parameters(), plain.model.parameters(), strict=True):
        assert torch.allclose(ours.double(), theirs, atol=1e-6)


def test_a_rate_of_zero_leaves_a_parameter_as_it_was() -> None:
    model, pixels, labels, rates = prepared(NETWORKS[0], images=3)
    rates["C3.weight"] = torch.zeros_like(rates["C3.weight"])
    before = copy.deepcopy(model.state_dict())
    pattern.Pattern(NETWORKS[0], tensors_of(model)).learn(Pictures(pixels), Goal(labels, "rbf-mle"), rates=rates)
    assert torch.equal(model.get_parameter("C3.weight"), before["C3.weight"])
    assert not torch.equal(model.get_parameter("C1.weight"), before["C1.weight"])


@pytest.mark.parametrize(
    ("layers", "reason"),
    [
        ([Flatten(), Linear(3)], "it does not end with RBF units after a dense layer"),
        ([Conv(2, kernel=3), Flatten(), RBF(codes(2, 72))], "it does not end with RBF units after a dense layer"),
        (
            [Conv(2, kernel=3, stride=2), Flatten(), Linear(4), RBF(codes(2, 4))],
            "conv1 is not a convolution of stride 1",
        ),
        (
            [Conv(2, kernel=3, padding=1), Flatten(), Linear(4), RBF(codes(2, 4))],
            "conv1 is not a convolution of stride 1",
        ),
        ([Pool("max", kernel=2), Flatten(), Linear(4), RBF(codes(2, 4))], "pool1 is not"),
        ([Subsample(kernel=2), Flatten(), Linear(4), RBF(codes(2, 4))], "subsample1 is not"),
    ],
)
def test_what_cannot_learn_image_by_image_says_why(layers: list, reason: str) -> None:
    network = Network("other", (1, 8, 8), layers)
    assert reason in str(pattern.unsupported(network))
    with pytest.raises(NotLoweredError, match=reason):
        pattern.Pattern(network, tensors_of(build(network)))


def test_without_compiled_kernels_it_says_so(monkeypatch) -> None:
    monkeypatch.setattr(pattern, "library", lambda _: "they have not been compiled")
    assert pattern.unsupported(NETWORKS[0]) == "they have not been compiled"


def test_parameters_that_have_moved_are_not_written_to() -> None:
    model, pixels, labels, rates = prepared(NETWORKS[2], images=3)
    ours = pattern.Pattern(NETWORKS[2], tensors_of(model))
    for each in model.parameters():
        each.data = each.data.clone()
    with pytest.raises(RuntimeError, match="memory was replaced"):
        ours.learn(Pictures(pixels), Goal(labels, "rbf-mle"), rates=rates)
