"""Processes that train together, as torchrun would start them, without torchrun: one launch for many trainings."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from striate import from_text
from striate.data import ImageSet, Preprocessing
from striate.modules import build
from striate.train import Epoch, Learner, Split, train
from striate.train.distributed import here, joined
from striate.train.recipe import recipe_from_dict

CLASSES = ("a", "b", "c", "d")


@dataclass(frozen=True)
class Case:
    """A short training: a network, members of its recipe, the kernels, and how many images there are."""

    network: str
    recipe: dict[str, Any]
    kernels: str = "torch"
    images: int = 60
    ends: tuple[float, ...] = field(default=(-1.0, 1.0))


def trained(case: Case) -> tuple[list[float], dict[str, Tensor]]:
    """The losses and figures of each step and epoch, and the tensors at the end; of this process."""
    network = from_text(case.network)
    recipe = recipe_from_dict({"hold_out": 0.2, "batch": 10, "epochs": 2, **case.recipe})
    generator = torch.Generator().manual_seed(1)
    pixels = torch.randint(0, 256, (case.images, *network.input), dtype=torch.uint8, generator=generator)
    labels = torch.arange(case.images) % 7 % 4  # uneven, and the last class is rare
    way = Preprocessing(network.input, "resize", low=case.ends[0], high=case.ends[1], form="picture")
    split = Split.of(ImageSet(pixels, labels, CLASSES, "made", "train", "picture"), way, hold_out_fraction=0.2)
    model = build(network, generator=torch.Generator().manual_seed(3))
    learner = Learner(model, recipe, kernels=case.kernels)
    found: list[float] = []
    for event in train(learner, split, way):
        found += [event.loss, event.accuracy]
        if isinstance(event, Epoch):
            found += [event.validation_loss, event.train_accuracy]
    return found, {name: each.detach().clone() for name, each in learner.tensors().items()}


def together(cases: list[Case], count: int, folder: Path) -> list[tuple[list[float], dict[str, Tensor]]]:
    """What `count` processes find in these trainings; every process must find the same."""
    (folder / "cases.json").write_text(json.dumps([vars(each) for each in cases]))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    common = os.environ | {"WORLD_SIZE": str(count), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    common |= {"OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.support.several", str(folder)],
            env=common | {"RANK": str(rank), "LOCAL_RANK": str(rank)},
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(count)
    ]
    errors = [process.communicate(timeout=300)[1] for process in processes]
    assert [process.returncode for process in processes] == [0] * count, "\n".join(errors)
    results = []
    for number in range(len(cases)):
        found = [
            (json.loads((folder / f"{number}-{rank}.json").read_text()), load_file(folder / f"{number}-{rank}.tensors"))
            for rank in range(count)
        ]
        for figures, tensors in found[1:]:
            assert figures == found[0][0]
            assert all(torch.equal(tensors[name], each) for name, each in found[0][1].items())
        results.append(found[0])
    return results


def main(folder: Path) -> None:
    """Run the trainings of a folder as one of its processes."""
    torch.set_num_threads(1)
    with joined("cpu"):
        rank = here().rank
        for number, case in enumerate(json.loads((folder / "cases.json").read_text())):
            figures, tensors = trained(Case(**case))
            (folder / f"{number}-{rank}.json").write_text(json.dumps(figures))
            save_file({name: each.contiguous() for name, each in tensors.items()}, folder / f"{number}-{rank}.tensors")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
