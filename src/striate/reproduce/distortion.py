"""The images of a pass: in the paper's constant random order, undistorted or distorted.

The paper's distortions are planar affine (section III-B): translations, scaling, squeezing and shear; it gives no
amplitudes. Here each is drawn uniformly between minus and plus the amplitude in the method's decisions.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from striate.data import Affine, ImageSet, Preprocessing, epoch_order, move
from striate.kernels.engine import Pictures
from striate.reproduce.method import Decisions, Method
from striate.train.metrics import pictures_of

CHUNK = 5_000
"""The number of images in one call of the kernels."""
VERSIONS = 10
"""An image and nine distorted ones: the paper's 60,000 + 540,000."""
Draws = Float[Tensor, "images 5"]


@dataclass(frozen=True, eq=False)
class Presented:
    """Training images in order; `pictures.chosen`, or else the position, has the indices of `labels`."""

    pictures: Pictures
    labels: Int64[Tensor, " images"]


def presentations(method: Method, number: int) -> tuple[Int64[Tensor, " images"], Draws]:
    """The indices of the images of pass `number` in order, and the draws of each one's distortion: zeros for none.

    The result depends on the arguments alone, so that a resumed training gets the same images.
    """
    order = epoch_order(method.images, seed=method.seed, epoch=0)
    untouched = torch.zeros(method.images, 5)
    if method.distorted == "no":
        return order, untouched
    if method.distorted == "fresh":
        draws = _draws(method, f"pass {number}", 6)
        shown = torch.where(draws[:, 5:] < 2 / VERSIONS - 1, untouched, draws[:, :5])
        return order, shown
    pool = epoch_order(VERSIONS * method.images, seed=method.seed, epoch=0)
    start = (number - 1) % VERSIONS * method.images
    part = pool[start : start + method.images]
    version, image = part // method.images, part % method.images
    versions = torch.stack([untouched, *(_draws(method, f"version {each}", 5) for each in range(1, VERSIONS))])
    return image, versions[version, image]


def affine_of(draws: Draws, decisions: Decisions) -> Affine:
    """The affine distortions for draws from −1 to 1.

    >>> affine_of(torch.tensor([[1.0, -1.0, 0.0, 0.0, 0.0]]), Decisions(shift=2.0)).down
    tensor([-2.])
    """
    right, down, size, squeeze, shear = draws.unbind(1)
    return Affine(
        scale=1 + decisions.size * size,
        squeeze=decisions.squeeze * squeeze,
        shear=decisions.shear * shear,
        right=decisions.shift * right,
        down=decisions.shift * down,
    )


def shown(images: ImageSet, preprocessing: Preprocessing, method: Method, number: int) -> Iterator[Presented]:
    """The packed `images` of pass `number`, a few thousand at a time."""
    chosen, draws = presentations(method, number)
    for some, drawn in zip(chosen.split(CHUNK), draws.split(CHUNK), strict=True):
        moved = drawn.any(1)
        if not moved.any():
            yield Presented(pictures_of(images.images, preprocessing, chosen=some), images.labels_of_store)
            continue
        pixels = preprocessing.normalise(images.images[some])
        affine = affine_of(drawn[moved], method.decisions)
        pixels[moved] = move(pixels[moved], affine, fill=preprocessing.range()[0])
        yield Presented(Pictures(pixels), images.labels[some])


def _draws(method: Method, purpose: str, each: int) -> Tensor:
    digest = hashlib.blake2b(f"distortion {method.seed} {purpose}".encode(), digest_size=7).digest()
    generator = torch.Generator().manual_seed(int.from_bytes(digest))
    return torch.rand(method.images, each, generator=generator) * 2 - 1
