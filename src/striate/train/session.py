"""A training that is kept: the loop, with a run folder around it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from striate.data import preprocessing_for
from striate.description.network import Network, plan
from striate.errors import LearningError, RunError, ShapeError
from striate.execution.choice import missing
from striate.execution.names import KERNELS
from striate.files import clear_partial, write_whole
from striate.train.beginning import begin, require_layers
from striate.train.checkpoint import BEST, LAST, Saved, load_last, save_checkpoint, save_last, saved_before, set_aside
from striate.train.diagnose import Finding, GradientWatch, fallen_back, missed_classes, require_finite
from striate.train.distributed import World, here, job, require_one_model
from striate.train.filters import FILE as FILTERS
from striate.train.filters import keep_filters
from striate.train.images import Images as Images
from striate.train.images import decoding, images_as
from striate.train.judge import epochs_without_better, findings, is_best, judged, missed
from striate.train.learner import Learner
from striate.train.lock import Lock
from striate.train.loop import Batch, Epoch, Split, train
from striate.train.machine import device_called, environment, require_device
from striate.train.metrics import counts_of
from striate.train.optimisers import averages_in
from striate.train.pace import pace_of
from striate.train.recipe import Recipe
from striate.train.run import DataRecord, Run, create_run, events_again, now, require_free
from striate.train.settle import settle
from striate.train.state import Progress, progress_of
from striate.train.stop import stop_signals
from striate.wording import counted, percent

SAVE_EVERY = 30.0
"""Seconds between checkpoints inside an epoch; each epoch's end saves too."""
WATCH_EVERY = 50
"""Steps between looks at the gradients."""


@dataclass(frozen=True)
class Interrupted:
    """The training was stopped by a signal, and saved."""

    epoch: int
    batch: int


@dataclass(frozen=True)
class Finished:
    """The training is over: `why` it ended, and the best epoch with its validation accuracy, where classes are uneven
    also the balanced one, by which it was chosen."""

    why: str
    epoch: int
    accuracy: float
    balanced_accuracy: float | None = None


Event = Batch | Epoch | Finding | Interrupted | Finished


def prepare(
    network: Network, images: Images, recipe: Recipe, *, folder: Path, device: str = "auto", threads: int | None = None
) -> tuple[Run, Split]:
    """A new run, not yet on the disk, on the kernels that are fastest here, and its packed images.

    Raises DataError or ShapeError where network and images do not fit.
    """
    run, split = unsettled(network, images, recipe, folder=folder, device=device, threads=threads)
    return settle(run, threads=threads), split


def unsettled(
    network: Network, images: Images, recipe: Recipe, *, folder: Path, device: str = "auto", threads: int | None = None
) -> tuple[Run, Split]:
    """The same, before its kernels are found out."""
    if here().leads:  # it may have made the folder before another process is here
        require_free(folder)
    train_images = images.load("train", wanted=network.input[1:])
    outputs = plan(network).output
    if outputs != (len(train_images.classes),):
        raise ShapeError(
            f"{network.name} has an output of {'×'.join(map(str, outputs))} for {len(train_images.classes)} classes.",
            f"The classes are: {', '.join(train_images.classes[:12])}.",
            "Pass --adapt, which fits the last layer to the classes; or change it in a copy of the network "
            f"(striate show {network.name} --as net > mine.net); or give other images to --data.",
        )
    if images.way:
        preprocessing = replace(images.way, form=train_images.form)
    else:
        preprocessing = preprocessing_for(network.input, train_images, low=recipe.low, high=recipe.high)
    split = Split.of(train_images, preprocessing, hold_out_fraction=recipe.hold_out)
    record = DataRecord(
        source="" if images.given is not None else train_images.source,
        classes=train_images.classes,
        resize=images.resize,
        skip_unreadable=images.skip_unreadable,
        unreadable=train_images.unreadable,
        train_images=len(split.train),
        validation_images=len(split.validation),
        train_fingerprint=split.train.fingerprint(),
        validation_fingerprint=split.validation.fingerprint(),
        channels=train_images.images.shape[1],
        stream=images.stream,
        span=images.span,
        labels=images.labels,
    )
    run = Run(
        folder=folder,
        network=network,
        recipe=recipe,
        data=record,
        preprocessing=preprocessing,
        threads=threads or torch.get_num_threads(),
        device=device_called(device),
        environment=environment(),
    )
    return run, split


def reload(run: Run) -> Split:
    """The packed images of a run that is taken up again. RunError where they are not the same any more."""
    if run.reproduction is not None:
        raise RunError(
            f"{run.folder} was made by striate reproduce.",
            "striate train goes on with its own runs.",
            f"Go on with: striate reproduce --resume {run.folder}",
        )
    if run.single:
        raise RunError(
            f"{run.folder} is one file, and has no position to go on from.",
            "A training goes on in its own folder, from its last checkpoint.",
            f"Go on in that folder, or train the same network anew: striate train {run.folder}.",
        )
    if run.origin is not None:
        raise RunError(
            f"{run.folder} was not trained here: its weights come from {run.origin['file']}.",
            "A training goes on from its own last checkpoint.",
            "Train the same network anew: striate train RUN/network.json.",
        )
    if not run.data.source:
        raise RunError(
            f"{run.folder} was trained on arrays of a program, which it does not keep.",
            "A training goes on with the images that it began with.",
            "Call striate.fit again, with more epochs; or give its weights to a new run: striate train NETWORK --from "
            f"{run.folder}.",
        )
    images = images_as(run, run.data.source, way=run.preprocessing)
    split = Split.of(images.load("train"), run.preprocessing, hold_out_fraction=run.recipe.hold_out)
    seen = (split.train.fingerprint(), split.validation.fingerprint())
    if seen != (run.data.train_fingerprint, run.data.validation_fingerprint):
        raise RunError(
            f"the images of {run.data.source} are not those that this run began with.",
            f"It began with {run.data.train_images:,} + {run.data.validation_images:,} images.",
            "Bring them back as they were, or begin a new run.",
        )
    return split


def start(run: Run, split: Split, weights: Mapping[str, Tensor] | None = None) -> Iterator[Event]:
    """Make the run's folder and train from the beginning; the folder is held until the training is over.

    `weights` are those that it begins with where some are taken over from another run (`train.transfer.take_over`).
    """
    require_layers(run)  # an error comes before a folder is made
    world = here()
    if not world.leads:
        return _train(replace(run, follows=True), split, None, ExitStack())
    create_run(run, weights)
    with ExitStack() as held:
        held.enter_context(Lock(run.folder))
        members = {"processes": world.size, "job": job()} if world.size > 1 else {}
        run.log("started", network=run.network.name, recipe=run.recipe.to_dict(), **members)
        return _train(run, split, None, held.pop_all())


def resume(run: Run, split: Split) -> Iterator[Event]:
    """Go on from the run's last checkpoint; with none yet, from the beginning.

    Raises RunError where another process writes the run, or where the machine, the kernels or a file that it needs is
    not there or damaged.
    """
    require_device(run.device, folder=run.folder)
    if reason := missing(run.network, run.kernels, device=run.device):
        raise RunError(
            f"{run.folder} was trained on {KERNELS[run.kernels]}, which cannot run here: {reason}.",
            "It goes on, bit for bit, only on them.",
            "Begin a new run, or take it to a machine that has them; Striate's are compiled by: "
            "python -m striate.kernels.compile",
        )
    world = here()
    if not world.leads:
        return _train(replace(run, follows=True), split, None, ExitStack())
    with ExitStack() as held:
        held.enter_context(Lock(run.folder))
        clear_partial(run.folder)
        saved = load_last(run.folder)
        checkpoint = (saved, progress_of(saved.state, where=saved.path)) if saved else None
        history = checkpoint[1].history if checkpoint else []
        events = events_again(run, history)
        write_whole(run.path("events.jsonl"), "".join(f"{json.dumps(each)}\n" for each in events))
        run.log("resumed", epoch=checkpoint[1].position.get("epoch", 0) if checkpoint else 0)
        return _train(run, split, checkpoint, held.pop_all())


def _train(run: Run, split: Split, checkpoint: tuple[Saved, Progress] | None, held: ExitStack) -> Iterator[Event]:
    with held:
        try:
            yield from _steps(run, split, checkpoint)
        except LearningError as error:
            raise LearningError(error.what, error.expected, f"{error.remedy} {saved_before(run.folder)}") from None


def _shared(checkpoint: tuple[Saved, Progress] | None, world: World, run: Run) -> tuple[Saved, Progress] | None:
    """The checkpoint that the first process has read, in all processes."""
    state = world.told(lambda: None if checkpoint is None else asdict(checkpoint[1]))
    if state is None:
        return None
    tensors = world.tensors(checkpoint and checkpoint[0].tensors)
    return checkpoint or (Saved(run.path(LAST), tensors, {}), Progress(**state))


def _steps(run: Run, split: Split, checkpoint: tuple[Saved, Progress] | None) -> Iterator[Event]:
    recipe = run.recipe
    world = here()
    torch.set_num_threads(run.threads)
    model = begin(run, split, world, resumed=checkpoint is not None)
    fitted = replace(recipe, batch=min(recipe.batch, len(split.train)))
    learner = Learner(model, fitted, kernels=run.kernels, taken=run.transfer.taken if run.transfer else ())
    learner.pace = pace_of(run)
    history: list[dict[str, Any]] = []
    best: dict[str, Any] = {"epoch": 0, "accuracy": -1.0}
    checkpoint = _shared(checkpoint, world, run)
    if checkpoint is not None:
        saved, state = checkpoint
        learner.go_to(saved.tensors, state.position, where=saved.path)
        history, best = state.history, state.best
        if saved.why:
            set_aside(run.folder)
            finding = fallen_back(saved)
            run.log("warning", **asdict(finding))
            yield finding
    elif world.leads:
        keep_filters(run.path(FILTERS), model, epoch=0)

    def save() -> None:
        if not world.leads:
            return
        state = {"position": learner.position(), "history": history, "best": best}
        save_last(run.folder, learner.tensors(), state)

    def done() -> str | None:
        if recipe.until is not None and judged(best) >= recipe.until:
            which = " balanced accuracy" if best.get("balanced_accuracy") is not None else ""
            return f"reached {percent(recipe.until)}{which} on the validation images"
        if recipe.early_stopping and epochs_without_better(history) >= recipe.early_stopping:
            return f"{counted(recipe.early_stopping, 'epoch')} without a better validation accuracy"
        return counted(recipe.epochs, "epoch") if learner.epoch >= recipe.epochs else None

    watch, saved_at = GradientWatch(), time.monotonic()
    with stop_signals() as stop:
        learner.asked_to_stop = stop.is_set
        for event in () if done() else train(learner, split, run.preprocessing):
            if isinstance(event, Batch):
                require_finite(event.loss, step=event.epoch * event.batches + event.batch, rate=event.rate)
                finding = watch.look(model) if event.batch % WATCH_EVERY == 1 else None
                if finding and world.leads:
                    run.log("warning", **asdict(finding))
                    yield finding
                if time.monotonic() - saved_at > SAVE_EVERY:
                    save()
                    saved_at = time.monotonic()
            else:
                require_finite(event.validation_loss, step=event.epoch, rate=event.rate, of="validation loss")
                require_one_model(world, model, epoch=event.epoch)
                if world.leads:
                    with averages_in(learner.optimiser):
                        keep_filters(run.path(FILTERS), model, epoch=event.epoch)
                history.append({"event": "epoch", "time": now(), **asdict(event)})
                if is_best(event, best):
                    best.update(epoch=event.epoch, accuracy=event.accuracy, temperature=event.temperature)
                    best.update(balanced_accuracy=event.balanced_accuracy)
                    if world.leads:
                        save_checkpoint(run.path(BEST), learner.weights(), dict(best))
                save()
                saved_at = time.monotonic()
                run.log("epoch", **asdict(event))
                run.log("profile", epoch=event.epoch, seconds=learner.profile(), **decoding(split.train))
                for change in learner.pace.changes if learner.pace else ():
                    run.log("threads", epoch=event.epoch, **asdict(change))
                if learner.pace:
                    learner.pace.changes.clear()
                if world.leads:
                    yield from findings(run, learner, split, history)
            yield event
            if learner.stopped or (world.size == 1 and stop.is_set()):
                save()
                run.log("interrupted", epoch=learner.epoch, batch=learner.batch)
                yield Interrupted(learner.epoch, learner.batch)
                return
            if done():
                break
    finished = Finished(done() or "", best["epoch"], best["accuracy"], best.get("balanced_accuracy"))
    if world.leads and not run.events("finished"):
        if finding := missed_classes(missed(run, history, best["epoch"]), counts_of(split.train), run.classes):
            run.log("warning", epoch=best["epoch"], **asdict(finding))
            yield finding
        run.log("finished", **asdict(finished))
    yield finished
