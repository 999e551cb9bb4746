"""LeNet-5 as in its paper, and the dense network that is called LeNet-5 today."""

from __future__ import annotations

from striate.description.layers import RBF, Activation, Conv, Flatten, Linear, Pool, Subsample
from striate.description.network import Network
from striate.networks.entry import Entry, Paper, Published
from striate.networks.glyphs import centres, digits

PAPER = Paper(
    "lecun1998gradient",
    "article",
    ("Yann LeCun", "Léon Bottou", "Yoshua Bengio", "Patrick Haffner"),
    "Gradient-based learning applied to document recognition",
    1998,
    (("journal", "Proceedings of the IEEE"), ("volume", "86"), ("number", "11"), ("pages", "2278--2324")),
)

# Table I: the maps of S2 that each map of C3 reads.
C3_TABLE = (
    (0, 1, 2),
    (1, 2, 3),
    (2, 3, 4),
    (3, 4, 5),
    (0, 4, 5),
    (0, 1, 5),
    (0, 1, 2, 3),
    (1, 2, 3, 4),
    (2, 3, 4, 5),
    (0, 3, 4, 5),
    (0, 1, 4, 5),
    (0, 1, 2, 5),
    (0, 1, 3, 4),
    (1, 2, 4, 5),
    (0, 2, 3, 5),
    (0, 1, 2, 3, 4, 5),
)


def lenet5() -> Network:
    """LeNet-5 (1998): 60,000 parameters, 840 fixed values, 340,908 connections."""
    return Network(
        "lenet5",
        (1, 32, 32),
        [
            Conv(6, kernel=5, name="C1"),
            Activation("scaled_tanh"),
            Subsample(kernel=2, name="S2"),
            Activation("scaled_tanh"),
            Conv(16, kernel=5, table=C3_TABLE, name="C3"),
            Activation("scaled_tanh"),
            Subsample(kernel=2, name="S4"),
            Activation("scaled_tanh"),
            Conv(120, kernel=5, name="C5"),
            Activation("scaled_tanh"),
            Flatten(),
            Linear(84, name="F6"),
            Activation("scaled_tanh"),
            RBF(digits(), name="output"),
        ],
        PAPER.source(
            "section II-B, figure 2, table I",
            "A unit of S2 and S4 adds its four inputs, as section II-B says; section II-A averages them.",
            "The RBF bitmaps are drawn anew: the paper shows its own in figure 3 and prints no table.",
        ),
    )


def lenet5_dense() -> Network:
    """The network called LeNet-5 today: C3 reads all maps, ReLU, max pooling, linear output: 61,706 parameters."""
    return Network(
        "lenet5-dense",
        (1, 32, 32),
        [
            Conv(6, kernel=5, name="C1"),
            Activation("relu"),
            Pool("max", kernel=2, name="S2"),
            Conv(16, kernel=5, name="C3"),
            Activation("relu"),
            Pool("max", kernel=2, name="S4"),
            Conv(120, kernel=5, name="C5"),
            Activation("relu"),
            Flatten(),
            Linear(84, name="F6"),
            Activation("relu"),
            Linear(10, name="output"),
        ],
        PAPER.source(
            "section II-B",
            "C3 sees all maps of S2, instead of the paper's table.",
            "ReLU instead of the scaled tanh.",
            "Max pooling instead of trainable subsampling.",
            "A linear output, trained with cross-entropy, instead of RBF units.",
        ),
    )


def lenet5_reader() -> Network:
    """The modern LeNet-5 with twice the filters and an output for blank space: 117,163 parameters."""
    return Network(
        "lenet5-reader",
        (1, 32, 32),
        [
            Conv(12, kernel=5, name="C1"),
            Activation("relu"),
            Pool("max", kernel=2, name="S2"),
            Conv(32, kernel=5, name="C3"),
            Activation("relu"),
            Pool("max", kernel=2, name="S4"),
            Conv(120, kernel=5, name="C5"),
            Activation("relu"),
            Flatten(),
            Linear(84, name="F6"),
            Activation("relu"),
            Linear(11, name="output"),
        ],
        PAPER.source(
            "section VII",
            "Twice the filters in C1 and C3, and every C3 map sees all of S2's.",
            "ReLU, max pooling and a linear output, as in lenet5-dense.",
        ),
    )


def lenet5_reader_1998() -> Network:
    """LeNet-5 with an eleventh RBF unit, for a window without a character in its middle: 60,000 parameters."""
    return Network(
        "lenet5-reader-1998",
        (1, 32, 32),
        [*lenet5().layers[:-1], RBF(centres(tuple("0123456789 ")), name="output")],
        PAPER.source(
            "section VII",
            "The paper names a class for blank space and gives no code for it; here it is the bitmap without ink.",
            "A unit of S2 and S4 adds its four inputs, and the RBF bitmaps are drawn anew, as in lenet5.",
        ),
    )


ENTRIES = {
    "lenet5": Entry(
        lenet5,
        "The 1998 network: a connection table, trainable subsampling, RBF units.",
        PAPER,
        (
            Published("error", "0.95", "%", "MNIST test", "section III-B"),
            Published("parameters", "60,000", place="section II-B"),
            Published("connections", "340,908", place="section II-B"),
        ),
        recipe="lenet5",
    ),
    "lenet5-dense": Entry(lenet5_dense, "What is called LeNet-5 today: dense, with ReLU and max pooling.", PAPER),
    "lenet5-reader": Entry(
        lenet5_reader,
        "Reads lines of digits: today's LeNet-5, wider, with a blank class.",
        PAPER,
        recipe="lenet5-reader",
        data="mnist-lines",
    ),
    "lenet5-reader-1998": Entry(
        lenet5_reader_1998,
        "Reads lines of digits as in 1998: LeNet-5 with a blank class.",
        PAPER,
        recipe="lenet5-reader-1998",
        data="mnist-lines",
    ),
}
