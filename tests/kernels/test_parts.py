"""The parts that threads make of a small batch's layers: whoever makes them, not a bit changes."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from striate import (
    Activation,
    BatchNorm,
    Branches,
    Conv,
    Flatten,
    Gate,
    GlobalAveragePool,
    Linear,
    Network,
    PadChannels,
    Pool,
    Residual,
    Subsample,
    find,
)
from striate.description.layers import RBF, Dropout
from striate.description.network import plan
from striate.execution.tensors import tensors_of
from striate.kernels.engine import Engine, Goal, Pictures
from striate.kernels.optimiser import Rule
from striate.modules import build
from tests.support.comparison import INSTRUCTION_SETS

HEAD = [Flatten(), Linear(150), Activation("relu"), Linear(10)]
CONVOLUTIONS = [
    Conv(6, kernel=5),
    Activation("tanh"),
    Conv(7, kernel=3, stride=2),
    Activation("relu"),
    Conv(8, kernel=3),
]
BANDS = [Conv(9, kernel=3), Pool("max", kernel=3), Activation("relu"), Conv(20, kernel=3), Pool("max", kernel=2)]
ONE_ROW = [Conv(12, kernel=5), Pool("max", kernel=(24, 2)), Activation("sigmoid")]
WINOGRAD = [
    Conv(32, kernel=3, padding=1),
    Activation("relu"),
    Conv(32, kernel=3, padding=1),
    Pool("max", kernel=(3, 2)),
    Activation("relu"),
    Conv(24, kernel=5),
]
OTHERS = [
    Conv(6, kernel=5, bias=False),
    Pool("average", kernel=2),
    Subsample(kernel=2),
    Dropout(0.2),
    Conv(40, kernel=3),
]
JOINED = [
    Conv(16, kernel=3, padding=1, bias=False),
    BatchNorm(),
    Activation("relu"),
    Residual(
        [Conv(16, kernel=3, padding=1), BatchNorm(), Activation("relu"), Conv(16, kernel=3, padding=1), BatchNorm()]
    ),
    Activation("relu"),
    Residual(
        [Conv(20, kernel=3, stride=2, padding=1), BatchNorm()],
        shortcut=[Pool("max", kernel=1, stride=2), PadChannels(20)],
    ),
    Branches([[Conv(3, kernel=3, padding=1), Activation("tanh")], [], [BatchNorm(), Dropout(0.3)]]),
    GlobalAveragePool(),
]
GATE = Gate([GlobalAveragePool(), Linear(8), Activation("sigmoid")])
NETWORKS = {
    "lenet5": find("lenet5"),
    "joined": Network("joined", (3, 11, 12), [*JOINED, *HEAD[1:]]),
    "lenet5-dense": find("lenet5-dense"),
    "convolutions": Network("convolutions", (2, 25, 24), [*CONVOLUTIONS, *HEAD]),
    "bands": Network("bands", (1, 29, 29), [*BANDS, Dropout(0.3), *HEAD]),
    "one row": Network("one-row", (1, 28, 28), [*ONE_ROW, *HEAD]),
    "winograd": Network("winograd", (3, 15, 20), [*WINOGRAD, *HEAD]),
    "others": Network("others", (1, 28, 28), [*OTHERS, *HEAD]),
    "linear": Network("linear", (1, 9, 40), HEAD),
}


def trained(network: Network, images: int, threads: int, instruction_set: str = "") -> list[Tensor]:
    """Outputs, and loss, gradients and weights of each of three steps."""
    generator = torch.Generator().manual_seed(images)
    model = build(network, initialisation="lecun", generator=generator)
    engine = Engine(network, tensors_of(model), instruction_set=instruction_set)
    rule = Rule(torch.optim.AdamW(model.parameters(), 1e-2))
    pixels = torch.rand(images, *network.input, generator=generator)
    labels = torch.randint(0, plan(network).output[0], (images,), generator=generator)
    loss = "rbf-mle" if isinstance(network.layers[-1], RBF) else "cross-entropy"
    found = [engine.outputs(Pictures(pixels), threads=threads)]
    for seed in range(3):
        mean, right = engine.step(Pictures(pixels), Goal(labels, loss, seed=seed), rule=rule, threads=threads)
        found += [torch.tensor([mean, right], dtype=torch.float64), *(each.clone() for each in engine.gradients)]
        found += [each.detach().clone() for each in (*engine.parameters, *engine.statistics)]
    return [*found, engine.outputs(Pictures(pixels), threads=threads)]


def assert_same(these: list[Tensor], those: list[Tensor]) -> None:
    assert len(these) == len(those)
    for one, other in zip(these, those, strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("images", [1, 7, 16, 17, 31, 32, 33, 90])
@pytest.mark.parametrize("name", NETWORKS)
def test_the_number_of_threads_changes_no_bit(name: str, images: int) -> None:
    alone = trained(NETWORKS[name], images, 1)
    assert all(torch.isfinite(each).all() for each in alone)
    for threads in (2, 3, 5):
        assert_same(trained(NETWORKS[name], images, threads), alone)


@pytest.mark.parametrize("images", [1, 16, 33])
def test_nor_where_it_only_answers(images: int) -> None:
    network = Network("gated", (3, 9, 8), [Conv(8, kernel=3), BatchNorm(), Activation("silu"), GATE, *HEAD])
    engine = Engine(network, tensors_of(build(network)), answering=True)
    pixels = Pictures(torch.rand(images, *network.input))
    assert_same(*([engine.outputs(pixels, threads=threads)] for threads in (1, 3)))
    with pytest.raises(ValueError, match="an engine for answers takes no step"):
        engine.step(pixels, Goal(torch.zeros(images, dtype=torch.int64)), rule=None, threads=1)


@pytest.mark.parametrize("instruction_set", INSTRUCTION_SETS)
@pytest.mark.parametrize("name", NETWORKS)
def test_nor_with_any_instruction_set(name: str, instruction_set: str) -> None:
    assert_same(*(trained(NETWORKS[name], 16, threads, instruction_set) for threads in (1, 2)))


@pytest.mark.parametrize("name", NETWORKS)
def test_nor_does_it_when_it_changes_between_steps(name: str) -> None:
    network = NETWORKS[name]
    model = build(network, initialisation="lecun", generator=torch.Generator().manual_seed(1))
    pixels, labels = torch.rand(16, *network.input), torch.arange(16) % plan(network).output[0]
    loss = "rbf-mle" if isinstance(network.layers[-1], RBF) else "cross-entropy"
    engine = Engine(network, tensors_of(model))
    first: list[Tensor] = []
    for threads in (1, 2, 4, 1, 3, 2) * 5:
        engine.step(Pictures(pixels), Goal(labels, loss), rule=None, threads=threads)
        first = first or [each.clone() for each in engine.gradients]
        assert_same(engine.gradients, first)
