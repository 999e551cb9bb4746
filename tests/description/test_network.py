"""Paths, plans, and what cannot be one network."""

import pytest
import torch

from striate import (
    Activation,
    Block,
    Branches,
    Conv,
    Flatten,
    Network,
    Pool,
    Residual,
    account,
)
from striate.description.network import INPUT, plan
from striate.errors import ShapeError, SpecError
from striate.modules import build
from tests.support.networks import NESTED


def test_every_layer_has_a_path() -> None:
    assert [step.path for step in plan(NESTED).steps] == [
        "stem.conv1",
        "stem.batch_norm1",
        "stem.relu1",
        "stage1.block1.conv1",
        "stage1.block1",
        "stage1.relu1",
        "stage1.block2.conv1",
        "stage1.block2.shortcut.conv1",
        "stage1.block2",
        "side.global_average_pool1",
        "side.linear1",
        "mixed.one.conv1",
        "mixed.block2.conv1",
        "mixed.block2.conv2",
        "mixed",
        "flatten1",
        "linear1",
    ]


def test_steps_name_what_they_read() -> None:
    planned = plan(NESTED)
    steps = {step.path: step for step in planned.steps}
    number = {step.path: place for place, step in enumerate(planned.steps)}
    assert steps["stem.conv1"].sources == (INPUT,)
    assert steps["stage1.block1"].sources == (number["stage1.block1.conv1"], number["stem.relu1"])
    assert steps["mixed"].sources == (number["mixed.one.conv1"], number["mixed.block2.conv2"])
    assert steps["mixed.one.conv1"].sources == (number["stage1.block2"],)
    assert steps["mixed"].output == (9, 8, 8)
    assert planned.output == (10,)


def test_auxiliary_heads_are_marked_and_weighted() -> None:
    planned = plan(NESTED)
    assert planned.heads == {"side": 0.5}
    assert {step.path for step in planned.steps if step.head} == {"side.global_average_pool1", "side.linear1"}


def test_a_residual_of_two_shapes_says_what_would_fit() -> None:
    block = Residual([Conv(512, kernel=3, stride=2, padding=1)], name="block1")
    with pytest.raises(ShapeError) as caught:
        plan(Network("n", (256, 14, 14), [Block([block], name="stage4")]))
    assert str(caught.value) == (
        "stage4.block1: adds (512, 7, 7) to (256, 14, 14).\n"
        "A residual adds its body to its shortcut, so both must have one shape.\n"
        "Give the block a shortcut such as Conv(512, kernel=1, stride=2), BatchNorm()."
    )


def test_branches_of_two_sizes_say_so() -> None:
    with pytest.raises(ShapeError, match=r"branches1: concatenates \(1, 6, 6\), \(1, 8, 8\)"):
        plan(Network("n", (1, 8, 8), [Branches([[Conv(1, kernel=3)], [Conv(1, kernel=1)]])]))


def test_the_layer_that_does_not_fit_is_named() -> None:
    with pytest.raises(ShapeError, match=r"^pool1: a window 3 long does not fit an input of 4×2×2"):
        plan(Network("n", (1, 4, 4), [Conv(4, kernel=3), Pool("max", kernel=3)]))


def test_another_input_may_be_planned() -> None:
    assert plan(NESTED, (3, 32, 32)).steps[0].output == (8, 32, 32)
    with pytest.raises(SpecError, match="the input is"):
        plan(NESTED, (32, 32))


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Conv(0, kernel=3), "Conv filters is 0."),
        (lambda: Conv(6, kernel=(5, 5, 5)), "Conv kernel is (5, 5, 5)."),
        (lambda: Conv(6, kernel=3, padding=-1), "Conv padding is -1."),
        (lambda: Conv(6, kernel=3, padding="full"), "Conv padding is 'full'."),
        (lambda: Conv(6, kernel=3, groups=4), "Conv groups is 4 for 6 filters."),
        (lambda: Conv(2, kernel=3, groups=2, table=((0,), (0,))), "Conv has both groups and a table."),
        (lambda: Conv(2, kernel=3, table=((0,),)), "Conv table has 1 rows for 2 filters."),
        (lambda: Conv(1, kernel=3, table=((1, 0),)), "Conv table[0] is (1, 0)."),
        (lambda: Conv(True, kernel=3), "Conv filters is True."),
        (lambda: Pool("median", kernel=2), "Pool function is 'median'."),
        (lambda: Activation("swish"), "Activation function is 'swish'."),
        (lambda: Conv(1, kernel=1, name="a.b"), "Conv name is 'a.b'."),
        (lambda: Residual([]), "Residual holds no layer."),
        (lambda: Block(["conv"]), "Block holds 'conv'."),
        (lambda: Branches([[Conv(1, kernel=1)]]), "Branches has 1 branches."),
        (lambda: Network("", (1, 8, 8), [Flatten()]), "the network has no name."),
        (lambda: Network("n", (8, 8), [Flatten()]), "the input is (8, 8)."),
        (
            lambda: plan(Network("n", (1, 8, 8), [Activation("relu", name="a"), Activation("relu", name="a")])),
            "two layers are called 'a'.",
        ),
    ],
)
def test_what_cannot_be_described_says_why(make, text) -> None:
    with pytest.raises(SpecError) as caught:
        make()
    assert str(caught.value).splitlines()[0] == text
    assert caught.value.expected


def test_a_layer_called_shortcut_is_one_of_the_residual_s_own() -> None:
    inside = [Conv(2, kernel=1, name="shortcut"), Conv(2, kernel=1)]
    network = Network("named", (2, 4, 4), [Residual(inside)])
    model = build(network)
    images = torch.rand(3, 2, 4, 4)
    body = model.get_submodule("residual1.conv2")(model.get_submodule("residual1.shortcut")(images))
    torch.testing.assert_close(model(images), body + images)
    assert account(network).totals.parameters == sum(each.numel() for each in model.parameters())
    with pytest.raises(SpecError) as raised:
        Residual(inside, shortcut=[Conv(2, kernel=1)])
    assert str(raised.value) == (
        "a layer of the Residual is called 'shortcut', as its shortcut is.\n"
        "Layers side by side need names of their own."
    )
