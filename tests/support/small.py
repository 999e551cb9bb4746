"""Networks of the catalogue at a size that a test can run."""

from striate import Network
from striate.description.layers import Conv
from striate.description.narrow import narrow
from striate.description.network import plan
from striate.networks import (
    CATALOGUE,
    alexnet,
    densenet,
    efficientnet,
    googlenet,
    inception_bn,
    mobilenet,
    resnet,
    shufflenet,
    squeezenet,
    torchvision,
    vgg,
    zfnet,
)

SIDE = {
    alexnet.PAPER: 67,
    torchvision.WEIRD_TRICK: 63,
    zfnet.PAPER: 63,
    vgg.PAPER: 32,
    googlenet.PAPER: 79,
    inception_bn.PAPER: 64,
    resnet.PAPER: 32,
    squeezenet.PAPER: 35,
    densenet.PAPER: 128,
    mobilenet.V1: 32,
    mobilenet.V2: 32,
    mobilenet.V3: 32,
    shufflenet.PAPER: 32,
    efficientnet.PAPER: 32,
}
"""The side of a square input on which the networks of a paper still fit, by the paper."""
WHOLE = (mobilenet.V1, mobilenet.V2, mobilenet.V3, shufflenet.PAPER, efficientnet.PAPER)
"""Those that are small enough with their own widths."""


BOARD = (48, 19, 19)
"""The planes of a position of Go."""


def is_large(network: Network) -> bool:
    """Whether `small` changes a network."""
    return network.input == BOARD or CATALOGUE[network.name].paper in SIDE


def small(network: Network) -> Network:
    """The network, or where it is large the same layers at an eighth of the width or less, on a small input."""
    if not is_large(network):
        return network
    paper = CATALOGUE[network.name].paper
    if network.input == BOARD:
        first = next(step.layer for step in plan(network).steps if isinstance(step.layer, Conv))
        return narrow(network, 16 / first.filters, input=(48, 9, 9))
    factor = 1 if paper in WHOLE else 1 / 8
    return narrow(network, factor, input=(3, SIDE[paper], SIDE[paper]), classes=10)
