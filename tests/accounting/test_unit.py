"""What one unit sees, against the pixels from which a gradient reaches it."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from striate import Branches, Conv, Flatten, Linear, Network, Pool, Residual, account, find
from striate.accounting.unit import Rectangle, unclipped, view
from striate.description.network import INPUT, plan
from striate.errors import SpecError, UnknownNameError
from striate.modules import Built, build
from striate.modules.elementwise import PaperLocalResponseNorm, ScaledTanh
from striate.modules.pooling import SidePaddedPooling
from tests.support.strategies import networks


def transparent(network: Network) -> Built:
    """The network with no weight below 0.1, averages for maxima and no activations: every link lets a gradient by."""
    model = build(network, initialisation="lecun").double().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.abs_().add_(0.1)
    for path, module in list(model.named_modules()):
        parent = model.get_submodule(path.rpartition(".")[0])
        name = path.rpartition(".")[2]
        if isinstance(module, nn.MaxPool2d):
            averages = nn.AvgPool2d(module.kernel_size, module.stride, module.padding, ceil_mode=module.ceil_mode)
            setattr(parent, name, averages)
        elif isinstance(module, SidePaddedPooling):
            module.function = "average"
        elif isinstance(module, (nn.ReLU, nn.Tanh, nn.Sigmoid, nn.Softmax, ScaledTanh, PaperLocalResponseNorm)):
            setattr(parent, name, nn.Identity())
    return model


def reached(network: Network, path: str, row: int, column: int) -> Rectangle | None:
    """The rectangle around the pixels from which a gradient reaches the unit, in any of the maps."""
    model = transparent(network)
    captured: list[torch.Tensor] = []
    model.get_submodule(path).register_forward_hook(lambda _, __, output: captured.append(output))
    pixels = torch.rand(1, *network.input, dtype=torch.double, requires_grad=True)
    model.logits(pixels, heads={})
    (gradient,) = torch.autograd.grad(captured[0][0, :, row, column].sum(), pixels)
    lit = gradient[0].abs().sum(0) > 0
    rows, columns = lit.any(1).nonzero()[:, 0].tolist(), lit.any(0).nonzero()[:, 0].tolist()
    return Rectangle((rows[0], rows[-1]), (columns[0], columns[-1])) if rows else None


@given(network=networks(), data=st.data())
@settings(max_examples=120, deadline=None)
def test_units_of_random_networks_see_what_a_gradient_reaches(network: Network, data: st.DataObject) -> None:
    maps = [step for step in plan(network).steps if len(step.output) == 3]
    if not maps:
        return
    step = data.draw(st.sampled_from(maps))
    row = data.draw(st.integers(0, step.output[1] - 1))
    column = data.draw(st.integers(0, step.output[2] - 1))
    assert view(network, f"{step.path}:{row},{column}").clipped == reached(network, step.path, row, column)


@given(network=networks(), data=st.data())
@settings(max_examples=60, deadline=None)
def test_the_rule_for_a_layer_gives_each_of_its_units(network: Network, data: st.DataObject) -> None:
    planned, rows = plan(network), account(network).rows
    jumps = [(1, 1) if number == INPUT else rows[number].receptive_field.jump for number in range(INPUT, len(rows))]
    for number, row in enumerate(rows):
        if len({jumps[source + 1] for source in row.step.sources}) > 1:
            return  # from here on units of one layer have fields of different sizes
        if len(row.step.output) != 3:
            continue
        place = (data.draw(st.integers(0, row.step.output[1] - 1)), data.draw(st.integers(0, row.step.output[2] - 1)))
        spans = (row.receptive_field.height, row.receptive_field.width)
        expected = [
            (span.first + at * span.jump, span.last + at * span.jump) for span, at in zip(spans, place, strict=True)
        ]
        unit = Rectangle((place[0], place[0]), (place[1], place[1]))
        assert unclipped(planned, number, unit) == Rectangle(*expected)


def test_a_pixel_that_no_earlier_window_reads_is_not_seen() -> None:
    network = Network("n", (1, 7, 7), [Conv(1, kernel=3, stride=3), Conv(1, kernel=3, padding=1)])
    seen = view(network, "conv2:1,1")
    assert seen.clipped == Rectangle((0, 5), (0, 5))
    assert seen.unclipped == Rectangle((0, 8), (0, 8))


def test_gaps_of_a_dilation_are_not_seen_at_the_edge() -> None:
    network = Network("n", (1, 9, 9), [Conv(1, kernel=2, dilation=4, padding=(3, 0, 0, 0))])
    assert view(network, "conv1:0,0").clipped == Rectangle((1, 1), (0, 4))
    assert view(network, "conv1:0,0").unclipped == Rectangle((-3, 1), (0, 4))


def test_a_unit_may_see_nothing_but_padding() -> None:
    network = Network("n", (1, 4, 4), [Conv(1, kernel=2, padding=3)])
    assert view(network, "conv1:0,0").clipped is None


def test_parts_with_different_strides() -> None:
    parts = [[Conv(1, kernel=3, stride=2)], [Pool("max", kernel=4, stride=1)]]
    network = Network("n", (1, 5, 5), [Branches(parts), Residual([Conv(2, kernel=1)])])
    assert view(network, "residual1:1,1").clipped == Rectangle((1, 4), (1, 4)) == reached(network, "residual1", 1, 1)


def test_a_flat_unit_sees_what_all_units_before_it_see() -> None:
    network = Network("n", (1, 7, 9), [Conv(2, kernel=3, stride=3), Flatten(), Linear(4)])
    seen = view(network, "linear1")
    assert (seen.place, seen.clipped) == (None, Rectangle((0, 5), (0, 8)))
    assert account(network).rows[-1].receptive_field.size == (6, 9)


@pytest.mark.parametrize(
    ("unit", "error", "text"),
    [
        (
            "S3:1,1",
            UnknownNameError,
            "no layer is called 'S3'.\n"
            "The layers are: C1, C3, C5, F6, S2, S4, flatten1, output, tanh1, tanh2, tanh3, tanh4, tanh5, tanh6.\n"
            "Did you mean 'S4'?",
        ),
        (
            "S4:5,0",
            SpecError,
            "'S4:5,0' lies outside of its maps.\nThe maps are 16×5×5: rows 0 to 4, columns 0 to 4.",
        ),
        (
            "S4",
            SpecError,
            "'S4' does not name a unit.\n"
            "A unit is a layer's path, a colon, its row and its column, counted from 0.\n"
            "Its maps are 16×5×5: try S4:2,2.",
        ),
        (
            "F6:3,0",
            SpecError,
            "'F6:3,0' names a row and a column, but F6 gives a flat vector of 84.\n"
            "All units of a flat vector see the same pixels: those that any unit before the flatten sees.\n"
            "Ask for 'F6'.",
        ),
    ],
)  # fmt: skip
def test_what_is_no_unit_says_so(unit: str, error: type[Exception], text: str) -> None:
    with pytest.raises(error) as caught:
        view(find("lenet5"), unit)
    assert str(caught.value) == text


def test_a_table_that_names_one_branch_sees_that_branch_alone() -> None:
    parts = [[Conv(2, kernel=1)], [Conv(3, kernel=3, padding="same")]]
    for conv, expected in (
        (Conv(1, kernel=1, table=((0,),)), Rectangle((2, 2), (3, 3))),
        (Conv(1, kernel=1, table=((1, 4),)), Rectangle((1, 3), (2, 4))),
    ):
        network = Network("n", (1, 6, 6), [Branches(parts), conv])
        assert view(network, "conv1:2,3").clipped == expected == reached(network, "conv1", 2, 3)
