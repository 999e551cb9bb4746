"""Post 003: LeNet-5, layer by layer."""

from __future__ import annotations

from striate.accounting import account
from striate.claims.claim import Claim, Verdict
from striate.claims.questions import NOT_THE_FIRST, alone, counted, layer, listed, out, split, totals, year
from striate.description.layers import Conv, Flatten, Linear, Subsample
from striate.networks import find
from striate.networks.lenet5 import C3_TABLE

RIGHT, CAVEAT, WRONG = Verdict
TAPS = 25


def seen(first: int, last: int) -> str:
    """How many maps of S2 the filters of C3 from `first` to `last` see."""
    numbers = sorted({len(C3_TABLE[number]) for number in range(first, last + 1)})
    return f"5×5×{listed(numbers)}"


def part(*numbers: int) -> int:
    """The parameters of some filters of C3, each with its bias."""
    return sum(TAPS * len(C3_TABLE[number]) + 1 for number in numbers)


def cost(path: str) -> str:
    """The maps of a layer of LeNet-5, its parameters and connections."""
    row = layer("lenet5", path)
    return f"{out(row)}, {row.counts.parameters:,} parameters, {row.counts.connections:,} connections"


def _linear(side: int) -> int:
    return alone((1, side, side), Flatten(), Linear(10)).counts.parameters


def _centres() -> str:
    field = layer("lenet5", "C3").receptive_field.height
    last = field.start + field.jump * (layer("lenet5", "C3").step.output[1] - 1)
    return f"the centres of C3's units lie from {field.start} to {last}, in a 32×32 image"


def _wider() -> str:
    rows = {row.path: row.counts.parameters for row in account(find("lenet5"), input=(1, 36, 36)).rows}
    same = sum(rows[path] == layer("lenet5", path).counts.parameters for path in ("C1", "S2", "C3", "S4", "C5"))
    return f"on 36×36 pixels C1 to C5 stay as they are ({same} of 5), F6 grows from 10,164 to {rows['F6']:,}"


def _count(kind: type) -> int:
    return sum(isinstance(row.step.layer, kind) for row in counted("lenet5").rows)


CLAIMS = (
    Claim(
        119,
        "003",
        "LeNet-5, in 1998, was the first CNN.",
        WRONG,
        "lenet1 1989, lenet5 1998",
        lambda: listed([year(name) for name in ("lenet1", "lenet5")]),
        NOT_THE_FIRST,
    ),
    Claim(
        120,
        "003",
        "The parameters of a fully connected layer grow exponentially with the pixels.",
        WRONG,
        "1,024 pixels 10,250; 4,096 pixels 40,970; 16,384 pixels 163,850",
        lambda: f"1,024 pixels {_linear(32):,}; 4,096 pixels {_linear(64):,}; 16,384 pixels {_linear(128):,}",
        "They grow in proportion to the pixels.",
    ),
    Claim(
        121,
        "003",
        "The number of a convolutional network's parameters does not depend on the pixels.",
        CAVEAT,
        "on 36×36 pixels C1 to C5 stay as they are (5 of 5), F6 grows from 10,164 to 40,404",
        _wider,
        "True up to the flatten; true throughout if the linear layers are applied as convolutions.",
    ),
    Claim(
        122,
        "003",
        "The input is 32×32 because computers were weak.",
        WRONG,
        "the centres of C3's units lie from 6.5 to 24.5, in a 32×32 image",
        _centres,
        "The paper makes the input larger than its 20×20 characters, so that strokes can end in the centre of a field.",
    ),
    Claim(
        123,
        "003",
        "LeNet-5 has three convolutions, two subsamplings and one fully connected layer.",
        CAVEAT,
        "3 convolutions, 2 subsamplings, 1 linear layer, rbf 10",
        lambda: (
            f"{_count(Conv)} convolutions, {_count(Subsample)} subsamplings, {_count(Linear)} linear layer, "
            f"{layer('lenet5', 'output').words}"
        ),
        "And the RBF units of the output, which have fixed weights.",
    ),
    Claim(
        124,
        "003",
        "C1 has 6 maps of 28×28 and 156 parameters.",
        RIGHT,
        "6×28×28, 156 parameters, 122,304 connections",
        lambda: cost("C1"),
    ),
    Claim(
        125,
        "003",
        "S2 has 6 maps of 14×14 and 12 parameters.",
        RIGHT,
        "6×14×14, 12 parameters, 5,880 connections",
        lambda: cost("S2"),
    ),
    Claim(
        126,
        "003",
        "S2 is an average pooling and a sigmoid.",
        CAVEAT,
        "subsample 2×2 /2, scaled tanh",
        lambda: f"{layer('lenet5', 'S2').words}, {layer('lenet5', 'tanh2').words}",
        "Section II-B adds the four inputs and multiplies by a coefficient; the function is the scaled tanh.",
    ),
    Claim(
        127,
        "003",
        "C3 has 16 maps of 10×10.",
        RIGHT,
        "16×10×10, 1,516 parameters, 151,600 connections",
        lambda: cost("C3"),
    ),
    Claim(
        128,
        "003",
        "Filters 0 to 5 of C3 are 5×5×3, filters 6 to 11 are 5×5×4.",
        RIGHT,
        "5×5×3; 5×5×4",
        lambda: f"{seen(0, 5)}; {seen(6, 11)}",
    ),
    Claim(
        129,
        "003",
        "Filters 12 to 14 of C3 are 5×5×5.",
        WRONG,
        "5×5×4",
        lambda: seen(12, 14),
        "Table I of the paper gives each of them four maps, and so does the post's own sum.",
    ),
    Claim(130, "003", "Filter 15 of C3 is 5×5×5.", WRONG, "5×5×6", lambda: seen(15, 15), "It sees all six maps."),
    Claim(
        131,
        "003",
        "The first six filters of C3 have 456 parameters, the next six 606.",
        RIGHT,
        "456, 606",
        lambda: f"{part(*range(6))}, {part(*range(6, 12))}",
    ),
    Claim(
        132,
        "003",
        "(25×4 + 1×3) = 303.",
        WRONG,
        "303 = (25·4 + 1)·3; the bracket as written is 103",
        lambda: f"{part(12, 13, 14)} = (25·4 + 1)·3; the bracket as written is {TAPS * 4 + 1 * 3}",
        "The sum is right, the bracket is not.",
    ),
    Claim(
        133,
        "003",
        "(25×6 + 1×1) = 151.",
        CAVEAT,
        "151",
        lambda: f"{part(15)}",
        "The same slip of the bracket, harmless for one filter.",
    ),
    Claim(
        134,
        "003",
        "C3 has 1,516 parameters.",
        RIGHT,
        "1,516 (1,500 weights, 16 biases)",
        lambda: split(layer("lenet5", "C3").counts),
    ),
    Claim(
        135,
        "003",
        "S4 has 16 maps of 5×5 and 32 parameters.",
        RIGHT,
        "16×5×5, 32 parameters, 2,000 connections",
        lambda: cost("S4"),
    ),
    Claim(
        136,
        "003",
        "C5 has 48,120 parameters.",
        RIGHT,
        "120×1×1, 48,120 parameters, 48,120 connections",
        lambda: cost("C5"),
    ),
    Claim(
        137, "003", "F6 has 10,164 parameters.", RIGHT, "84, 10,164 parameters, 10,164 connections", lambda: cost("F6")
    ),
    Claim(
        138,
        "003",
        "LeNet-5 has 60,000 parameters.",
        RIGHT,
        "60,000 parameters and 840 fixed values",
        lambda: f"{totals('lenet5').parameters:,} parameters and {totals('lenet5').fixed:,} fixed values",
    ),
)
