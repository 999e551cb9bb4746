"""Networks of the catalogue at a size that a test can run."""

from striate import Network
from striate.description.layers import Conv
from striate.description.narrow import narrow
from striate.description.network import plan
from striate.networks import CATALOGUE, alexnet, alphago, googlenet, resnet, vgg, zfnet

SIDE = {alexnet.PAPER: 67, zfnet.PAPER: 63, vgg.PAPER: 32, googlenet.PAPER: 79, resnet.PAPER: 32}
"""The side of a square input on which the networks of a paper still fit, by the paper."""


def small(network: Network) -> Network:
    """The network, or where it is large the same layers at an eighth of the width or less, on a small input."""
    paper = CATALOGUE[network.name].paper
    if paper == alphago.PAPER:
        first = next(step.layer for step in plan(network).steps if isinstance(step.layer, Conv))
        return narrow(network, 16 / first.filters, input=(48, 9, 9))
    if paper not in SIDE:
        return network
    return narrow(network, 1 / 8, input=(3, SIDE[paper], SIDE[paper]), classes=10)
