"""A training in several processes: the folder that all of them mean, and a run that a restart takes up again."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import click
import torch

from striate.train.distributed import World, here, job
from striate.train.run import free_folder, open_run


def folder_of(world: World, out: Path | None, name: str) -> Path:
    """The folder of a new run: `out`, or a free one of that name, which the first process chooses.

    Raises UsageError where torchrun may restart the processes and `out` is not given.
    """
    if out is None and os.environ.get("TORCHELASTIC_MAX_RESTARTS", "0") != "0":
        raise click.UsageError("Give the run a folder by --out: torchrun may restart it, and must find it again.")
    return out or Path(world.told(lambda: str(free_folder(name))))


def was_begun(world: World, folder: Path) -> bool:
    """Whether this job of torchrun has begun the run in this folder already, before it was started anew."""

    def begun() -> bool:
        if not job() or not (folder / "run.json").is_file():
            return False
        return any(event.get("job") == job() for event in open_run(folder).events("started"))

    return world.told(begun)


def resuming(folder: Path) -> str:
    """The command that takes up a run again, in as many processes as this training has."""
    size, local = here().size, os.environ.get("LOCAL_WORLD_SIZE", "")
    run = open_run(folder)
    # Where the machine has GPUs, each process would take one of its own.
    device = " --device cpu" if size > 1 and run.device == "cpu" and torch.cuda.is_available() else ""
    again = f"striate train --resume {shlex.quote(str(folder))}{device}"
    if size == 1:
        return again
    if local == str(size):
        return f"torchrun --nproc-per-node {size} -m {again}"
    return f"torchrun ... -m {again}  (... are torchrun's options as before; {size} processes in all)"
