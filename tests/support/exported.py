"""Runs that have not learned, and images of noise, for what is exported."""

from __future__ import annotations

from pathlib import Path

import torch

from striate import Network
from striate.data import ImageSet, Preprocessing
from striate.description.network import plan
from striate.modules import Built
from striate.train import Recipe, Run, open_run
from striate.train.checkpoint import save_checkpoint
from striate.train.run import DataRecord, create_run
from tests.support.settled import settled

SMALL = "name small 1x32x32: conv 4 5x5 /2, relu, max 2, linear 10"
COLOUR = "name colour 3x40x36: conv 4 5x5 /2, relu, average 3 /2, linear 10"


def run_of(network: Network, folder: Path, way: Preprocessing, *, temperature: float = 1.7) -> tuple[Run, Built]:
    """A run with weights that have not learned, and its module."""
    classes = tuple(f"class {number}" for number in range(plan(network).output[0]))
    data = DataRecord("mnist", classes, None, False, (), 1, 1, "", "")
    run = Run(folder, network, Recipe(), data, way, threads=1, device="cpu", environment={})
    create_run(run)
    save_checkpoint(run.path("best.safetensors"), dict(settled(network).state_dict()), {"temperature": temperature})
    return open_run(folder), run.model()


def noise(channels: int, height: int, width: int, count: int = 12) -> ImageSet:
    generator = torch.Generator().manual_seed(4)
    pixels = torch.randint(0, 256, (count, channels, height, width), dtype=torch.uint8, generator=generator)
    labels = torch.zeros(count, dtype=torch.int64)
    return ImageSet(pixels, labels, tuple(map(str, range(10))), "mnist", "test", "picture")
