"""The catalogue: every network that Striate knows by name, one file a paper."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from striate.errors import FormatError, UnknownNameError, unknown_name
from striate.networks.fully_connected import fully_connected
from striate.networks.lenet5 import lenet5, lenet5_dense
from striate.networks.lenet5_keras import lenet5_keras, lenet5_keras_table
from striate.networks.simple_cnn import simple_cnn
from striate.spec.json import from_json
from striate.spec.network import Network

NETWORKS: dict[str, Callable[[], Network]] = {
    "lenet5": lenet5,
    "lenet5-dense": lenet5_dense,
    "lenet5-keras": lenet5_keras,
    "lenet5-keras-table": lenet5_keras_table,
    "simple-cnn": simple_cnn,
    "fully-connected": fully_connected,
}


def find(name: str) -> Network:
    """The network of the catalogue that is called `name`, or the one that the JSON file `name` describes.

    Raises UnknownNameError with the nearest name, or FormatError with the file and the place in it.

    >>> find("lenet5").input
    (1, 32, 32)
    """
    if name in NETWORKS:
        return NETWORKS[name]()
    if not (name.endswith(".json") or "/" in name or Path(name).is_file()):
        error = unknown_name("network", name, NETWORKS)
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
