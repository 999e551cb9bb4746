"""Reads a file of weights without running what is in it: safetensors, or a torch file opened with `weights_only`."""

from __future__ import annotations

import hashlib
import json
import re
import stat
import warnings
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from striate.description.labels import one_line
from striate.errors import WeightsError

LARGEST = 4 * 2**30
"""The most bytes of a file of weights; the largest that is published for the catalogue's networks has 575 million."""
MOST_TENSORS = 20_000
_INSIDE = ("state_dict", "model_state_dict", "model", "net", "weights")
"""The members of a checkpoint that hold the weights, the first that is there."""
_WRAPPERS = ("module.", "_orig_mod.")
"""Prefixes that PyTorch's wrappers put in front of every name."""
_ALONE = "Where you trust the file, save its weights alone: torch.save(model.state_dict(), 'weights.pth')."


@dataclass(frozen=True, eq=False)
class WeightsFile:
    """The tensors of a file by their names; `others` are a checkpoint's members, or the texts of safetensors, beside
    them."""

    path: Path
    tensors: dict[str, Tensor]
    others: Mapping[str, Any] = field(default_factory=dict)

    def digest(self) -> str:
        """The SHA-256 of the file, in hex, whose first eight digits torchvision has in a file's name."""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


def read_weights(path: Path) -> WeightsFile:
    """The tensors of a file, on the CPU. Raises WeightsError where it is none, is too large, or would run code."""
    _check_size(path)
    try:
        tensors, others = _safetensors(path) if _is_safetensors(path) else _torch(path)
    except WeightsError as error:
        raise error.at(one_line(str(path))) from None
    if len(tensors) > MOST_TENSORS:
        raise WeightsError(f"{path} holds {len(tensors):,} tensors.", f"It may hold {MOST_TENSORS:,}.")
    return WeightsFile(path, _unwrapped(tensors), others)


def _check_size(path: Path) -> None:
    expected = "A file of weights is a .safetensors, or a .pth that torch.save wrote."
    where = one_line(str(path))
    try:
        about = path.stat()
    except (OSError, ValueError) as problem:
        raise WeightsError(
            f"cannot be read: {getattr(problem, 'strerror', None) or problem}.", expected, where=where
        ) from None
    if not stat.S_ISREG(about.st_mode):
        raise WeightsError("is no file.", expected, where=where)
    if not about.st_size:
        raise WeightsError("is empty.", expected, where=where)
    if about.st_size > LARGEST:
        raise WeightsError(f"has {about.st_size:,} bytes.", f"{LARGEST:,} are read at most.", _ALONE, where=where)


def _is_safetensors(path: Path) -> bool:
    """Whether a file begins as safetensors do: the length of its JSON, and a brace."""
    with path.open("rb") as file:
        head = file.read(9)
    return len(head) == 9 and head[8:] == b"{" and int.from_bytes(head[:8], "little") <= path.stat().st_size


def _safetensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    try:
        with safe_open(str(path), framework="pt") as file:
            names = list(file.keys())
            return {name: file.get_tensor(name) for name in names}, dict(file.metadata() or {})
    except (SafetensorError, OSError, ValueError, RuntimeError) as problem:
        raise WeightsError(
            f"is damaged: {one_line(str(problem))}.", "It begins as a safetensors file does.", "Fetch it anew."
        ) from None


def _torch(path: Path) -> tuple[dict[str, Tensor], Mapping[str, Any]]:
    _check_archive(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as problem:  # a damaged or hostile file can raise any exception here
        raise _refused(problem) from None
    return _weights_in(found)


def _check_archive(path: Path) -> None:
    """Raises WeightsError for a zip whose members are compressed, as torch.save writes none: they have no bound."""
    try:
        if not zipfile.is_zipfile(path):  # which raises BadZipFile for one that says it spans several disks
            return
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            packed = [each for each in archive.infolist() if each.compress_type != zipfile.ZIP_STORED]
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as problem:
        raise WeightsError(f"is damaged: {one_line(str(problem))}.", "A .pth is a zip.", "Fetch it anew.") from None
    if any(name.endswith("/constants.pkl") for name in names):
        raise WeightsError("is a TorchScript program.", "Only weights are read.", _ALONE)
    if packed:
        raise WeightsError("is a compressed zip.", "torch.save writes a zip that is not compressed.", _ALONE)


def _refused(problem: Exception) -> WeightsError:
    text = str(problem)
    if wanted := re.search(r"(?:GLOBAL|Unsupported class) ([A-Za-z_][\w.]*)", text):
        return WeightsError(
            f"would run code as it is opened: it needs {wanted[1]}.",
            "Only tensors, numbers and texts are read; a pickle can hold any program.",
            _ALONE,
        )
    if "Unsupported operand" in text:
        text = "it holds what torch.save does not write."
    reason = one_line(text.partition("\n")[0])[:200] or type(problem).__name__
    return WeightsError(
        f"is no file of weights, or is damaged: {reason}",
        "A file of weights is a .safetensors, or a .pth that torch.save wrote.",
        "Fetch it anew.",
    )


def _weights_in(found: object) -> tuple[dict[str, Tensor], Mapping[str, Any]]:
    """The weights in what a torch file holds, and what stands beside them."""
    if isinstance(found, Mapping):
        members = {key: each for key, each in cast("Mapping[Any, Any]", found).items() if isinstance(key, str)}
        if _is_weights(members):
            return {name: _plain(name, each) for name, each in members.items()}, {}
        for key in _INSIDE:
            inside = members.get(key)
            if isinstance(inside, Mapping) and _is_weights(inside):
                own = cast("Mapping[str, Tensor]", inside)
                return {name: _plain(name, each) for name, each in own.items()}, members
        held = ", ".join(f"{one_line(key)[:40]} ({type(each).__name__})" for key, each in list(members.items())[:8])
        what = f"holds no weights by name; it has {held or 'nothing'}."
    else:
        what = f"holds {type(found).__name__}."
    raise WeightsError(what, f"Weights are tensors by name, alone or as the member {' or '.join(_INSIDE)}.", _ALONE)


def _is_weights(members: Mapping[Any, Any]) -> bool:
    return bool(members) and all(isinstance(key, str) and isinstance(each, Tensor) for key, each in members.items())


def _plain(name: str, tensor: Tensor) -> Tensor:
    if tensor.layout != torch.strided or tensor.is_quantized or tensor.device.type != "cpu" or tensor.is_complex():
        raise WeightsError(
            f"{one_line(name)} is {tensor.layout}, {tensor.dtype}, on {tensor.device}.",
            "Weights are plain tensors of floats.",
            "Save them as float32.",
        )
    return tensor.detach()


def _unwrapped(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors without a prefix that a wrapper put in front of all of their names."""
    for prefix in _WRAPPERS * 2:
        if tensors and all(name.startswith(prefix) for name in tensors):
            tensors = {name.removeprefix(prefix): each for name, each in tensors.items()}
    return tensors


def small_json(path: Path, what: str) -> Any:
    """The JSON of a small file. Raises WeightsError."""
    try:
        if path.stat().st_size > 2**20:
            raise WeightsError(f"has {path.stat().st_size:,} bytes.", f"{what} has a million at most.", where=str(path))
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as problem:
        raise WeightsError(f"cannot be read: {one_line(str(problem))}.", f"{what} is JSON.", where=str(path)) from None
