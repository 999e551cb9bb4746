"""EfficientNet-B0 of torchvision and timm, whose batch norm has an epsilon of its own."""

from __future__ import annotations

from striate.export.weights.mobilenet import as_convolution, number, part, v2_timm
from striate.export.weights.theirs import LibraryPreprocessing, Theirs, strange, way_of


def torchvision(path: str) -> str:
    """torchvision's path of a layer.

    >>> torchvision("stage1.block1.excitation.fc2"), torchvision("stage3.block2.norm3")
    ('features.1.0.block.1.fc2', 'features.3.1.block.3.1')
    """
    match path.split("."):
        case ["fc"]:
            return "classifier.1"
        case ["stem", own]:
            return f"features.0.{int(own == 'norm1')}"
        case ["last", own]:
            return f"features.8.{int(own == 'norm1')}"
        case [stage, block, *own]:
            found = part(own, expanded=stage != "stage1", excited=True)
            return f"features.{number(stage)}.{number(block) - 1}.block.{found}"
        case _:
            raise strange(path)


THEIRS = (
    Theirs(
        "efficientnet-b0",
        "torchvision",
        "efficientnet_b0",
        torchvision,
        shape=as_convolution,
        epsilon=1e-5,
        way=LibraryPreprocessing(interpolation="bicubic"),
    ),
    Theirs(
        "efficientnet-b0", "timm", "efficientnet_b0", v2_timm, shape=as_convolution, epsilon=1e-5, way=way_of(0.875)
    ),
)
