"""Receptive fields: the gradient never leaves the exact rectangle, and fills it."""

import pytest
import torch

from striate import Network
from striate.accounting.unit import view
from striate.description.layers import Conv
from striate.description.narrow import narrow
from striate.look import effective_field, fields, shown
from striate.look.choose import main_steps
from striate.look.field import middle, pixels_for
from striate.modules import build
from striate.networks import find

CASES = [
    "lenet5",
    "1x20x17: conv 3 3x3 /2, tanh, average 2x2, conv 2 3x3 pad 1, tanh, flatten, linear 2",
    narrow(find("resnet20-cifar"), 0.25),
]


@pytest.mark.parametrize("case", CASES, ids=["lenet5", "strides", "resnet20"])
def test_the_gradient_stays_in_the_rectangle(case: str | Network) -> None:
    network = find(case) if isinstance(case, str) else case
    model = build(network, initialisation="lecun", generator=torch.Generator().manual_seed(0))
    images = torch.randn(4, *network.input, generator=torch.Generator().manual_seed(1))
    for step in main_steps(network)[::3]:
        for unit in {middle(network, step), f"{step.path}:0,0" if len(step.output) == 3 else step.path}:
            seen = view(network, unit)
            field = effective_field(model, seen, images)
            assert seen.clipped
            (top, bottom), (left, right) = seen.clipped.rows, seen.clipped.columns
            inside = field[top : bottom + 1, left : right + 1].clone()
            field[top : bottom + 1, left : right + 1] = 0
            assert field.abs().max() == 0, unit
            if isinstance(step.layer, Conv) and step.path == network.layers[0].name:
                assert (inside > 0).all()


def test_a_mean_has_the_same_field_everywhere() -> None:
    network = find("1x8x8: average 4x4, flatten, linear 2")
    field = effective_field(build(network), view(network, "pool1:0,1"), torch.rand(3, 1, 8, 8))
    assert torch.equal(field[:4, 4:], torch.full((4, 4), 1 / 16))
    assert field.sum() == 1


def test_pixels_for_a_share() -> None:
    assert pixels_for(torch.tensor([[8.0, 1.0], [1.0, 0.0]]), 0.8) == 1
    assert pixels_for(torch.tensor([[8.0, 1.0], [1.0, 0.0]]), 0.85) == 2
    assert pixels_for(torch.zeros(2, 2)) == 0


def test_the_figure_shows_one_unit_or_several_layers(learned) -> None:
    image = shown(learned)[0]
    assert "unit 11,11" in fields(learned, image, unit="conv1:11,11").svg
    both = fields(learned, image).svg
    assert "5×5 of the image" in both
    assert "7×7 of the image" in both
