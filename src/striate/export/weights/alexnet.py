"""AlexNet of torchvision; timm has none."""

from __future__ import annotations

from striate.export.weights.theirs import Instead, Theirs

LAYERS = {
    "conv1": "features.0",
    "conv2": "features.3",
    "conv3": "features.6",
    "conv4": "features.8",
    "conv5": "features.10",
    "fc6": "classifier.1",
    "fc7": "classifier.4",
    "fc8": "classifier.6",
}

THEIRS = (Theirs("alexnet-torchvision", "torchvision", "alexnet", LAYERS.__getitem__),)
INSTEAD = {
    name: Instead("alexnet-torchvision", "torchvision has one tower, fewer filters and no response normalisation")
    for name in ("alexnet", "alexnet-one-tower")
}
