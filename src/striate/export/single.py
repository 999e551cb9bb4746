"""A run written as one safetensors file, which is opened in place of the run's folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from striate.description.header import SUFFIX
from striate.description.json import to_json
from striate.errors import AuditError
from striate.export.place import require_place
from striate.files import elsewhere, write_whole
from striate.train.run import Run, open_run
from striate.train.single import content_of


@dataclass(frozen=True)
class SingleFile:
    """A file that was written: its size, and how many tensors and values it has."""

    file: Path
    bytes: int
    tensors: int
    values: int


def export_single(run: Run, file: Path) -> SingleFile:
    """Write a run's best weights, network, classes and preprocessing as one file, whole or not at all.

    It is read back first: weights, network and all else must be the run's, to the bit. Raises AuditError where they are
    not, OutputError, and what reading the run raises.
    """
    require_place(file, SUFFIX, "a safetensors file")
    module = run.model()
    weights = module.state_dict()
    content = content_of(run.document(), to_json(run.network), weights, run.temperature)
    with TemporaryDirectory(prefix="striate-safetensors-") as folder:
        passing = Path(folder, f"run{SUFFIX}")
        write_whole(passing, content)
        found = open_run(passing)
        read = found.model().state_dict()
        kept = (found.network, found.classes, found.preprocessing, found.temperature)
    same = read.keys() == weights.keys() and all(torch.equal(read[name], weights[name]) for name in weights)
    if not same or kept != (run.network, run.classes, run.preprocessing, run.temperature):
        raise AuditError(
            f"{file.name} read back is another run than {run.folder}.",
            "A file must have the same weights, network, classes and preprocessing; nothing is written.",
            "This is an error in Striate; please report it with the network.",
        )
    with elsewhere("--out"):
        write_whole(file, content)
    return SingleFile(file, len(content), len(weights), sum(each.numel() for each in weights.values()))
