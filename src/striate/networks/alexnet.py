"""AlexNet, on two towers as it was trained, and on one."""

from __future__ import annotations

from functools import partial

from striate.description.layers import (
    Activation,
    Conv,
    Dropout,
    Flatten,
    Layer,
    Linear,
    LocalResponseNorm,
    Pool,
    Softmax,
)
from striate.description.network import Network
from striate.networks.entry import Entry, Paper, Published, Trained

PAPER = Paper(
    "krizhevsky2012imagenet",
    "inproceedings",
    ("Alex Krizhevsky", "Ilya Sutskever", "Geoffrey E. Hinton"),
    "ImageNet classification with deep convolutional neural networks",
    2012,
    (
        ("booktitle", "Advances in Neural Information Processing Systems"),
        ("volume", "25"),
        ("pages", "1097--1105"),
    ),
)
TRAINED = Trained("section 5", batch=128, rate=0.01, momentum=0.9, weight_decay=5e-4, initialisation="krizhevsky-2012")
_DEPARTURES = (
    "The input is 227×227. The paper prints 224, from which 11×11 windows at stride 4 do not make its 55×55 maps.",
    "Response normalisation runs over all maps; whether it crosses from tower to tower the paper does not say.",
)


def alexnet(name: str = "alexnet", *, towers: int = 2) -> Network:
    """Section 3.5: 60,965,224 parameters; conv2, conv4 and conv5 read only the maps of their own tower."""

    def conv(filters: int, number: int, *, kernel: int, stride: int = 1, groups: int = 1) -> list[Layer]:
        padding = kernel // 2 if stride == 1 else 0
        own = Conv(filters, kernel=kernel, stride=stride, padding=padding, groups=groups, name=f"conv{number}")
        return [own, Activation("relu", name=f"relu{number}")]

    def norm_pool(number: int) -> list[Layer]:
        return [LocalResponseNorm(name=f"norm{number}"), Pool("max", kernel=3, stride=2, name=f"pool{number}")]

    alone = () if towers == 2 else ("One tower: conv2, conv4 and conv5 see all maps.",)
    return Network(
        name,
        (3, 227, 227),
        [
            *conv(96, 1, kernel=11, stride=4),
            *norm_pool(1),
            *conv(256, 2, kernel=5, groups=towers),
            *norm_pool(2),
            *conv(384, 3, kernel=3),
            *conv(384, 4, kernel=3, groups=towers),
            *conv(256, 5, kernel=3, groups=towers),
            Pool("max", kernel=3, stride=2, name="pool5"),
            *classifier(),
        ],
        PAPER.source("section 3.5, figure 2", *_DEPARTURES, *alone),
    )


def classifier() -> list[Layer]:
    """fc6, fc7 and fc8, which ZFNet and VGG use too."""
    hidden: list[Layer] = []
    for number in (6, 7):
        hidden += [Linear(4096, name=f"fc{number}"), Activation("relu", name=f"relu{number}")]
        hidden += [Dropout(0.5, name=f"drop{number}")]
    return [Flatten(), *hidden, Linear(1000, name="fc8"), Softmax()]


ENTRIES = {
    "alexnet": Entry(
        alexnet,
        "Five convolutions and three fully connected layers, on two towers; it won ILSVRC-2012.",
        PAPER,
        (
            Published("top-5 error", "18.2", "%", "ILSVRC-2012 validation, one network", "table 2"),
            Published("top-5 error", "16.4", "%", "ILSVRC-2012 test, five networks", "table 2"),
            Published("top-5 error", "15.4", "%", "ILSVRC-2012 validation, seven networks", "table 2"),
            Published("top-5 error", "15.3", "%", "ILSVRC-2012 test, seven networks", "table 2"),
            Published("top-1 error", "37.5", "%", "ILSVRC-2010 test", "table 1"),
            Published("top-5 error", "17.0", "%", "ILSVRC-2010 test", "table 1"),
            Published("parameters", "60", "million", place="abstract"),
        ),
        recipe="alexnet",
        trained=TRAINED,
    ),
    "alexnet-one-tower": Entry(
        partial(alexnet, "alexnet-one-tower", towers=1),
        "AlexNet without its groups: every filter sees all maps.",
        PAPER,
        recipe="alexnet",
        trained=TRAINED,
    ),
}
