"""EfficientNet-B0, from which the others of its family are scaled up."""

from __future__ import annotations

from striate.description.layers import Activation, Block, Dropout, GlobalAveragePool, Layer, Linear, Softmax
from striate.description.network import Network
from striate.networks.entry import Entry, Paper, Published
from striate.networks.separable import Excitation, Inverted, Norm, conv_norm, inverted

PAPER = Paper(
    "tan2019efficientnet",
    "inproceedings",
    ("Mingxing Tan", "Quoc V. Le"),
    "EfficientNet: Rethinking model scaling for convolutional neural networks",
    2019,
    (
        ("booktitle", "International Conference on Machine Learning (ICML)"),
        ("pages", "6105--6114"),
        ("eprint", "1905.11946"),
        ("archiveprefix", "arXiv"),
    ),
)

# Table 1: expansion, kernel, stride of the first block, filters, blocks.
STAGES = (
    (1, 3, 1, 16, 1),
    (6, 3, 2, 24, 2),
    (6, 5, 2, 40, 2),
    (6, 3, 2, 80, 3),
    (6, 5, 1, 112, 3),
    (6, 5, 2, 192, 4),
    (6, 3, 1, 320, 1),
)
_NORM = Norm(epsilon=0.001, momentum=0.01)


def efficientnet_b0() -> Network:
    """Table 1: 5,288,548 parameters."""
    channels, stages = 32, list[Layer]()
    for number, (expansion, kernel, stride, filters, times) in enumerate(STAGES, 1):
        blocks: list[Layer] = []
        for block in range(times):
            wide = expansion * channels if expansion > 1 else 0
            excitation = Excitation(channels // 4, "silu", "sigmoid")
            own = Inverted(channels, wide, filters, kernel, stride if block == 0 else 1, "silu", excitation)
            blocks.append(inverted(own, name=f"block{block + 1}", norm=_NORM))
            channels = filters
        stages.append(Block(blocks, name=f"stage{number}"))
    return Network(
        "efficientnet-b0",
        (3, 224, 224),
        [
            Block([*conv_norm(32, 1, kernel=3, stride=2, norm=_NORM), Activation("silu", name="act1")], name="stem"),
            *stages,
            Block([*conv_norm(1280, 1, kernel=1, norm=_NORM), Activation("silu", name="act1")], name="last"),
            GlobalAveragePool(name="pool"),
            Dropout(0.2, name="drop"),
            Linear(1000, name="fc"),
            Softmax(),
        ],
        PAPER.source(
            "section 4, table 1",
            "Excitation squeezes to a quarter of a block's input maps, as the authors' code does.",
            "Blocks are not left out at random while it is trained (stochastic depth).",
            "Convolutions are padded by half their kernel; the code pads as TensorFlow does.",
        ),
    )


ENTRIES = {
    "efficientnet-b0": Entry(
        efficientnet_b0,
        "Inverted residuals with excitation and SiLU, found by search.",
        PAPER,
        (
            Published("top-1 accuracy", "77.1", "%", "ILSVRC-2012 validation", "table 2"),
            Published("top-5 accuracy", "93.3", "%", "ILSVRC-2012 validation", "table 2"),
            Published("parameters", "5.3", "million", place="table 2"),
            Published("MACs", "0.39", "billion", place="table 2"),
        ),
    )
}
