"""The arithmetic of sizes, against the posts' numbers and against PyTorch."""

from contextlib import nullcontext

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from striate.description.coverage import Windows
from striate.description.layers import Conv, GlobalAveragePool, Linear, PadChannels, Pool, Softmax
from striate.description.shapes import Axis, output_shape, same_padding, window
from striate.errors import ShapeError


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "padding", "output"),
    [
        (32, 5, 1, 0, 28),
        (28, 5, 1, 0, 24),
        (7, 3, 1, 0, 5),
        (7, 3, 2, 0, 3),
        (7, 3, 1, 1, 7),
        (227, 11, 4, 0, 55),
        (55, 3, 2, 0, 27),
        (224, 7, 2, 3, 112),
        (64, 3, 1, 0, 62),
        (29, 2, 2, 0, 14),
    ],
)
def test_published_sizes(size: int, kernel: int, stride: int, padding: int, output: int) -> None:
    assert Axis(size, kernel, stride, padding, padding).output == output


def test_same_is_what_tensorflow_pads() -> None:
    assert same_padding(Axis(28, kernel=7)) == (3, 3)
    assert same_padding(Axis(224, kernel=3, stride=2)) == (0, 1)
    assert same_padding(Axis(224, kernel=7, stride=2)) == (2, 3)
    assert same_padding(Axis(5, kernel=1, stride=2)) == (0, 0)
    assert same_padding(Axis(6, kernel=4)) == (1, 2)


@given(size=st.integers(1, 40), kernel=st.integers(1, 7), stride=st.integers(1, 5), dilation=st.integers(1, 3))
def test_same_gives_the_size_divided_by_the_stride(size: int, kernel: int, stride: int, dilation: int) -> None:
    before, after = same_padding(Axis(size, kernel, stride, dilation=dilation))
    assert 0 <= after - before <= 1
    assert Axis(size, kernel, stride, before, after, dilation).output == -(-size // stride)


@given(
    size=st.integers(1, 20), kernel=st.integers(1, 6), stride=st.integers(1, 5), padding=st.integers(0, 3),
    ceil=st.booleans(),
)  # fmt: skip
@settings(deadline=None)
def test_pooling_sizes_are_pytorchs(size: int, kernel: int, stride: int, padding: int, ceil: bool) -> None:
    assume(2 * padding <= kernel and size + 2 * padding >= kernel)
    seen = torch.nn.functional.max_pool2d(torch.zeros(1, 1, size, size), kernel, stride, padding, ceil_mode=ceil)
    assert Axis(size, kernel, stride, padding, padding, ceil=ceil).output == seen.shape[2]


@given(
    size=st.integers(1, 30), kernel=st.integers(1, 5), stride=st.integers(1, 6), before=st.integers(0, 3),
    after=st.integers(0, 3), dilation=st.integers(1, 3),
)  # fmt: skip
@settings(deadline=None)
def test_unseen_is_what_gets_no_gradient(
    size: int, kernel: int, stride: int, before: int, after: int, dilation: int
) -> None:
    axis = Axis(size, kernel, stride, before, after, dilation)
    assume(axis.output > 0)
    pixels = torch.ones(1, 1, axis.padded, requires_grad=True)
    torch.nn.functional.conv1d(pixels, torch.ones(1, 1, kernel), stride=stride, dilation=dilation).sum().backward()
    assert pixels.grad is not None
    missed = pixels.grad[0, 0] == 0
    real = int(missed[before : before + size].sum())
    assert axis.unseen() == (real, int(missed.sum()) - real)


@given(
    size=st.integers(1, 9), kernel=st.integers(1, 4), stride=st.integers(1, 5), before=st.integers(0, 6),
    after=st.integers(0, 6), ceil=st.booleans(),
)  # fmt: skip
@settings(max_examples=300, deadline=None, derandomize=True)
def test_a_pooling_is_refused_just_where_a_window_reads_no_input(
    size: int, kernel: int, stride: int, before: int, after: int, ceil: bool
) -> None:
    axis = Axis(size, kernel, stride, before, after, ceil=ceil)
    assume(axis.output > 0)
    windows = [range(start * stride - before, start * stride - before + kernel) for start in range(axis.output)]
    alone = any(window.stop <= 0 or window.start >= size for window in windows)
    for turned in (False, True):
        sides = (0, 0, before, after) if turned else (before, after, 0, 0)
        kernels, strides = ((1, kernel), (1, stride)) if turned else ((kernel, 1), (stride, 1))
        for function in ("max", "average"):
            layer = Pool(function, kernel=kernels, stride=strides, padding=sides, ceil=ceil)
            with pytest.raises(ShapeError) if alone else nullcontext():
                output_shape(layer, (1, 1, size) if turned else (1, size, 1))


@given(size=st.integers(1, 12), kernel=st.integers(1, 9), stride=st.integers(1, 9), ceil=st.booleans())
@settings(deadline=None, derandomize=True)
def test_same_never_leaves_a_pooling_in_padding(size: int, kernel: int, stride: int, ceil: bool) -> None:
    layer = Pool("max", kernel=kernel, stride=stride, padding="same", ceil=ceil)
    assert output_shape(layer, (2, size, size))[1] == -(-size // stride)


@given(
    count=st.integers(0, 9), stride=st.integers(1, 9), kernel=st.integers(1, 9), dilation=st.integers(1, 9),
    end=st.integers(-3, 150),
)  # fmt: skip
@settings(max_examples=400, deadline=None, derandomize=True)
def test_places_that_windows_read_are_counted_from_their_ends(
    count: int, stride: int, kernel: int, dilation: int, end: int
) -> None:
    walked = {window * stride + tap * dilation for window in range(count) for tap in range(kernel)}
    assert Windows(count, stride, kernel, dilation).read_before(end) == sum(place < end for place in walked)


def test_padding_of_each_side() -> None:
    moved = window(Conv(1, kernel=3, padding=(1, 2, 0, 4)), (1, 10, 10))
    assert (moved.height.output, moved.width.output) == (11, 12)
    assert moved.padding == (1, 2, 0, 4)


@pytest.mark.parametrize(
    ("layer", "shape", "text"),
    [
        (
            Conv(8, kernel=9),
            (3, 7, 7),
            "a window 9 long does not fit an input of 3×7×7: (7 − 9)/1 + 1 = -1.\n"
            "The window must not be longer than the padded input, which is 7 long here.\n"
            "What fits: kernel 7 or less, padding of 1 more at top and bottom, or an input here of 9 or more.",
        ),
        (
            Linear(10),
            (16, 5, 5),
            "Linear stands on maps of 16×5×5.\nIt needs a flat vector.\n"
            "Put a Flatten() before it, or a GlobalAveragePool().",
        ),
        (
            Pool("max", kernel=2),
            (84,),
            "Pool stands on a flat vector of 84.\nIt needs maps: (channels, height, width).\n"
            "Put it before the layer that flattens: a Flatten or a GlobalAveragePool.",
        ),
        (
            Conv(4, kernel=1, groups=2),
            (3, 4, 4),
            "2 groups cannot share 3 input maps evenly.\nThe groups must divide the maps.",
        ),
        (
            Conv(1, kernel=1, table=((0, 3),)),
            (3, 4, 4),
            "its table names input map 3.\nThe input has 3 maps, 0 to 2.",
        ),
        (
            Pool("max", kernel=2, padding=2),
            (1, 8, 8),
            "a pooling window of 2 lies wholly in the padding of 2 at the top.\n"
            "Each window must read at least one value of its input.\n"
            "What fits: padding of 1 or less at the top, or kernel 3 or more.",
        ),
        (
            Pool("average", kernel=2, stride=1, padding=(0, 0, 0, 2), count_padding=False),
            (1, 8, 8),
            "a pooling window of 2 lies wholly in the padding of 2 at the right.\n"
            "Each window must read at least one value of its input.\n"
            "What fits: padding of 1 or less at the right, or kernel 3 or more.",
        ),
        (PadChannels(2), (3, 4, 4), "PadChannels(2) on 3×4×4 would drop maps.\nIt only adds."),
        (
            Softmax(),
            (3, 4, 4),
            "Softmax stands on maps of 3×4×4.\nIt needs a flat vector.\n"
            "Put a Flatten() before it, or a GlobalAveragePool().",
        ),
        (
            GlobalAveragePool(),
            (3,),
            "GlobalAveragePool stands on a flat vector of 3.\nIt needs maps: (channels, height, width).\n"
            "Put it before the layer that flattens: a Flatten or a GlobalAveragePool.",
        ),
    ],
)
def test_what_does_not_fit_says_why(layer, shape, text) -> None:
    with pytest.raises(ShapeError) as caught:
        output_shape(layer, shape)
    assert str(caught.value) == text
