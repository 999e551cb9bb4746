"""Which pixels speak for a class: by hiding them, or by the gradient."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from striate.serve.predictor import Images, Predictor

METHODS = ("occlusion", "gradient")
WINDOWS = 256
"""At most so many places are hidden, one after another."""

Map = Float[Tensor, "height width"]


def attribution(predictor: Predictor, image: Images, number: int, *, method: str) -> Map:
    """For each pixel, how much it speaks for the class of that number (above 0) or against it (below 0).

    "occlusion": by how much the class's score falls when a patch with the pixel in it is blank, the mean over all
    such patches (Zeiler and Fergus, 2014). "gradient": the gradient of the score times the input, over the channels
    added up, the input counted from blank.
    """
    return _gradient(predictor, image, number) if method == "gradient" else _occlusion(predictor, image, number)


def _gradient(predictor: Predictor, image: Images, number: int) -> Map:
    with torch.enable_grad():
        watched = image.detach().clone().requires_grad_()
        score = predictor.scores(watched)[0, number]
        (gradient,) = torch.autograd.grad(score, watched)
    return (gradient * (image - predictor.run.preprocessing.low))[0].sum(0)


@torch.inference_mode()
def _occlusion(predictor: Predictor, image: Images, number: int) -> Map:
    height, width = image.shape[2:]
    patch = max(1, min(height, width) // 6)
    stride = max(1, patch // 3)
    while len(_starts(height, patch, stride)) * len(_starts(width, patch, stride)) > WINDOWS:
        stride += 1
    places = [(row, column) for row in _starts(height, patch, stride) for column in _starts(width, patch, stride)]
    fall = torch.zeros(height, width)
    times = torch.zeros(height, width)
    whole = predictor.scores(image)[0, number]
    for first in range(0, len(places), 64):
        some = places[first : first + 64]
        hidden = image.repeat(len(some), 1, 1, 1)
        for copy, (row, column) in zip(hidden, some, strict=True):
            copy[:, row : row + patch, column : column + patch] = predictor.run.preprocessing.low
        falls = whole - predictor.scores(hidden)[:, number]
        for (row, column), each in zip(some, falls, strict=True):
            fall[row : row + patch, column : column + patch] += each
            times[row : row + patch, column : column + patch] += 1
    return fall / times


def _starts(size: int, patch: int, stride: int) -> list[int]:
    """Where patches begin, so that the last one ends at the edge."""
    last = size - patch
    return sorted({*range(0, last + 1, stride), last})
