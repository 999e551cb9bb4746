"""Residual networks for ImageNet and for CIFAR-10, and the plain networks that the paper compares them with.

There are three kinds of shortcut for blocks that change the shape (section 3.3): A takes every second pixel and adds
maps of zeros, B projects by a 1×1 convolution, C projects in every block.
"""

from __future__ import annotations

from functools import partial

from striate.description.layers import (
    Activation,
    BatchNorm,
    Block,
    Conv,
    GlobalAveragePool,
    Layer,
    Linear,
    PadChannels,
    Pool,
    Residual,
    Softmax,
)
from striate.description.network import Network
from striate.networks.entry import Entry, Paper, Published, Trained

PAPER = Paper(
    "he2016deep",
    "inproceedings",
    ("Kaiming He", "Xiangyu Zhang", "Shaoqing Ren", "Jian Sun"),
    "Deep residual learning for image recognition",
    2015,
    (
        ("year", "2016"),
        ("booktitle", "IEEE Conference on Computer Vision and Pattern Recognition (CVPR)"),
        ("pages", "770--778"),
        ("eprint", "1512.03385"),
        ("archiveprefix", "arXiv"),
    ),
)

# Table 1: the blocks of conv2_x to conv5_x, here stage1 to stage4, and whether they are bottlenecks.
TABLE_1 = {
    18: ((2, 2, 2, 2), False),
    34: ((3, 4, 6, 3), False),
    50: ((3, 4, 6, 3), True),
    101: ((3, 4, 23, 3), True),
    152: ((3, 8, 36, 3), True),
}
# Plain networks too; weights begin as in He and others 2015.
TRAINED = Trained("section 3.4", batch=256, rate=0.1, momentum=0.9, weight_decay=1e-4, initialisation="he")
TRAINED_ON_CIFAR = Trained("section 4.2", batch=128, rate=0.1, momentum=0.9, weight_decay=1e-4, initialisation="he")
_NO_BIAS = "Convolutions have no biases: batch norm's shift takes their place. The paper does not say."


def resnet(name: str, depth: int, *, shortcut: str = "B", stride_on: int = 1) -> Network:
    """A column of table 1; `shortcut` is "A", "B", "C", or "" for the plain network: resnet50 has 25,557,032.

    `stride_on` is the convolution of a bottleneck that has its stride: the first, or the second as in torchvision.
    """
    blocks, bottleneck = TABLE_1[depth]
    stem = [*_conv(64, 1, kernel=7, stride=2), _relu(1), Pool("max", kernel=3, stride=2, padding=1, name="pool")]
    stages = _stages(blocks, 64, shortcut=shortcut, bottleneck=stride_on if bottleneck else 0)
    departures = [_NO_BIAS, "The pooling is padded by 1: the table gives its output, 56×56, and no padding."]
    if stride_on == 2:
        departures.append("The stride is in the 3×3 convolution of a bottleneck; table 1 has it in the first 1×1.")
    if depth == 18 and shortcut == "B":
        departures.append("Shortcut B; the paper's errors for 18 layers are with A (resnet18-a).")
    return Network(
        name,
        (3, 224, 224),
        [Block(stem, name="stem"), *stages, *_head(1000)],
        PAPER.source("section 3.3, table 1", *departures),
    )


def resnet_cifar(name: str, blocks: int, *, shortcut: str = "A") -> Network:
    """Section 4.2: three stages of `blocks` blocks each, 6 · blocks + 2 weight layers: resnet20-cifar has 269,722."""
    return Network(
        name,
        (3, 32, 32),
        [
            Block([*_conv(16, 1, kernel=3), _relu(1)], name="stem"),
            *_stages((blocks,) * 3, 16, shortcut=shortcut),
            *_head(10),
        ],
        PAPER.source("section 4.2", _NO_BIAS),
    )


def _stages(blocks: tuple[int, ...], filters: int, *, shortcut: str, bottleneck: int = 0) -> list[Layer]:
    """Stages; filters double and maps halve from each to the next. `bottleneck` is `stride_on`, 0 for basic blocks."""
    channels, stages = filters, list[Layer]()
    for number, times in enumerate(blocks):
        width = filters << number
        layers: list[Layer] = []
        for block in range(times):
            stride = 2 if number and not block else 1
            body = _bottleneck(width, stride, bottleneck) if bottleneck else _basic(width, stride)
            out = 4 * width if bottleneck else width
            if shortcut:
                side = _shortcut(shortcut, out, stride, changes=stride > 1 or channels != out)
                layers.append(Residual(body, shortcut=side, name=f"block{block + 1}"))
            else:
                layers.append(Block(body, name=f"block{block + 1}"))
            layers.append(_relu(block + 1))
            channels = out
        stages.append(Block(layers, name=f"stage{number + 1}"))
    return stages


def _basic(width: int, stride: int) -> list[Layer]:
    return [*_conv(width, 1, kernel=3, stride=stride), _relu(1), *_conv(width, 2, kernel=3)]


def _bottleneck(width: int, stride: int, stride_on: int) -> list[Layer]:
    """In table 1 the stride is in the first 1×1 convolution (conv3_1, conv4_1, conv5_1)."""
    return [
        *_conv(width, 1, kernel=1, stride=stride if stride_on == 1 else 1),
        _relu(1),
        *_conv(width, 2, kernel=3, stride=stride if stride_on == 2 else 1),
        _relu(2),
        *_conv(4 * width, 3, kernel=1),
    ]


def _shortcut(option: str, filters: int, stride: int, *, changes: bool) -> list[Layer]:
    if option == "C" or (option == "B" and changes):
        return _conv(filters, 1, kernel=1, stride=stride)
    if not changes:
        return []
    return [Pool("max", kernel=1, stride=stride, name="pool"), PadChannels(filters, name="pad")]


def _conv(filters: int, number: int, *, kernel: int, stride: int = 1) -> list[Layer]:
    own = Conv(filters, kernel=kernel, stride=stride, padding=kernel // 2, bias=False, name=f"conv{number}")
    return [own, BatchNorm(name=f"norm{number}")]


def _relu(number: int) -> Activation:
    return Activation("relu", name=f"relu{number}")


def _head(classes: int) -> list[Layer]:
    return [GlobalAveragePool(name="pool"), Linear(classes, name="fc"), Softmax()]


def _imagenet(name: str, depth: int, shortcut: str, *published: Published) -> Entry:
    kind = f"with shortcut {shortcut}" if shortcut else "plain, without shortcuts"
    make = partial(resnet, name, depth, shortcut=shortcut)
    return Entry(make, f"{depth} weight layers, {kind}.", PAPER, published, recipe="resnet", trained=TRAINED)


def _cifar(name: str, blocks: int, parameters: str, error: str) -> Entry:
    return Entry(
        partial(resnet_cifar, name, blocks),
        f"{6 * blocks + 2} weight layers for CIFAR-10, with shortcut A.",
        PAPER,
        (
            Published("error", error, "%", "CIFAR-10 test", "table 6"),
            Published("parameters", parameters, "million", place="table 6"),
        ),
        recipe="resnet110-cifar" if blocks == 18 else "resnet-cifar",
        trained=TRAINED_ON_CIFAR,
    )


def _top(number: int, value: str, table: str) -> Published:
    return Published(f"top-{number} error", value, "%", "ILSVRC-2012 validation, 10 crops", table)


def _macs(value: str) -> Published:
    return Published("MACs", value, "billion", place="table 1")


ENTRIES = {
    "plain18": _imagenet("plain18", 18, "", _top(1, "27.94", "table 2"), _macs("1.8")),
    "plain34": _imagenet("plain34", 34, "", _top(5, "10.02", "table 3"), _top(1, "28.54", "tables 2, 3"), _macs("3.6")),
    "resnet18": _imagenet("resnet18", 18, "B", _macs("1.8")),
    "resnet18-a": _imagenet("resnet18-a", 18, "A", _top(1, "27.88", "table 2"), _macs("1.8")),
    "resnet34": _imagenet("resnet34", 34, "B", _top(5, "7.46", "table 3"), _top(1, "24.52", "table 3"), _macs("3.6")),
    "resnet34-a": _imagenet(
        "resnet34-a", 34, "A", _top(5, "7.76", "table 3"), _top(1, "25.03", "tables 2, 3"), _macs("3.6")
    ),
    "resnet34-c": _imagenet("resnet34-c", 34, "C", _top(5, "7.40", "table 3"), _top(1, "24.19", "table 3")),
    "resnet50": _imagenet("resnet50", 50, "B", _top(5, "6.71", "table 3"), _top(1, "22.85", "table 3"), _macs("3.8")),
    "resnet101": _imagenet(
        "resnet101", 101, "B", _top(5, "6.05", "table 3"), _top(1, "21.75", "table 3"), _macs("7.6")
    ),
    "resnet152": _imagenet(
        "resnet152",
        152,
        "B",
        _top(5, "5.71", "table 3"),
        _top(1, "21.43", "table 3"),
        Published("top-5 error", "3.57", "%", "ILSVRC-2015 test, six networks", "table 5"),
        _macs("11.3"),
    ),
    "resnet20-cifar": _cifar("resnet20-cifar", 3, "0.27", "8.75"),
    "resnet32-cifar": _cifar("resnet32-cifar", 5, "0.46", "7.51"),
    "resnet44-cifar": _cifar("resnet44-cifar", 7, "0.66", "7.17"),
    "resnet56-cifar": _cifar("resnet56-cifar", 9, "0.85", "6.97"),
    "resnet110-cifar": _cifar("resnet110-cifar", 18, "1.7", "6.43"),
}
