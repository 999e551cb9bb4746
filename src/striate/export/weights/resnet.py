"""ResNets: torchvision and timm have the same names, and both the stride of a bottleneck in its 3×3 convolution."""

from __future__ import annotations

from striate.export.weights.theirs import LIBRARIES, Instead, LibraryPreprocessing, Theirs, strange, way_of

STEM = {"conv1": "conv1", "norm1": "bn1"}
SHORTCUT = {"conv1": "downsample.0", "norm1": "downsample.1"}
MODELS = {
    "resnet18": "resnet18",
    "resnet34": "resnet34",
    "resnet50": "resnet50-torchvision",
    "resnet101": "resnet101-torchvision",
    "resnet152": "resnet152-torchvision",
}
"""Striate's networks by the libraries' names."""


def layer(path: str) -> str:
    """The libraries' path of a layer.

    >>> layer("stem.norm1"), layer("stage2.block1.conv3"), layer("stage4.block1.shortcut.norm1")
    ('bn1', 'layer2.0.conv3', 'layer4.0.downsample.1')
    """
    match path.split("."):
        case ["fc"]:
            return "fc"
        case ["stem", own]:
            return STEM[own]
        case [stage, block, own]:
            return f"{_block(stage, block)}.{own.replace('norm', 'bn')}"
        case [stage, block, "shortcut", own]:
            return f"{_block(stage, block)}.{SHORTCUT[own]}"
        case _:
            raise strange(path)


def _block(stage: str, block: str) -> str:
    return f"layer{stage.removeprefix('stage')}.{int(block.removeprefix('block')) - 1}"


THEIRS = tuple(
    Theirs(network, library, model, layer, way=way_of(0.95) if library == "timm" else LibraryPreprocessing())
    for library in LIBRARIES
    for model, network in MODELS.items()
)
INSTEAD = {
    **{
        f"resnet{depth}": Instead(
            f"resnet{depth}-torchvision",
            "it has the stride of a bottleneck in the 3×3 convolution, and the paper in the first 1×1: with the same "
            "names and shapes, outputs would be others",
        )
        for depth in (50, 101, 152)
    },
    "resnet18-a": Instead("resnet18", "it has projections as shortcuts"),
    "resnet34-a": Instead("resnet34", "it has projections as shortcuts"),
    "resnet34-c": Instead("resnet34", "it has projections only where a shape changes"),
}
