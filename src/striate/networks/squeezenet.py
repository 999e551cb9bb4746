"""SqueezeNet: AlexNet's accuracy with a fiftieth of its parameters."""

from __future__ import annotations

from functools import partial

from striate.description.layers import (
    Activation,
    Block,
    Branches,
    Conv,
    Dropout,
    GlobalAveragePool,
    Layer,
    Pool,
    Softmax,
)
from striate.description.network import Network
from striate.networks.entry import Entry, Paper, Published

PAPER = Paper(
    "iandola2016squeezenet",
    "misc",
    (
        "Forrest N. Iandola",
        "Song Han",
        "Matthew W. Moskewicz",
        "Khalid Ashraf",
        "William J. Dally",
        "Kurt Keutzer",
    ),
    "SqueezeNet: AlexNet-level accuracy with 50x fewer parameters and <0.5MB model size",
    2016,
    (("eprint", "1602.07360"), ("archiveprefix", "arXiv")),
)

# Table 1: the squeeze filters and the expand filters (each of 1×1 and of 3×3) of fire2 to fire9.
FIRES = ((16, 64), (16, 64), (32, 128), (32, 128), (48, 192), (48, 192), (64, 256), (64, 256))
# The first convolution's filters and kernel, and the fire modules that are followed by a pooling.
VERSIONS = {"1.0": (96, 7, (4, 8)), "1.1": (64, 3, (3, 5))}


def squeezenet(version: str) -> Network:
    """Table 1 (version 1.0): 1,248,424 parameters; the authors' version 1.1: 1,235,496."""
    filters, kernel, pooled = VERSIONS[version]
    layers: list[Layer] = [
        Conv(filters, kernel=kernel, stride=2, name="conv1"),
        Activation("relu", name="relu1"),
        _pool("pool1"),
    ]
    for number, (squeeze, expand) in enumerate(FIRES, 2):
        layers.append(fire(squeeze, expand, name=f"fire{number}"))
        if number in pooled:
            layers.append(_pool(f"pool{number}"))
    layers += [Dropout(0.5, name="drop9"), Conv(1000, kernel=1, name="conv10"), Activation("relu", name="relu10")]
    departures = [
        "Convolutions and poolings do not pad; the input is 224×224, as printed. On 227×227 the first "
        "maps are the table's 111×111."
    ]
    if version == "1.1":
        departures = ["Version 1.1 is the authors' own, after the paper: fewer filters first, poolings earlier."]
    return Network(
        f"squeezenet-{version}",
        (3, 224, 224),
        [*layers, GlobalAveragePool(name="pool10"), Softmax()],
        PAPER.source("section 3, table 1", *departures),
    )


def fire(squeeze: int, expand: int, *, name: str) -> Block:
    """A fire module (figure 1): 1×1 filters squeeze the maps, 1×1 and 3×3 filters expand them side by side."""
    return Block(
        [
            Conv(squeeze, kernel=1, name="squeeze"),
            Activation("relu", name="relu"),
            Branches(
                [
                    Block([Conv(expand, kernel=1, name="conv"), Activation("relu", name="relu")], name="expand1x1"),
                    Block(
                        [Conv(expand, kernel=3, padding=1, name="conv"), Activation("relu", name="relu")],
                        name="expand3x3",
                    ),
                ],
                name="expand",
            ),
        ],
        name=name,
    )


def _pool(name: str) -> Pool:
    return Pool("max", kernel=3, stride=2, ceil=True, name=name)


ENTRIES = {
    "squeezenet-1.0": Entry(
        partial(squeezenet, "1.0"),
        "Fire modules and no fully connected layer; table 1 of the paper.",
        PAPER,
        (
            Published("top-1 accuracy", "57.5", "%", "ILSVRC-2012 validation", "table 2"),
            Published("top-5 accuracy", "80.3", "%", "ILSVRC-2012 validation", "table 2"),
            Published("parameters", "1,248,424", place="table 1"),
        ),
    ),
    "squeezenet-1.1": Entry(
        partial(squeezenet, "1.1"), "The authors' second version: 2.3 times fewer MACs, as accurate.", PAPER
    ),
}
