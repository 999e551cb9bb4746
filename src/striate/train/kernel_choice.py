"""The kernels and the number of threads by which a run is trained."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch

from striate.errors import SpecError
from striate.execution.choice import require
from striate.execution.names import KERNELS
from striate.execution.training import choose_for_training
from striate.modules import build
from striate.train.distributed import here
from striate.train.learner import cannot_train
from striate.train.parts import require_statistics, unfit_error, unfit_for_parts
from striate.train.run import Run


def with_kernels(run: Run, *, kernels: str = "auto", threads: int | None = None) -> Run:
    """The same run on the kernels and the number of threads that are fastest for it here, unless they are given.

    A run keeps its kernels, because others give other last bits. On the engine the number of threads changes no bit, so
    it may change between epochs (`pace_of`). Where several processes train together, the first one measures for all.
    Raises SpecError where the network cannot train on the kernels, or not in the parts of a batch, and where a batch is
    too small for a batch normalisation.
    """
    require(run.network, kernels, device=run.device)
    most = 0 if threads else torch.get_num_threads()
    world, batch = here(), min(run.recipe.batch, run.data.train_images)
    require_statistics(run.network, run.recipe, world, batch=batch)
    unfit = unfit_for_parts(run.network, run.recipe, world, batch=batch)
    if kernels in unfit:
        raise unfit_error(run.network, kernels, unfit[kernels])
    without = cannot_train(run.recipe)
    if run.device != "cpu":
        return replace(run, kernels="torch" if kernels == "auto" else kernels, threads=threads or run.threads)
    if kernels in without:
        raise SpecError(
            f"{KERNELS[kernels]} ({kernels}) cannot train by this recipe.",
            "They train all layers, and it freezes some.",
            "Leave --kernels away, and the fastest of the others are taken.",
        )

    def measured() -> dict[str, Any]:
        choice = choose_for_training(
            build(run.network),
            batch=max(1, batch // (world.size * run.recipe.accumulate)),
            threads=threads,
            kernels=kernels,
            without=(*without, *unfit),
        )
        return {"kernels": choice.kernels, "threads": choice.threads, "milliseconds": choice.milliseconds}

    return replace(run, most_threads=most, **world.told(measured))
