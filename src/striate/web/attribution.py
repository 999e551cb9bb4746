"""Which pixels speak for a class, within the time that a person waits for an answer."""

from __future__ import annotations

import math

from jaxtyping import Float
from torch import Tensor

from striate.accounting import account
from striate.look.attribution import integrated_gradients, occlusion
from striate.look.predictor import Pixels, Predictor

METHODS = ("occlusion", "integrated-gradients")
MACS = 4e9
"""About so many are spent on an answer: a second or so."""
FEWEST, MOST = 16, 256
"""At least and at most so many times the network is run for it."""


def attribution(predictor: Predictor, image: Pixels, number: int, *, method: str) -> Float[Tensor, "height width"]:
    """For each pixel, how much it speaks for the class of that number (above 0) or against it (below 0).

    "occlusion" hides patches, about a sixth of the image wide, one after another; the larger the network, the fewer.
    "integrated-gradients" counts from a blank image.
    """
    blank = predictor.run.preprocessing.low
    runs = int(min(MOST, max(FEWEST, MACS / account(predictor.run.network).totals.macs)))
    if method == "occlusion":
        side, stride = _patches(image.shape[2], image.shape[3], runs)
        return occlusion(predictor.model, image, number, baseline=blank, side=side, stride=stride)
    return integrated_gradients(predictor.model, image, number, baseline=blank, steps=min(64, runs))


def _patches(height: int, width: int, most: int) -> tuple[int, int]:
    """The side of a patch, and the least stride with which at most so many cover an image; wider where they must be.

    >>> _patches(32, 32, 256), _patches(224, 224, 16)
    ((5, 2), (56, 56))
    """
    side = max(1, min(height, width) // 6)
    stride = 1
    while math.prod(1 + math.ceil((size - side) / stride) for size in (height, width)) > most:
        stride += 1
        side = max(side, stride)
    return side, stride
