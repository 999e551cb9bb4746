"""Colour jitter and cutout: changes of a whole batch at once, of its colours or of a square of each image."""

from __future__ import annotations

from math import pi

import torch
from jaxtyping import Float
from torch import Tensor

from striate.data.augment import Augmentation
from striate.data.part import Part, all_of
from striate.data.preprocess import LUMA
from striate.errors import DataError

Batch = Float[Tensor, "batch channels height width"]

_CHROMA = ((0.596, -0.274, -0.322), (0.211, -0.523, 0.312))
"""I and Q of NTSC's YIQ, which hold hue and saturation; a change of hue turns them."""


def recolour(
    batch: Batch,
    augmentation: Augmentation,
    *,
    low: float,
    high: float,
    generator: torch.Generator,
    part: Part | None = None,
) -> Batch:
    """The batch with brightness, saturation, hue and contrast changed, each drawn for each image; the batch itself
    where all four are 0.

    Pixels run from `low` (black) to `high` (white), and stay there. The four are one matrix per image: brightness
    multiplies, saturation and hue scale and turn I and Q of YIQ, contrast scales around the image's mean brightness.
    Where the images are a `part` of a larger batch, they change as they would in it.
    Raises DataError for saturation or hue of images that have not three channels.

    >>> grey = torch.full((1, 3, 2, 2), 0.5)
    >>> turned = recolour(grey, Augmentation(hue=90), low=0.0, high=1.0, generator=torch.Generator())
    >>> torch.allclose(turned, grey, atol=1e-3)
    True
    """
    if not augmentation.recolours or not len(batch):
        return batch
    channels = batch.shape[1]
    require_colours(augmentation, channels)
    reach = [augmentation.brightness, augmentation.contrast, augmentation.saturation, augmentation.hue * pi / 180]
    part = part or all_of(batch)
    drawn = part.of(torch.empty(part.total, 4).uniform_(-1, 1, generator=generator)) * torch.tensor(reach)
    brightness, contrast, saturation, hue = (each[:, None, None] for each in drawn.unbind(1))
    matrices = torch.eye(channels) * (1 + brightness)
    if channels == 3:
        matrices = _turned(1 + saturation, hue) @ matrices
    weights = torch.tensor([LUMA if channels == 3 else [1 / channels] * channels])
    flat = (batch - low).flatten(2)
    means = weights @ matrices @ flat.mean(2, keepdim=True).cpu()  # the brightness of each image, (batch, 1, 1)
    matrices, offsets = (1 + contrast) * matrices, -contrast * means
    changed = torch.baddbmm(offsets.to(batch).expand(-1, channels, 1), matrices.to(batch), flat)
    return changed.clamp_(min(0.0, high - low), max(0.0, high - low)).add_(low).view_as(batch)


def require_colours(augmentation: Augmentation, channels: int) -> None:
    """Raise DataError for saturation or hue of images that have not three channels."""
    if channels != 3 and (augmentation.saturation or augmentation.hue):
        raise DataError(
            f"images of {channels} channel{'' if channels == 1 else 's'} have no saturation and no hue.",
            "Only those of red, green and blue have.",
            "Give the recipe saturation and hue of 0.",
        )


def cut_out(batch: Batch, side: int, *, generator: torch.Generator, part: Part | None = None) -> Batch:
    """The batch with a square of `side` pixels of each image set to 0, about the mean of normalised pixels.

    Its middle is drawn among all pixels, so that a part of it may lie outside (T. DeVries, G. Taylor, Improved
    regularization of convolutional neural networks with cutout, 2017). The batch itself where `side` is 0.

    >>> cut_out(torch.ones(1, 1, 4, 4), 8, generator=torch.Generator()).sum()
    tensor(0.)
    """
    if not side:
        return batch
    inside = []
    part = part or all_of(batch)
    for size in batch.shape[2:]:
        starts = part.of(torch.randint(0, size, (part.total, 1), generator=generator)) - side // 2
        places = torch.arange(size)
        inside.append((places >= starts) & (places < starts + side))
    square = inside[0][:, None, :, None] & inside[1][:, None, None, :]
    return batch.masked_fill(square.to(batch.device), 0.0)


def _turned(saturation: Tensor, hue: Tensor) -> Float[Tensor, "batch 3 3"]:
    """Matrices that scale and turn I and Q of each colour, and leave its brightness."""
    to_yiq = torch.tensor((LUMA, *_CHROMA))
    zero, one = torch.zeros_like(hue), torch.ones_like(hue)
    cosine, sine = saturation * hue.cos(), saturation * hue.sin()
    rows = [(one, zero, zero), (zero, cosine, -sine), (zero, sine, cosine)]
    turns = torch.cat([torch.cat(row, 2) for row in rows], 1)
    return torch.linalg.inv(to_yiq) @ turns @ to_yiq
