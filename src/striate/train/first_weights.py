"""The model that a training begins with: random weights, weights of another run, a whitening first layer."""

from __future__ import annotations

import torch

from striate.modules import Built, build
from striate.train.checkpoint import START, load_checkpoint, restore
from striate.train.distributed import ALONE, World
from striate.train.frozen import stand_still
from striate.train.loop import Split
from striate.train.losses import require_loss
from striate.train.run import Run
from striate.train.whitening import whiten


def require_layers(run: Run) -> None:
    """Raise SpecError where the recipe freezes or whitens what the network does not have, or has a loss for others."""
    require_loss(run.network, run.recipe)
    if run.recipe.freeze or run.recipe.whiten:
        stand_still(build(run.network, device="meta"), run.recipe)


def begin(run: Run, split: Split, world: World = ALONE, *, resumed: bool = False) -> Built:
    """The run's model before its first step, on its device; that of the first process in all.

    A training `resumed` brings its weights along: they are neither taken over nor whitened here.
    """
    recipe = run.recipe
    generator = torch.Generator().manual_seed(recipe.seed)
    model = build(run.network, initialisation=recipe.initialisation, generator=generator)
    if not world.leads:
        model.load_state_dict(world.tensors(None))
        return model.to(run.device)
    taken = run.transfer.taken if run.transfer else ()
    if taken and not resumed:
        restore(model, None, load_checkpoint(run.path(START))[0], where=run.path(START))
    if recipe.whiten and recipe.whiten not in taken and not resumed:
        whiten(model, recipe.whiten, split.train, run.preprocessing)
    world.tensors(model.state_dict())
    return model.to(run.device)
