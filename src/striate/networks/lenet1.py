"""LeNet-1: the network of 1989 that read zip codes, the first of its line with trainable subsampling.

The counts that the paper prints (page 402) determine details that its text leaves open: 2,578 parameters and 98,442
connections follow from subsampling with a coefficient and a bias per map, and 20 links and one bias per map in H3.
"""

from __future__ import annotations

from striate.description.layers import Activation, Conv, Flatten, Linear, Subsample
from striate.description.network import Network
from striate.networks.entry import Entry, Paper, Published

PAPER = Paper(
    "lecun1989handwritten",
    "inproceedings",
    (
        "Yann LeCun",
        "Bernhard E. Boser",
        "John S. Denker",
        "Donnie Henderson",
        "Richard E. Howard",
        "Wayne E. Hubbard",
        "Lawrence D. Jackel",
    ),
    "Handwritten digit recognition with a back-propagation network",
    1989,
    (("booktitle", "Advances in Neural Information Processing Systems 2"), ("pages", "396--404")),
)

# Table 1: the maps of H2 that each map of H3 reads. The first six read two of them, the last six the other two.
H3_TABLE = ((0,), (0, 1), (0, 1), (1,), (0, 1), (0, 1), (2,), (2, 3), (2, 3), (3,), (2, 3), (2, 3))


def lenet1() -> Network:
    """LeNet-1: 2,578 parameters, 98,442 connections."""
    return Network(
        "lenet1",
        (1, 28, 28),
        [
            Conv(4, kernel=5, name="H1"),
            Activation("scaled_tanh"),
            Subsample(kernel=2, name="H2"),
            Activation("scaled_tanh"),
            Conv(12, kernel=5, table=H3_TABLE, name="H3"),
            Activation("scaled_tanh"),
            Subsample(kernel=2, name="H4"),
            Activation("scaled_tanh"),
            Flatten(),
            Linear(10, name="output"),
        ],
        PAPER.source(
            "pages 399 to 402, table 1",
            "The outputs are logits, trained with cross-entropy; the paper's are squashed and trained to be ±1.",
            "A unit of H2 and H4 adds its four inputs, where the paper averages them: the coefficient is a fourth.",
        ),
    )


ENTRIES = {
    "lenet1": Entry(
        lenet1,
        "The network of 1989 that read zip codes: 4 and 12 maps, a connection table.",
        PAPER,
        (
            Published("error", "1.7", "%", "MNIST test, reduced to 16×16", "LeCun and others (1998), figure 9"),
            Published("parameters", "2,578", place="page 402"),
            Published("connections", "98,442", place="page 402"),
        ),
        recipe="lenet1",
    ),
}
