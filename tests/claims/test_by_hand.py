"""The values of claims against plain arithmetic, which uses nothing of Striate: each network written out in numbers."""

import re
from itertools import pairwise

import pytest

from striate.claims import CLAIMS, Claim

VALUES = {claim.number: claim for claim in CLAIMS}


def conv(kernel: int, maps: int, filters: int) -> int:
    """The parameters of a convolution with biases."""
    return (kernel * kernel * maps + 1) * filters


def linear(into: int, onward: int) -> int:
    return (into + 1) * onward


# (1×1, 3×3 reduced, 3×3, 5×5 reduced, 5×5, pool) of each module, with the maps that it sees: table 1 of GoogLeNet.
MODULES = (
    (192, 64, 96, 128, 16, 32, 32, 28),
    (256, 128, 128, 192, 32, 96, 64, 28),
    (480, 192, 96, 208, 16, 48, 64, 14),
    (512, 160, 112, 224, 24, 64, 64, 14),
    (512, 128, 128, 256, 24, 64, 64, 14),
    (512, 112, 144, 288, 32, 64, 64, 14),
    (528, 256, 160, 320, 32, 128, 128, 14),
    (832, 256, 160, 320, 32, 128, 128, 7),
    (832, 384, 192, 384, 48, 128, 128, 7),
)
INCEPTION = [
    (
        conv(1, maps, a) + conv(1, maps, b) + conv(3, b, c) + conv(1, maps, d) + conv(5, d, e) + conv(1, maps, f),
        (maps * (a + b + d + f) + 9 * b * c + 25 * d * e) * side * side,
    )
    for maps, a, b, c, d, e, f, side in MODULES
]
GOOGLENET = conv(7, 3, 64) + conv(1, 64, 64) + conv(3, 64, 192) + sum(p for p, _ in INCEPTION) + linear(1024, 1000)
AUXILIARY = sum(conv(1, maps, 128) + linear(4 * 4 * 128, 1024) + linear(1024, 1000) for maps in (512, 528))
GOOGLENET_MACS = 9408 * 112**2 + (64 * 64 + 9 * 64 * 192) * 56**2 + sum(m for _, m in INCEPTION) + 1024 * 1000
ALEXNET_CONVS = [(11, 3, 96, 55), (5, 48, 256, 27), (3, 256, 384, 13), (3, 192, 384, 13), (3, 192, 256, 13)]
ALEXNET_LINEARS = [9216, 4096, 4096, 1000]
ALEXNET = sum(conv(k, m, f) for k, m, f, _ in ALEXNET_CONVS) + sum(linear(a, b) for a, b in pairwise(ALEXNET_LINEARS))
ALEXNET_MACS = sum(k * k * m * f * side**2 for k, m, f, side in ALEXNET_CONVS) + sum(
    a * b for a, b in pairwise(ALEXNET_LINEARS)
)
VGG_MAPS = [3, 64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512]
VGG_SIDES = [224] * 2 + [112] * 2 + [56] * 3 + [28] * 3 + [14] * 3
VGG = sum(conv(3, a, b) for a, b in pairwise(VGG_MAPS)) + linear(25_088, 4096) + linear(4096, 4096) + linear(4096, 1000)
VGG_POOLED = 64 * 112**2 + 128 * 56**2 + 256 * 28**2 + 512 * 14**2 + 512 * 7**2
VGG_VALUES = (
    3 * 224**2
    + sum(b * side**2 for b, side in zip(VGG_MAPS[1:], VGG_SIDES, strict=True))
    + VGG_POOLED
    + 4096 * 2
    + 1000
)
CODE = conv(3, 3, 6) + conv(3, 6, 16) + linear(3136, 120) + linear(120, 84) + linear(84, 10)
CODE_MACS = 27 * 6 * 62**2 + 54 * 16 * 29**2 + 3136 * 120 + 120 * 84 + 84 * 10
TABLE_MACS = 27 * 6 * 62**2 + 96 * 16 * 28**2 + 3136 * 10
C3 = 6 * (25 * 3 + 1) + 9 * (25 * 4 + 1) + 25 * 6 + 1
BLOCKS_152 = (3, 8, 36, 3)
SIMPLE = conv(7, 1, 64) + conv(3, 64, 128) + conv(3, 128, 128) + conv(3, 128, 256) + conv(3, 256, 256)

BY_HAND: dict[int, tuple[float, ...]] = {
    1: (1989, 1998),
    3: (120 * 25 * 16 + 120, 120 * 25 * 16),
    6: (CODE, 156 + 12 + C3 + 32 + conv(5, 16, 120) + linear(120, 84)),
    7: (4, 3, 16),
    8: (120, 84, 10),
    11: (conv(3, 3, 6), 3 * 3 * 3 * 6),
    14: (conv(4, 6, 16), 4 * 4 * 6 * 16, conv(3, 6, 16)),
    17: (linear(3136, 10), linear(84, 10)),
    18: (162 + 1536 + 31_360, 168 + 1552 + 31_370, CODE),
    20: (linear(64 * 64 * 3, 10), 122_880),
    21: (TABLE_MACS, 122_880, round(TABLE_MACS / 122_880, 1)),
    22: (round(CODE / 122_890, 2), round(CODE_MACS / 122_880, 2)),
    30: (64 * 14 * 14 * 10 + 10, 64 * 7 * 7 * 10 + 10, conv(3, 64, 128)),
    31: (max(1, 2, 3, 4), (1 + 2 + 3 + 4) / 4, 1 + 2 + 3 + 4),
    # A pixel in the left half of a window stays in it when it moves right by one: four of seven columns, eight rows.
    32: (4 * 8, 7 * 8, 0, 6 * 8),
    36: (SIMPLE + linear(256 * 3 * 3, 128) + linear(128, 64) + linear(64, 10),),
    39: (5 * 5 * 3, 28 * 28),
    49: (
        sum((n + 2 * p - f) % s == 0 for n in range(1, 33) for f in range(1, 12) for s in (1, 2, 3) for p in range(6)
            if n + 2 * p >= f),
        sum(s * (n - 1) == n + 2 * p - f for n in range(1, 33) for f in range(1, 12) for s in (1, 2, 3)
            for p in range(6) if n + 2 * p >= f),
    ),
    51: ((45 - 5 + 2) / 2 + 1, (33 - 5 + 2) / 2 + 1, 10),
    52: (conv(5, 3, 10), 750),
    53: (2, 5, sum(value & (value - 1) == 0 for module in MODULES for value in module[1:7]) + 2, 9 * 6 + 3, 13),
    56: (conv(1, 64, 32), 64 * 32),
    61: (9 + 1, 3 + 3 + 5 + (4 + 9) + 1),
    66: ((227 - 11) / 4 + 1, (224 - 11) / 4 + 1),
    69: (conv(11, 3, 96), 34_848),
    75: (128,),
    76: (0.9,),
    77: (0.01,),
    78: (18.2, 15.4, 2.8),
    83: (14.8,),
    87: (11, 10.4, 13, 9.9, 16, 8.8, 8.1, 19, 8.0),
    88: (7.3,),
    89: (VGG, sum((64, 64, 128, 128, 256, 256, 256, *[512] * 6, 4096, 4096, 1000))),
    91: (VGG_VALUES, round(4 * VGG_VALUES / 10**6, 2), round(4 * VGG_VALUES / 2**20, 2)),
    92: (round(8 * VGG_VALUES / 10**6, 2), round(8 * VGG_VALUES / 2**20, 2)),
    93: (
        round(100 * 2 * 64 * 224**2 / VGG_VALUES),
        round(100 * (3 * 224**2 + 128 * 224**2 + 64 * 112**2 + 256 * 112**2 + 128 * 56**2) / VGG_VALUES),
    ),
    94: (linear(25_088, 4096), 25_088 * 4096, round(100 * linear(25_088, 4096) / VGG)),
    96: (6.67,),
    97: (7.3,),
    98: (linear(1024, 1000),),
    99: (GOOGLENET, GOOGLENET + AUXILIARY),
    100: (ALEXNET,),
    101: (round(ALEXNET / GOOGLENET, 1),),
    102: (round(GOOGLENET_MACS / ALEXNET_MACS, 2),),
    103: (16.4, 6.67, round(16.4 - 6.67, 2)),
    104: (3.57,),
    106: (5 + 3, 18.2, 8 + 3, 10.4, 16 + 3, 8.0, 27.94, 28.54),
    107: (8.75, 7.51, 7.17, 6.97, 6.43),
    108: (1 + 3 * sum(BLOCKS_152) + 1,),
    110: (1, 3 * 3, 3 * 8, 3 * 36),
    111: (sum(BLOCKS_152), 4),
    112: (1 + 3 * sum(BLOCKS_152) + 4, 1),
    113: (2, 3 * 3 * 64),
    114: (0.1, 0.01, 0, 2),
    116: (3, 2 * 16, 1, 2 * 16 + 4, 16),
    117: (48, 19),
    118: (19, 361, (1 - 1) / 2, (3 - 1) / 2, (5 - 1) / 2),
    120: (linear(32 * 32, 10), linear(64 * 64, 10), linear(128 * 128, 10)),
    121: (linear(120 * 2 * 2, 84), linear(120, 84)),
    124: (conv(5, 1, 6), conv(5, 1, 6) * 28 * 28),
    125: (2 * 6, 5 * 6 * 14 * 14),
    127: (C3, C3 * 100),
    131: (6 * 76, 6 * 101),
    132: (3 * 101, 25 * 4 + 1 * 3),
    135: (2 * 16, 5 * 16 * 25),
    149: (60_000, 156 * 784 + 5 * 6 * 196 + C3 * 100 + 5 * 16 * 25 + conv(5, 16, 120) + linear(120, 84) + 840),
}  # fmt: skip


@pytest.mark.parametrize("number", BY_HAND)
def test_a_value_has_the_numbers_of_plain_arithmetic(number: int) -> None:
    claim: Claim = VALUES[number]
    found = [float(each.replace(",", "")) for each in re.findall(r"\d+(?:,\d{3})*(?:\.\d+)?", claim.value)]
    assert [
        each for each in BY_HAND[number] if not any(each == pytest.approx(other, abs=1e-9) for other in found)
    ] == []
