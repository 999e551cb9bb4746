"""Attribution of an answer to pixels, by four methods; each gives a map of (height, width) for one image.

The score of a class is that of `scores`: its logit, or for RBF units minus the distance. The methods work for any
number of channels, any size and any layers.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from striate.look.capture import output_and_score
from striate.look.choose import cam_step
from striate.look.subject import scores
from striate.modules import Built, evaluating
from striate.train.losses import class_scores

Image = Float[Tensor, "1 channels height width"]
Heat = Float[Tensor, "height width"]
BATCH = 64


@torch.no_grad()
def occlusion(
    model: Built, image: Image, target: int, *, baseline: float | Tensor = 0.0, side: int = 5, stride: int = 1
) -> Heat:
    """The fall of the score of class `target` when a square around a pixel is covered with `baseline`.

    Squares of `side` pixels are `stride` apart; where they overlap, a pixel has their mean. Zeiler and Fergus,
    Visualizing and understanding convolutional networks, 2014, section 4.2.
    """
    height, width = image.shape[2:]
    corners = [
        (row, column)
        for row in _corners(height, side=side, stride=stride)
        for column in _corners(width, side=side, stride=stride)
    ]
    fall, count = (torch.zeros(height, width, device=image.device) for _ in range(2))
    with evaluating(model):
        whole = scores(model, image)[0, target]
        for start in range(0, len(corners), BATCH):
            some = corners[start : start + BATCH]
            covered = image.repeat(len(some), 1, 1, 1)
            for each, (row, column) in zip(covered, some, strict=True):
                each[:, row : row + side, column : column + side] = baseline
            falls = whole - scores(model, covered)[:, target]
            for (row, column), value in zip(some, falls, strict=True):
                fall[row : row + side, column : column + side] += value
                count[row : row + side, column : column + side] += 1
    return fall / count


def saliency(model: Built, image: Image, target: int) -> Heat:
    """|∂ score / ∂ pixel|, the largest over the channels (Simonyan and others 2013, section 3)."""
    return _gradients(model, image, target)[0].abs().amax(0)


def integrated_gradients(
    model: Built, image: Image, target: int, *, baseline: float | Tensor = 0.0, steps: int = 64
) -> Heat:
    """Each pixel's part of the score on the straight path from `baseline` to the image, summed over the channels.

    The map's sum is the difference of the scores, up to the error of `steps` midpoints (Sundararajan and others 2017,
    eq. 1 and proposition 1).
    """
    start = torch.zeros_like(image) + baseline
    shares = (torch.arange(steps, device=image.device) + 0.5) / steps
    total = torch.zeros_like(image)
    for some in shares.split(BATCH):
        points = start + some.view(-1, 1, 1, 1) * (image - start)
        total += _gradients(model, points, target).sum(0, keepdim=True)
    return ((image - start) * total / steps)[0].sum(0)


def grad_cam(model: Built, image: Image, target: int, *, layer: str | None = None) -> Heat:
    """The sum of one layer's maps, weighted by the mean gradient of the score; values below zero become zero.

    The default layer is the last non-pooling one with maps larger than 1×1. The result is interpolated to the size of
    the image. Selvaraju and others 2017, eq. 1 and 2. Raises ShapeError for a layer without such maps.
    """
    step = cam_step(model.network, layer)
    with torch.enable_grad():
        maps, logits = output_and_score(model, step.path, image.detach().requires_grad_())
        score = class_scores(model.network, logits)[0, target]
        (gradient,) = torch.autograd.grad(score, maps)
    weights = gradient.mean((2, 3), keepdim=True)
    heat = (weights * maps.detach()).sum(1, keepdim=True).relu()
    return F.interpolate(heat, size=image.shape[2:], mode="bilinear", align_corners=False)[0, 0].cpu()


def rank_correlation(one: Heat, other: Heat) -> float:
    """Spearman's correlation of two maps: 1 where they order the pixels equally, about 0 where they do not agree.

    Pixels that are zero in both, such as an empty background, are left out.

    >>> rank_correlation(torch.tensor([[1.0, 2.0, 3.0]]), torch.tensor([[10.0, 20.0, 25.0]]))
    1.0
    """
    some = (one != 0) | (other != 0)
    ranks = [_ranks(values[some]) for values in (one, other)]
    first, second = (rank - rank.mean() for rank in ranks)
    size = first.norm() * second.norm()
    return round((first @ second / size).item(), 6) if size > 0 else 0.0


def _ranks(values: Tensor) -> Tensor:
    """The rank of each value; equal values have the mean of their ranks."""
    _, which, counts = values.unique(return_inverse=True, return_counts=True)
    ends = counts.cumsum(0).double()
    return (ends - (counts - 1) / 2)[which]


def _gradients(model: Built, images: Tensor, target: int) -> Tensor:
    with torch.enable_grad(), evaluating(model):
        images = images.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(scores(model, images)[:, target].sum(), images)
    return gradient


def _corners(size: int, *, side: int, stride: int) -> list[int]:
    """The starts of squares: `stride` apart, and one at the end, so that every pixel is covered."""
    last = max(0, size - side)
    return [*range(0, last, stride), last]
