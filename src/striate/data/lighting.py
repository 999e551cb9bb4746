"""AlexNet's change of lighting: each image shifted along the directions in which colours vary (section 4.1).

The paper adds Σ α_i λ_i p_i to every pixel, where p_i and λ_i are the eigenvectors and eigenvalues of the covariance of
the colours of all training pixels, and α_i is drawn for each image from N(0, 0.1²). Taken literally that is far too
much: λ is a variance, and for pixels of 0 to 255 it is in the thousands. Common implementations, and this one, use its
square root, the standard deviation along p_i.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from striate.data.part import Part, all_of, spread
from striate.data.stream import Stream
from striate.data.view import Pixels

STREAMED = 10_000
"""The most images of a stream whose colours are looked at."""
_CHUNK = 256
"""The number of images whose products are summed at once; sums are whole numbers, so their order does not matter."""


def colour_axes(images: Pixels) -> Float[Tensor, "channels axes"]:
    """√λ_i p_i of all pixels of images, uint8, one column per i, the largest last; in units of a pixel's 0 to 255.

    Of a stream, whose images are decoded for it, at most `STREAMED` images count, spread evenly.

    >>> grey = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16)
    >>> colour_axes(grey).abs()
    tensor([[73.9003]])
    """
    if isinstance(images, Stream) and len(images) > STREAMED:
        images = images.part(spread(len(images), STREAMED))
    channels = images.shape[1]
    total = torch.zeros(channels, dtype=torch.int64)
    products = torch.zeros(channels, channels, dtype=torch.int64)
    for first in range(0, len(images), _CHUNK):
        pixels = images[first : first + _CHUNK].transpose(0, 1).flatten(1).to(torch.int32)
        total += pixels.sum(1)
        for row in range(channels):
            products[row] += (pixels * pixels[row]).sum(1)
    count = math.prod(images.shape) // channels
    mean = total.double() / count
    values, vectors = torch.linalg.eigh(products.double() / count - mean[:, None] * mean)
    return (vectors * values.clamp(min=0).sqrt()).float()


def relight(
    batch: Float[Tensor, "batch channels height width"],
    axes: Float[Tensor, "channels axes"],
    deviation: float,
    *,
    generator: torch.Generator,
    part: Part | None = None,
) -> Float[Tensor, "batch channels height width"]:
    """The batch with Σ α_i axes_i added to each image, α_i drawn from N(0, deviation²); `axes` in the batch's units."""
    part = part or all_of(batch)
    alphas = part.of(torch.randn(part.total, axes.shape[1], generator=generator)) * deviation
    return batch + (alphas @ axes.T).to(batch)[:, :, None, None]
