"""Calibration: one number, the temperature, divides the class scores, so that answers at 90 % are right 9 times in 10.

C. Guo, G. Pleiss, Y. Sun, K. Weinberger, On calibration of modern neural networks, ICML 2017, section 4.2.
"""

from __future__ import annotations

import math

from jaxtyping import Float, Int64
from torch import Tensor

COLDEST, HOTTEST = 0.1, 100.0


def temperature_of(scores: Float[Tensor, "images classes"], labels: Int64[Tensor, " images"]) -> float:
    """The temperature T with the least mean cross-entropy of scores / T on images that were not used for training.

    One further image is counted, with the same probability for every class, so that a network without mistakes gets no
    infinite confidence. The cross-entropy is convex in 1/T, so bisection finds the zero of its slope.

    >>> import torch
    >>> scores = torch.tensor([[9.0, 0.0], [9.0, 0.0], [9.0, 0.0]])
    >>> round(temperature_of(scores, torch.tensor([0, 0, 1])), 2)
    17.62
    """
    scores = scores.double() - scores.double().mean(1, keepdim=True)
    right = scores.gather(1, labels[:, None]).sum()
    count = len(scores) + 1

    def slope(sharpness: float) -> float:
        expected = ((sharpness * scores).softmax(1) * scores).sum()
        return float(expected * count / len(scores) - right)

    low, high = math.log(1 / HOTTEST), math.log(1 / COLDEST)
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (low, middle) if slope(math.exp(middle)) > 0 else (middle, high)
    return math.exp(-(low + high) / 2)
