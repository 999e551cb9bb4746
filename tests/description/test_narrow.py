"""The same layers at another size."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from striate import NETWORKS, Conv, Flatten, Linear, Network, PadChannels, Residual, account, find, from_text
from striate.description.layers import RBF
from striate.description.narrow import narrow
from striate.description.network import plan
from striate.errors import ShapeError, SpecError
from tests.support.strategies import networks


@pytest.mark.parametrize("name", NETWORKS)
def test_a_factor_of_one_changes_nothing(name: str) -> None:
    network = find(name)
    assert narrow(network) == network


def test_vgg_at_a_quarter() -> None:
    small = plan(narrow(find("vgg-a"), 1 / 4, input=(3, 64, 64), classes=7))
    filters = [step.layer.filters for step in small.steps if isinstance(step.layer, Conv)]
    assert filters == [16, 32, 64, 64, 128, 128, 128, 128]
    assert [step.layer.units for step in small.steps if isinstance(step.layer, Linear)] == [1024, 1024, 7]


def test_every_head_gets_the_classes() -> None:
    steps = plan(narrow(find("googlenet"), 1 / 8, classes=5)).steps
    assert [step.layer.units for step in steps if isinstance(step.layer, Linear)] == [128, 5, 128, 5, 5]


def test_groups_stay_valid() -> None:
    steps = plan(narrow(find("alexnet"), 1 / 64)).steps
    filters = [step.layer.filters for step in steps if isinstance(step.layer, Conv)]
    assert filters == [2, 4, 6, 6, 4]


@pytest.mark.parametrize(
    ("factor", "parameters", "macs"), [(0.75, "2.6", "325"), (0.5, "1.3", "149"), (0.25, "0.5", "41")]
)
def test_the_narrower_mobilenets_of_the_papers_table_6(factor: float, parameters: str, macs: str) -> None:
    totals = account(narrow(find("mobilenet-v1"), factor)).totals
    assert (f"{totals.parameters / 1e6:.1f}", f"{totals.macs / 1e6:.0f}") == (parameters, macs)


@pytest.mark.parametrize("name", ["mobilenet-v2", "mobilenet-v3-small", "shufflenet-v1", "efficientnet-b0"])
def test_depthwise_convolutions_get_narrower_with_their_input(name: str) -> None:
    steps = plan(narrow(find(name), 0.5)).steps
    for step, whole in zip(steps, plan(find(name)).steps, strict=True):
        if isinstance(step.layer, Conv) and isinstance(whole.layer, Conv) and whole.layer.groups == whole.inputs[0][0]:
            assert step.layer.groups == step.layer.filters == step.inputs[0][0] == whole.layer.groups / 2


def test_depthwise_convolutions_on_the_input_keep_its_maps() -> None:
    network = Network("n", (3, 8, 8), [Conv(6, kernel=3, groups=3), Conv(12, kernel=1), Flatten(), Linear(3)])
    assert [step.output[0] for step in plan(narrow(network, 0.5)).steps] == [3, 6, 216, 3]


@given(network=networks(without=("pad", "identity")), factor=st.sampled_from([0.3, 0.5, 2.0]))
@settings(max_examples=40, deadline=None)
def test_what_is_narrowed_still_fits(network: Network, factor: float) -> None:
    layers = [step.layer for step in plan(network).steps]
    if any(isinstance(layer, RBF) or (isinstance(layer, Conv) and layer.table) for layer in layers):
        with pytest.raises(SpecError, match="cannot be made narrower"):
            narrow(network, factor)
    elif all(network.input[0] % layer.groups == 0 for layer in layers if isinstance(layer, Conv)):
        assert plan(narrow(network, factor)).output == plan(network).output


@given(network=networks(), factor=st.sampled_from([0.3, 0.5, 2.0]), classes=st.sampled_from([None, 7]))
@settings(max_examples=100, deadline=None)
def test_whatever_stands_in_it_it_fits_or_says_why(network: Network, factor: float, classes: int | None) -> None:
    try:
        output, why = plan(narrow(network, factor, classes=classes)).output, ""
    except SpecError as error:
        output, why = (), error.what
    assert output == (classes or 3,) or re.search("cannot be made narrower.|does not fit together at another", why)


def test_sums_with_the_inputs_own_maps_say_why() -> None:
    added = Network("added", (4, 8, 8), [Residual([Conv(4, kernel=1)], name="block"), Flatten(), Linear(3)])
    padded = Network("padded", (4, 8, 8), [PadChannels(6, name="more"), Flatten(), Linear(3)])
    rest = (
        "Values that are added to the input's own, or put behind them, keep their number, as the input's do.\n"
        "Put a layer with weights before them, or into the shortcut."
    )
    for network, what in ((added, "block adds (2, 8, 8) to (4, 8, 8)."), (padded, "more PadChannels(3) on 4×8×8")):
        with pytest.raises(SpecError) as caught:
            narrow(network, 0.5)
        assert str(caught.value).startswith(f"{network.name} does not fit together at another width: {what}")
        assert str(caught.value).endswith(rest)
        assert plan(narrow(network, 2.0 if network is padded else 1.0)).output == (3,)


def test_an_input_that_is_too_small_is_the_inputs_fault() -> None:
    with pytest.raises(ShapeError, match="a window 5 long does not fit an input of 6×2×2"):
        narrow(find("lenet5"), input=(1, 8, 8))


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: narrow(find("lenet5"), 0.5), "lenet5 cannot be made narrower."),
        (
            lambda: narrow(find("alphago-policy"), classes=4),
            "alphago-policy has no linear layer whose units could be 4 classes, and ends in no convolution.",
        ),
        (lambda: narrow(find("lenet5"), classes=4), "lenet5 ends in 10 RBF units, which cannot be 4 classes."),
        (
            lambda: narrow(
                Network("n", (1, 4, 4), [Flatten(), Linear(5), Residual([Linear(3)], shortcut=[Linear(3)])]), classes=4
            ),
            "n has an output of 3, which cannot be 4 classes.",
        ),
        (lambda: narrow(find("vgg-a"), 0), "factor is 0."),
        (lambda: narrow(find("vgg-a"), classes=0), "classes is 0."),
        (lambda: narrow(Network("n", (1, 4, 4), [Flatten(), Linear(2)]), input=(4, 4)), "the input is (4, 4)."),
    ],
)
def test_what_cannot_be_narrowed_says_why(make, text: str) -> None:
    with pytest.raises(SpecError) as caught:
        make()
    assert str(caught.value).splitlines()[0] == text


@pytest.mark.parametrize(
    ("text", "outputs"),
    [
        ("1x28x28: conv 8 5x5, relu, conv 10 24x24, flatten, softmax", 10),
        ("1x8x8: conv 8 3x3, relu, end: (conv 1 1x1, bn, relu), flatten, softmax", 36),
        ("48x9x9: conv 8 3x3 same, relu, conv 1 1x1 no bias, position_bias, flatten, softmax", 81),
    ],
)
def test_a_convolution_whose_maps_are_the_output_keeps_its_number(text: str, outputs: int) -> None:
    network = from_text(text)
    for factor in (0.5, 2.0):
        assert plan(narrow(network, factor)).output == (outputs,)
    assert plan(narrow(find("go-policy-48"), 2.0)).output == (361,)
