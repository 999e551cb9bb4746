"""Random layers and networks for property tests; every one of them fits."""

from __future__ import annotations

from hypothesis import strategies as st

from striate import (
    Activation,
    Auxiliary,
    BatchNorm,
    Branches,
    Conv,
    Dropout,
    Flatten,
    GlobalAveragePool,
    Linear,
    LocalResponseNorm,
    Network,
    PadChannels,
    Pool,
    PositionBias,
    Residual,
    Softmax,
    Subsample,
)
from striate.description.network import plan
from striate.errors import ShapeError

small = st.integers(1, 4)
sides = st.one_of(
    st.integers(0, 3),
    st.tuples(st.integers(0, 3), st.integers(0, 3)),
    st.tuples(*[st.integers(0, 3)] * 4),
    st.just("same"),
)
KINDS = ["conv", "pool", "subsample", "act", "bn", "lrn", "bias", "dropout", "pad"]
KINDS += ["residual", "identity", "branches", "auxiliary"]
pairs = st.one_of(small, st.tuples(small, small))


@st.composite
def convolutions(draw: st.DrawFn, channels: int) -> Conv:
    """A convolution on `channels` maps: groups, or a table, or neither."""
    groups = draw(st.sampled_from([each for each in range(1, channels + 1) if channels % each == 0]))
    filters = groups * draw(st.integers(1, 3))
    table = None
    if groups == 1 and draw(st.booleans()):
        row = st.sets(st.integers(0, channels - 1), min_size=1).map(lambda maps: tuple(sorted(maps)))
        table = tuple(draw(row) for _ in range(filters))
    return Conv(
        filters,
        kernel=draw(pairs),
        stride=draw(pairs),
        padding=draw(sides),
        dilation=draw(st.integers(1, 2)),
        groups=groups,
        table=table,
        bias=draw(st.booleans()),
    )


@st.composite
def pools(draw: st.DrawFn) -> Pool:
    """A pooling; its padding may be larger than half the kernel, but not so large that a window sees nothing else."""
    height, width = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    padding = (
        draw(st.integers(0, height - 1)),
        draw(st.integers(0, height - 1)),
        draw(st.integers(0, width - 1)),
        draw(st.integers(0, width - 1)),
    )
    return Pool(
        draw(st.sampled_from(["max", "average"])),
        kernel=(height, width),
        stride=draw(pairs),
        padding=draw(st.one_of(st.just(padding), st.just("same"))),
        ceil=draw(st.booleans()),
        count_padding=draw(st.booleans()),
    )


@st.composite
def networks(draw: st.DrawFn, without: tuple[str, ...] = ()) -> Network:
    """A network of a few layers, some of them residuals or branches, ending in a linear layer."""
    shape = (draw(st.integers(1, 4)), draw(st.integers(6, 12)), draw(st.integers(6, 12)))
    layers: list = []
    channels = shape[0]
    for _ in range(draw(st.integers(1, 5))):
        choice = draw(st.sampled_from([kind for kind in KINDS if kind not in without]))
        match choice:
            case "conv":
                new = draw(convolutions(channels))
            case "pool":
                new = draw(pools())
            case "subsample":
                new = Subsample(kernel=draw(pairs), stride=draw(pairs))
            case "act":
                new = Activation(draw(st.sampled_from(["relu", "tanh", "scaled_tanh", "sigmoid"])))
            case "bn":
                new = BatchNorm()
            case "lrn":
                new = LocalResponseNorm(size=3)
            case "bias":
                new = PositionBias()
            case "residual":
                filters, stride = draw(st.integers(1, 4)), draw(st.integers(1, 2))
                body = [Conv(filters, kernel=3, stride=stride, padding=1), Activation("relu")]
                new = Residual(body, shortcut=[Conv(filters, kernel=1, stride=stride)])
            case "identity":
                new = Residual([draw(convolutions(channels)), BatchNorm()])
            case "dropout":
                new = Dropout(draw(st.sampled_from([0, 0.5])))
            case "pad":
                new = PadChannels(channels + draw(st.integers(0, 2)))
            case "auxiliary":
                new = Auxiliary([Conv(2, kernel=1), GlobalAveragePool(), Dropout(0.5), Linear(2)])
            case _:
                new = Branches([[Conv(2, kernel=1)], [Conv(3, kernel=3, padding="same"), Activation("relu")]])
        try:
            plan(Network("try", shape, [*layers, new]))
        except ShapeError:
            continue
        layers.append(new)
        channels = plan(Network("try", shape, layers)).output[0]
    head = [GlobalAveragePool()] if draw(st.booleans()) else [Flatten()]
    ending = [Softmax()] if draw(st.booleans()) else []
    return Network("random", shape, [*layers, *head, Linear(3, bias=draw(st.booleans())), *ending])
