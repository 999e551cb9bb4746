"""GoogLeNet, with its two auxiliary heads."""

from __future__ import annotations

from striate.description.layers import (
    Activation,
    Auxiliary,
    Block,
    Branches,
    Conv,
    Dropout,
    Flatten,
    GlobalAveragePool,
    Layer,
    Linear,
    LocalResponseNorm,
    Pool,
    Softmax,
)
from striate.description.network import Network
from striate.networks.entry import Entry, Paper, Published, Trained

PAPER = Paper(
    "szegedy2015going",
    "inproceedings",
    (
        "Christian Szegedy",
        "Wei Liu",
        "Yangqing Jia",
        "Pierre Sermanet",
        "Scott Reed",
        "Dragomir Anguelov",
        "Dumitru Erhan",
        "Vincent Vanhoucke",
        "Andrew Rabinovich",
    ),
    "Going deeper with convolutions",
    2014,
    (
        ("year", "2015"),
        ("booktitle", "IEEE Conference on Computer Vision and Pattern Recognition (CVPR)"),
        ("pages", "1--9"),
        ("eprint", "1409.4842"),
        ("archiveprefix", "arXiv"),
    ),
)

# Table 1: 1×1, 3×3 reduce, 3×3, 5×5 reduce, 5×5, pool projection.
INCEPTIONS = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}


def googlenet() -> Network:
    """Table 1: 6,998,552 parameters in use, 13,378,280 in training with the two heads of section 5."""
    module = {name: inception(name) for name in INCEPTIONS}
    return Network(
        "googlenet",
        (3, 224, 224),
        [
            *_conv(64, "conv1", kernel=7, stride=2),
            _pool("pool1"),
            LocalResponseNorm(name="norm1"),
            *_conv(64, "conv2_reduce", kernel=1),
            *_conv(192, "conv2", kernel=3),
            LocalResponseNorm(name="norm2"),
            _pool("pool2"),
            module["3a"],
            module["3b"],
            _pool("pool3"),
            module["4a"],
            head("head4a"),
            module["4b"],
            module["4c"],
            module["4d"],
            head("head4d"),
            module["4e"],
            _pool("pool4"),
            module["5a"],
            module["5b"],
            GlobalAveragePool(name="pool5"),
            Dropout(0.4, name="drop5"),
            Linear(1000, name="fc"),
            Softmax(),
        ],
        PAPER.source(
            "section 5, table 1",
            "conv1 is a plain 7×7 convolution of 9,408 weights; the table's 2.7K would be a factored one, "
            "which the text does not describe.",
            "The two response normalisations, which only figure 3 shows, have AlexNet's constants.",
            "Poolings at stride 2 round up, as the sizes of the table need it.",
        ),
    )


def inception(name: str) -> Branches:
    """A row of table 1: branches of 1×1, 3×3 and 5×5 filters and a pooling, with 1×1 filters that reduce the maps."""
    ones, reduce3, threes, reduce5, fives, projection = INCEPTIONS[name]
    pool = Pool("max", kernel=3, stride=1, padding=1, name="pool")
    return Branches(
        [
            Block(_conv(ones, "conv", kernel=1), name="branch1x1"),
            Block([*_conv(reduce3, "reduce", kernel=1), *_conv(threes, "conv", kernel=3)], name="branch3x3"),
            Block([*_conv(reduce5, "reduce", kernel=1), *_conv(fives, "conv", kernel=5)], name="branch5x5"),
            Block([pool, *_conv(projection, "project", kernel=1)], name="branch_pool"),
        ],
        name=f"inception{name}",
    )


def head(name: str) -> Auxiliary:
    """The auxiliary head of section 5, whose loss is multiplied by 0.3."""
    return Auxiliary(
        [
            Pool("average", kernel=5, stride=3, name="pool"),
            *_conv(128, "conv", kernel=1),
            Flatten(),
            Linear(1024, name="fc1"),
            Activation("relu", name="relu_fc1"),
            Dropout(0.7, name="drop"),
            Linear(1000, name="fc2"),
        ],
        weight=0.3,
        name=name,
    )


def _conv(filters: int, name: str, *, kernel: int, stride: int = 1) -> list[Layer]:
    own = Conv(filters, kernel=kernel, stride=stride, padding=kernel // 2, name=name)
    return [own, Activation("relu", name=f"relu_{name}")]


def _pool(name: str) -> Pool:
    return Pool("max", kernel=3, stride=2, ceil=True, name=name)


ENTRIES = {
    "googlenet": Entry(
        googlenet,
        "Nine Inception modules and two auxiliary heads; it won ILSVRC-2014.",
        PAPER,
        (
            Published("top-5 error", "10.07", "%", "ILSVRC-2014 validation, one network, one crop", "table 3"),
            Published("top-5 error", "6.67", "%", "ILSVRC-2014 test, seven networks, 144 crops", "table 2"),
            Published("MACs", "1.5", "billion", place="section 1"),
        ),
        recipe="googlenet",
        trained=Trained("section 6", momentum=0.9),
    )
}
