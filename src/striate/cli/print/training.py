"""A training in lines: what it is before it begins, and how its time was divided."""

from __future__ import annotations

from collections.abc import Iterator

from striate.accounting import account
from striate.cli.print.weights import prepared
from striate.description.labels import one_line
from striate.description.layers import BatchNorm
from striate.description.network import plan
from striate.execution.names import KERNELS
from striate.train.distributed import World, here
from striate.train.parts import parts_of
from striate.train.run import Run
from striate.wording import counted

MOST_NEW = 8
"""The layers that begin fresh are listed up to this number."""


def plan_lines(run: Run) -> Iterator[str]:
    """The network, the images and the recipe of a training; of the recipe also what differs from the plain one."""
    totals, data, recipe = account(run.network).totals, run.data, run.recipe
    yield f"{run.network.name}: {counted(totals.parameters, 'parameter')}, {counted(totals.macs, 'MAC')} per image"
    if run.plays_go:
        yield from _board_lines(run)
    else:
        yield (
            f"{one_line(data.source)}: {counted(data.train_images, 'image')} for training, "
            f"{data.validation_images:,} for validation, {counted(len(data.classes), 'class')}"
        )
    if data.unreadable and not run.plays_go:
        count = len(data.unreadable)
        these = "it is" if count == 1 else "they are"
        yield f"Left out {counted(count, 'image')} that cannot be read; {these} listed in run.json."
    if run.preprocessing.fit in ("crop", "letterbox"):
        yield f"images: {prepared(run.preprocessing)}"
    filters = f", filters at {recipe.filter_rate:g}" if recipe.optimiser == "muon" else ""
    batch = min(recipe.batch, data.train_images)
    if data.stream:
        yield "images are decoded in each epoch anew, and read nearly in the order of the files"
    yield (
        f"recipe: {counted(recipe.epochs, 'epoch')}, batches of {batch}, {recipe.optimiser} at {recipe.rate:g}"
        f"{filters} ({recipe.schedule}), loss {recipe.loss}, seed {recipe.seed}; {counted(run.threads, 'thread')} on "
        f"{run.device}, {KERNELS[run.kernels]}"
    )
    world = here()
    if world.size * recipe.accumulate > 1:
        yield from _parts_lines(run, world)
    yield from _transfer_lines(run)
    if recipe.whiten:
        yield f"does not learn: {recipe.whiten}, which whitens the patches of the training images"
    if recipe.shapes_loss:
        mixup = f", mixup {recipe.mixup:g}" if recipe.mixup else ""
        yield f"loss: class weights {recipe.class_weights}, label smoothing {recipe.label_smoothing:g}{mixup}"
    if recipe.sampling == "balanced":
        yield "every epoch has as many images of each class"
    if not recipe.augmentation.is_none:
        yield f"augmentation: {recipe.augmentation.words}"
    if recipe.average:
        steps = counted(round(1 / (1 - recipe.average)), "step")
        yield f"validated and kept: the mean of the weights over the last {steps}"


def _parts_lines(run: Run, world: World) -> Iterator[str]:
    """Into which parts each batch is cut, and what of them a batch normalisation sees."""
    recipe = run.recipe
    batch = min(recipe.batch, run.data.train_images)
    parts = parts_of(batch, world, recipe.accumulate)
    sizes = sorted({len(part) for own in parts for part in own})
    each = counted(sizes[0], "image") if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]:,} images"
    processes = f"{counted(world.size, 'process')} on {'NCCL' if run.device != 'cpu' else 'gloo'}, " * (world.size > 1)
    yield f"in parts: {processes}{counted(recipe.accumulate, 'part')} each, {each} at once"
    if recipe.accumulate > 1 and any(isinstance(step.layer, BatchNorm) for step in plan(run.network).steps):
        yield "batch normalisation takes its statistics of each part, not of the whole batch"


def _board_lines(run: Run) -> Iterator[str]:
    """The games of a training, and the records that were left out or cut, with the first few by name."""
    data = run.data
    yield (
        f"{one_line(data.source)}: {counted(data.train_images, 'position')} for training, "
        f"{data.validation_images:,} of other games for validation"
    )
    if data.unreadable:
        yield f"Records left out, or cut at an illegal move: {len(data.unreadable):,}; all are listed in run.json."
        for where, why in data.unreadable[:MOST_NEW]:
            yield f"  {one_line(where)}: {one_line(why)}"


def _transfer_lines(run: Run) -> Iterator[str]:
    """Which layers begin with another run's weights, which do not and why, and which are frozen."""
    transfer, frozen = run.transfer, run.recipe.freeze
    if transfer:
        learning = [path for path in transfer.taken if not any(_within(path, block) for block in frozen)]
        slower = bool(learning) and run.recipe.transfer_rate != 1
        rate = f"; {len(learning)} of them learn at {run.recipe.transfer_rate:g} of the rate" if slower else ""
        yield f"from {transfer.source}: {counted(len(transfer.taken), 'layer')} taken over{rate}"
        for path, reason in transfer.new[:MOST_NEW]:
            yield f"  new       {path} ({reason})"
        if len(transfer.new) > MOST_NEW:
            yield f"  new       {len(transfer.new) - MOST_NEW} more: see run.json"
        if transfer.unused:
            yield f"  not used  {', '.join(transfer.unused[:MOST_NEW])}{', ...' if transfer.unused[MOST_NEW:] else ''}"
    if frozen:
        yield f"frozen: {', '.join(frozen[:MOST_NEW])}{', ...' if frozen[MOST_NEW:] else ''}"


def _within(path: str, block: str) -> bool:
    return path == block or path.startswith(f"{block}.")


def profile_lines(run: Run) -> Iterator[str]:
    """How the time of the last epoch was divided."""
    for event in run.events("profile")[-1:]:
        seconds: dict[str, float] = event["seconds"]
        width = max(map(len, seconds), default=0)
        yield f"Time of epoch {event['epoch']} by part (inside a step, that of the first thread):"
        for what, spent in sorted(seconds.items(), key=lambda each: -each[1]):
            if spent >= 0.0005:
                yield f"  {what:{width}} {spent:7.3f} s  {'▇' * round(40 * spent / max(seconds.values()))}"
        decoded = event.get("decoded")
        if decoded and decoded["seconds"]:
            rate = decoded["images"] * decoded["workers"] / decoded["seconds"]
            yield (
                f"Decoded {counted(decoded['images'], 'image')}, with those for validation: {rate:,.0f} images/s by "
                f"{counted(decoded['workers'], 'thread')}"
            )
