"""ShuffleNet (v1): grouped 1×1 convolutions, whose groups a shuffle mixes."""

from __future__ import annotations

from striate.description.layers import (
    Activation,
    BatchNorm,
    Block,
    Branches,
    Conv,
    GlobalAveragePool,
    Layer,
    Linear,
    Pool,
    Residual,
    Shuffle,
    Softmax,
)
from striate.description.network import Network
from striate.networks.entry import Entry, Paper, Published

PAPER = Paper(
    "zhang2018shufflenet",
    "inproceedings",
    ("Xiangyu Zhang", "Xinyu Zhou", "Mengxiao Lin", "Jian Sun"),
    "ShuffleNet: An extremely efficient convolutional neural network for mobile devices",
    2017,
    (
        ("year", "2018"),
        ("booktitle", "IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR)"),
        ("pages", "6848--6856"),
        ("eprint", "1707.01083"),
        ("archiveprefix", "arXiv"),
    ),
)

# Table 1, the column of 3 groups: the filters of stages 2 to 4 and how often their stride-1 unit is repeated.
STAGES = ((240, 3), (480, 7), (960, 3))
GROUPS = 3


def shufflenet() -> Network:
    """Table 1, 3 groups: 1,865,728 parameters and 137,460,672 MACs."""
    channels, stages = 24, list[Layer]()
    for number, (filters, repeated) in enumerate(STAGES, 2):
        # Stage 2 reads 24 maps only: its first 1×1 convolution is not grouped.
        first = Branches(
            [
                Block([Pool("average", kernel=3, stride=2, padding=1, name="pool")], name="shortcut"),
                Block(_body(filters - channels, filters // 4, 2, 1 if number == 2 else GROUPS), name="body"),
            ],
            name="unit1",
        )
        units: list[Layer] = [first, Activation("relu", name="relu1")]
        for unit in range(2, repeated + 2):
            units += [
                Residual(_body(filters, filters // 4, 1, GROUPS), name=f"unit{unit}"),
                Activation("relu", name=f"relu{unit}"),
            ]
        stages.append(Block(units, name=f"stage{number}"))
        channels = filters
    stem = [*_conv(24, 1, kernel=3, stride=2, padding=1), Activation("relu", name="relu1")]
    return Network(
        "shufflenet-v1",
        (3, 224, 224),
        [
            *stem,
            Pool("max", kernel=3, stride=2, padding=1, name="pool1"),
            *stages,
            GlobalAveragePool(name="pool5"),
            Linear(1000, name="fc"),
            Softmax(),
        ],
        PAPER.source("section 3.3, table 1", "Convolutions have no biases, as batch norm follows each."),
    )


def _body(filters: int, narrow: int, stride: int, groups: int) -> list[Layer]:
    """Figure 2, b and c: a grouped 1×1 convolution, the shuffle, a depthwise 3×3, a grouped 1×1."""
    return [
        *_conv(narrow, 1, groups=groups),
        Activation("relu", name="relu1"),
        Shuffle(GROUPS, name="shuffle"),
        *_conv(narrow, 2, kernel=3, stride=stride, padding=1, groups=narrow),
        *_conv(filters, 3, groups=GROUPS),
    ]


def _conv(
    filters: int, number: int, *, kernel: int = 1, stride: int = 1, padding: int = 0, groups: int = 1
) -> list[Layer]:
    own = Conv(filters, kernel=kernel, stride=stride, padding=padding, groups=groups, bias=False, name=f"conv{number}")
    return [own, BatchNorm(name=f"norm{number}")]


ENTRIES = {
    "shufflenet-v1": Entry(
        shufflenet,
        "Grouped 1×1 convolutions and a shuffle of channels: 3 groups, width 1.",
        PAPER,
        (
            Published("top-1 error", "32.6", "%", "ILSVRC-2012 validation", "table 2"),
            Published("MACs", "137", "million", place="table 1"),
        ),
    )
}
