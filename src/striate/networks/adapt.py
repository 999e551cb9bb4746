"""A network for other classes than its own."""

from __future__ import annotations

from dataclasses import replace

from striate.description.layers import RBF
from striate.description.narrow import narrow
from striate.description.network import Network, plan
from striate.networks.glyphs import HEIGHT, WIDTH, bitmaps, centres


def adapted(network: Network, classes: tuple[str, ...]) -> Network:
    """The network with one output per class: the last linear layer gets that number of units.

    LeNet-5's RBF units get the bitmaps of classes that are printable characters. Raises SpecError where no layer can
    be adapted, such as RBF units for classes that are words.

    >>> from striate.networks import find
    >>> plan(adapted(find("lenet5-dense"), ("cat", "dog"))).output
    (2,)
    >>> len(adapted(find("lenet5"), tuple("ABCDEF")).layers[-1].centres)
    6
    """
    ending = network.layers[-1]
    if isinstance(ending, RBF) and len(ending.centres[0]) == WIDTH * HEIGHT and set(classes) <= set(bitmaps()):
        return replace(network, layers=[*network.layers[:-1], replace(ending, centres=centres(classes))])
    return network if plan(network).output == (len(classes),) else narrow(network, classes=len(classes))
