"""VGG, with and without batch norm: torchvision and timm number its layers; in timm two of three linear ones are
convolutions."""

from __future__ import annotations

from functools import partial

from striate.export.weights.theirs import Instead, Shape, Theirs, way_of
from striate.networks.torchvision import VGG_BN
from striate.networks.vgg import TABLE_1

HEADS = {
    "torchvision": {"fc6": "classifier.0", "fc7": "classifier.3", "fc8": "classifier.6"},
    "timm": {"fc6": "pre_logits.fc1", "fc7": "pre_logits.fc2", "fc8": "head.fc"},
}
WINDOWS = {"fc6.weight": 7, "fc7.weight": 1}
"""The side of the window of timm's convolutions in the place of linear layers."""
# Striate's configurations by the libraries' names.
PLAIN = {"vgg11": "vgg-a", "vgg13": "vgg-b", "vgg16": "vgg-d", "vgg19": "vgg-e"}


def places(configuration: str, *, norms: bool) -> dict[str, str]:
    """The number of each convolution, and of each batch norm, among all layers before the head.

    >>> list(places("vgg-a", norms=True).items())[:4]
    [('conv1_1', 'features.0'), ('norm1_1', 'features.1'), ('conv2_1', 'features.4'), ('norm2_1', 'features.5')]
    """
    found: dict[str, str] = {}
    number = 0
    for block, kernels in enumerate(TABLE_1[configuration], 1):
        for layer in range(1, len(kernels) + 1):
            found[f"conv{block}_{layer}"] = f"features.{number}"
            if norms:
                found[f"norm{block}_{layer}"] = f"features.{number + 1}"
            number += 3 if norms else 2
        number += 1
    return found


def as_convolution(tensor: str, shape: Shape) -> Shape:
    """The shape of a weight in timm.

    >>> as_convolution("fc6.weight", (4096, 25088))
    (4096, 512, 7, 7)
    """
    side = WINDOWS.get(tensor)
    return shape if side is None else (shape[0], shape[1] // side**2, side, side)


def _theirs(library: str, model: str, network: str, configuration: str) -> Theirs:
    layers = places(configuration, norms=network.endswith("-bn")) | HEADS[library]
    make = partial(Theirs, network, library, model, layers.__getitem__)
    return make(shape=as_convolution, way=way_of(0.875, "bilinear")) if library == "timm" else make()


THEIRS = tuple(
    each
    for library in HEADS
    for each in (
        *(_theirs(library, model, name, name) for model, name in PLAIN.items()),
        *(_theirs(library, name.replace("-", "_"), name, configuration) for name, configuration in VGG_BN.items()),
    )
)
INSTEAD = {"vgg-a-lrn": Instead("vgg-a", "configuration A has no response normalisation there")}
