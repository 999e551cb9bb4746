"""Post 002: a lecture on convolutional networks: convolution, padding, pooling."""

from __future__ import annotations

from collections import Counter
from typing import cast

from striate.accounting.fit import unseen
from striate.claims.claim import Claim, Verdict
from striate.claims.questions import alone, counted, filters, out, sizes, split
from striate.description.checks import Pair
from striate.description.layers import Conv, Flatten, Pool
from striate.description.shapes import Axis, show

RIGHT, CAVEAT, WRONG = Verdict
NETWORKS = ("alexnet", "zfnet", "vgg-d", "googlenet", "resnet152")
IMAGE = (3, 32, 32)
SEVEN = (1, 7, 7)


def _keeps(side: int, kernel: int, stride: int) -> bool:
    """Whether P = ((S − 1)(N − 1) + (F − 1))/2 is whole and keeps the size."""
    twice = (stride - 1) * (side - 1) + kernel - 1
    return not twice % 2 and Axis(side, kernel, stride, twice // 2, twice // 2).output == side


def _powers() -> str:
    found = {name: filters(name) for name in ("alexnet", "googlenet", "alphago-policy", "vgg-d")}
    return "; ".join(
        f"{name} {sum(each & (each - 1) == 0 for each in all_)} of {len(all_)}" for name, all_ in found.items()
    )


def _poolings(function: str) -> list[Pool]:
    """The poolings of the lecture's networks."""
    rows = [row for name in NETWORKS for row in counted(name).rows]
    return [layer for row in rows if isinstance(layer := row.step.layer, Pool) and layer.function == function]


def _settings() -> str:
    found = Counter((cast(Pair, pool.kernel)[0], cast(Pair, pool.stride)[0]) for pool in _poolings("max"))
    skips = unseen(alone((1, 9, 9), Pool("max", kernel=2, stride=3)).step)
    kinds = ", ".join(f"{times} of F={kernel} S={stride}" for (kernel, stride), times in sorted(found.items()))
    return f"on 9×9 {skips}; in its networks {kinds}"


def _padded() -> str:
    padded = [pool for pool in _poolings("max") if pool.padding != (0, 0, 0, 0)]
    return f"{len(padded)} of {len(_poolings('max'))} max poolings of the lecture's networks pad"


def _formula(stride: int) -> str:
    return Axis(7, 3, stride).formula


def _equation() -> str:
    """Of the windows that fit exactly, how many keep the size and how many fulfil the post's equation."""
    fit = [
        Axis(side, kernel, stride, padding, padding)
        for side in range(1, 33)
        for kernel in range(1, 12)
        for stride in (1, 2, 3)
        for padding in range(6)
        if side + 2 * padding >= kernel and (side + 2 * padding - kernel) % stride == 0
    ]
    keep = {axis for axis in fit if axis.output == axis.size}
    holds = {axis for axis in fit if axis.size == (axis.size + 2 * axis.before - axis.kernel) / axis.stride + 1}
    these = f"these {len(holds)}" if holds == keep else f"{len(holds)} others"
    return f"of {len(fit):,} windows that fit exactly {len(keep)} keep the size, and the equation holds for {these}"


def _formulae() -> str:
    """A convolution's output, and what the formulae of the post give."""
    row = alone((3, 33, 45), Conv(10, kernel=5, stride=2, padding=1))
    width, height = ((side - 5 + 2 * 1) // 2 + 1 for side in (45, 33))
    return f"{row.words} on 3×33×45: {out(row)}; by the formulae {show((10, height, width))}"


CLAIMS = (
    Claim(
        38,
        "002",
        "A 5×5×3 filter on a 32×32×3 image: the depths must be the same.",
        RIGHT,
        "75 weights",
        lambda: f"{alone(IMAGE, Conv(1, kernel=5)).counts.weights} weights",
    ),
    Claim(
        39,
        "002",
        "At each place the filter computes 75 dot products.",
        WRONG,
        "75 MACs at each of 784 places",
        lambda: f"{alone(IMAGE, Conv(1, kernel=5)).counts.macs // 28**2} MACs at each of {28**2} places",
        "One dot product of 75 pairs, and a bias.",
    ),
    Claim(
        40,
        "002",
        "A filter gives 28×28×1, six give 28×28×6.",
        RIGHT,
        "6×28×28",
        lambda: out(alone(IMAGE, Conv(6, kernel=5))),
    ),
    Claim(
        41,
        "002",
        "Ten 5×5×6 filters on that give 24×24×10.",
        RIGHT,
        "10×24×24",
        lambda: out(alone(IMAGE, Conv(6, kernel=5), Conv(10, kernel=5))),
    ),
    Claim(
        43, "002", "7×7 under a 3×3 filter with stride 1 gives 5×5.", RIGHT, "(7 − 3)/1 + 1 = 5", lambda: _formula(1)
    ),
    Claim(44, "002", "With stride 2 it gives 3×3.", RIGHT, "(7 − 3)/2 + 1 = 3", lambda: _formula(2)),
    Claim(
        45,
        "002",
        "With stride 3 it does not fit.",
        RIGHT,
        "(7 − 3)/3 + 1 = 2.333; unseen: 1 row and 1 column of the input",
        lambda: f"{_formula(3)}; {unseen(alone(SEVEN, Conv(1, kernel=3, stride=3)).step)}",
        "PyTorch rounds down to 2 and says nothing.",
    ),
    Claim(
        46,
        "002",
        "The output has the size (N − F)/S + 1.",
        RIGHT,
        "(32 − 5)/1 + 1 = 28; (227 − 11)/4 + 1 = 55",
        lambda: f"{Axis(32, 5).formula}; {Axis(227, 11, 4).formula}",
        "Where it is a whole number; frameworks round it down.",
    ),
    Claim(
        47,
        "002",
        "With a padding of 1 it is (9 − 3)/1 + 1 = 7.",
        RIGHT,
        "(7 + 1 + 1 − 3)/1 + 1 = 7",
        lambda: Axis(7, 3, 1, 1, 1).formula,
    ),
    Claim(
        48,
        "002",
        "P = (F − 1)/2 keeps the size.",
        RIGHT,
        "6 of 6 odd kernels on 32 pixels",
        lambda: f"{sum(_keeps(32, kernel, 1) for kernel in (1, 3, 5, 7, 9, 11))} of 6 odd kernels on 32 pixels",
        "With stride 1 and an odd kernel.",
    ),
    Claim(
        49,
        "002",
        "To keep the size, N = (N + 2P − F)/S + 1.",
        RIGHT,
        "of 3,661 windows that fit exactly 249 keep the size, and the equation holds for these 249",
        _equation,
    ),
    Claim(
        50,
        "002",
        "5×5 filters without padding shrink 32 to 28, 24, ...; after eight layers nothing is left.",
        RIGHT,
        "32 → 28 → 24 → 20 → 16 → 12 → 8 → 4 → does not fit",
        lambda: sizes(IMAGE, *[Conv(1, kernel=5)] * 8),
    ),
    Claim(
        51,
        "002",
        "A layer has four hyperparameters K, F, S, P; W₂ = (W₁ − F + 2P)/S + 1, H₂ likewise, D₂ = K.",
        RIGHT,
        "conv 10 5×5 /2 pad 1 on 3×33×45: 10×16×22; by the formulae 10×16×22",
        _formulae,
        "Where the division is exact; groups, dilation and a padding of only one side are hyperparameters too.",
    ),
    Claim(
        52,
        "002",
        "A layer has (F·F·D₁)·K parameters.",
        WRONG,
        "ten 5×5×3 filters: 760 (750 weights, 10 biases)",
        lambda: f"ten 5×5×3 filters: {split(alone(IMAGE, Conv(10, kernel=5)).counts)}",
        "And K biases; the lecture's own example is 760.",
    ),
    Claim(
        53,
        "002",
        "K is usually a power of two.",
        CAVEAT,
        "alexnet 2 of 5; googlenet 33 of 57; alphago-policy 1 of 13; vgg-d 13 of 13",
        _powers,
        "VGG's are; AlexNet's 96 and 384, many of GoogLeNet's and AlphaGo's 192 are not.",
    ),
    Claim(
        54,
        "002",
        "P = ((S − 1)(N − 1) + (F − 1))/2 keeps the size with any stride.",
        RIGHT,
        "17 of 17 odd sizes with F = 5, S = 2",
        lambda: f"{sum(_keeps(side, 5, 2) for side in range(7, 40, 2))} of 17 odd sizes with F = 5, S = 2",
        "Where it is whole. It pads by about half the image, and nobody does that.",
    ),
    Claim(
        55,
        "002",
        "With F = 5 and S = 2 that gives N ≡ 0 mod 2.",
        WRONG,
        "of N = 10 to 17 it is whole for 11, 13, 15, 17",
        lambda: (
            f"of N = 10 to 17 it is whole for {', '.join(str(side) for side in range(10, 18) if _keeps(side, 5, 2))}"
        ),
        "P = (N + 3)/2 is whole where N is odd.",
    ),
    Claim(
        56,
        "002",
        "32 filters of 1×1×64 on 56×56×64 give 56×56×32.",
        RIGHT,
        "32×56×56, 2,080 (2,048 weights, 32 biases)",
        lambda: (
            f"{out(alone((64, 56, 56), Conv(32, kernel=1)))}, {split(alone((64, 56, 56), Conv(32, kernel=1)).counts)}"
        ),
    ),
    Claim(
        57,
        "002",
        "On one map a 1×1 filter gives the input back.",
        CAVEAT,
        "2 (1 weight, 1 bias)",
        lambda: split(alone((1, 56, 56), Conv(1, kernel=1)).counts),
        "Times the weight, plus the bias.",
    ),
    Claim(59, "002", "Five filters give 28×28×5.", RIGHT, "5×28×28", lambda: out(alone(IMAGE, Conv(5, kernel=5)))),
    Claim(
        60,
        "002",
        "Pooling takes 244×244×64 to 112×112×64.",
        WRONG,
        "244 gives 122, 224 gives 112",
        lambda: (
            f"244 gives {alone((64, 244, 244), Pool('max', kernel=2)).step.output[1]}, "
            f"224 gives {alone((64, 224, 224), Pool('max', kernel=2)).step.output[1]}"
        ),
        "The slide has 224.",
    ),
    Claim(
        61,
        "002",
        "Pooling has no parameters and no padding.",
        CAVEAT,
        "10 of 25 max poolings of the lecture's networks pad",
        _padded,
        "No parameters; but some do pad.",
    ),
    Claim(
        62,
        "002",
        "4×4 under 2×2 with stride 2 gives 2×2.",
        RIGHT,
        "1×2×2",
        lambda: out(alone((1, 4, 4), Pool("max", kernel=2))),
    ),
    Claim(
        63,
        "002",
        "F = 2, S = 3 is another common pooling.",
        WRONG,
        "on 9×9 unseen: 3 rows and 3 columns of the input; in its networks 5 of F=2 S=2, 9 of F=3 S=1, 11 of F=3 S=2",
        _settings,
        "F = 3, S = 2, as the slide has it. A stride wider than the kernel would skip rows.",
    ),
    Claim(
        64, "002", "4×4×10 makes a vector of 160.", RIGHT, "160", lambda: show(alone((10, 4, 4), Flatten()).step.output)
    ),
)
