"""VGG: the six configurations A to E of 3×3 convolutions."""

from __future__ import annotations

from functools import partial

from striate.description.layers import Activation, Conv, Layer, LocalResponseNorm, Pool
from striate.description.network import Network
from striate.networks.alexnet import classifier
from striate.networks.entry import Entry, Paper, Published, Trained

PAPER = Paper(
    "simonyan2015very",
    "inproceedings",
    ("Karen Simonyan", "Andrew Zisserman"),
    "Very deep convolutional networks for large-scale image recognition",
    2014,
    (
        ("year", "2015"),
        ("booktitle", "International Conference on Learning Representations (ICLR)"),
        ("eprint", "1409.1556"),
        ("archiveprefix", "arXiv"),
    ),
)
TRAINED = Trained("section 3.1", batch=256, rate=0.01, momentum=0.9, weight_decay=5e-4)
FILTERS = (64, 128, 256, 512, 512)

# Table 1: the kernels of the convolutions before each of the five poolings.
TABLE_1: dict[str, tuple[tuple[int, ...], ...]] = {
    "vgg-a": ((3,), (3,), (3, 3), (3, 3), (3, 3)),
    "vgg-a-lrn": ((3,), (3,), (3, 3), (3, 3), (3, 3)),
    "vgg-b": ((3, 3), (3, 3), (3, 3), (3, 3), (3, 3)),
    "vgg-c": ((3, 3), (3, 3), (3, 3, 1), (3, 3, 1), (3, 3, 1)),
    "vgg-d": ((3, 3), (3, 3), (3, 3, 3), (3, 3, 3), (3, 3, 3)),
    "vgg-e": ((3, 3), (3, 3), (3, 3, 3, 3), (3, 3, 3, 3), (3, 3, 3, 3)),
}
# Table 2 (millions of parameters) and table 3 (errors on one scale, the better of two where two are printed).
TABLES_2_3 = {
    "vgg-a": ("133", "29.6", "10.4"),
    "vgg-a-lrn": ("133", "29.7", "10.5"),
    "vgg-b": ("133", "28.7", "9.9"),
    "vgg-c": ("134", "27.3", "8.8"),
    "vgg-d": ("138", "25.6", "8.1"),
    "vgg-e": ("144", "25.5", "8.0"),
}

SUBMISSION = {"vgg-d": (Published("top-5 error", "7.3", "%", "ILSVRC-2014 test, seven networks", "table 7"),)}
"""The error of the ensemble of several configurations."""


def vgg(configuration: str) -> Network:
    """A column of table 1, such as "vgg-d": 138,357,544 parameters."""
    layers: list[Layer] = []
    for block, (filters, kernels) in enumerate(zip(FILTERS, TABLE_1[configuration], strict=True), 1):
        for number, kernel in enumerate(kernels, 1):
            place = f"{block}_{number}"
            layers += [
                Conv(filters, kernel=kernel, padding=kernel // 2, name=f"conv{place}"),
                Activation("relu", name=f"relu{place}"),
            ]
            if configuration == "vgg-a-lrn" and block == 1:
                layers.append(LocalResponseNorm(name=f"norm{place}"))
        layers.append(Pool("max", kernel=2, name=f"pool{block}"))
    return Network(configuration, (3, 224, 224), [*layers, *classifier()], PAPER.source("section 2.1, table 1"))


def _entry(configuration: str) -> Entry:
    weight_layers = sum(map(len, TABLE_1[configuration])) + 3
    letter = configuration.removeprefix("vgg-").upper()
    parameters, top_1, top_5 = TABLES_2_3[configuration]
    return Entry(
        partial(vgg, configuration),
        f"Configuration {letter}: {weight_layers} weight layers.",
        PAPER,
        (
            Published("top-5 error", top_5, "%", "ILSVRC-2012 validation, one scale", "table 3"),
            Published("top-1 error", top_1, "%", "ILSVRC-2012 validation, one scale", "table 3"),
            *SUBMISSION.get(configuration, ()),
            Published("parameters", parameters, "million", place="table 2"),
        ),
        recipe="vgg",
        trained=TRAINED,
    )


ENTRIES = {configuration: _entry(configuration) for configuration in TABLE_1}
