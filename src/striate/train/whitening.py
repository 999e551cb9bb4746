"""A first convolution that whitens: it is found in the training images and does not learn."""

from __future__ import annotations

from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from striate.data import ImageSet, Preprocessing
from striate.data.part import spread
from striate.description.layers import Conv
from striate.description.network import Network, names, plan
from striate.description.shapes import window
from striate.errors import SpecError, quote
from striate.modules import Built

SAMPLE = 5000
"""The most images, spread evenly over the set, whose patches are used."""
AT_ONCE = 1 << 22
"""The approximate number of values of patches that are in memory at once."""
EPSILON = 5e-4
"""Added to each variance, as a fraction of the mean variance, so that directions of little variance stay small."""


def whitening(model: Built, path: str) -> nn.Conv2d:
    """The convolution at `path`, with its gradients turned off; then autograd computes none for its maps either.

    Raises SpecError where it is not the first layer, or does not have two filters for each value of a patch.
    """
    first = plan(model.network).steps[0]
    module = model.get_submodule(first.path)
    if first.path != path or not isinstance(module, nn.Conv2d) or module.groups != 1:
        raise SpecError(
            f"whiten names {quote(path)}, and {model.network.name} begins with {first.path}.",
            "Only a first layer can whiten the images, a convolution that sees all channels.",
            "Leave whiten out, or give the network such a layer: conv 24 2x2.",
        )
    height, width = model.network.input[1:]
    rows, columns = (
        dilation * (size - 1) + 1 for dilation, size in zip(module.dilation, module.kernel_size, strict=True)
    )
    if rows > height or columns > width:
        raise SpecError(
            f"whiten names {path}, whose kernel covers {rows}×{columns} pixels, and the images have {height}×{width}.",
            "A whitening layer is found in patches that lie within the images.",
            "Give it a smaller kernel, or take larger images.",
        )
    numbers = module.weight[0].numel()
    if len(module.weight) != 2 * numbers:
        raise SpecError(
            f"whiten names {path}, which has {len(module.weight)} filters over patches of {numbers} numbers.",
            "A whitening layer has two filters for each number of a patch: one and its negative.",
            f"Give it {2 * numbers} filters.",
        )
    module.requires_grad_(requires_grad=False)
    return module


def with_whitening(network: Network, path: str) -> Network:
    """The network whose first layer, where it is the convolution at `path`, has the filters that whitening needs.

    They follow from the input's channels and the kernel, so another width leaves them alone.

    >>> from striate import at_width
    >>> with_whitening(at_width("cifar-fast", 0.25), "whitening").layers[0].filters
    24
    """
    first = network.layers[0]
    if not isinstance(first, Conv) or first.groups != 1 or first.table is not None:
        return network
    if names(network.layers)[0] != path:
        return network
    moved = window(first, network.input)
    filters = 2 * network.input[0] * moved.height.kernel * moved.width.kernel
    return replace(network, layers=(replace(first, filters=filters), *network.layers[1:]))


@torch.no_grad()
def whiten(model: Built, path: str, images: ImageSet, preprocessing: Preprocessing) -> None:
    """Set the filters of the convolution at `path` so that what it makes of the images is uncorrelated, of variance 1.

    Each filter is a principal direction of the images' patches over its standard deviation; the second half of the
    filters are the negatives of the first. Its bias is 0. (D. Page, How to train your ResNet 8, 2019; K. Jordan,
    94 % on CIFAR-10 in 3.29 seconds, 2024, section 3.2.)
    """
    module = whitening(model, path)
    variances, directions = torch.linalg.eigh(_covariance(module, images, preprocessing))
    scale = (variances + EPSILON * variances.mean()).clamp_min(1e-12).rsqrt()
    filters = (directions * scale).T.view(-1, *module.weight.shape[1:])
    module.weight.copy_(torch.cat([filters, -filters]))
    if module.bias is not None:
        module.bias.zero_()


def _covariance(module: nn.Conv2d, images: ImageSet, preprocessing: Preprocessing) -> Tensor:
    """The covariance of the patches that a convolution sees in the sample: float64, (numbers, numbers).

    A part of the sample at a time, less the mean of the first part, so that the squares keep their digits.
    """
    count, numbers = len(images), module.weight[0].numel()
    chosen = spread(count, SAMPLE)
    step = max(1, AT_ONCE // (numbers * preprocessing.shape[1] * preprocessing.shape[2]))
    seen, near = 0, None
    sums = torch.zeros(numbers, dtype=torch.float64)
    products = torch.zeros(numbers, numbers, dtype=torch.float64)
    for part in chosen.split(step):
        pixels = preprocessing.normalise(images.images[part])
        patches = F.unfold(pixels, module.kernel_size, dilation=module.dilation)
        patches = patches.transpose(0, 1).flatten(1).double()
        near = patches.mean(1, keepdim=True) if near is None else near
        patches -= near
        seen += patches.shape[1]
        sums += patches.sum(1)
        products += patches @ patches.T
    mean = sums / seen
    return products / seen - torch.outer(mean, mean)
