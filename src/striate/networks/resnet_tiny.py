"""MLPerf Tiny's image-classification network: a ResNet of 8 weight layers for microcontrollers."""

from __future__ import annotations

from striate.description.layers import (
    Activation,
    BatchNorm,
    Block,
    Conv,
    GlobalAveragePool,
    Layer,
    Linear,
    Residual,
    Softmax,
)
from striate.description.network import Network
from striate.networks.entry import Entry, Paper, Published

PAPER = Paper(
    "banbury2021mlperf",
    "inproceedings",
    (
        "Colby Banbury",
        "Vijay Janapa Reddi",
        "Peter Torelli",
        "Jeremy Holleman",
        "Nat Jeffries",
        "Csaba Kiraly",
        "Pietro Montino",
        "David Kanter",
    ),
    "MLPerf Tiny benchmark",
    2021,
    (
        ("booktitle", "Neural Information Processing Systems, track on datasets and benchmarks"),
        ("eprint", "2106.07597"),
        ("archiveprefix", "arXiv"),
    ),
)


def resnet8_tiny() -> Network:
    """The reference model for CIFAR-10: 78,186 parameters, and 480 running statistics."""
    stacks: list[Layer] = []
    for number, (filters, stride) in enumerate(((16, 1), (32, 2), (64, 2)), 1):
        body = [*_conv(filters, 1, stride=stride), _relu(1), *_conv(filters, 2)]
        side = [Conv(filters, kernel=1, stride=stride, padding="same", name="conv")] if stride > 1 else []
        stacks += [Residual(body, shortcut=side, name=f"stack{number}"), _relu(number + 1)]
    return Network(
        "resnet8-tiny",
        (3, 32, 32),
        [
            Block([*_conv(16, 1), _relu(1)], name="stem"),
            *stacks,
            GlobalAveragePool(name="pool"),
            Linear(10, name="fc"),
            Softmax(),
        ],
        PAPER.source(
            "section 4, table 1",
            "The reference model of the benchmark's first versions, of 16 filters; its code later had 26.",
            "Batch norm has Keras' numbers: epsilon 0.001, momentum 0.99 (0.01 here).",
        ),
    )


def _conv(filters: int, number: int, *, stride: int = 1) -> list[Layer]:
    return [
        Conv(filters, kernel=3, stride=stride, padding="same", name=f"conv{number}"),
        BatchNorm(epsilon=0.001, momentum=0.01, name=f"norm{number}"),
    ]


def _relu(number: int) -> Activation:
    return Activation("relu", name=f"relu{number}")


ENTRIES = {
    "resnet8-tiny": Entry(
        resnet8_tiny,
        "8 weight layers for CIFAR-10: MLPerf Tiny's image classification.",
        PAPER,
        (Published("accuracy", "85", "%", "CIFAR-10, the benchmark's target", "table 1"),),
    )
}
