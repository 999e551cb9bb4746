"""A network as a program gives it: the value itself, or a text that names it or is its notation."""

from __future__ import annotations

from striate.description.network import Network
from striate.errors import SpecError, quote
from striate.networks import find


def network_of(network: Network | str) -> Network:
    """The network itself, or the one that a text gives. Raises SpecError for another value, such as a module.

    >>> network_of("LeNet-5").name
    'lenet5'
    """
    match network:
        case Network():
            return network
        case str():
            return find(network)
        case _:
            raise SpecError(
                f"{quote(network)} is no network.",
                "It is a Network, a name of the catalogue, or a line of the notation.",
                "striate.from_module(module, input) describes a module of PyTorch.",
            )
