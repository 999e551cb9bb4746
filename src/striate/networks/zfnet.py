"""ZFNet: AlexNet with a finer first layer, and its wider variant."""

from __future__ import annotations

from functools import partial

from striate.description.layers import Activation, Conv, Layer, LocalResponseNorm, Pool
from striate.description.network import Network
from striate.networks.alexnet import classifier
from striate.networks.entry import Entry, Paper, Published, Trained

PAPER = Paper(
    "zeiler2014visualizing",
    "inproceedings",
    ("Matthew D. Zeiler", "Rob Fergus"),
    "Visualizing and understanding convolutional networks",
    2013,
    (
        ("year", "2014"),
        ("booktitle", "European Conference on Computer Vision (ECCV)"),
        ("pages", "818--833"),
        ("eprint", "1311.2901"),
        ("archiveprefix", "arXiv"),
    ),
)
TRAINED = Trained("section 3", batch=128, rate=0.01, momentum=0.9, initialisation="normal-0.01")
_DEPARTURES = (
    "conv1 is padded by 1 and the first two poolings round up, which gives the sizes of figure 3 (110, 55, 26, 13); "
    "the paper prints no padding.",
    "The contrast normalisation has AlexNet's constants; the paper gives none.",
)


def zfnet(name: str = "zfnet", *, last: tuple[int, int, int] = (384, 384, 256)) -> Network:
    """Figure 3, with `last` the filters of conv3, conv4 and conv5: 62,357,608 parameters."""
    third: list[Layer] = []
    for number, filters in enumerate(last, 3):
        third += [
            Conv(filters, kernel=3, padding=1, name=f"conv{number}"),
            Activation("relu", name=f"relu{number}"),
        ]
    return Network(
        name,
        (3, 224, 224),
        [
            Conv(96, kernel=7, stride=2, padding=1, name="conv1"),
            Activation("relu", name="relu1"),
            Pool("max", kernel=3, stride=2, ceil=True, name="pool1"),
            LocalResponseNorm(name="norm1"),
            Conv(256, kernel=5, stride=2, name="conv2"),
            Activation("relu", name="relu2"),
            Pool("max", kernel=3, stride=2, ceil=True, name="pool2"),
            LocalResponseNorm(name="norm2"),
            *third,
            Pool("max", kernel=3, stride=2, name="pool5"),
            *classifier(),
        ],
        PAPER.source("figure 3", *_DEPARTURES),
    )


ENTRIES = {
    "zfnet": Entry(
        zfnet,
        "AlexNet with 7×7 windows at stride 2 in its first layer, found by looking at what the layers see.",
        PAPER,
        (
            Published("top-5 error", "16.5", "%", "ILSVRC-2012 validation, one network", "table 2"),
            Published("top-5 error", "14.8", "%", "ILSVRC-2012 test, six networks", "table 2"),
        ),
        recipe="zfnet",
        trained=TRAINED,
    ),
    "zfnet-512": Entry(
        partial(zfnet, "zfnet-512", last=(512, 1024, 512)),
        "ZFNet with 512, 1024 and 512 filters in its last three convolutions.",
        PAPER,
        (
            Published("top-5 error", "16.0", "%", "ILSVRC-2012 validation, one network", "table 2"),
            Published("top-5 error", "16.1", "%", "ILSVRC-2012 test, one network", "table 2"),
        ),
        recipe="zfnet",
        trained=TRAINED,
    ),
}
