"""Attributions for the page: the pixels that raise a class's score, computed in about a second."""

from __future__ import annotations

import math
from typing import Literal, get_args

from jaxtyping import Float
from torch import Tensor

from striate.accounting import account
from striate.look.attribution import integrated_gradients, occlusion
from striate.look.predictor import Pixels, Predictor

Method = Literal["occlusion", "integrated-gradients"]
METHODS: tuple[Method, ...] = get_args(Method)
MACS = 4e9
"""The approximate number of MACs for one answer, which take about a second."""
FEWEST, MOST = 16, 256
"""The least and the greatest number of runs of the network for one answer."""


def attribution(predictor: Predictor, image: Pixels, number: int, *, method: str) -> Float[Tensor, "height width"]:
    """For each pixel, how much it raises (above 0) or lowers (below 0) the score of class `number`.

    "occlusion" hides patches, about a sixth of the image wide, one after another; a larger network gets fewer patches.
    "integrated-gradients" starts from a blank image.
    """
    blank = predictor.run.preprocessing.ends()[0]
    runs = int(min(MOST, max(FEWEST, MACS / max(1, account(predictor.run.network).totals.macs))))
    match method:
        case "occlusion":
            side, stride = _patches(image.shape[2], image.shape[3], runs)
            return occlusion(predictor.model, image, number, baseline=blank, side=side, stride=stride)
        case "integrated-gradients":
            return integrated_gradients(predictor.model, image, number, baseline=blank, steps=min(64, runs))
        case _:
            raise ValueError(f"unknown method: {method}")


def _patches(height: int, width: int, most: int) -> tuple[int, int]:
    """The side of a patch, and the least stride with which at most `most` patches cover an image.

    Patches are wider where this is necessary to cover the image.

    >>> _patches(32, 32, 256), _patches(224, 224, 16)
    ((5, 2), (56, 56))
    """
    side = max(1, min(height, width) // 6)
    stride = 1
    while math.prod(1 + math.ceil((size - side) / stride) for size in (height, width)) > most:
        stride += 1
        side = max(side, stride)
    return side, stride
