"""A small network for CIFAR-10 on a CPU, in the way of speed records on a GPU."""

from __future__ import annotations

from striate.description.layers import Activation, BatchNorm, Conv, Flatten, Layer, Linear, Pool, Softmax
from striate.description.network import Network
from striate.networks.entry import Entry, Paper

PAPER = Paper(
    "jordan2024cifar",
    "misc",
    ("Keller Jordan",),
    "94% on CIFAR-10 in 3.29 seconds on a single GPU",
    2024,
    (("eprint", "2404.00498"), ("archiveprefix", "arXiv")),
)

WIDTHS = (64, 128, 128)
"""The filters of the three blocks."""


def cifar_fast() -> Network:
    """A whitening layer, then three blocks of two 3×3 convolutions with a pooling after the first."""
    layers: list[Layer] = [Conv(24, kernel=2, bias=False, name="whitening"), Activation("relu", name="act0")]
    for number, filters in enumerate(WIDTHS, 1):
        layers += [
            Conv(filters, kernel=3, padding=1, bias=False, name=f"conv{number}a"),
            Pool("max", kernel=2, name=f"pool{number}"),
            BatchNorm(momentum=0.4, name=f"norm{number}a"),
            Activation("relu", name=f"act{number}a"),
            Conv(filters, kernel=3, padding=1, bias=False, name=f"conv{number}b"),
            BatchNorm(momentum=0.4, name=f"norm{number}b"),
            Activation("relu", name=f"act{number}b"),
        ]
    layers += [Pool("max", kernel=3, name="pool"), Flatten(), Linear(10, bias=False, name="fc"), Softmax()]
    return Network(
        "cifar-fast",
        (3, 32, 32),
        layers,
        PAPER.source(
            "section 3.1",
            "Blocks of 64, 128 and 128 filters, for a CPU; the paper has 64, 256 and 256.",
            "ReLUs; the paper has GELUs.",
            "The first layer has no bias, batch normalisations learn a scale too, and the output is not divided by 9.",
        ),
    )


ENTRIES = {"cifar-fast": Entry(cifar_fast, "Six 3×3 convolutions for CIFAR-10 on a CPU.", PAPER, recipe="cifar-fast")}
