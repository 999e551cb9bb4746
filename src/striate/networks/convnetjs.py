"""The network that ConvNetJS trains on CIFAR-10 in a browser."""

from __future__ import annotations

from striate.description.layers import Activation, Conv, Flatten, Layer, Linear, Pool, Softmax
from striate.description.network import Network
from striate.networks.entry import Entry, Paper

PAPER = Paper(
    "karpathy2014convnetjs",
    "misc",
    ("Andrej Karpathy",),
    "ConvNetJS CIFAR-10 demo",
    2014,
    (("howpublished", "https://cs.stanford.edu/people/karpathy/convnetjs/demo/cifar10.html"),),
)


def convnetjs_cifar10() -> Network:
    """Three 5×5 convolutions, each with its pooling: 22,466 parameters."""
    layers: list[Layer] = []
    for filters in (16, 20, 20):
        layers += [Conv(filters, kernel=5, padding=2), Activation("relu"), Pool("max", kernel=2)]
    return Network("convnetjs-cifar10", (3, 32, 32), [*layers, Flatten(), Linear(10), Softmax()], PAPER.source())


ENTRIES = {
    "convnetjs-cifar10": Entry(
        convnetjs_cifar10,
        "The small network of the demo that runs in a browser.",
        PAPER,
        recipe="convnetjs-cifar10",
    )
}
