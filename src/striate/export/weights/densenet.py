"""DenseNets: torchvision and timm have the same names; older files have norm.1 for norm1."""

from __future__ import annotations

import re

from striate.export.weights.theirs import LIBRARIES, LibraryPreprocessing, Theirs, strange, way_of

DEPTHS = (121, 169, 201)
STEM = {"conv": "features.conv0", "norm1": "features.norm0"}
TRANSITION = {"norm1": "norm", "conv": "conv"}
_OLD = re.compile(r"(denselayer\d+\.(?:norm|conv))\.([12]\.)")


def layer(path: str) -> str:
    """The libraries' path of a layer.

    >>> layer("block3.layer12.new.conv2"), layer("transition1.norm1"), layer("norm5")
    ('features.denseblock3.denselayer12.conv2', 'features.transition1.norm', 'features.norm5')
    """
    match path.split("."):
        case ["fc"]:
            return "classifier"
        case ["norm5"]:
            return "features.norm5"
        case ["stem", own]:
            return STEM[own]
        case [transition, own]:
            return f"features.{transition}.{TRANSITION[own]}"
        case [block, number, "new", own]:
            return f"features.dense{block}.dense{number}.{own}"
        case _:
            raise strange(path)


def today(name: str) -> str:
    """The name that a tensor of a published file has in today's module.

    >>> today("features.denseblock1.denselayer2.norm.1.weight")
    'features.denseblock1.denselayer2.norm1.weight'
    """
    return _OLD.sub(r"\1\2", name)


THEIRS = tuple(
    Theirs(
        f"densenet{depth}",
        library,
        f"densenet{depth}",
        layer,
        today=today,
        way=way_of(0.875) if library == "timm" else LibraryPreprocessing(),
    )
    for library in LIBRARIES
    for depth in DEPTHS
)
