"""MobileNet v1, v2 and v3: depthwise separable convolutions, inverted residuals, excitation."""

from __future__ import annotations

from functools import partial

from striate.description.layers import (
    Activation,
    ActivationFunction,
    Block,
    Dropout,
    GlobalAveragePool,
    Layer,
    Linear,
    Softmax,
)
from striate.description.network import Network
from striate.networks.entry import Entry, Paper, Published
from striate.networks.separable import Excitation, Inverted, Norm, conv_norm, inverted, rounded

V1 = Paper(
    "howard2017mobilenets",
    "misc",
    (
        "Andrew G. Howard",
        "Menglong Zhu",
        "Bo Chen",
        "Dmitry Kalenichenko",
        "Weijun Wang",
        "Tobias Weyand",
        "Marco Andreetto",
        "Hartwig Adam",
    ),
    "MobileNets: Efficient convolutional neural networks for mobile vision applications",
    2017,
    (("eprint", "1704.04861"), ("archiveprefix", "arXiv")),
)
V2 = Paper(
    "sandler2018mobilenetv2",
    "inproceedings",
    ("Mark Sandler", "Andrew Howard", "Menglong Zhu", "Andrey Zhmoginov", "Liang-Chieh Chen"),
    "MobileNetV2: Inverted residuals and linear bottlenecks",
    2018,
    (
        ("booktitle", "IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR)"),
        ("pages", "4510--4520"),
        ("eprint", "1801.04381"),
        ("archiveprefix", "arXiv"),
    ),
)
V3 = Paper(
    "howard2019searching",
    "inproceedings",
    (
        "Andrew Howard",
        "Mark Sandler",
        "Grace Chu",
        "Liang-Chieh Chen",
        "Bo Chen",
        "Mingxing Tan",
        "Weijun Wang",
        "Yukun Zhu",
        "Ruoming Pang",
        "Vijay Vasudevan",
        "Quoc V. Le",
        "Hartwig Adam",
    ),
    "Searching for MobileNetV3",
    2019,
    (
        ("booktitle", "IEEE/CVF International Conference on Computer Vision (ICCV)"),
        ("pages", "1314--1324"),
        ("eprint", "1905.02244"),
        ("archiveprefix", "arXiv"),
    ),
)

# V1, table 1: the filters and the stride of each depthwise separable convolution.
SEPARABLE = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2), (1024, 1))
# V2, table 2: expansion, filters, blocks, stride of the first.
BOTTLENECKS = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
# V3, tables 1 and 2: kernel, expanded maps, filters, excitation, function, stride.
BlockRow = tuple[int, int, int, bool, ActivationFunction, int]
LARGE: tuple[BlockRow, ...] = (
    (3, 16, 16, False, "relu", 1),
    (3, 64, 24, False, "relu", 2),
    (3, 72, 24, False, "relu", 1),
    (5, 72, 40, True, "relu", 2),
    (5, 120, 40, True, "relu", 1),
    (5, 120, 40, True, "relu", 1),
    (3, 240, 80, False, "hard_swish", 2),
    (3, 200, 80, False, "hard_swish", 1),
    (3, 184, 80, False, "hard_swish", 1),
    (3, 184, 80, False, "hard_swish", 1),
    (3, 480, 112, True, "hard_swish", 1),
    (3, 672, 112, True, "hard_swish", 1),
    (5, 672, 160, True, "hard_swish", 2),
    (5, 960, 160, True, "hard_swish", 1),
    (5, 960, 160, True, "hard_swish", 1),
)
SMALL: tuple[BlockRow, ...] = (
    (3, 16, 16, True, "relu", 2),
    (3, 72, 24, False, "relu", 2),
    (3, 88, 24, False, "relu", 1),
    (5, 96, 40, True, "hard_swish", 2),
    (5, 240, 40, True, "hard_swish", 1),
    (5, 240, 40, True, "hard_swish", 1),
    (5, 120, 48, True, "hard_swish", 1),
    (5, 144, 48, True, "hard_swish", 1),
    (5, 288, 96, True, "hard_swish", 2),
    (5, 576, 96, True, "hard_swish", 1),
    (5, 576, 96, True, "hard_swish", 1),
)
_NORM = Norm(epsilon=0.001, momentum=0.01)


def mobilenet_v1() -> Network:
    """V1, table 1: 4,231,976 parameters."""
    channels, blocks = 32, list[Layer]()
    for number, (filters, stride) in enumerate(SEPARABLE, 1):
        depthwise = conv_norm(channels, 1, kernel=3, stride=stride, groups=channels)
        pointwise = conv_norm(filters, 2, kernel=1)
        blocks.append(Block([*depthwise, _relu(1), *pointwise, _relu(2)], name=f"block{number}"))
        channels = filters
    return Network(
        "mobilenet-v1",
        (3, 224, 224),
        [Block([*conv_norm(32, 1, kernel=3, stride=2), _relu(1)], name="stem"), *blocks, *_head(1000)],
        V1.source(
            "section 3.2, table 1",
            "The last depthwise convolution has stride 1: the table prints s2 and an output of 7×7.",
            "Convolutions are padded by half their kernel; the paper does not say.",
        ),
    )


def mobilenet_v2() -> Network:
    """V2, table 2: 3,504,872 parameters."""
    channels, stages = 32, list[Layer]()
    for number, (expansion, filters, times, stride) in enumerate(BOTTLENECKS, 1):
        blocks: list[Layer] = []
        for block in range(times):
            wide = expansion * channels if expansion > 1 else 0
            own = Inverted(channels, wide, filters, 3, stride if block == 0 else 1, "relu6")
            blocks.append(inverted(own, name=f"block{block + 1}"))
            channels = filters
        stages.append(Block(blocks, name=f"stage{number}"))
    return Network(
        "mobilenet-v2",
        (3, 224, 224),
        [
            Block([*conv_norm(32, 1, kernel=3, stride=2), Activation("relu6", name="act1")], name="stem"),
            *stages,
            Block([*conv_norm(1280, 1, kernel=1), Activation("relu6", name="act1")], name="last"),
            *_head(1000, dropout=0.2),
        ],
        V2.source(
            "section 4, table 2",
            "The first block has no expansion, whose factor would be 1.",
            "The last 1×1 convolution is a linear layer, with biases; dropout of 0.2 before it is the authors' code's.",
        ),
    )


def mobilenet_v3(name: str, rows: tuple[BlockRow, ...], features: int) -> Network:
    """V3, table 1 (large) or 2 (small): 5,483,032 or 2,542,856 parameters."""
    channels, blocks = 16, list[Layer]()
    for number, (kernel, expanded, filters, excited, function, stride) in enumerate(rows, 1):
        excitation = Excitation(rounded(expanded / 4), "relu", "hard_sigmoid") if excited else None
        wide = expanded if expanded != channels else 0
        own = Inverted(channels, wide, filters, kernel, stride, function, excitation)
        blocks.append(inverted(own, name=f"block{number}", norm=_NORM))
        channels = filters
    stem = conv_norm(16, 1, kernel=3, stride=2, norm=_NORM)
    last = conv_norm(6 * channels, 1, kernel=1, norm=_NORM)
    return Network(
        name,
        (3, 224, 224),
        [
            Block([*stem, Activation("hard_swish", name="act1")], name="stem"),
            *blocks,
            Block([*last, Activation("hard_swish", name="act1")], name="last"),
            GlobalAveragePool(name="pool"),
            Linear(features, name="fc1"),
            Activation("hard_swish", name="act_fc1"),
            Dropout(0.2, name="drop"),
            Linear(1000, name="fc2"),
            Softmax(),
        ],
        V3.source(
            "section 6, tables 1 and 2",
            "Excitation squeezes to a quarter of the expanded maps, rounded to a multiple of 8, as the code does.",
            "The two last 1×1 convolutions are linear layers.",
        ),
    )


def _relu(number: int) -> Activation:
    return Activation("relu", name=f"relu{number}")


def _head(classes: int, *, dropout: float = 0.0) -> list[Layer]:
    drop: list[Layer] = [Dropout(dropout, name="drop")] if dropout else []
    return [GlobalAveragePool(name="pool"), *drop, Linear(classes, name="fc"), Softmax()]


def _published(accuracy: str, parameters: str, macs: str, place: str) -> tuple[Published, ...]:
    return (
        Published("top-1 accuracy", accuracy, "%", "ILSVRC-2012 validation", place),
        Published("parameters", parameters, "million", place=place),
        Published("MACs", macs, "million", place=place),
    )


ENTRIES = {
    "mobilenet-v1": Entry(
        mobilenet_v1, "Depthwise separable convolutions, at width 1.", V1, _published("70.6", "4.2", "569", "table 8")
    ),
    "mobilenet-v2": Entry(
        mobilenet_v2, "Inverted residuals with linear bottlenecks.", V2, _published("72.0", "3.4", "300", "table 4")
    ),
    "mobilenet-v3-small": Entry(
        partial(mobilenet_v3, "mobilenet-v3-small", SMALL, 1024),
        "Found by search, with excitation and hard swish: the small one.",
        V3,
        _published("67.4", "2.5", "56", "table 3 (arXiv version 5)"),
    ),
    "mobilenet-v3-large": Entry(
        partial(mobilenet_v3, "mobilenet-v3-large", LARGE, 1280),
        "Found by search, with excitation and hard swish: the large one.",
        V3,
        _published("75.2", "5.4", "219", "table 3 (arXiv version 5)"),
    ),
}
