"""The catalogue: every network that Striate knows by name, one file a paper."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from striate.errors import FormatError, UnknownNameError, unknown_name
from striate.networks import (
    alexnet,
    alphago,
    convnetjs,
    fully_connected,
    googlenet,
    lenet5,
    lenet5_keras,
    resnet,
    simple_cnn,
    vgg,
    zfnet,
)
from striate.networks.entry import Entry as Entry
from striate.spec.json import from_json
from striate.spec.network import Network

CATALOGUE: dict[str, Entry] = {
    **lenet5.ENTRIES,
    **lenet5_keras.ENTRIES,
    **simple_cnn.ENTRIES,
    **fully_connected.ENTRIES,
    **convnetjs.ENTRIES,
    **alexnet.ENTRIES,
    **zfnet.ENTRIES,
    **vgg.ENTRIES,
    **googlenet.ENTRIES,
    **resnet.ENTRIES,
    **alphago.ENTRIES,
}
NETWORKS: dict[str, Callable[[], Network]] = {name: entry.make for name, entry in CATALOGUE.items()}
ALIASES = {"vgg16": "vgg-d", "vgg19": "vgg-e", "alphago-policy-192": "alphago-policy"}
"""Other names of a network."""


def find(name: str) -> Network:
    """The network of the catalogue that is called `name`, or the one that the JSON file `name` describes.

    Raises UnknownNameError with the nearest name, or FormatError with the file and the place in it.

    >>> find("lenet5").input
    (1, 32, 32)
    >>> find("vgg16").name
    'vgg-d'
    """
    name = ALIASES.get(name, name)
    if name in NETWORKS:
        return NETWORKS[name]()
    if not (name.endswith(".json") or "/" in name or Path(name).is_file()):
        error = unknown_name("network", name, [*NETWORKS, *ALIASES])
        remedy = " ".join(part for part in (error.remedy, "A JSON file may be given too.") if part)
        raise UnknownNameError(error.what, error.expected, remedy)
    try:
        text = Path(name).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise FormatError("not a text file.", "A network is kept as JSON, in UTF-8.", where=name) from None
    except OSError as problem:
        what = f"cannot be read: {problem.strerror}."
        raise FormatError(what, "A network is a name of the catalogue or a JSON file.", where=name) from None
    try:
        return from_json(text)
    except FormatError as error:
        raise error.at(name) from None
