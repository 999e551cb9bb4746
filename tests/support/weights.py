"""State dicts of other libraries, made from Striate's own modules by the tables of names."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from striate.export.weights.tables import table
from striate.modules import Built, build


def drawn(network: str, library: str, *, classes: int = 1000, seed: int = 0) -> tuple[Built, dict[str, Tensor]]:
    """A module with drawn weights and statistics, and its tensors under the library's names and in its shapes."""
    theirs = table(network, library)
    generator = torch.Generator().manual_seed(seed)
    module = build(theirs.value(classes), generator=generator).eval()
    for name, each in module.state_dict().items():
        if name.endswith(("running_mean", "running_var")):
            each.uniform_(0.5, 1.5, generator=generator)
        if name.endswith("num_batches_tracked"):
            each.fill_(3)
    tensors = {
        theirs.name(name): each.reshape(theirs.shape(name, tuple(each.shape))).clone()
        for name, each in module.state_dict().items()
    }
    return module, tensors


def kept(tensors: dict[str, Tensor], file: Path, **texts: str) -> Path:
    """The tensors in a file: safetensors with some texts, or a file of torch.save."""
    if file.suffix == ".safetensors":
        save_file(tensors, str(file), metadata={"format": "pt"} | texts)
    else:
        torch.save(tensors, file)
    return file
