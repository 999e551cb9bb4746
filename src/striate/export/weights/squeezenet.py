"""SqueezeNet of torchvision; timm has none."""

from __future__ import annotations

from functools import partial

from striate.export.weights.theirs import Theirs, strange

# The number of fire2 to fire9 among all layers, which counts poolings.
FIRES = {"1.0": (3, 4, 5, 7, 8, 9, 10, 12), "1.1": (3, 4, 6, 7, 9, 10, 11, 12)}


def layer(version: str, path: str) -> str:
    """torchvision's path of a layer.

    >>> layer("1.0", "fire9.squeeze"), layer("1.1", "fire4.expand.expand3x3.conv")
    ('features.12.squeeze', 'features.6.expand3x3')
    """
    match path.split("."):
        case ["conv1"]:
            return "features.0"
        case ["conv10"]:
            return "classifier.1"
        case [fire, "squeeze"]:
            return f"{_fire(version, fire)}.squeeze"
        case [fire, "expand", own, "conv"]:
            return f"{_fire(version, fire)}.{own}"
        case _:
            raise strange(path)


def _fire(version: str, fire: str) -> str:
    return f"features.{FIRES[version][int(fire.removeprefix('fire')) - 2]}"


THEIRS = tuple(
    Theirs(f"squeezenet-{version}", "torchvision", f"squeezenet{version.replace('.', '_')}", partial(layer, version))
    for version in FIRES
)
