"""Small networks that the tests of several rooms read."""

from __future__ import annotations

from striate import (
    Activation,
    Auxiliary,
    BatchNorm,
    Block,
    Branches,
    Conv,
    Flatten,
    GlobalAveragePool,
    Linear,
    Network,
    Pool,
    Residual,
    from_text,
)
from striate.description.layers import RBF, LocalResponseNorm, PadChannels, PositionBias

TINY = Network(
    "tiny",
    (1, 28, 28),
    [Conv(4, kernel=5, stride=2), Activation("relu"), Pool("max", kernel=2), Flatten(), Linear(10)],
)
"""A network that learns in a second."""

ODD = Network(
    "odd",
    (3, 17, 15),
    [
        Conv(8, kernel=(3, 5), stride=2, padding=(1, 0, 2, 1), name="uneven"),
        Conv(8, kernel=3, dilation=2, groups=4, padding="same", bias=False, name="grouped"),
        Pool("max", kernel=3, stride=2, padding=1, ceil=True, name="top"),
        Pool("average", kernel=2, stride=1, name="mean"),
        PadChannels(9),
        Activation("sigmoid"),
        PositionBias(),
        LocalResponseNorm(),
        Residual([Conv(9, kernel=1), BatchNorm()]),
        Branches([[Conv(2, kernel=1)], [Conv(3, kernel=1)]], name="mixed"),
        Flatten(),
        Linear(4, name="last"),
        RBF(((1.0, 0.0, 0.0, 0.0), (0.0, 1.0, -1.0, 0.0)), name="out"),
    ],
)  # fmt: skip

GATED = from_text(
    "name gated 1x12x10: conv 4 3x3 same, silu, gate(global_average, linear 2, relu, linear 4, hard_sigmoid), "
    "branches(; max 3 /1 pad 1; conv 4 3x3 /1 pad 1 groups 2), shuffle 3, upsample 2, scale, "
    "gate(conv 12 1x1, sigmoid), average 3 /2, linear 5"
)

INCEPTION = Branches(
    [Block([Conv(4, kernel=1)], name="one"), [Conv(2, kernel=1), Conv(5, kernel=5, padding=2)]], name="mixed"
)
NESTED = Network(
    "nested",
    (3, 16, 16),
    [
        Block([Conv(8, kernel=3, padding=1), BatchNorm(), Activation("relu")], name="stem"),
        Block(
            [
                Residual([Conv(8, kernel=3, padding=1)], name="block1"),
                Activation("relu"),
                Residual(
                    [Conv(16, kernel=3, stride=2, padding=1)], shortcut=[Conv(16, kernel=1, stride=2)], name="block2"
                ),
            ],
            name="stage1",
        ),
        Auxiliary([GlobalAveragePool(), Linear(10)], weight=0.5, name="side"),
        INCEPTION,
        Flatten(),
        Linear(10),
    ],
)
