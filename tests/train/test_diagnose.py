"""A training that cannot learn says why."""

import math

import pytest
import torch

from striate import Activation, Conv, Flatten, Linear, Network
from striate.errors import LearningError
from striate.modules import build
from striate.train import Recipe
from striate.train.diagnose import GradientWatch, dead_units, missed_classes, require_finite, stuck

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


def epochs(*losses: float, accuracy: float = 0.1, rate: float = 4e-3) -> list[dict[str, float]]:
    return [{"loss": each, "accuracy": accuracy, "rate": rate} for each in losses]


CHANCE = math.log(10)


def said(found: list[dict[str, float]], *, batches: int = 100, recipe: Recipe | None = None) -> list[int]:
    """The epochs after which it is said that the loss is stuck."""
    recipe = recipe or Recipe()
    ways = [stuck(found[:end], classes=10, recipe=recipe, batches=batches) for end in range(len(found) + 1)]
    return [end for end, finding in enumerate(ways) if finding]


def test_stuck_is_said_once_after_three_epochs_at_chance() -> None:
    assert said(epochs(*[CHANCE] * 8)) == [3]
    assert said(epochs(*[CHANCE * 1.005] * 8, accuracy=0.11)) == [3]
    assert said(epochs(1.0, *[CHANCE] * 7)) == [4]
    finding = stuck(epochs(*[CHANCE] * 3), classes=10, recipe=Recipe(), batches=100)
    assert finding
    assert str(finding) == (
        "The loss stays at ln(10) = 2.303: the network gives every class the same probability.\n"
        "The weights began so small, or the rate is so high, that nothing of the image reaches the output.\n"
        "Try another initialisation than he, a tenth of the rate 0.004, or batch norm."
    )


@pytest.mark.parametrize(
    "found",
    [
        epochs(CHANCE, CHANCE, 1.9, 1.2, 0.8, 0.5, 0.3, 0.2),
        epochs(*[CHANCE] * 8, accuracy=0.3),
        epochs(*[2.0] * 8),
        epochs(*[CHANCE] * 5, rate=1e-3) + epochs(CHANCE, 1.0, 0.5),
        epochs(CHANCE, CHANCE, 1.0, CHANCE, CHANCE, 1.0, CHANCE, CHANCE),
    ],
    ids=["learns late", "right more often", "another loss", "learns once warmed up", "comes and goes"],
)
def test_a_run_that_learns_is_not_stuck(found: list[dict[str, float]]) -> None:
    assert said(found) == []


def test_of_a_short_training_it_is_said_at_its_end() -> None:
    assert said(epochs(CHANCE, CHANCE), recipe=Recipe(epochs=2)) == [2]
    assert said(epochs(CHANCE), recipe=Recipe(epochs=1)) == [1]
    assert said(epochs(1.0, CHANCE), recipe=Recipe(epochs=2)) == []
    few = stuck(epochs(CHANCE), classes=10, recipe=Recipe(epochs=1, batch=256), batches=1)
    assert few
    assert str(few).splitlines()[1:] == [
        "It has taken 1 step only, one for each batch of 256 images.",
        "Try smaller batches, such as --batch 16, or more epochs.",
    ]


def test_other_losses_have_no_chance_level() -> None:
    assert said(epochs(*[CHANCE] * 8), recipe=Recipe(loss="rbf-mle")) == []


def test_classes_that_are_missed_are_named() -> None:
    assert missed_classes([], [600, 30], ["dog", "cat"]) is None
    rare = missed_classes([1], [600, 30], ["dog", "cat"])
    assert str(rare) == (
        "No validation image of the class cat (30 training images) is recognised: recall 0%.\n"
        "The largest class has 600: a network loses little by never answering a rare class.\n"
        "Add images of it, or take fewer of the others."
    )
    even = missed_classes(range(7), [50] * 7, "abcdefg")
    assert str(even) == (
        "No validation image of the classes a (50 training images), b (50 training images), c (50 training images), "
        "d (50 training images), e (50 training images) and 2 more is recognised: recall 0%.\n"
        "The network has not learned to tell them from the others.\n"
        "Train for more epochs, or look at the images: are their labels right, and do they differ from the others?"
    )


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
