"""Inception with batch normalisation (v2): GoogLeNet's modules with two 3×3 convolutions for each 5×5."""

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
    PoolFunction,
    Softmax,
)
from striate.description.network import Network
from striate.networks.entry import Entry, Paper, Published

PAPER = Paper(
    "ioffe2015batch",
    "inproceedings",
    ("Sergey Ioffe", "Christian Szegedy"),
    "Batch normalization: Accelerating deep network training by reducing internal covariate shift",
    2015,
    (
        ("booktitle", "International Conference on Machine Learning (ICML)"),
        ("pages", "448--456"),
        ("eprint", "1502.03167"),
        ("archiveprefix", "arXiv"),
    ),
)

# Figure 5: 1×1, 3×3 reduce, 3×3, double 3×3 reduce, double 3×3, the pooling, its projection. Modules without 1×1
# filters have stride 2 and pass the pooled maps through.
ModuleRow = tuple[int, int, int, int, int, PoolFunction, int]
MODULES: dict[str, ModuleRow] = {
    "3a": (64, 64, 64, 64, 96, "average", 32),
    "3b": (64, 64, 96, 64, 96, "average", 64),
    "3c": (0, 128, 160, 64, 96, "max", 0),
    "4a": (224, 64, 96, 96, 128, "average", 128),
    "4b": (192, 96, 128, 96, 128, "average", 128),
    "4c": (160, 128, 160, 128, 160, "average", 128),
    "4d": (96, 128, 192, 160, 192, "average", 128),
    "4e": (0, 128, 192, 192, 256, "max", 0),
    "5a": (352, 192, 320, 160, 224, "average", 128),
    "5b": (352, 192, 320, 192, 224, "max", 128),
}


def inception_bn() -> Network:
    """Figure 5: 11,285,224 parameters."""
    return Network(
        "inception-bn",
        (3, 224, 224),
        [
            *_conv(64, "1", kernel=7, stride=2),
            _pool("pool1"),
            *_conv(64, "2_reduce", kernel=1),
            *_conv(192, "2", kernel=3),
            _pool("pool2"),
            *(module(name) for name in MODULES),
            GlobalAveragePool(name="pool5"),
            Linear(1000, name="fc"),
            Softmax(),
        ],
        PAPER.source(
            "appendix, figure 5",
            "conv1 is a plain 7×7 convolution; the paper's is separable, with a depth multiplier of 8.",
            "4c and 4d give 608 maps and 4e 1,056, the sums of the filters that are printed beside 576 and 1,024.",
            "The paper's 13.6 million parameters do not follow from figure 5, whose filters have 11.3 million.",
            "Poolings at stride 2 round up, as the printed sizes need it. Convolutions have no biases.",
        ),
    )


def module(name: str) -> Branches:
    """A row of figure 5: 1×1, 3×3 and twice 3×3 filters side by side, and a pooling."""
    ones, reduce3, threes, reduce_double, double, function, projection = MODULES[name]
    stride = 1 if ones else 2
    pool = Pool(function, kernel=3, stride=stride, padding=1 if ones else 0, ceil=not ones, name="pool")
    branches = [
        Block([*_conv(reduce3, "1", kernel=1), *_conv(threes, "2", kernel=3, stride=stride)], name="branch3x3"),
        Block(
            [
                *_conv(reduce_double, "1", kernel=1),
                *_conv(double, "2", kernel=3),
                *_conv(double, "3", kernel=3, stride=stride),
            ],
            name="branch_double3x3",
        ),
        Block([pool, *(_conv(projection, "1", kernel=1) if projection else [])], name="branch_pool"),
    ]
    if ones:
        branches.insert(0, Block(_conv(ones, "1", kernel=1), name="branch1x1"))
    return Branches(branches, name=f"inception{name}")


def _conv(filters: int, name: str, *, kernel: int, stride: int = 1) -> list[Layer]:
    return [
        Conv(filters, kernel=kernel, stride=stride, padding=kernel // 2, bias=False, name=f"conv{name}"),
        BatchNorm(name=f"norm{name}"),
        Activation("relu", name=f"relu{name}"),
    ]


def _pool(name: str) -> Pool:
    return Pool("max", kernel=3, stride=2, ceil=True, name=name)


ENTRIES = {
    "inception-bn": Entry(
        inception_bn,
        "The network that batch normalisation was introduced with.",
        PAPER,
        (
            Published("top-1 accuracy", "74.8", "%", "ILSVRC-2012 validation, BN-x30, one crop", "figure 3"),
            Published("parameters", "13.6", "million", place="section 4.2"),
        ),
    )
}
