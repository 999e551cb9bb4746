"""A reader with a network that was not trained, and lines set from a few digits."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from striate import find
from striate.data import Preprocessing
from striate.modules import build
from striate.train import Recipe, Run
from striate.train.checkpoint import save_checkpoint
from striate.train.run import DataRecord

CLASSES = (*"0123456789", "blank")


@pytest.fixture(scope="session")
def untrained(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of lenet5-reader with fresh weights."""
    folder = tmp_path_factory.mktemp("untrained")
    network = find("lenet5-reader")
    recipe = replace(Recipe(), initialisation="lecun")
    run = Run(
        folder=folder,
        network=network,
        recipe=recipe,
        data=DataRecord("mnist-lines", CLASSES, None, False, (), 1, 1, "", ""),
        preprocessing=Preprocessing((1, 32, 32), "pad", low=-0.1, high=1.175, form="line", size=(32, 32)),
        threads=1,
        device="cpu",
        environment={},
    )
    run.write()
    model = build(network, initialisation="lecun", generator=torch.Generator().manual_seed(0))
    save_checkpoint(run.path("best.safetensors"), dict(model.state_dict()), {"epoch": 1, "accuracy": 0.5})
    return run
