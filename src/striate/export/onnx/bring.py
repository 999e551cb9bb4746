"""Makes a run from an ONNX file of any origin, and compares its outputs with those of ONNX Runtime."""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from striate.errors import AuditError
from striate.exchange.reading import Read, read_onnx
from striate.exchange.reading.read import PREPROCESSING
from striate.exchange.session import session_of
from striate.modules import Built
from striate.train.imported import ClassifierSettings, create_imported
from striate.train.losses import class_scores
from striate.train.onnx_run import BYTE, ImportOptions, classes_of, module_of, origin_of, preprocessing_of, written
from striate.train.run import Run, free_folder, require_free

IMAGES, SEED = 4, 0
MOST, MOST_HALF = 1e-4, 1e-2
"""The largest difference of an output that passes, as a share of the outputs' range; and that where the file answers in
float16, which keeps 11 bits of every value between layers, too."""


@dataclass(frozen=True)
class Imported:
    """A run that was made, and by how much its outputs differ from ONNX Runtime's, as a share of their range.

    `difference` is None where ONNX Runtime is not installed. `range_from` says where the preprocessing is from.
    """

    run: Run
    read: Read
    difference: float | None
    range_from: str


def import_onnx(file: Path, folder: Path | None, *, given: ImportOptions | None = None) -> Imported:
    """Make a run in `folder`, by default runs/NAME, from an ONNX file.

    Raises FormatError where the file says what no layer can, SpecError where its input is no image, AuditError where
    the network's outputs are not ONNX Runtime's, and what `create_imported` raises.
    """
    given = given or ImportOptions()
    if folder is not None:
        require_free(folder)
    read = read_onnx(file, input=given.input, output=given.output, fold=given.fold)
    network = replace(read.network, name=given.name) if given.name else read.network
    module = module_of(network, read)
    preprocessing, source = preprocessing_of(read, given)
    difference = compared(file, read, module, output=given.output)
    run = create_imported(
        folder or free_folder(network.name),
        network,
        module.state_dict(),
        answers=ClassifierSettings(preprocessing, classes_of(read, given), read.temperature),
        origin=origin_of(file, read),
    )
    return Imported(run, read, difference, source)


@torch.inference_mode()
def compared(file: Path, read: Read, module: Built, *, output: str = "") -> float | None:
    """How far outputs are from ONNX Runtime's on images of noise, as a share of their range; None without the package.

    Raises AuditError where that is more than `MOST`, or `MOST_HALF` of a file that answers in float16, or where the
    runtime cannot run the file.
    """
    if find_spec("onnxruntime") is None:
        return None
    try:
        session = session_of(_with_output(file, output), threads=torch.get_num_threads())
        inputs = session.get_inputs()
        info = next((each for each in inputs if each.name == read.source), inputs[0])
        given, values = _noise(info, read)
        (wanted,) = session.run([output or session.get_outputs()[0].name], {**_unread(inputs), info.name: given})
    except Exception as problem:  # the runtime's own errors have no common kind
        raise AuditError(
            f"ONNX Runtime cannot run the file: {str(problem).strip().splitlines()[0]:.200}",
            "Its outputs are compared with the network's.",
            "Export the file anew, or uninstall onnxruntime to import it unchecked.",
            where=str(file),
        ) from None
    found = module.logits(values)
    if read.closed:
        found = (class_scores(read.network, found) / read.temperature).softmax(1)
    wanted = torch.from_numpy(np.array(wanted))
    wanted = (wanted.permute(0, 3, 1, 2) if read.ends_last else wanted).reshape(-1)
    found = found.reshape(-1)
    if wanted.shape != found.shape:
        wanted = torch.full_like(found, torch.nan)
    span = (wanted.max() - wanted.min()).item() or 1.0
    share = ((found - wanted).abs() / span).nan_to_num(torch.inf).max().item()
    most = MOST_HALF if wanted.dtype == torch.float16 else MOST
    if share <= most:
        return share
    raise AuditError(
        f"the network's outputs differ from ONNX Runtime's by {share:.1e} of their range.",
        f"They must be the same, to {most:.0e}; nothing was made.",
        "This is an error in Striate; please report it with the file.",
        where=str(file),
    )


def _with_output(file: Path, output: str) -> bytes | str:
    """The file, or its content with one more output, where that is a value inside its graph."""
    import onnx

    model = onnx.load(file) if output else None
    if model is None or any(each.name == output for each in model.graph.output):
        return str(file)
    model.graph.output.append(onnx.ValueInfoProto(name=output))
    return model.SerializeToString()


def _unread(inputs: list[Any]) -> dict[str, np.ndarray[Any, Any]]:
    """Zeros for inputs that no node reads, which the runtime wants all the same: Keras leaves some in its files."""
    return {each.name: np.zeros([n if isinstance(n, int) else 1 for n in each.shape], np.float32) for each in inputs}


def _noise(info: Any, read: Read) -> tuple[np.ndarray[Any, Any], Tensor]:
    """Images of noise as the file takes them, at its input `info`, and as the network does."""
    sizes = [each if isinstance(each, int) else None for each in info.shape]
    random = np.random.default_rng(SEED)
    images = sizes[0] or IMAGES
    if (way := written(read, PREPROCESSING)) is not None:
        pixels = random.integers(0, 256, (images, *(each or 1 for each in sizes[1:])), dtype=np.uint8)
        stored = torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous()
        return pixels, way.normalise(way.pack(stored))
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
