"""The catalogue: every network that Striate knows by name, one file per paper."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

from striate.description.checks import title
from striate.description.header import SUFFIX, network_text
from striate.description.json import from_json
from striate.description.limits import FILE, SEE
from striate.description.network import Network
from striate.description.notation.reading import from_text
from striate.errors import FormatError, SpecError, UnknownNameError, quote, unknown_name
from striate.networks import (
    alexnet,
    all_cnn,
    alphago,
    cifar_fast,
    convnetjs,
    densenet,
    efficientnet,
    fully_connected,
    go_policy,
    googlenet,
    inception_bn,
    lenet1,
    lenet5,
    lenet5_keras,
    mobilenet,
    perceptrons,
    resnet,
    resnet_tiny,
    shufflenet,
    simple_cnn,
    squeezenet,
    torchvision,
    vgg,
    zfnet,
)
from striate.networks.entry import Entry as Entry

CATALOGUE: dict[str, Entry] = {
    **lenet1.ENTRIES,
    **lenet5.ENTRIES,
    **perceptrons.ENTRIES,
    **alexnet.ENTRIES,
    **zfnet.ENTRIES,
    **vgg.ENTRIES,
    **googlenet.ENTRIES,
    **all_cnn.ENTRIES,
    **inception_bn.ENTRIES,
    **convnetjs.ENTRIES,
    **cifar_fast.ENTRIES,
    **resnet.ENTRIES,
    **squeezenet.ENTRIES,
    **densenet.ENTRIES,
    **alphago.ENTRIES,
    **mobilenet.ENTRIES,
    **shufflenet.ENTRIES,
    **efficientnet.ENTRIES,
    **resnet_tiny.ENTRIES,
    **torchvision.ENTRIES,
    **simple_cnn.ENTRIES,
    **lenet5_keras.ENTRIES,
    **fully_connected.ENTRIES,
    **go_policy.ENTRIES,
}
"""The catalogue's entries by name; papers in the order of their publication."""
NETWORKS: dict[str, Callable[[], Network]] = {name: entry.make for name, entry in CATALOGUE.items()}
ALIASES = {"vgg16": "vgg-d", "vgg19": "vgg-e"}
"""Other names of a network."""


def other_names(name: str) -> list[str]:
    """The other names of a network of the catalogue.

    >>> other_names("vgg-d")
    ['vgg16']
    """
    return [other for other, own in ALIASES.items() if own == name]


def entry_of(network: Network) -> Entry | None:
    """The catalogue's entry of a network; None where the catalogue has no equal network."""
    entry = CATALOGUE.get(network.name)
    return entry if entry is not None and entry.make() == network else None


def data_for(network: Network) -> str:
    """The default source of training images of a network, among those inside Striate.

    >>> data_for(find("lenet5")), data_for(find("lenet5-reader"))
    ('mnist', 'mnist-lines')
    """
    entry = CATALOGUE.get(network.name)
    return "mnist" if entry is None else entry.data


def find(name: str) -> Network:
    """The network that `name` gives: a name of the catalogue, the notation, a file, or the folder of a run.

    A file holds the notation (.net) or JSON (.json); the folder of a run, or a run as one file (.safetensors), gives
    the network of that run. Raises UnknownNameError with the nearest name, or FormatError with the file and the place
    in it.

    >>> find("lenet5").input
    (1, 32, 32)
    >>> find("VGG-16").name, find("LeNet 5").name, find("ResNet-50").name
    ('vgg-d', 'lenet5', 'resnet50')
    >>> len(find("1x28x28: conv 8 5x5, relu, linear 10").layers)
    4
    """
    is_file = os.path.isfile(name) or name.endswith((".net", ".json", SUFFIX))
    is_folder = os.path.isdir(name)
    known = _known(name, is_file=is_file or is_folder)
    if known:
        return NETWORKS[known]()
    if is_folder:
        return _in_run(name)
    if not is_file and _WRITTEN_OUT.search(name):
        return from_text(name)
    if not is_file and os.sep not in name:
        error = unknown_name("network", name, [*NETWORKS, *ALIASES])
        expected = f"The catalogue has {len(NETWORKS)} networks; striate list shows them."
        remedy = "\n".join(part for part in (error.remedy, _ALSO) if part)
        raise UnknownNameError(error.what, expected, remedy)
    return _in_file(name)


def _known(name: str, *, is_file: bool) -> str:
    """The catalogue's name that matches apart from capitals, hyphens, spaces and underscores; "" for none.

    Where there is a file of that name, only an exact match counts.
    """
    if name in NETWORKS or name in ALIASES:
        return ALIASES.get(name, name)
    bare = _bare(name)
    found = next((each for each in (*NETWORKS, *ALIASES) if _bare(each) == bare), "") if not is_file else ""
    return ALIASES.get(found, found)


def _bare(name: str) -> str:
    return re.sub(r"[-_ ]", "", name).lower()


def _read(name: str) -> str:
    """The text of a file. No more is read than a network may have, because some files (devices) have no end."""
    with open(name, "rb") as file:
        content = file.read(FILE + 1)
    if len(content) > FILE:
        raise FormatError(f"is longer than {FILE:,} bytes.", f"A network's file has {FILE:,} at most.", SEE)
    return content.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")


def _stem(path: str) -> str:
    """The name of a network in a file that gives none: the file's name, where that is valid."""
    stem = Path(path).stem
    try:
        return title("the network's name", stem)
    except SpecError:
        return "network"


def _in_run(folder: str) -> Network:
    file = os.path.join(folder, "network.json")
    if os.path.isfile(file):
        return _in_file(file)
    what = "is a folder without a network."
    raise FormatError(what, "The folder of a run has one: striate train makes it.", _ALSO, where=folder)


def _in_file(name: str) -> Network:
    try:
        text = network_text(name) if name.endswith(SUFFIX) else _read(name)
    except FormatError as error:
        raise error.at(name) from None
    except UnicodeDecodeError:
        raise FormatError("not a text file.", "A network is kept as text, in UTF-8.", where=name) from None
    except ValueError:
        raise FormatError(f"{quote(name)} names no file.", "A network is a name of the catalogue or a file.") from None
    except OSError as problem:
        what = f"cannot be read: {problem.strerror}."
        raise FormatError(what, "A network is a name of the catalogue or a file.", _ALSO, where=name) from None
    try:
        if name.endswith((".json", SUFFIX)) or (text.lstrip().startswith("{") and not name.endswith(".net")):
            return from_json(text)
        return from_text(text, name=_stem(name))
    except FormatError as error:
        raise error.at(name) from None


_WRITTEN_OUT = re.compile(r"[:,(\n]|^\s*\d+[x×]\d|\s\w+\s")
"""The characters that show that a text is the notation of a network and not a name."""
_ALSO = (
    "A file (.net or .json) or a run's folder may be given too, or a network written out: "
    "'1x28x28: conv 8 5x5, relu, linear 10'."
)
