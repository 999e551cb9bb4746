"""A run as one safetensors file: weights by path, and in the metadata what a run's folder says of them.

format, version       striate-run-file, 1
network               the description, as `striate account` takes it
classes               names in the order of the outputs, as JSON
preprocessing         as JSON
temperature           what class scores are divided by, as JSON
run                   recipe, data and environment, as in run.json, as JSON
checksum              over all else and the tensors
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import save
from torch import Tensor

from striate.data.source import SOURCES
from striate.description.json import from_json
from striate.description.network import Network, plan
from striate.errors import FormatError, RunError, StriateError
from striate.train.checkpoint_state import temperature_kept
from striate.train.members import Members, parsed
from striate.train.record import members_of
from striate.train.tensors import checksum, read_tensors, require_sound

FORMAT, VERSION = "striate-run-file", "1"
_EXPECTED = "It must be a file that striate export RUN --to safetensors wrote."
_REMEDY = "Take the file from a copy, or export the run anew."
_SPLIT_OFF = ("network", "preprocessing")
_LOCAL = {
    "environment": {},
    "milliseconds": {},
    "kernels": "auto",
    "threads": 1,
    "most_threads": 0,
    "device": "cpu",
    "transfer": None,
}
"""The members of run.json that describe the machine that trained; the file has none of them."""


@dataclass(frozen=True)
class Single:
    """What a file holds: the weights by path, the temperature, and the fields of a `Run`, by name."""

    tensors: dict[str, Tensor]
    temperature: float
    fields: dict[str, Any]


def content_of(document: Mapping[str, Any], network: str, tensors: Mapping[str, Tensor], temperature: float) -> bytes:
    """The content of the file of a run: `document` is its run.json, `network` its network.json.

    Left out is all that names this machine and its folders: a source of images stays only where it is part of Striate.
    """
    data = {**document["data"], "unreadable": []}
    data["source"] = data["source"] if data["source"] in SOURCES else ""
    kept = {key: value for key, value in document.items() if key not in _SPLIT_OFF and key not in _LOCAL}
    if kept["origin"] is not None:
        kept["origin"] = kept["origin"] | {"file": Path(kept["origin"]["file"]).name}
    classes = data.pop("classes")
    metadata = {
        "format": FORMAT,
        "version": VERSION,
        "network": network,
        "classes": json.dumps(classes),
        "preprocessing": json.dumps(document["preprocessing"]),
        "temperature": json.dumps(temperature),
        "run": json.dumps({**kept, "data": data}),
    }
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    return save(plain, metadata={**metadata, "checksum": checksum(plain, _text(metadata))})


def read_single(path: Path) -> Single:
    """What a file holds, checked whole. Raises RunError where it is missing, damaged, or not such a file."""
    try:
        tensors, metadata = read_tensors(path, expected=_EXPECTED)
        found, version = metadata.get("format"), metadata.get("version")
        if (found, version) != (FORMAT, VERSION):
            raise RunError(
                f"{path} is of format {found!r}, version {version!r}.",
                f"One file is a run where it is of format {FORMAT}, version {VERSION}.",
                "Give the folder of a run, or a file that striate export RUN --to safetensors wrote.",
            )
        kept = metadata.pop("checksum", None)
        if kept != checksum(tensors, _text(metadata)):
            raise RunError(f"{path} is damaged: its checksum is not that of what it holds.", _EXPECTED)
        require_sound(path, tensors, expected=_EXPECTED)
        fields = _fields(metadata, _network(metadata), path)
        temperature = temperature_kept({"temperature": _json(metadata, "temperature")}, where=path)
    except FileNotFoundError:
        raise RunError(f"{path} does not exist.", _EXPECTED, "Check the name.") from None
    except RunError as error:
        raise RunError(error.what, error.expected, error.remedy or _REMEDY) from None
    except StriateError as error:
        place = f"{error.where}: " if error.where else ""
        raise RunError(f"{path} is damaged: {place}{error.what}", error.expected or _EXPECTED, _REMEDY) from None
    return Single(tensors, temperature, fields)


def _fields(metadata: Mapping[str, str], network: Network, path: Path) -> dict[str, Any]:
    document = dict(Members.of(_json(metadata, "run"), "run").values)
    data = dict(Members.of(document.get("data"), "run.data").values)
    document |= _LOCAL | {"preprocessing": _json(metadata, "preprocessing")}
    document["data"] = data | {"classes": _json(metadata, "classes")}
    fields = members_of(Members(document), network)
    origin = fields["origin"] or {"file": path.name}
    return {"folder": path, "network": network, "single": True, **fields, "origin": origin}


def _network(metadata: Mapping[str, str]) -> Network:
    try:
        network = from_json(metadata.get("network", ""))
        plan(network)
    except (ValueError, OverflowError, RecursionError) as problem:
        if isinstance(problem, StriateError):
            raise problem.at("network") from None
        raise FormatError(f"network: {problem}.", "It must be the JSON of a network.") from None
    return network


def _json(metadata: Mapping[str, str], key: str) -> Any:
    try:
        return parsed(metadata.get(key, ""))
    except ValueError as problem:
        raise FormatError(f"{key}: {problem}.", "It must be JSON.") from None


def _text(metadata: Mapping[str, str]) -> str:
    return json.dumps(dict(sorted(metadata.items())))
