"""How networks fit their inputs, against windows that are walked one by one."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from striate import Conv, Linear, Network, Pool, find
from striate.accounting.fit import remedies, unseen
from striate.accounting.fitting import fitting
from striate.accounting.show.fit import fit_table
from striate.description.network import plan
from striate.description.shapes import Axis
from striate.errors import ShapeError

POST_002 = Network("post-002", (1, 7, 7), [Conv(1, kernel=3, stride=3)])


def walked(axis: Axis) -> set[int]:
    """The places of the padded input that windows read, one window after the other."""
    read: set[int] = set()
    start = -axis.before
    while start + axis.extent <= axis.size + axis.after:
        read |= {start + tap for tap in range(0, axis.extent, axis.dilation)}
        start += axis.stride
    return read


@given(
    size=st.integers(1, 40),
    kernel=st.integers(1, 11),
    stride=st.integers(1, 5),
    padding=st.tuples(st.integers(0, 3), st.integers(0, 3)),
)
def test_every_remedy_leaves_nothing_unseen(size: int, kernel: int, stride: int, padding: tuple[int, int]) -> None:
    axis = Axis(size, kernel, stride, *padding)
    assume(axis.output and axis.unseen() != (0, 0))
    for remedy in remedies(axis):
        word, _, rest = remedy.partition(" ")
        if word == "padding" and "before" in rest:
            before, after = (int(part.split()[0]) for part in rest.split(" and "))
            changes = [Axis(size, kernel, stride, before, after)]
        else:
            values = [int(part) for part in rest.split(" or ")]
            changes = [
                {
                    "input": Axis(value, kernel, stride, *padding),
                    "kernel": Axis(size, value, stride, *padding),
                    "stride": Axis(size, kernel, value, *padding),
                    "padding": Axis(size, kernel, stride, value, value),
                }[word]
                for value in values
            ]
        for change in changes:
            assert walked(change) == set(range(-change.before, change.size + change.after))


@pytest.mark.parametrize("name", ["alexnet", "zfnet", "vgg-a", "googlenet", "simple-cnn", "lenet5", "resnet20-cifar"])
@pytest.mark.parametrize("side", [None, 224])
def test_the_inputs_that_fit_do_fit_and_those_between_do_not(name: str, side: int | None) -> None:
    network = find(name)
    if side is not None and network.input[0] != 3:
        return
    shape = network.input if side is None else (3, side, side)

    def exact(size: int) -> bool:
        try:
            steps = plan(network, (shape[0], size, size)).steps
        except ShapeError:
            return False
        return all(unseen(step) is None for step in steps)

    found = fitting(network, input=shape)
    assert all(exact(size) for size in found.exact)
    below, above = min(found.exact, default=shape[1]), max(found.exact, default=shape[1])
    assert not any(exact(size) for size in range(below + 1, above) if size not in (*found.exact, shape[1]))


@pytest.mark.parametrize(("name", "side"), [("lenet5", 32), ("vgg-d", 32), ("resnet18", 1), ("alexnet", 67)])
def test_the_smallest_input_fits_and_one_less_does_not(name: str, side: int) -> None:
    network = find(name)
    assert fitting(network).smallest == side
    plan(network, (network.input[0], side, side))
    if side > 1:
        with pytest.raises(ShapeError):
            plan(network, (network.input[0], side - 1, side - 1))


def test_alexnet_on_the_input_that_its_paper_prints() -> None:
    found = fitting(find("alexnet"), input=(3, 224, 224))
    assert [misfit.path for misfit in found.misfits] == ["conv1", "pool1", "pool2", "pool5"]
    assert found.misfits[0].layer == (
        "input 223 or 227",
        "kernel 8 or 12",
        "stride 3",
        "padding 1 before and 2 after",
    )
    assert found.misfits[0].same == ((3, 4), 56)
    assert found.exact == (195, 227)
    assert fitting(find("alexnet")).misfits == ()


def test_unseen_padding_is_told_to_be_harmless() -> None:
    text = " ".join(fit_table(fitting(find("googlenet"))).split())
    assert "unseen: 1 row and 1 column of the padding, which does no harm" in text
    assert "1 of 74 layers with windows does not fit exactly, harmlessly." in text


def test_post_002_in_full() -> None:
    assert fit_table(fitting(POST_002)) == (
        "post-002 · input 1×7×7\n"
        "\n"
        "conv1: conv 1 3×3 /3 on 1×7×7\n"
        "  (7 − 3)/3 + 1 = 2.333, so 2; unseen: 1 row and 1 column of the input\n"
        "  fits exactly with input 6 or 9 · kernel 4 · stride 2 · padding 1\n"
        '  or with padding "same", which is 1 before and 1 after and gives 3\n'
        "  or with another input of the network: 6 or 9\n"
        "\n"
        "1 of 1 layer with windows does not fit exactly; 1 leaves part of a map unread.\n"
        "Every layer fits exactly with the input: 6×6 or 9×9.\n"
        "The smallest input that the network takes: 3×3."
    )


def test_what_does_not_fit_at_all_is_told_with_the_inputs_that_do() -> None:
    assert fit_table(fitting(find("lenet5"), input=(1, 20, 20))).splitlines()[2:] == [
        "C5: a window 5 long does not fit an input of 16×2×2: (2 − 5)/1 + 1 = -2.",
        "The window must not be longer than the padded input, which is 2 long here.",
        "What fits: kernel 2 or less, padding of 2 more at top and bottom, or an input",
        "  here of 5 or more.",
        "",
        "The network does not take this input.",
        "Every layer fits exactly with the input: 32×32.",
        "The smallest input that the network takes: 32×32.",
    ]


def test_same_with_a_stride_is_told_beside_pytorchs() -> None:
    network = Network("n", (3, 224, 224), [Conv(8, kernel=3, stride=2, padding="same")])
    (same,) = fitting(network).same
    assert (same.path, same.here) == ("conv1", (0, 1))
    assert same.torch == "padding=1 gives 112 too, its windows 1 pixel before ours"
    wide = Network("n", (3, 10, 10), [Conv(8, kernel=2, stride=3, padding="same")])
    assert fitting(wide).same[0].torch == "padding=0 gives 3, not 4"


def test_axes_that_differ_are_told_one_by_one() -> None:
    network = Network("n", (1, 7, 8), [Pool("max", kernel=(3, 2), stride=(3, 2)), Conv(1, kernel=1)])
    (misfit,) = fitting(network).misfits
    assert (misfit.axis, misfit.formula) == ("height", "(7 − 3)/3 + 1 = 2.333")


def test_a_description_that_fits_no_input_has_no_smallest() -> None:
    network = Network("n", (1, 8, 8), [Linear(3)])
    assert fitting(network).smallest is None
    assert "The network takes no square input of up to 79×79." in fit_table(fitting(network))


def test_no_padding_is_proposed_for_a_subsampling() -> None:
    """It has none, in the notation and in the paper."""
    misfit = fitting(find("lenet5"), input=(1, 34, 34)).misfits[0]
    assert (misfit.path, misfit.layer, misfit.same) == ("S4", ("input 10 or 12", "kernel 3", "stride 1"), None)
    with pytest.raises(ShapeError) as caught:
        plan(find("lenet5"), (1, 5, 5))
    assert "What fits: kernel 1 or less, or an input here of 2 or more." in str(caught.value)


def test_the_inputs_of_two_sides_are_written_with_both() -> None:
    def table(height: int, width: int) -> str:
        return fit_table(fitting(Network("n", (1, height, width), [Conv(1, kernel=3, stride=3)])))

    assert table(7, 10).splitlines()[-2] == "Every layer fits exactly with the input: 6×9 or 9×12."
    assert "another input of the network: 6×9 or 9×12" in table(7, 10)
    fits = plan(Network("n", (1, 9, 12), [Conv(1, kernel=3, stride=3)])).steps
    assert all(unseen(step) is None for step in fits)
    assert "none within 64 pixels where both sides change by as much" in " ".join(table(7, 9).split())
