"""A run's weights under the names of torchvision, which its own models load."""

from __future__ import annotations

import json
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import torch
from safetensors.torch import save

from striate.description.network import Network, plan
from striate.errors import OutputError, SpecError, WeightsError
from striate.export.weights.bring import PREPROCESSING
from striate.export.weights.matching import shapes_of
from striate.export.weights.tables import TABLES
from striate.export.weights.theirs import Theirs
from striate.files import elsewhere, write_whole
from striate.train.run import Run

SUFFIXES = (".safetensors", ".pth", ".pt")


@dataclass(frozen=True)
class Written:
    """A file that was written, and the call that makes the module for it."""

    file: Path
    bytes: int
    tensors: int
    model: str
    call: str


def export_weights(run: Run, file: Path, *, library: str = "torchvision") -> Written:
    """Write a run's best weights as a state dict of `library`, whole or not at all.

    A .safetensors file also has the class names and the preprocessing. Raises WeightsError where the library has no
    model for the run's network, and OutputError.
    """
    if file.suffix.lower() not in SUFFIXES:
        raise OutputError(
            f"{file} does not end in {', '.join(SUFFIXES)}.",
            "The suffix chooses the format: safetensors, or a file of torch.save.",
            f"Name it {file.stem or 'model'}.safetensors.",
        )
    theirs = table_of(run.network, library)
    tensors = {
        theirs.name(path): each.detach().reshape(theirs.shape(path, tuple(each.shape))).contiguous()
        for path, each in run.model().state_dict().items()
    }
    if file.suffix.lower() == ".safetensors":
        texts = {
            "format": "pt",
            "written_by": "striate",
            "model": theirs.model,
            "classes": json.dumps(run.classes),
            PREPROCESSING: json.dumps(run.preprocessing.to_dict()),
        }
        content = save(tensors, metadata=texts)
    else:
        held = BytesIO()
        torch.save(tensors, held)
        content = held.getvalue()
    with elsewhere("--out"):
        write_whole(file, content)
    return Written(file, len(content), len(tensors), theirs.model, _call(theirs, len(run.classes)))


def table_of(network: Network, library: str) -> Theirs:
    """The table whose network has the layers of `network`. Raises WeightsError where there is none."""
    output = plan(network).output
    for theirs in TABLES[library].values():
        try:
            other = theirs.value(output[0])
        except SpecError:
            continue
        if tuple(other.layers) == tuple(network.layers) and shapes_of(other) == shapes_of(network):
            return theirs
    near = TABLES[library].get(network.name)
    departed = near.departed() if near else []
    raise WeightsError(
        f"{library} has no model with the layers of {network.name}"
        + (f": its {near.model} has others. {departed[-1]}" if near and departed else "."),
        f"It has {', '.join(TABLES[library])}, for any number of classes.",
        "Write it as ONNX: striate export RUN.",
    )


def _call(theirs: Theirs, classes: int) -> str:
    count = f"num_classes={classes}" if classes != 1000 else ""
    return f"torchvision.models.{theirs.model}({', '.join(filter(None, (count, theirs.arguments)))})"
