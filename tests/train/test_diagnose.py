"""A training that cannot learn says why."""

import math

import pytest
import torch

from striate import Activation, Conv, Flatten, Linear, Network
from striate.build import build
from striate.errors import LearningError
from striate.train import Recipe
from striate.train.diagnose import GradientWatch, dead_units, require_finite, stuck

NETWORK = Network(
    "two", (1, 6, 6), [Conv(8, kernel=3), Activation("relu"), Flatten(), Linear(6), Activation("tanh"), Linear(10)]
)


def model():
    return build(NETWORK, generator=torch.Generator().manual_seed(0))


def test_a_healthy_model_has_no_finding() -> None:
    assert dead_units(model(), torch.randn(32, 1, 6, 6)) == []


def test_dead_relus_are_named() -> None:
    sick = model()
    with torch.no_grad():
        sick.conv1.bias[:5] = -100
    findings = dead_units(sick, torch.randn(32, 1, 6, 6))
    assert [str(each).splitlines()[0] for each in findings] == [
        "5 of 8 units of relu1 give the same value for every image."
    ]
    assert findings[0].kind == "dead"
    assert "Try a lower rate" in findings[0].remedy


def test_saturated_units_are_dead_too() -> None:
    sick = model()
    with torch.no_grad():
        sick.linear1.bias[:] = 1000
    assert [each.what.split(" units of ")[1][:5] for each in dead_units(sick, torch.randn(8, 1, 6, 6))] == ["tanh1"]


def test_looking_leaves_no_hook_and_no_change() -> None:
    looked_at = model().train()
    before = {name: value.clone() for name, value in looked_at.state_dict().items()}
    dead_units(looked_at, torch.randn(4, 1, 6, 6))
    assert looked_at.training
    assert all(not each._forward_hooks for each in looked_at.modules())
    assert all(torch.equal(value, before[name]) for name, value in looked_at.state_dict().items())


@pytest.mark.parametrize(
    ("loss", "accuracy", "found"),
    [(math.log(10), 0.1, True), (math.log(10) * 1.005, 0.11, True), (math.log(10), 0.3, False), (2.0, 0.1, False)],
)
def test_stuck_at_chance(loss: float, accuracy: float, found: bool) -> None:
    finding = stuck(loss, accuracy, classes=10, recipe=Recipe())
    assert (finding is not None) is found
    if finding:
        assert finding.what == "The loss stays at ln(10) = 2.303: the network gives every class the same probability."


def test_other_losses_have_no_chance_level() -> None:
    assert stuck(math.log(10), 0.1, classes=10, recipe=Recipe(loss="rbf-mle")) is None


def test_exploding_gradients_are_reported_once() -> None:
    watch, sick = GradientWatch(), model()
    for each in sick.parameters():
        each.grad = torch.ones_like(each)
    assert watch.look(sick) is None
    for each in sick.parameters():
        each.grad *= 1000
    finding = watch.look(sick)
    assert finding is not None
    assert "1,000 times that of the first step" in finding.what
    assert watch.look(sick) is None


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_a_loss_that_is_no_number(loss: float) -> None:
    require_finite(2.0, step=1, rate=0.1)
    with pytest.raises(LearningError) as caught:
        require_finite(loss, step=7, rate=0.1)
    assert str(caught.value) == (
        f"the loss is {loss} at step 7.\n"
        "The weights have run away: the learning rate, 0.1 there, is too high for this network and these inputs.\n"
        "Try a tenth of it: --rate, or a recipe of your own."
    )
