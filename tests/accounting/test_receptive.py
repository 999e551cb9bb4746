"""Receptive fields against gradients: a unit sees the pixels from which a gradient reaches it."""

import pytest
import torch
from hypothesis import given, settings

from striate import Branches, Conv, Flatten, Linear, Network, Pool, Residual, Subsample, account, from_text
from striate.accounting.unit import Rectangle, unclipped
from striate.description.layers import Layer
from striate.description.network import plan
from striate.modules import build
from tests.support.strategies import networks


def positive(network: Network):
    """The network with every weight above 0, so that no path cancels another."""
    model = build(network, initialisation="lecun").double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.abs_().add_(0.1)
    return model


def seen(layers: list[Layer], shape: tuple[int, int, int], row: int, column: int) -> tuple[int, int, int, int]:
    """First and last row, first and last column of the input that one unit's gradient reaches."""
    model = positive(Network("probe", shape, layers))
    pixels = torch.rand(1, *shape, dtype=torch.double, requires_grad=True)
    model(pixels)[0, 0, row, column].backward()
    assert pixels.grad is not None
    reached = pixels.grad[0].abs().sum(0) > 0
    rows, columns = reached.any(1).nonzero()[:, 0], reached.any(0).nonzero()[:, 0]
    return int(rows[0]), int(rows[-1]), int(columns[0]), int(columns[-1])


def said(layers: list[Layer], shape: tuple[int, int, int], row: int, column: int) -> tuple[int, int, int, int]:
    """The same from the account, clipped to the input."""
    field = account(Network("probe", shape, layers)).rows[-1].receptive_field
    found: list[int] = []
    for span, place, size in ((field.height, row, shape[1]), (field.width, column, shape[2])):
        found += [max(0, span.first + place * span.jump), min(size - 1, span.last + place * span.jump)]
    return found[0], found[1], found[2], found[3]


def test_through_strides_padding_dilation_and_subsampling() -> None:
    layers: list[Layer] = [
        Conv(2, kernel=(3, 5), stride=(2, 1), padding=(1, 0, 2, 2)),
        Conv(3, kernel=3, dilation=2, padding=2),
        Subsample(kernel=2),
        Pool("average", kernel=3, stride=2),
    ]
    for place in ((0, 0), (1, 2), (2, 3)):
        assert seen(layers, (1, 32, 24), *place) == said(layers, (1, 32, 24), *place)


def test_through_residuals_and_branches() -> None:
    layers: list[Layer] = [
        Conv(2, kernel=3, padding=1),
        Residual([Conv(4, kernel=3, stride=2, padding=1)], shortcut=[Conv(4, kernel=1, stride=2)]),
        Branches([[Conv(2, kernel=1)], [Conv(2, kernel=5, padding="same")]]),
    ]
    # The first map of the concatenation is of the narrow branch: add all maps up to see the union.
    layers.append(Conv(1, kernel=1))
    for place in ((0, 0), (4, 4), (3, 7)):
        assert seen(layers, (1, 16, 16), *place) == said(layers, (1, 16, 16), *place)


@pytest.mark.parametrize(
    ("words", "size", "jump", "first"),
    [
        ("upsample 2, conv 1 3x3 same", 2, 0.5, (-1, 0)),
        ("upsample 2, conv 1 2x2", 2, 0.5, (0, 0)),
        ("max 4, upsample 2, conv 1 2x2", 8, 2, (0, 3)),
        ("max 2, conv 1 3x3 same, upsample 2, conv 1 3x3 same, conv 1 3x3 same", 10, 1, (-4, 5)),
        ("upsample 2, upsample 3, max 4", 2, 2 / 3, (0, 0)),
        ("upsample 4, max 4, conv 1 3x3 same", 3, 1, (-1, 1)),
        ("max 2, upsample 2, residual(conv 1 3x3 same)", 4, 1, (-2, 1)),
    ],
)
def test_after_an_upsampling_it_is_the_field_of_the_unit_that_sees_most(
    words: str, size: int, jump: float, first: tuple[int, int]
) -> None:
    network = from_text(f"1x24x24: {words}")
    planned, row = plan(network), account(network).rows[-1]
    units = [Rectangle((at, at), (at, at)) for at in range(row.step.output[1])]
    fields = [unclipped(planned, len(planned.steps) - 1, unit) for unit in units]
    assert max(field.size[0] for field in fields) == row.receptive_field.size[0] == size
    assert fields[0].rows == (row.receptive_field.height.first, row.receptive_field.height.last) == first
    assert row.receptive_field.jump == (jump, jump)


def test_after_a_flatten_a_unit_sees_the_whole_input() -> None:
    row = account(Network("n", (1, 12, 10), [Conv(2, kernel=3), Flatten(), Linear(4)])).rows[-1]
    assert row.receptive_field.size == (12, 10)
    assert row.receptive_field.jump == (0, 0)


def test_rows_that_no_window_reads_are_not_in_the_whole() -> None:
    row = account(Network("n", (1, 7, 7), [Conv(2, kernel=3, stride=3), Flatten(), Linear(4)])).rows[-1]
    assert row.receptive_field.size == (6, 6)


@pytest.mark.parametrize(
    ("layers", "ends", "jump"),
    [
        ("gate(global_average, linear 2, sigmoid)", (-1, 7), 1),
        ("gate(global_average, linear 2, sigmoid), conv 2 3x3 same, conv 2 3x3 same", (-3, 7), 1),
        ("gate(max 8, conv 2 1x1, sigmoid), conv 2 3x3 same", (-2, 8), 1),
        ("gate(global_average, linear 2, sigmoid), upsample 2, conv 2 3x3 same", (-2, 7), 0.5),
        ("branches(gate(global_average, linear 2, sigmoid); conv 2 3x3 same)", (-2, 7), 1),
        ("gate(conv 2 3x3 same)", (-2, 2), 1),
    ],
)
def test_what_a_gates_factor_sees_all_units_see(layers: str, ends: tuple[int, int], jump: float) -> None:
    """It does not move with the unit, and no unit sees more than is said."""
    network = from_text(f"1x8x8: conv 2 3x3 same, {layers}")
    row = account(network).rows[-1]
    field = row.receptive_field
    assert (field.height.ends, field.width.ends, field.jump) == (ends, ends, (jump, jump))
    assert "upsample" in layers or field.start == (sum(ends) / 2, sum(ends) / 2)
    pixels = torch.rand(1, 1, 8, 8, dtype=torch.double, requires_grad=True)
    positive(network)(pixels)[0, 0, 0, 0].backward()
    assert pixels.grad is not None
    reached = (pixels.grad[0, 0].abs().sum(1) > 0).nonzero()[:, 0]
    if "max" not in layers:  # its gradient goes to one pixel
        assert (int(reached[0]), int(reached[-1])) == (0, min(7, ends[1]))


@given(network=networks())
@settings(max_examples=25, deadline=None)
def test_random_networks_see_no_more_than_is_said(network: Network) -> None:
    model = positive(network).eval()
    pixels = torch.rand(1, *network.input, dtype=torch.double, requires_grad=True)
    model(pixels)[0, 0].backward()
    assert pixels.grad is not None
    reached = pixels.grad[0].abs().sum(0) > 0
    field = account(network).rows[-1].receptive_field
    rows, columns = reached.any(1).nonzero()[:, 0], reached.any(0).nonzero()[:, 0]
    for found, (first, last) in ((rows, field.height.ends), (columns, field.width.ends)):
        assert len(found) == 0 or (first <= int(found[0]) and int(found[-1]) <= last)
