"""A run as one PyTorch module that can be traced: the pixels of stored images in, probabilities and labels out."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from striate.data import Preprocessing
from striate.data.preprocess import unknown_fit, with_channels
from striate.data.resize import corner, margins, resized_at_once, scaled, within
from striate.modules import Built
from striate.train.losses import class_scores

Size = tuple[int, int]


class Classifier(nn.Module):
    """Takes uint8, (batch, height, width, channels); gives probabilities, (batch, classes), and labels, (batch,)."""

    def __init__(self, network: Built, way: Preprocessing, *, temperature: float) -> None:
        super().__init__()
        self.network = network
        self.way = way
        self.temperature = temperature

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        pixels = with_channels(images.permute(0, 3, 1, 2), self.way.shape[0])
        values = self.way.normalise(_fitted(pixels, self.way))
        scores = class_scores(self.network.network, self.network.logits(values)) / self.temperature
        return torch.softmax(scores, 1), scores.argmax(1)


class Bare(nn.Module):
    """Takes normalised images, float32, (batch, channels, height, width); gives logits, (batch, classes)."""

    def __init__(self, network: Built) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        return self.network.logits(images)


def _fitted(pixels: Tensor, way: Preprocessing) -> Tensor:
    """The pixels fitted to the network's size, as `Preprocessing.pack` does after the channels; can be traced."""
    wanted = way.shape[1:]
    match way.fit:
        case "pad" | "resize":
            pixels = pixels if way.size is None else _resized(pixels, way.size, way.interpolation)
            small = all(side <= goal for side, goal in zip(pixels.shape[2:], wanted, strict=True))
            if way.fit == "pad" and small:
                return pad(pixels, margins(pixels.shape[2:], wanted))
            return _resized(pixels, wanted, way.interpolation)
        case "letterbox":
            pixels = _resized(pixels, within(pixels.shape[2:], wanted), way.interpolation)
            return pad(pixels, margins(pixels.shape[2:], wanted))
        case "crop":
            pixels = _resized(pixels, scaled(pixels.shape[2:], way.shorter or max(wanted)), way.interpolation)
            top, left = corner(pixels.shape[2:], wanted)
            return pixels[:, :, top : top + wanted[0], left : left + wanted[1]]
        case _:
            raise unknown_fit(way.fit)


def _resized(pixels: Tensor, size: Size, interpolation: str) -> Tensor:
    if tuple(pixels.shape[2:]) == size:
        return pixels
    return resized_at_once(pixels, size, interpolation=interpolation)
