"""The all-convolutional network: strides in place of poolings."""

from __future__ import annotations

from striate.description.layers import Activation, Conv, Dropout, GlobalAveragePool, Layer, Softmax
from striate.description.network import Network
from striate.networks.entry import Entry, Paper, Published

PAPER = Paper(
    "springenberg2015striving",
    "inproceedings",
    ("Jost Tobias Springenberg", "Alexey Dosovitskiy", "Thomas Brox", "Martin Riedmiller"),
    "Striving for simplicity: The all convolutional net",
    2014,
    (
        ("year", "2015"),
        ("booktitle", "International Conference on Learning Representations (ICLR), workshop track"),
        ("eprint", "1412.6806"),
        ("archiveprefix", "arXiv"),
    ),
)

# Tables 1 and 2, model C with its poolings replaced: filters, kernel, stride, padding.
CONVOLUTIONS = (
    (96, 3, 1, 1),
    (96, 3, 1, 1),
    (96, 3, 2, 1),
    (192, 3, 1, 1),
    (192, 3, 1, 1),
    (192, 3, 2, 1),
    (192, 3, 1, 0),
    (192, 1, 1, 0),
    (10, 1, 1, 0),
)


def all_cnn_c() -> Network:
    """All-CNN-C for CIFAR-10: 1,369,738 parameters."""
    layers: list[Layer] = [Dropout(0.2, name="drop0")]
    for number, (filters, kernel, stride, padding) in enumerate(CONVOLUTIONS, 1):
        layers += [
            Conv(filters, kernel=kernel, stride=stride, padding=padding, name=f"conv{number}"),
            Activation("relu", name=f"relu{number}"),
        ]
        if stride == 2:
            layers.append(Dropout(0.5, name=f"drop{number}"))
    return Network(
        "all-cnn-c",
        (3, 32, 32),
        [*layers, GlobalAveragePool(name="pool"), Softmax()],
        PAPER.source(
            "section 3.1, tables 1 and 2",
            "The seventh convolution does not pad: so the average is over 6×6, as printed.",
        ),
    )


ENTRIES = {
    "all-cnn-c": Entry(
        all_cnn_c,
        "Nine convolutions for CIFAR-10; a stride of 2 stands for each pooling.",
        PAPER,
        (
            Published("error", "9.08", "%", "CIFAR-10 test, no augmentation", "table 3"),
            Published("parameters", "1.4", "million", place="table 3"),
        ),
    )
}
