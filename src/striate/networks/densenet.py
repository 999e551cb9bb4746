"""DenseNet: each layer reads the maps of all layers before it in its block."""

from __future__ import annotations

from functools import partial

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
    Softmax,
)
from striate.description.network import Network
from striate.networks.entry import Entry, Paper, Published

PAPER = Paper(
    "huang2017densely",
    "inproceedings",
    ("Gao Huang", "Zhuang Liu", "Laurens van der Maaten", "Kilian Q. Weinberger"),
    "Densely connected convolutional networks",
    2016,
    (
        ("year", "2017"),
        ("booktitle", "IEEE Conference on Computer Vision and Pattern Recognition (CVPR)"),
        ("pages", "4700--4708"),
        ("eprint", "1608.06993"),
        ("archiveprefix", "arXiv"),
    ),
)

# Table 1: the layers of each dense block; table 3: the errors on one crop.
BLOCKS = {121: (6, 12, 24, 16), 169: (6, 12, 32, 32), 201: (6, 12, 48, 32)}
ERRORS = {121: ("25.02", "7.71"), 169: ("23.80", "6.85"), 201: ("22.58", "6.34")}
GROWTH = 32


def densenet(depth: int) -> Network:
    """A column of table 1 at a growth rate of 32: densenet121 has 7,978,856 parameters."""
    channels, stages = 2 * GROWTH, list[Layer]()
    for number, times in enumerate(BLOCKS[depth], 1):
        stages.append(Block([_dense(f"layer{layer + 1}") for layer in range(times)], name=f"block{number}"))
        channels += times * GROWTH
        if number < len(BLOCKS[depth]):
            channels //= 2
            stages.append(_transition(channels, number))
    stem: list[Layer] = [
        Conv(2 * GROWTH, kernel=7, stride=2, padding=3, bias=False, name="conv"),
        *_norm_relu(1),
        Pool("max", kernel=3, stride=2, padding=1, name="pool"),
    ]
    return Network(
        f"densenet{depth}",
        (3, 224, 224),
        [
            Block(stem, name="stem"),
            *stages,
            *_norm_relu(5),
            GlobalAveragePool(name="pool"),
            Linear(1000, name="fc"),
            Softmax(),
        ],
        PAPER.source("section 3, table 1", "Convolutions have no biases, as in the authors' code."),
    )


def _dense(name: str) -> Branches:
    """Batch norm, ReLU and a convolution, twice (DenseNet-B); their maps follow the maps that they read."""
    body = [
        *_norm_relu(1),
        Conv(4 * GROWTH, kernel=1, bias=False, name="conv1"),
        *_norm_relu(2),
        Conv(GROWTH, kernel=3, padding=1, bias=False, name="conv2"),
    ]
    return Branches([Block([], name="before"), Block(body, name="new")], name=name)


def _transition(filters: int, number: int) -> Block:
    """Half the maps, at half the size (DenseNet-C, θ = 0.5)."""
    return Block(
        [
            *_norm_relu(1),
            Conv(filters, kernel=1, bias=False, name="conv"),
            Pool("average", kernel=2, name="pool"),
        ],
        name=f"transition{number}",
    )


def _norm_relu(number: int) -> list[Layer]:
    return [BatchNorm(name=f"norm{number}"), Activation("relu", name=f"relu{number}")]


def _entry(depth: int) -> Entry:
    top_1, top_5 = ERRORS[depth]
    return Entry(
        partial(densenet, depth),
        f"{depth} layers, each of which adds 32 maps to those before it.",
        PAPER,
        (
            Published("top-1 error", top_1, "%", "ILSVRC-2012 validation, one crop", "table 3"),
            Published("top-5 error", top_5, "%", "ILSVRC-2012 validation, one crop", "table 3"),
        ),
    )


ENTRIES = {f"densenet{depth}": _entry(depth) for depth in BLOCKS}
