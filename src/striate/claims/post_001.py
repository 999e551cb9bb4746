"""Post 001: what convolution and pooling are, after a text book, with its network for 28×28 images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import mean

from striate.claims.claim import Claim, Verdict
from striate.claims.questions import alone, counted, filters, layer, listed, out, sizes, split, totals
from striate.description.layers import Conv, Flatten, Linear, Pool
from striate.description.shapes import Axis, show

RIGHT, CAVEAT, WRONG = Verdict
MAPS = (1, 28, 28)
FOUR = (1, 2, 3, 4)
JOINS: dict[str, Callable[[Sequence[int]], float]] = {"max": max, "average": mean, "sum": sum}
HALVE = Pool("max", kernel=2)


def _behind(*layers: Pool) -> str:
    maps = (64, 14, 14)
    dense = alone(maps, *layers, Flatten(), Linear(10)).counts
    convolution = alone(maps, *layers, Conv(128, kernel=3, padding=1)).counts
    return f"linear {dense.parameters:,}, convolution {convolution.parameters:,}"


def _same(shift: int) -> str:
    """For how many places a light pixel, shifted to the right, is pooled as before."""
    axis, row = Axis(8, kernel=2, stride=2), range(8 - shift)
    kept = sum(_pooled(axis, column) == _pooled(axis, column + shift) for column in row)
    return f"for {8 * kept} of {8 * len(row)} places"


def _pooled(axis: Axis, light: int) -> list[int]:
    """A row of pixels, all dark but one, after a max pooling."""
    starts = (window * axis.stride for window in range(axis.output))
    return [max(int(start + tap == light) for tap in range(axis.kernel)) for start in starts]


CLAIMS = (
    Claim(
        24,
        "001",
        "A unit of the first hidden layer sees 5×5 pixels.",
        RIGHT,
        "5×5",
        lambda: show(alone((1, 32, 32), Conv(1, kernel=5)).receptive_field.size),
        "For the 5×5 filter of the example.",
    ),
    Claim(
        25,
        "001",
        "Zero padding keeps height and width.",
        CAVEAT,
        "stride 1: 28 → 28; stride 2: 28 → 14",
        lambda: (
            f"stride 1: {sizes(MAPS, Conv(1, kernel=3, padding=1))}; stride 2: "
            f"{sizes(MAPS, Conv(1, kernel=3, stride=2, padding=1))}"
        ),
        "With stride 1 and a padding of (F − 1)/2.",
    ),
    Claim(
        26,
        "001",
        "A stride of 2 makes the map half as large.",
        CAVEAT,
        "28×28 gives 1×14×14",
        lambda: f"28×28 gives {out(alone(MAPS, Conv(1, kernel=3, stride=2, padding=1)))}",
        "Each side is halved (and rounded), the area is a quarter.",
    ),
    Claim(
        27,
        "001",
        "A 7×7 filter that finds vertical lines has a column of ones and zeros elsewhere.",
        RIGHT,
        "7 of 49 weights are 1",
        lambda: (
            f"{sum(column == 3 for _ in range(7) for column in range(7))} of "
            f"{alone((1, 7, 7), Conv(1, kernel=7)).counts.weights} weights are 1"
        ),
    ),
    Claim(
        28,
        "001",
        "One filter makes one map, with one set of weights and one bias, and sees all input maps.",
        RIGHT,
        "one filter on 3 maps: 28 (27 weights, 1 bias)",
        lambda: f"one filter on 3 maps: {split(alone((3, 28, 28), Conv(1, kernel=3)).counts)}",
        "Not in LeNet-5's C3, whose filters see 3, 4 or 6 of 6 maps.",
    ),
    Claim(
        29,
        "001",
        "A pooling layer has no weights.",
        CAVEAT,
        "max 0; LeNet-5's S2 12, S4 32",
        lambda: (
            f"max {alone(MAPS, HALVE).counts.parameters}; LeNet-5's S2 {layer('lenet5', 'S2').counts.parameters}, "
            f"S4 {layer('lenet5', 'S4').counts.parameters}"
        ),
        "True of max and average pooling; LeNet-5's subsampling has a coefficient and a bias for each map.",
    ),
    Claim(
        30,
        "001",
        "Pooling lowers the number of parameters.",
        CAVEAT,
        "without: linear 125,450, convolution 73,856; with: linear 31,370, convolution 73,856",
        lambda: f"without: {_behind()}; with: {_behind(HALVE)}",
        "Only of a linear layer that comes after it; a convolution's weights don't depend on the size of the maps.",
    ),
    Claim(
        31,
        "001",
        "Sum functions such as max and mean add their inputs.",
        WRONG,
        "of 1, 2, 3, 4: max 4, average 2.5, sum 10",
        lambda: f"of 1, 2, 3, 4: {listed([f'{name} {join(FOUR):g}' for name, join in JOINS.items()])}",
        "A maximum picks one input and adds nothing; a mean is the sum over the number of inputs.",
    ),
    Claim(
        32,
        "001",
        "A 2×2 max pooling with stride 2 gives the same output for a shifted image.",
        CAVEAT,
        "one light pixel on 8×8, moved right by one: the same for 32 of 56 places; by two: for 0 of 48 places",
        lambda: f"one light pixel on 8×8, moved right by one: the same {_same(1)}; by two: {_same(2)}",
        "Only while each maximum stays within its window.",
    ),
    Claim(
        33,
        "001",
        "A 2×2 pooling with stride 2 drops 75 % of its inputs.",
        RIGHT,
        "75 %",
        lambda: f"{100 - 100 * alone(MAPS, HALVE).counts.activations / (28 * 28):g} %",
    ),
    Claim(
        34,
        "001",
        "Three poolings take 28 to 14, 7 and 3.",
        RIGHT,
        "28 → 14 → 7 → 3",
        lambda: sizes(MAPS, HALVE, HALVE, HALVE),
        "The last one leaves a row and a column of the 7×7 map unread.",
    ),
    Claim(
        35,
        "001",
        "The number of filters doubles after each pooling: 64, 128, 256.",
        RIGHT,
        "64, 128, 128, 256, 256",
        lambda: listed(filters("simple-cnn")),
    ),
    Claim(
        36,
        "001",
        "The listing is the network.",
        WRONG,
        "1,413,834 parameters",
        lambda: f"{totals('simple-cnn').parameters:,} parameters",
        "As printed it does not run: a comma is missing and `keras.layers` is misspelt. This is the repaired network.",
    ),
    Claim(
        37,
        "001",
        "With stride 1 and `same` the size stays, and the depth is the number of filters.",
        RIGHT,
        "1×28×28 gives 64×28×28",
        lambda: f"{show(counted('simple-cnn').input)} gives {out(layer('simple-cnn', 'conv1'))}",
    ),
)
