"""Reads an ONNX file of any origin as a run: its weights, classes and preprocessing."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from striate.data import Preprocessing
from striate.data.resize import margins
from striate.description.labels import one_line
from striate.description.network import Network, plan
from striate.description.shapes import Shape, show
from striate.errors import FormatError, RunError, SpecError
from striate.exchange.reading import Read, read_onnx
from striate.exchange.reading.read import PICTURES, PREPROCESSING
from striate.modules import Built, build
from striate.train.machine import environment
from striate.train.recipe import Recipe
from striate.train.record import DataRecord
from striate.train.single import Single
from striate.train.tensors import not_finite

BYTE = 0.1
"""Factors below this are for bytes, from 0 to 255; larger ones are for values from 0 to 1."""


@dataclass(frozen=True)
class ClassifierSettings:
    """How a network answers images: their `preprocessing`, the `classes` by output, what scores are divided by."""

    preprocessing: Preprocessing
    classes: tuple[str, ...]
    temperature: float = 1.0


@dataclass(frozen=True)
class ImportOptions:
    """The user's statements on a file: class names, the range of pixels, open sizes, the output, folding.

    `mean` and `std` have one number per channel, for pixels from 0 to 1; `span` has the values of pixels 0 and 255.
    """

    classes: tuple[str, ...] = ()
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    span: tuple[float, float] | None = None
    input: Shape | None = None
    output: str = ""
    fold: bool = False
    name: str = ""

    @property
    def ranged(self) -> bool:
        """Whether the range of pixels is given."""
        return bool(self.mean or self.std or self.span)


def read_onnx_run(path: Path) -> Single:
    """An ONNX file as a run that is one file. Raises RunError where it is none, or answers no images."""
    try:
        read = read_onnx(path)
        preprocessing, _ = preprocessing_of(read, ImportOptions())
        answers = ClassifierSettings(preprocessing, classes_of(read, ImportOptions()), read.temperature)
    except SpecError as error:
        place = f"{error.where}: " if error.where and error.where != str(path) else ""
        raise RunError(f"{path}: {place}{error.what}", error.expected, error.remedy) from None
    fields = fields_of(path, read.network, answers=answers, origin=origin_of(path, read)) | {"single": True}
    tensors = module_of(read.network, read).state_dict()
    if problem := not_finite(tensors):
        raise RunError(f"{path} cannot be used: {problem}", "Weights are finite numbers.", "Take it from a copy.")
    return Single(tensors, read.temperature, fields)


def fields_of(folder: Path, network: Network, *, answers: ClassifierSettings, origin: dict[str, str]) -> dict[str, Any]:
    """The fields of a `Run` that was not trained here, by name: it has no images, no test looks and no history."""
    return {
        "folder": folder,
        "network": network,
        "recipe": Recipe(hold_out=0.0),
        "data": DataRecord("", answers.classes, None, False, (), 0, 0, "", "", channels=None),
        "preprocessing": answers.preprocessing,
        "threads": torch.get_num_threads(),
        "device": "cpu",
        "environment": environment(),
        "origin": origin,
    }


def module_of(network: Network, read: Read) -> Built:
    """The module of a network with the weights that were read."""
    module = build(network).float()  # whatever PyTorch's default is
    own = module.state_dict()
    given = {name: torch.from_numpy(np.array(values)) for name, values in read.weights.items()}
    module.load_state_dict({name: given.get(name, values) for name, values in own.items()})
    return module.eval()


def classes_of(read: Read, given: ImportOptions) -> tuple[str, ...]:
    """The names of the classes: as given, the file's, or numbers."""
    output = plan(read.network).output
    return given.classes or read.classes or tuple(f"class {number}" for number in range(output[0]))


def origin_of(file: Path, read: Read) -> dict[str, str]:
    """Where a run comes from, for its run.json."""
    with open(file, "rb") as opened:
        digest = hashlib.file_digest(opened, "sha256").hexdigest()
    return {"file": one_line(str(file)), "format": "onnx", "producer": one_line(read.producer), "sha256": digest}


def preprocessing_of(read: Read, given: ImportOptions) -> tuple[Preprocessing, str]:
    """How images become the network's input, and where that is from, in words. SpecError where it takes no images."""
    shape = read.network.input
    if len(shape) != 3 or shape[0] not in (1, 3):
        raise SpecError(
            f"{read.network.name} takes {show(shape)}, which is no image.",
            "A run answers images of 1 channel (grey) or 3 (colour).",
            "Its account, figures and page need no run: give the file in place of a NETWORK.",
        )
    own = written(read, PICTURES) or written(read, PREPROCESSING)
    if own is not None and not given.ranged:
        return own, "what the file says"
    if own is not None:
        raise SpecError(
            "the file has its own range of pixels, and another was given.",
            "Striate wrote it with its preprocessing inside.",
            "Leave --mean, --std and --range out.",
        )
    low, high, source = _range(read, given)
    fit, size = "resize", None
    if any(read.margins):
        top, bottom, left, right = read.margins
        fit, size = "pad", (shape[1] - top - bottom, shape[2] - left - right)
        if margins(size, shape[1:]) != (left, right, top, bottom) or not np.allclose(low, read.shift):
            raise SpecError(
                f"the file pads its input with zeros: {top} above, {bottom} below, {left} left and {right} right.",
                "A run pads pictures evenly, by pixels of 0 before they are brought to the range.",
                "Pad behind the first layer, or so that a pixel of 0 goes into the file as 0.",
            )
    return Preprocessing(shape, fit, low=low, high=high, form="picture", size=size), source


def written(read: Read, member: str) -> Preprocessing | None:
    """The preprocessing that Striate wrote into its file under the name `member`; None where there is none."""
    text = read.metadata.get(member)
    if text is None or read.producer != "striate":
        return None
    try:
        found = Preprocessing.from_dict(json.loads(text))
    except (FormatError, ValueError, RecursionError) as problem:
        raise FormatError(f"its preprocessing cannot be read: {str(problem)[:200]}", "Striate wrote it.") from None
    return found if found.shape == read.network.input else None


def _range(read: Read, given: ImportOptions) -> tuple[Any, Any, str]:
    """What pixels of 0 and of 255 become, and where that is from: what goes into the file, then the file's factors."""
    scale, shift = np.broadcast_arrays(np.atleast_1d(read.scale), np.atleast_1d(read.shift))
    untouched = bool(np.all(scale == 1) and not np.any(shift))
    if given.mean or given.std:
        mean, std = _each(given.mean or (0.0,), read), _each(given.std or (1.0,), read)
        if min(std) <= 0:
            raise SpecError(f"--std is {min(std):g}.", "Pixels are divided by it: it must be more than 0.")
        low, high, words = -mean / std, (1 - mean) / std, "--mean and --std"
    elif given.span is not None:
        low, high, words = np.array(given.span[:1]), np.array(given.span[1:]), "--range"
    else:
        full = 255.0 if read.pixels or np.max(np.abs(scale)) < BYTE else 1.0
        low, high, words = np.zeros(1), np.full(1, full), "pixels as bytes" if full > 1 else "pixels from 0 to 1"
    words = words if untouched else f"the file's own factors of {words}"
    low, high = (tuple(map(float, scale * each + shift)) for each in (low, high))
    return _plain(low), _plain(high), words


def _each(values: tuple[float, ...], read: Read) -> np.ndarray[Any, Any]:
    channels = read.network.input[0]
    if len(values) not in (1, channels):
        raise SpecError(f"{len(values)} numbers for {channels} channels.", "Give one, or one for each channel.")
    return np.broadcast_to(np.asarray(values), (channels,))


def _plain(values: tuple[float, ...]) -> float | tuple[float, ...]:
    return values[0] if len(set(values)) == 1 else values
