"""A first convolution that whitens: it is found in the training images and does not learn."""

from __future__ import annotations

import torch
from torch import nn

from striate.data import ImageSet, Preprocessing
from striate.description.network import plan
from striate.errors import SpecError, quote
from striate.modules import Built

SAMPLE = 5000
"""At most so many images, spread evenly over the set, are looked at."""
EPSILON = 5e-4
"""Added to each variance, as a fraction of their mean, so that directions of hardly any variance are not blown up."""


def whitening(model: Built, path: str) -> nn.Conv2d:
    """The convolution at `path`, which gets no gradient any more, so that none is worked out for its maps either.

    Raises SpecError where it is not the first layer, or has not two filters for each number of a patch.
    """
    first = plan(model.network).steps[0]
    module = model.get_submodule(first.path)
    if first.path != path or not isinstance(module, nn.Conv2d) or module.groups != 1:
        raise SpecError(
            f"whiten names {quote(path)}, and {model.network.name} begins with {first.path}.",
            "Only a first layer can whiten the images, a convolution that sees all channels.",
            "Leave whiten out, or give the network such a layer: conv 24 2x2.",
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


@torch.no_grad()
def whiten(model: Built, path: str, images: ImageSet, preprocessing: Preprocessing) -> None:
    """Set the filters of the convolution at `path` so that what it makes of the images is uncorrelated, of variance 1.

    Each filter is a principal direction of the images' patches over its standard deviation; the second half of the
    filters are the negatives of the first. Its bias is 0. (D. Page, How to train your ResNet 8, 2019; K. Jordan,
    94 % on CIFAR-10 in 3.29 seconds, 2024, section 3.2.)
    """
    module = whitening(model, path)
    count, kernel = len(images), module.kernel_size
    chosen = torch.arange(min(count, SAMPLE)) * count // min(count, SAMPLE)
    pixels = preprocessing.normalise(images.images[chosen])
    patches = pixels.unfold(2, kernel[0], 1).unfold(3, kernel[1], 1).permute(0, 2, 3, 1, 4, 5).flatten(0, 2).flatten(1)
    variances, directions = torch.linalg.eigh(torch.cov(patches.double().T, correction=0))
    scale = (variances + EPSILON * variances.mean()).clamp_min(1e-12).rsqrt()
    filters = (directions * scale).T.view(-1, *module.weight.shape[1:])
    module.weight.copy_(torch.cat([filters, -filters]))
    if module.bias is not None:
        module.bias.zero_()
