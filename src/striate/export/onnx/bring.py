"""A run from an ONNX file of anybody's: its network, weights, classes and preprocessing, compared with ONNX Runtime."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from striate.data import Preprocessing
from striate.description.labels import one_line
from striate.description.network import Network, plan
from striate.description.shapes import Shape, show
from striate.errors import AuditError, FormatError, SpecError
from striate.exchange.reading import Read, read_onnx
from striate.exchange.reading.read import PREPROCESSING
from striate.exchange.session import session_of
from striate.modules import Built, build
from striate.train.imported import Answers, create_imported
from striate.train.run import Run, free_folder, require_free

IMAGES, SEED = 4, 0
MOST = 1e-4
"""The largest difference of an output that passes, as a share of the outputs' range."""
BYTE = 0.1
"""Factors below this are for bytes, from 0 to 255; larger ones are for values from 0 to 1."""


@dataclass(frozen=True)
class Given:
    """What a person says of a file: the class names, the range of pixels, open sizes, the output, folding.

    `mean` and `std` are one number for each channel, of pixels from 0 to 1; `span` is what 0 and 255 become.
    """

    classes: tuple[str, ...] = ()
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    span: tuple[float, float] | None = None
    input: Shape | None = None
    output: str = ""
    fold: bool = False
    name: str = ""


@dataclass(frozen=True)
class Imported:
    """A run that was made, and by how much its outputs differ from ONNX Runtime's, as a share of their range.

    `difference` is None where ONNX Runtime is not installed. `range_from` says where the preprocessing is from.
    """

    run: Run
    read: Read
    difference: float | None
    range_from: str


def import_onnx(file: Path, folder: Path | None, *, given: Given | None = None) -> Imported:
    """Make a run in `folder`, by default runs/NAME, from an ONNX file.

    Raises FormatError where the file says what no layer can, SpecError where its input is no image, AuditError where
    the network's outputs are not ONNX Runtime's, and what `create_imported` raises.
    """
    given = given or Given()
    if folder is not None:
        require_free(folder)
    read = read_onnx(file, input=given.input, output=given.output, fold=given.fold)
    network = replace(read.network, name=given.name) if given.name else read.network
    tensors = {name: torch.from_numpy(np.array(values)) for name, values in read.weights.items()}
    module = module_of(network, tensors)
    preprocessing, source = preprocessing_of(read, given)
    difference = compared(file, read, module, preprocessing, output=given.output)
    run = create_imported(
        folder or free_folder(network.name),
        network,
        module.state_dict(),
        answers=Answers(preprocessing, classes_of(read, given), read.temperature),
        origin=origin_of(file, read),
    )
    return Imported(run, read, difference, source)


def module_of(network: Network, tensors: dict[str, Tensor]) -> Built:
    """The module of a network with weights by path."""
    module = build(network)
    own = module.state_dict()
    module.load_state_dict({name: tensors.get(name, values) for name, values in own.items()})
    return module.eval()


def classes_of(read: Read, given: Given) -> tuple[str, ...]:
    """The names of the classes: as given, the file's, or numbers."""
    output = plan(read.network).output
    return given.classes or read.classes or tuple(f"class {number}" for number in range(output[0]))


def origin_of(file: Path, read: Read) -> dict[str, str]:
    """Where a run comes from, for its run.json."""
    with open(file, "rb") as opened:
        digest = hashlib.file_digest(opened, "sha256").hexdigest()
    return {"file": one_line(str(file)), "format": "onnx", "producer": one_line(read.producer), "sha256": digest}


def preprocessing_of(read: Read, given: Given) -> tuple[Preprocessing, str]:
    """How images become the network's input, and where that is from, in words. SpecError where it takes no images."""
    shape = read.network.input
    if len(shape) != 3 or shape[0] not in (1, 3):
        raise SpecError(
            f"{read.network.name} takes {show(shape)}, which is no image.",
            "A run answers images of 1 channel (grey) or 3 (colour).",
            "Its account, figures and page need no run: give the file in place of a NETWORK.",
        )
    own = _own(read)
    if own is not None:
        return own, "what the file says"
    low, high, source = _range(read, given)
    fit, size = "resize", None
    if any(read.margins):
        top, bottom, left, right = read.margins
        fit, size = "pad", (shape[1] - top - bottom, shape[2] - left - right)
    return Preprocessing(shape, fit, low=low, high=high, form="picture", size=size), source


def _own(read: Read) -> Preprocessing | None:
    """The preprocessing that Striate wrote into its file."""
    text = read.metadata.get(PREPROCESSING)
    if text is None or read.producer != "striate":
        return None
    try:
        found = Preprocessing.from_dict(json.loads(text))
    except (FormatError, ValueError, RecursionError) as problem:
        raise FormatError(f"its preprocessing cannot be read: {str(problem)[:200]}", "Striate wrote it.") from None
    return found if found.shape == read.network.input else None


def _range(read: Read, given: Given) -> tuple[Any, Any, str]:
    """What pixels of 0 and of 255 become, and where that is from."""
    if given.mean or given.std:
        mean, std = _each(given.mean or (0.0,), read), _each(given.std or (1.0,), read)
        low = tuple((0 - m) / s for m, s in zip(mean, std, strict=True))
        high = tuple((1 - m) / s for m, s in zip(mean, std, strict=True))
        return _plain(low), _plain(high), "--mean and --std"
    if given.span is not None:
        return (*given.span, "--range")
    scale, shift = np.broadcast_arrays(np.atleast_1d(read.scale), np.atleast_1d(read.shift))
    untouched = bool(np.all(scale == 1) and not np.any(shift))
    full = 255.0 if read.pixels or np.max(np.abs(scale)) < BYTE else 1.0
    low, high = tuple(map(float, shift)), tuple(map(float, full * scale + shift))
    words = "the file's own factors" if not untouched else "pixels as bytes" if read.pixels else "pixels from 0 to 1"
    return _plain(low), _plain(high), words


def _each(values: tuple[float, ...], read: Read) -> tuple[float, ...]:
    channels = read.network.input[0]
    if len(values) not in (1, channels):
        raise SpecError(f"{len(values)} numbers for {channels} channels.", "Give one, or one for each channel.")
    return values * channels if len(values) == 1 else values


def _plain(values: tuple[float, ...]) -> float | tuple[float, ...]:
    return values[0] if len(set(values)) == 1 else values


@torch.inference_mode()
def compared(file: Path, read: Read, module: Built, preprocessing: Preprocessing, *, output: str = "") -> float | None:
    """How far outputs are from ONNX Runtime's on images of noise, as a share of their range; None without the package.

    Raises AuditError where that is more than `MOST`, or where the runtime cannot run the file.
    """
    if find_spec("onnxruntime") is None:
        return None
    try:
        session = session_of(str(file), threads=torch.get_num_threads())
        given, values = _noise(session, read, preprocessing)
        (wanted,) = session.run([output or session.get_outputs()[0].name], {session.get_inputs()[0].name: given})
    except Exception as problem:  # the runtime's own errors have no common kind
        raise AuditError(
            f"ONNX Runtime cannot run the file: {str(problem).strip().splitlines()[0]:.200}",
            "Its outputs are compared with the network's.",
            "Export the file anew, or uninstall onnxruntime to import it unchecked.",
            where=str(file),
        ) from None
    found = module.logits(values)
    if read.network.probabilities:
        found = (found / read.temperature).softmax(1)
    wanted = torch.from_numpy(np.array(wanted)).reshape(-1)
    found = found.reshape(-1)
    if wanted.shape != found.shape:
        wanted = torch.full_like(found, torch.nan)
    span = (wanted.max() - wanted.min()).item() or 1.0
    share = ((found - wanted).abs() / span).nan_to_num(torch.inf).max().item()
    if share <= MOST:
        return share
    raise AuditError(
        f"the network's outputs differ from ONNX Runtime's by {share:.1e} of their range.",
        f"They must be the same, to {MOST:.0e}; nothing was made.",
        "This is an error in Striate; please report it with the file.",
        where=str(file),
    )


def _noise(session: Any, read: Read, preprocessing: Preprocessing) -> tuple[np.ndarray[Any, Any], Tensor]:
    """Images of noise as the file takes them, and as the network does."""
    info = session.get_inputs()[0]
    sizes = [each if isinstance(each, int) else None for each in info.shape]
    random = np.random.default_rng(SEED)
    images = sizes[0] or IMAGES
    if read.producer == "striate" and PREPROCESSING in read.metadata:
        pixels = random.integers(0, 256, (images, *(each or 1 for each in sizes[1:])), dtype=np.uint8)
        stored = torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous()
        return pixels, preprocessing.normalise(preprocessing.pack(stored))
    channels, height, width = read.network.input
    top, bottom, left, right = read.margins
    shape = (images, channels, height - top - bottom, width - left - right)
    kind: Any = {"tensor(uint8)": np.uint8, "tensor(float16)": np.float16, "tensor(double)": np.float64}.get(
        info.type, np.float32
    )
    most = 255.0 if read.pixels or np.max(np.abs(read.scale)) < BYTE else 1.0
    values = (random.random(shape, dtype=np.float32) * most).astype(kind)
    given = np.ascontiguousarray(values.transpose(0, 2, 3, 1)) if read.channels_last else values
    floats = torch.from_numpy(values.astype(np.float32))
    padded = torch.nn.functional.pad(floats, (left, right, top, bottom))
    scale, shift = (np.asarray(each, np.float32).reshape(-1, 1, 1) for each in (read.scale, read.shift))
    return given, padded * torch.from_numpy(scale) + torch.from_numpy(shift)
