"""Post 004: LeNet-5 again, with its connections."""

from __future__ import annotations

from striate.claims.claim import Claim, Verdict
from striate.claims.post_003 import cost, part, seen
from striate.claims.questions import NOT_THE_FIRST, layer, listed, split, totals, year

RIGHT, CAVEAT, WRONG = Verdict

CLAIMS = (
    Claim(
        139,
        "004",
        "LeNet, developed in 1998, was the first CNN.",
        WRONG,
        "lenet1 1989, lenet5 1998",
        lambda: listed([year(name) for name in ("lenet1", "lenet5")]),
        NOT_THE_FIRST,
    ),
    Claim(
        141,
        "004",
        "From C1 to F6 the function is tanh.",
        CAVEAT,
        "scaled tanh to scaled tanh",
        lambda: f"{layer('lenet5', 'tanh1').words} to {layer('lenet5', 'tanh6').words}",
        "1.7159·tanh(2a/3).",
    ),
    Claim(
        142,
        "004",
        "C1 has 156 parameters, S2 has 12.",
        RIGHT,
        "156 (150 weights, 6 biases); 12 (6 weights, 6 biases)",
        lambda: f"{split(layer('lenet5', 'C1').counts)}; {split(layer('lenet5', 'S2').counts)}",
    ),
    Claim(
        143,
        "004",
        "S2 is the mean of four values times a weight, plus a bias, and a sigmoid.",
        CAVEAT,
        "5,880 connections: five for each of 1,176 units",
        lambda: (
            f"{layer('lenet5', 'S2').counts.connections:,} connections: five for each of "
            f"{layer('lenet5', 'S2').counts.activations:,} units"
        ),
        "Section II-A averages, section II-B adds; the two differ by a factor of four in the coefficient.",
    ),
    Claim(
        144,
        "004",
        "The filters of C3 are 6 of 5×5×3, 6 and 3 of 5×5×4, and 1 of 5×5×6.",
        RIGHT,
        "5×5×3; 5×5×4; 5×5×4; 5×5×6",
        lambda: "; ".join(seen(first, last) for first, last in ((0, 5), (6, 11), (12, 14), (15, 15))),
    ),
    Claim(
        145,
        "004",
        "456 + 606 + 303 + 151 = 1,516.",
        RIGHT,
        "456 + 606 + 303 + 151 = 1,516",
        lambda: (
            f"{part(*range(6))} + {part(*range(6, 12))} + {part(12, 13, 14)} + {part(15)} = "
            f"{layer('lenet5', 'C3').counts.parameters:,}"
        ),
    ),
    Claim(
        146,
        "004",
        "S4 has 32 parameters, C5 has 48,120.",
        RIGHT,
        "32 (16 weights, 16 biases); 48,120 (48,000 weights, 120 biases)",
        lambda: f"{split(layer('lenet5', 'S4').counts)}; {split(layer('lenet5', 'C5').counts)}",
    ),
    Claim(
        147,
        "004",
        "F6 has as many connections as parameters: 10,164.",
        RIGHT,
        "84, 10,164 parameters, 10,164 connections",
        lambda: cost("F6"),
    ),
    Claim(
        148,
        "004",
        "The output is ten Euclidean RBF units on 84 inputs.",
        RIGHT,
        "rbf 10 on 84 values, 840 fixed values",
        lambda: (
            f"{layer('lenet5', 'output').words} on {layer('lenet5', 'output').step.inputs[0][0]} values, "
            f"{layer('lenet5', 'output').counts.fixed} fixed values"
        ),
    ),
    Claim(
        149,
        "004",
        "There are 60,000 parameters to train.",
        RIGHT,
        "60,000, in 340,908 connections",
        lambda: f"{totals('lenet5').parameters:,}, in {totals('lenet5').connections:,} connections",
    ),
)
