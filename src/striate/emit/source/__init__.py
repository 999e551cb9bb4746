"""Source text of frameworks, as a person who works with them would write it."""

from __future__ import annotations

from collections.abc import Callable

from striate.description.json import to_json
from striate.description.network import Network
from striate.description.notation.writing import to_text
from striate.emit.draw.choose import figure_of
from striate.emit.draw.mermaid import to_mermaid
from striate.emit.source.caffe import caffe
from striate.emit.source.keras import keras
from striate.emit.source.lasagne import lasagne
from striate.emit.source.pytorch import pytorch
from striate.emit.source.torch7 import torch7
from striate.errors import StriateError, unknown_name


def _json(network: Network, made_by: str) -> str:
    return to_json(network).rstrip("\n") + "\n"


def _mermaid(network: Network, made_by: str) -> str:
    return to_mermaid(figure_of(network))


def _notation(network: Network, made_by: str) -> str:
    return to_text(network)


TONGUES: dict[str, Callable[[Network, str], str]] = {
    "pytorch": pytorch,
    "keras": keras,
    "torch7": torch7,
    "caffe": caffe,
    "lasagne": lasagne,
    "mermaid": _mermaid,
    "json": _json,
    "notation": _notation,
}
"""A function that writes a network as source of a framework, from the network and the command that made it."""


def source(network: Network, to: str, *, made_by: str = "") -> str:
    """The source text of a network in one of `TONGUES`; `made_by` is the command that its head names, if any.

    Raises SpecError, naming the layer and the framework, for a layer that the framework cannot express.

    >>> from striate.description.notation.reading import from_text
    >>> print(source(from_text("1x8x8: conv 4 3x3, flatten, linear 10", name="tiny"), "notation"), end="")
    name tiny
    1x8x8:
    conv 4 3x3
    flatten
    linear 10
    """
    if to not in TONGUES:
        raise unknown_name("tongue", to, TONGUES)
    try:
        return TONGUES[to](network, made_by)
    except StriateError as error:
        raise error.at(network.name) from None
